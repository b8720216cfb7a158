import QrateTransportAPI
import Synchronization

/// Control bytes on their way from a transport's thread to the one task that reads them.
///
/// Bounded by the transport's flow control: more is read, and credit given back, when bytes are taken out, not when they
/// arrive.
final class ControlInbox: Sendable {
    private let state = Mutex(State())

    private struct State {
        var bytes: [UInt8] = []
        var ending: Ending?
        var waiter: CheckedContinuation<Void, Never>?
    }

    enum Ending {
        /// The peer ended its half, or closed the connection in order.
        case ended
        case failed(TransportError)
    }

    /// Bytes that wait to be taken out.
    var backlog: Int { state.withLock { $0.bytes.count } }

    func append(_ bytes: [UInt8]) {
        update { $0.bytes += bytes }
    }

    /// Only the first ending counts.
    func end(_ ending: Ending) {
        update { if $0.ending == nil { $0.ending = ending } }
    }

    private func update(_ body: (inout State) -> Void) {
        let waiter = state.withLock { state in
            body(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// What has arrived, at least one byte; nil at the end. Ends early, with nil, when the task is cancelled.
    func next() async throws(TransportError) -> [UInt8]? {
        while true {
            if let result = try take() { return result.isEmpty ? nil : result }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        guard state.bytes.isEmpty, state.ending == nil, !Task.isCancelled else { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                update { _ in }
            }
            if Task.isCancelled { return nil }
        }
    }

    /// Bytes; empty at the end; nil when there is nothing yet.
    private func take() throws(TransportError) -> [UInt8]? {
        let (bytes, ending) = state.withLock { state in
            defer { state.bytes = [] }
            return (state.bytes, state.ending)
        }
        guard bytes.isEmpty else { return bytes }
        switch ending {
        case nil: return nil
        case .ended?: return []
        case .failed(let error)?: throw error
        }
    }
}
