import CQrateSocketShims
import Glibc
import Synchronization

/// Tells any number of waiting threads, once and for good, that something is over.
package final class StopSignal: Sendable {
    let descriptor: Int32
    private let raised = Atomic(false)

    package init() throws(SocketError) { descriptor = try SocketError.check(qrate_eventfd(), "opening an eventfd") }

    deinit { Glibc.close(descriptor) }

    package var isRaised: Bool { raised.load(ordering: .acquiring) }

    /// Idempotent, from any thread.
    package func raise() {
        raised.store(true, ordering: .releasing)
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)  // never read: it stays signalled
    }
}
