/// A library whose AEAD seals and opens packets and records. The raw value is its name in results.
package enum AEADLibrary: String, Sendable, Hashable, CaseIterable {
    /// The one that does the handshakes, for every suite.
    case gnutls
    /// For AES-GCM, where the system has it.
    case ipsecMB = "libipsec-mb"
}

/// The suites that more than one library may do (RFC 8446 appendix B.4).
package enum AESGCM: Sendable, Hashable, CaseIterable, BitwiseCopyable {
    case aes128
    case aes256

    /// In bytes.
    package var keySize: Int {
        switch self {
        case .aes128: 16
        case .aes256: 32
        }
    }

    /// In bytes, of the nonce and of the tag (RFC 5116 §5.1).
    package static let nonceSize = 12
    package static let tagSize = 16
}
