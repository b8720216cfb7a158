import QrateControlProtocol
package import QrateMeasurement
package import QrateTransportAPI
import Synchronization

/// Measures handshakes with one server, from the client's side, and always gives a report.
///
/// The first connection isn't measured: the server's certificate is judged on it, and it stays to ask the server what
/// processor time it used. Then each lane makes one handshake to warm up, and the phases follow.
package final class HandshakeTest: Sendable {
    private let transport: any Transport
    private let endpoint: Endpoint
    private let parameters: HandshakeParameters
    private let connectTimeout: Duration
    private let startedAt: Double
    private let time: Timekeeper
    private let cancellation = Mutex(Cancellation())

    private struct Cancellation {
        var isRequested = false
        /// How to reach what runs now.
        var stop: (@Sendable () -> Void)?
    }

    package enum Event: Sendable {
        /// The server was accepted: the report holds the two ends.
        case started(HandshakeTestReport)
        case phaseBegan(HandshakeKind)
        case phaseEnded(HandshakePhaseReport)
    }

    /// - Parameters:
    ///   - startedAt: Wall clock, seconds since 1970 (UTC), for the report.
    ///   - clock: What answers and signs of life are timed with. Handshakes are timed by the transport.
    package init(
        transport: any Transport, endpoint: Endpoint, parameters: HandshakeParameters, connectTimeout: Duration,
        startedAt: Double, clock: some Clock<Duration> = NappingClock()
    ) {
        self.transport = transport
        self.endpoint = endpoint
        self.parameters = parameters
        self.connectTimeout = connectTimeout
        self.startedAt = startedAt
        time = Timekeeper(clock)
    }

    /// Ends the measurement early: ``run(_:)`` returns what was measured, with `interrupted` as its failure. Idempotent, from
    /// anywhere. Cancelling the task that runs it does the same.
    package func cancel() {
        let stop = cancellation.withLock { cancellation in
            cancellation.isRequested = true
            return cancellation.stop
        }
        stop?()
    }

    private var isCancelled: Bool { cancellation.withLock { $0.isRequested } }

    /// Sets what a cancellation reaches; at once, when it came before.
    private func onCancel(_ stop: @escaping @Sendable () -> Void) {
        let isRequested = cancellation.withLock { cancellation in
            cancellation.stop = stop
            return cancellation.isRequested
        }
        if isRequested { stop() }
    }

    /// Runs it, once.
    ///
    /// - Parameter emit: Called in order, before this returns.
    package func run(_ emit: @escaping @Sendable (Event) -> Void) async -> HandshakeTestReport {
        // A task of its own, which the caller's cancellation doesn't reach: lanes are stopped in order.
        let work = Task { await self.conduct(emit) }
        return await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            cancel()
        }
    }

    private func conduct(_ emit: @escaping @Sendable (Event) -> Void) async -> HandshakeTestReport {
        var report = HandshakeTestReport(
            startedAt: startedAt, parameters: parameters, client: EndReport(software: QrateVersion.software))
        do throws(TestFailure) {
            if let failure = parameters.usageFailure { throw failure }
            let session = try await connect()
            report.server = EndReport(software: "unknown", host: endpoint.host, address: session.peer.address)
            report.security = session.peer.security
            report.warnings = session.peer.warnings
            do throws(TestFailure) {
                try await measure(session, &report, emit)
                await session.close(.done)
            } catch {
                await session.close(error.kind == .interrupted ? .cancelled : .done)
                throw error
            }
        } catch {
            report.failure = isCancelled ? TestFailure(.interrupted, "The measurement was interrupted.") : error
        }
        return report
    }

    private func connect() async throws(TestFailure) -> any TransportSession {
        let connecting = Task {
            [transport, endpoint, connectTimeout] () -> Result<any TransportSession, TransportError> in
            do throws(TransportError) {
                return .success(try await transport.connect(to: endpoint, timeout: connectTimeout))
            } catch {
                return .failure(error)
            }
        }
        onCancel { connecting.cancel() }
        do throws(TransportError) { return try await connecting.value.get() } catch { throw error.failure }
    }

    private func measure(
        _ session: any TransportSession, _ report: inout HandshakeTestReport, _ emit: @Sendable (Event) -> Void
    ) async throws(TestFailure) {
        let dialogue = ServerDialogue(session, time)
        let greeting = Task { () -> Result<String?, TestFailure> in
            do throws(TestFailure) { return .success(try await dialogue.greet()) } catch { return .failure(error) }
        }
        onCancel { greeting.cancel() }
        if let software = try await greeting.value.get() {
            report.server?.software = software
        } else if !isCancelled {
            report.warnings.append(.silentServer)
        }
        if session.peer.isLoopback { report.warnings.append(.loopback) }
        let lanes: any HandshakeLanes
        do throws(TransportError) { lanes = try session.handshakeLanes(parameters.parallel) } catch {
            throw error.failure
        }
        onCancel { lanes.cancel() }
        emit(.started(report))
        do throws(TestFailure) {
            try await run(lanes, dialogue, &report, emit)
            await lanes.close()
        } catch {
            await lanes.close()
            throw error
        }
    }

    private func run(
        _ lanes: any HandshakeLanes, _ dialogue: ServerDialogue, _ report: inout HandshakeTestReport,
        _ emit: @Sendable (Event) -> Void
    ) async throws(TestFailure) {
        let warmUp = LaneWarmUp()
        await lanes.run(
            HandshakeJob(
                kind: .cold, keepsTickets: parameters.kinds.contains(.resumed), timeout: connectTimeout), warmUp)
        if let error = warmUp.error { throw error.failure }
        var failure: TestFailure?
        for kind in parameters.kinds {
            if isCancelled { throw TestFailure(.interrupted, "") }
            emit(.phaseBegan(kind))
            let tally = HandshakeTally(
                kind, duration: parameters.durationPerKind, count: parameters.count, lanes: lanes.count)
            onCancel {
                tally.stop()
                lanes.cancel()
            }
            let serverBefore = await dialogue.usage()
            let clientBefore = ProcessClock.now()
            let job = HandshakeJob(kind: kind, keepsTickets: kind == .resumed, timeout: connectTimeout)
            await watching(dialogue) { await lanes.run(job, tally) }
            let clientAfter = ProcessClock.now()
            let serverAfter = tally.isLost ? nil : await dialogue.usage()
            var phase = tally.report
            phase.clientCPU = clientAfter - clientBefore
            if let serverBefore, let serverAfter { phase.serverCPU = serverAfter - serverBefore }
            report.phases.append(phase)
            emit(.phaseEnded(phase))
            if isCancelled { throw TestFailure(.interrupted, "") }
            failure = failure ?? tally.failure
            if tally.isLost { break }
        }
        if let failure { throw failure }
    }

    /// Lets the server know in a long measurement that its client is there.
    private func watching(_ dialogue: ServerDialogue, _ work: @Sendable () async -> Void) async {
        let watch = Task { [time] in
            while true {
                do { try await time.alarm(after: Tunables.signOfLife)() } catch { return }  // cancelled
                // In a task of its own: an answer that isn't waited for to its end would be taken for the next one's.
                guard await Task(operation: { await dialogue.usage() }).value != nil else { return }
            }
        }
        await work()
        watch.cancel()
        await watch.value
    }
}
