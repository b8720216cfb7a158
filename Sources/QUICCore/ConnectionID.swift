internal import CQrateGnuTLS
internal import CQrateNgtcp2

/// A connection ID (RFC 9000 §5.1): 0 to 20 bytes, held inline because every received batch looks one up.
package struct ConnectionID: Hashable, Sendable {
    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt32 = 0
    private var length: UInt8 = 0

    package static let longest = 20
    /// The length of every ID that this program issues: short headers don't say how long theirs is.
    package static let issuedLength = 8

    /// nil when longer than QUIC version 1 allows.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= Self.longest else { return nil }
        length = UInt8(bytes.count)
        withUnsafeMutableBytes(of: &self) { target in
            for (index, byte) in bytes.enumerated() { target[index] = byte }
        }
    }

    init?(_ cid: ngtcp2_cid) {
        let count = cid.datalen
        let result = withUnsafeBytes(of: cid.data) { ConnectionID(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
        guard let result else { return nil }
        self = result
    }

    package static func random(length: Int = issuedLength) -> ConnectionID {
        var bytes = [UInt8](repeating: 0, count: min(length, longest))
        SecureRandom.fill(&bytes)
        return bytes.withUnsafeBytes { ConnectionID($0)! }  // not longer than `longest`, by the line above
    }

    /// An unpredictable ID (RFC 9000 §7.2) whose first byte isn't left to chance.
    package static func random(length: Int, firstByte: UInt8) -> ConnectionID {
        var id = random(length: length)
        if id.count > 0 { withUnsafeMutableBytes(of: &id) { $0[0] = firstByte } }
        return id
    }

    package var count: Int { Int(length) }

    /// 0 of an empty one.
    var firstByte: UInt8 { withUnsafeBytes(of: self) { $0[0] } }

    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: self) { body(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
    }

    var raw: ngtcp2_cid {
        var cid = ngtcp2_cid()
        cid.datalen = count
        withUnsafeMutableBytes(of: &cid.data) { target in withBytes { target.copyMemory(from: $0) } }
        return cid
    }
}

extension ConnectionID: CustomStringConvertible {
    package var description: String {
        withBytes { bytes in
            bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        }
    }
}

/// GnuTLS's random numbers. They come from its own generator, so there is no system call for each.
package enum SecureRandom {
    package static func fill(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { fill($0) }
    }

    static func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        let result = gnutls_rnd(GNUTLS_RND_RANDOM, bytes.baseAddress, bytes.count)
        precondition(result == 0, "the system has no random numbers: \(result)")
    }
}
