import QrateMeasurement
import QrateTransportAPI
import Synchronization

/// How many data threads a server may have.
final class DataThreads: Sendable {
    private let limit: Int
    private let used = Mutex(0)

    init(limit: Int) { self.limit = limit }

    func take(_ count: Int) throws(TransportError) {
        let left = used.withLock { used in
            let left = limit - used
            if count <= left { used += count }
            return left
        }
        guard count <= left else {
            throw TransportError(
                .refused,
                "this server is busy: the test needs \(count) data threads, and \(left) of its \(limit) are free")
        }
    }

    func giveBack(_ count: Int) { used.withLock { $0 -= count } }
}
