package import QrateMeasurement
package import QrateTransportAPI
import Synchronization

/// One test from the client's side: connects, runs it, and always gives a report.
package final class ClientTest: Sendable {
    private let transport: any Transport
    private let endpoint: Endpoint
    private let parameters: TestParameters
    private let connectTimeout: Duration
    private let startedAt: Double
    private let platform: Platform?
    private let time: Timekeeper
    private let cancellation = Mutex(Cancellation())
    private let pausing = Mutex(Pausing.notYet)

    private struct Cancellation {
        var isRequested = false
        /// How to reach what runs now.
        var stop: (@Sendable () -> Void)?
    }

    /// Whether the test can be paused now.
    private enum Pausing {
        /// No payload moves, not yet or not any more.
        case notYet, over
        case impossible(server: String)
        case possible(@Sendable (Bool) -> Void)
    }

    /// - Parameters:
    ///   - startedAt: Wall clock, seconds since 1970 (UTC), for the report.
    ///   - platform: This end's.
    ///   - clock: What durations and deadlines are measured with.
    package init(
        transport: any Transport, endpoint: Endpoint, parameters: TestParameters, connectTimeout: Duration,
        startedAt: Double, platform: Platform? = nil, clock: some Clock<Duration> = NappingClock()
    ) {
        self.transport = transport
        self.endpoint = endpoint
        self.parameters = parameters
        self.connectTimeout = connectTimeout
        self.startedAt = startedAt
        self.platform = platform
        time = Timekeeper(clock)
    }

    /// Ends the test early. The server is told, and gets ``Tunables/cancelGrace`` to send what it counted; then
    /// ``run(_:)`` returns a partial report whose failure is `interrupted`. May be called from anywhere, at any time,
    /// and repeatedly. Cancelling the task that runs the test does the same.
    package func cancel() {
        let stop = cancellation.withLock { cancellation in
            cancellation.isRequested = true
            return cancellation.stop
        }
        stop?()
    }

    /// Lets payload stand still at both ends, or go on: the time between counts nowhere, and no limit but that of
    /// the pause itself (an hour) goes on. Repetition has no effect.
    ///
    /// - Throws: `usage` when there is nothing to be paused, or the server can't.
    package func setPaused(_ isPaused: Bool) throws(TestFailure) {
        switch pausing.withLock({ $0 }) {
        case .notYet: throw TestFailure(.usage, "The test has not started: there is nothing to pause.")
        case .over: throw TestFailure(.usage, "The test is over: there is nothing to pause.")
        case .impossible(let server): throw TestFailure(.usage, "The server (\(server)) cannot pause a test.")
        case .possible(let tell): tell(isPaused)
        }
    }

    /// Runs the test, once.
    ///
    /// - Parameter emit: Called from the test's own task, in order, before this returns; it shouldn't take long.
    /// - Returns: All that was measured. When the test didn't run to its planned end, the report says why.
    package func run(_ emit: @escaping @Sendable (TestEvent) -> Void) async -> TestReport {
        // A task of its own, which the caller's cancellation doesn't reach: a cancelled test still has to listen.
        let work = Task { await self.conduct(emit) }
        return await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            cancel()
        }
    }

    private func conduct(_ emit: @escaping @Sendable (TestEvent) -> Void) async -> TestReport {
        var machine = ClientMachine(
            id: TestID.random(), startedAt: startedAt, host: endpoint.host, parameters: parameters,
            platform: platform)
        guard !machine.isFinished else { return machine.report }

        let connecting = Task {
            [transport, endpoint, connectTimeout] () -> Result<any TransportSession, TransportError> in
            do throws(TransportError) {
                return .success(try await transport.connect(to: endpoint, timeout: connectTimeout))
            } catch {
                return .failure(error)
            }
        }
        onCancel { connecting.cancel() }
        switch await connecting.value {
        case .failure(let error):
            let isCancelled = cancellation.withLock { $0.isRequested }
            _ = machine.handle(isCancelled ? .stopRequested : .transportFailed(error), now: time.now)
            return machine.report
        case .success(let session):
            let mailbox = Mailbox()
            onCancel { mailbox.post(.stopRequested) }
            var loop = SessionLoop(machine, over: session, mailbox: mailbox, time: time) { event in
                if case .started(let header) = event { self.learn(header, mailbox) }
                emit(event)
            }
            defer { pausing.withLock { $0 = .over } }
            return await loop.run().report
        }
    }

    private func learn(_ header: TestHeader, _ mailbox: Mailbox) {
        pausing.withLock { pausing in
            pausing =
                header.canPause
                ? .possible { mailbox.post(.pauseRequested($0)) } : .impossible(server: header.server.software)
        }
    }

    /// Sets what a cancellation reaches; at once, when it came before.
    private func onCancel(_ stop: @escaping @Sendable () -> Void) {
        let isRequested = cancellation.withLock { cancellation in
            cancellation.stop = stop
            return cancellation.isRequested
        }
        if isRequested { stop() }
    }
}
