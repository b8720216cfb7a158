/// The share of all connection IDs that one thread of a server issues.
///
/// Several threads on one port tell by an ID alone whose a packet is, wherever it came from: the owner is the remainder of
/// the ID's first byte divided by the number of threads. That holds for the IDs that they issue, and for those that clients
/// choose for their first packets. The rest of an ID is random, as is the first byte but for the remainder: to an observer
/// of a client that changes its address it tells which thread it stays on, and no more (RFC 9000 §5.1).
package struct ConnectionIDSpace: Sendable, Hashable {
    /// Which thread's, from 0 on.
    package let index: Int
    /// How many threads there are.
    package let count: Int

    /// How many threads there may be. A byte's worth of them would leave nothing to chance.
    package static let counts = 1...64

    /// The only thread's: every ID.
    package init() {
        index = 0
        count = 1
    }

    /// nil unless `index` is one of `count` threads, which are 64 at most.
    package init?(index: Int, of count: Int) {
        guard Self.counts.contains(count), (0..<count).contains(index) else { return nil }
        self.index = index
        self.count = count
    }

    /// A new ID of this thread's.
    package func random() -> ConnectionID {
        guard count > 1 else { return .random() }
        var bytes = [UInt8](repeating: 0, count: ConnectionID.issuedLength)
        SecureRandom.fill(&bytes)
        let places = (256 - index + count - 1) / count  // the bytes with this remainder
        bytes[0] = UInt8(truncatingIfNeeded: index + count * (Int(bytes[0]) % places))
        return bytes.withUnsafeBytes { ConnectionID($0) } ?? .random()
    }

    /// The thread whose ID this is.
    package func owner(of id: ConnectionID) -> Int { count > 1 ? Int(id.firstByte) % count : 0 }
}
