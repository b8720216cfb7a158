internal import CQrateGnuTLS
package import QrateMeasurement
internal import Synchronization

/// What an end offers and takes in a handshake, in GnuTLS's words: the same for QUIC and for TLS over TCP, so that the two
/// can be compared.
package enum TLSPriorities {
    /// What carries the handshake.
    package enum Carrier: Sendable {
        case quic
        case tcp
    }

    /// - Parameters:
    ///   - cipher: The only one to agree to; nil for all of them. A client's order decides (this library's servers follow it),
    ///     so AES-128-GCM comes first: ChaCha20-Poly1305 in GnuTLS 3.7.9 is 15 times slower where the CPU has AES.
    ///   - resumesSessions: A resumed session gets keys of its own all the same (psk_dhe_ke): without saying so, a client
    ///     would also offer to do without (RFC 8446 §4.2.9), and what one ticket's secret opens would be two connections.
    package static func text(_ carrier: Carrier, cipher: CipherSuite? = nil, resumesSessions: Bool = false) -> String {
        let ciphers = cipher.map { [$0] } ?? CipherSuite.allCases
        let names = ciphers.map { ":+" + name($0) }.joined()
        return prefix(carrier) + "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL" + names
            + ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1" + (resumesSessions ? ":+ECDHE-PSK" : "")
    }

    /// TLS 1.3's middlebox compatibility mode is forbidden in QUIC (RFC 9001 §8.4), and helps on TCP (RFC 8446 appendix
    /// D.4).
    private static func prefix(_ carrier: Carrier) -> String {
        switch carrier {
        case .quic: "%DISABLE_TLS13_COMPAT_MODE:"
        case .tcp: ""
        }
    }

    private static func name(_ cipher: CipherSuite) -> String {
        switch cipher {
        case .aes128gcm: "AES-128-GCM"
        case .aes256gcm: "AES-256-GCM"
        case .chacha20: "CHACHA20-POLY1305"
        }
    }
}

extension TLSPriorities {
    /// Which text.
    private struct Choice: Hashable {
        let carrier: Carrier
        let cipher: CipherSuite?
        let resumesSessions: Bool
    }

    /// What GnuTLS made of each text, of which there are few: parsing one takes it a tenth as long as a handshake.
    private static let parsed = Mutex<[Choice: Parsed]>([:])

    /// Never freed, and only read once it is made.
    private struct Parsed: @unchecked Sendable {
        let handle: gnutls_priority_t
    }

    /// Has a session offer, or take, what ``text(_:cipher:resumesSessions:)`` says.
    static func apply(
        to session: OpaquePointer, _ carrier: Carrier, cipher: CipherSuite? = nil, resumesSessions: Bool = false
    ) throws(TLSError) {
        let choice = Choice(carrier: carrier, cipher: cipher, resumesSessions: resumesSessions)
        let result = parsed.withLock { parsed in
            Result { () throws(TLSError) in
                if let known = parsed[choice] { return known }
                var handle: gnutls_priority_t?
                let text = text(carrier, cipher: cipher, resumesSessions: resumesSessions)
                try TLSError.check(gnutls_priority_init(&handle, text, nil), "choosing ciphers")
                guard let handle else { throw .gnutls(GNUTLS_E_MEMORY_ERROR, "choosing ciphers") }
                parsed[choice] = Parsed(handle: handle)
                return Parsed(handle: handle)
            }
        }
        try TLSError.check(gnutls_priority_set(session, try result.get().handle), "choosing ciphers")
    }
}
