package import QrateMeasurement
import QrateSecurity

extension TestWarning {
    /// What a reader should know of a session's protection.
    static func about(_ security: SecurityReport?) -> [TestWarning] {
        security?.cipher == TLSEnd.slowCipher && ProcessorFeatures.hasAES ? [.slowCipher] : []
    }

    package static let slowCipher = TestWarning(
        code: "slow_cipher",
        message:
            "ChaCha20-Poly1305 protects the payload, although this processor has instructions for AES: the figures "
            + "may be about the cipher, which the TLS library does many times slower than AES-128-GCM.")
}
