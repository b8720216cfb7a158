/// What a client shows in the Initial packets of a test's data connections (DESIGN.md section 3): the server finds the
/// test by it before the connection exists, and makes the connection with that test's settings.
///
/// Anybody on the path can read it there. It names a test; it doesn't authorise anything beyond a connection whose
/// client must be at the address, and trust the certificate, of the test's own.
package struct ConnectionToken: Hashable, Sendable {
    /// What the server gave out in `test_ack`: the same for all connections of the test.
    package let secret: [UInt8]
    /// Which of the test's connections this is: 0 for the first.
    package let place: UInt8

    /// Tells it from the library's own tokens (Retry 0xb6, NEW_TOKEN 0x36).
    private static let magic: UInt8 = 0x51
    private static let secretLength = 24

    package init(secret: [UInt8], place: UInt8) {
        self.secret = secret
        self.place = place
    }

    /// Of a test that begins.
    package static func randomSecret() -> [UInt8] {
        var secret = [UInt8](repeating: 0, count: secretLength)
        SecureRandom.fill(&secret)
        return secret
    }

    /// Parses what an Initial packet carried; nil for a token of another kind.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.secretLength + 2, bytes.first == Self.magic, let place = bytes.last else {
            return nil
        }
        secret = Array(bytes[1...Self.secretLength])
        self.place = place
    }

    package var bytes: [UInt8] { [Self.magic] + secret + [place] }

    /// The first byte of the connection ID that a client sends its first packets to. A server of several threads chooses
    /// the thread by it: a test's connections get consecutive ones, so that they are spread whatever the number of threads
    /// is, and different tests begin at different ones.
    var firstByte: UInt8 { (secret.first ?? 0) % 128 &+ place }

    // MARK: In `test_ack`

    /// The secret in hexadecimal.
    package static func text(_ secret: [UInt8]) -> String {
        secret.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// nil unless `text` is what ``text(_:)`` gives.
    package static func secret(_ text: String) -> [UInt8]? {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == text.utf8.count, digits.count == 2 * secretLength else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
