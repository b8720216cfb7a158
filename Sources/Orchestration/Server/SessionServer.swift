import QrateControlProtocol
package import QrateMeasurement
package import QrateTransportAPI
import Synchronization

/// Serves the sessions of a listener, many at once, each in a task of its own.
package final class SessionServer: Sendable {
    private let listener: any TransportListener
    private let limits: AdmissionControl.Limits
    private let platform: Platform?
    private let time: Timekeeper
    private let emit: @Sendable (ServerEvent) -> Void
    private let state: Mutex<State>
    private let commands: AsyncStream<Command>
    private let command: AsyncStream<Command>.Continuation

    private struct State {
        var admission: AdmissionControl
        var sessions: [UInt64: Place] = [:]
        var arrivals: UInt64 = 0
        var isStopping = false
    }

    /// A session's, while it lasts.
    private struct Place {
        var mailbox: Mailbox
        var test = TestStage.none
    }

    private enum TestStage: Equatable { case none, running(TestParameters), over }

    private enum Command: Sendable { case stop, emptied, deadline }

    /// - Parameters:
    ///   - listener: Closed when ``run()`` returns.
    ///   - platform: This end's, to be told to clients.
    ///   - emit: Called from the sessions' tasks, several at a time.
    package init(
        listener: any TransportListener, limits: AdmissionControl.Limits = AdmissionControl.Limits(),
        platform: Platform? = nil, clock: some Clock<Duration> = NappingClock(),
        emit: @escaping @Sendable (ServerEvent) -> Void
    ) {
        self.listener = listener
        self.limits = limits
        self.platform = platform
        self.emit = emit
        time = Timekeeper(clock)
        state = Mutex(State(admission: AdmissionControl(limits)))
        (commands, command) = AsyncStream.makeStream()
    }

    /// Tests that run now.
    package var runningTests: Int { state.withLock { $0.admission.running } }
    /// Sessions that are open now, with a test or without.
    package var openSessions: Int { state.withLock { $0.sessions.count } }

    /// Ends the running tests, which get their partial results, refuses new ones, and lets ``run()`` return after
    /// ``Tunables/shutdown`` at the latest. Idempotent.
    package func stop() { command.yield(.stop) }

    /// Serves until ``stop()``, the listener's end, or the end of the one test of a one-off server. Cancelling the task
    /// stops at once, without partial results.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.superviseEnd() }
            group.addTask {
                for await client in self.listener.refusals {
                    self.emit(.refused(peer: client.address, client.failure))
                }
            }
            for await session in listener.sessions {
                group.addTask { await self.serve(session) }
            }
            command.finish()
            group.cancelAll()
        }
    }

    // MARK: - One session

    private func serve(_ session: any TransportSession) async {
        let mailbox = Mailbox()
        guard let key = enter(mailbox) else { return await turnAway(session) }
        defer { leave(key) }
        let machine = ServerMachine(
            longestTest: limits.duration, silence: limits.silence, traits: listener.traits, platform: platform)
        var loop = SessionLoop(
            machine, over: session, mailbox: mailbox, time: time, admit: { self.admit($0, key) }
        ) { event in
            // Before the client has its result: it may come back at once, and shall not find its own place taken.
            if case .finished = event { self.endTest(key) }
            self.emit(event)
        }
        _ = await loop.run()
    }

    /// Sessions wait without a test for ``Tunables/firstLine`` and ``Tunables/reply``; so many may do that at once.
    private var mostSessions: Int { limits.tests + Tunables.mostWaitingSessions }

    private func enter(_ mailbox: Mailbox) -> UInt64? {
        state.withLock { state in
            guard state.sessions.count < mostSessions else { return nil }
            state.arrivals += 1
            state.sessions[state.arrivals] = Place(mailbox: mailbox)
            if state.isStopping { mailbox.post(.stopRequested) }
            return state.arrivals
        }
    }

    private func admit(_ parameters: TestParameters, _ key: UInt64) -> TestFailure? {
        state.withLock { state in
            let refusal = state.admission.admit(parameters)
            if refusal == nil { state.sessions[key]?.test = .running(parameters) }
            return refusal
        }
    }

    private func endTest(_ key: UInt64) {
        state.withLock { state in
            guard case .running(let test) = state.sessions[key]?.test else { return }
            state.sessions[key]?.test = .over
            state.admission.leave(test)
        }
    }

    private func leave(_ key: UInt64) {
        endTest(key)
        let (wasTest, isEmpty) = state.withLock { state in
            let wasTest = state.sessions.removeValue(forKey: key)?.test == .over
            return (wasTest, state.sessions.isEmpty)
        }
        if wasTest, limits.isOneOff { command.yield(.stop) }
        if isEmpty { command.yield(.emptied) }
    }

    /// Without a machine and its timers: there are too many of them.
    private func turnAway(_ session: any TransportSession) async {
        let failure = TestFailure(.refused, "This server is busy: \(mostSessions) sessions are open, its limit.")
        emit(.refused(peer: session.peer.address, failure))
        if let line = try? ControlCodec.encode(.error(ErrorMessage(failure))) { try? await session.control.send(line) }
        await session.close(.refused)
    }

    // MARK: - The end

    /// Waits for the order to stop, then for the sessions' end or the deadline, and closes the listener.
    private func superviseEnd() async {
        var deadline: Task<Void, Never>?
        supervising: for await command in commands {
            switch command {
            case .stop:
                guard deadline == nil else { continue }
                let alarm = time.alarm(after: Tunables.shutdown)
                deadline = Task { [command = self.command] in
                    do { try await alarm() } catch { return }  // cancelled
                    command.yield(.deadline)
                }
                if stopSessions() == 0 { break supervising }
            case .emptied: if deadline != nil { break supervising }
            case .deadline: break supervising
            }
        }
        deadline?.cancel()
        await listener.close()
    }

    /// - Returns: How many there are.
    private func stopSessions() -> Int {
        state.withLock { state in
            state.isStopping = true
            for place in state.sessions.values { place.mailbox.post(.stopRequested) }
            return state.sessions.count
        }
    }
}
