internal import Synchronization

/// The one thing that the two halves of a connection tell each other.
final class TLSShared: Sendable {
    private let wantsUpdate = Atomic(false)

    /// The reading half: the peer asked for a key update.
    func requestUpdate() { wantsUpdate.store(true, ordering: .relaxed) }

    /// The writing half: whether it was asked since the last time. Several requests have one answer (RFC 8446 §4.6.3).
    func takeUpdateRequest() -> Bool {
        // A load first, because it is asked for every record and the exchange isn't free.
        guard wantsUpdate.load(ordering: .relaxed) else { return false }
        return wantsUpdate.exchange(false, ordering: .relaxed)
    }
}
