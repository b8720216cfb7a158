internal import CQrateGnuTLS

/// SHA-256 over the DER form of a leaf certificate: what names a server that no authority vouches for.
package struct Fingerprint: Hashable, Sendable {
    private let bytes: [UInt8]

    package init(ofCertificate der: [UInt8]) {
        var digest = [UInt8](repeating: 0, count: Self.byteCount)
        let code = gnutls_hash_fast(GNUTLS_DIG_SHA256, der, der.count, &digest)
        // Depends on the library's build, never on the bytes, which may come from the network.
        precondition(code == 0, "GnuTLS was built without SHA-256")
        bytes = digest
    }

    /// Reads `sha256:` and 64 hexadecimal digits, in any case, also as pairs with colons between them (the way
    /// `certtool` and `openssl` print them).
    package init?(_ text: String) {
        let prefix = "sha256:"
        guard text.prefix(prefix.count).lowercased() == prefix else { return nil }
        let digits = Array(text.utf8.dropFirst(prefix.utf8.count))

        let hasColons = digits.count == 3 * Self.byteCount - 1
        guard hasColons || digits.count == 2 * Self.byteCount else { return nil }
        let stride = hasColons ? 3 : 2

        var bytes: [UInt8] = []
        for start in Swift.stride(from: 0, to: digits.count, by: stride) {
            guard let high = Self.value(ofDigit: digits[start]), let low = Self.value(ofDigit: digits[start + 1])
            else { return nil }
            if hasColons, start + 2 < digits.count, digits[start + 2] != UInt8(ascii: ":") { return nil }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
    }

    /// 64 lowercase digits.
    package var hex: String { Self.hex(bytes) }

    /// The form that `--pin` and `known_servers` take: `sha256:9f3c…`, in full.
    package var pin: String { "sha256:" + hex }

    /// For a line that has no room: `9f3c…d2`. Names a certificate to a reader, proves nothing.
    package var short: String { Self.hex(bytes.prefix(2)) + "…" + Self.hex(bytes.suffix(1)) }

    private static let byteCount = 32

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func value(ofDigit digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Fingerprint: CustomStringConvertible {
    /// `SHA256:` and all 64 digits.
    package var description: String { "SHA256:" + hex }
}
