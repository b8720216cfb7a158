import Glibc
import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSecurity
import QrateSockets
import QrateTransportAPI
import Synchronization

/// Connections to a QUIC server for the sake of their handshakes, each lane on an endpoint of its own.
final class QUICHandshakeLanes: HandshakeLanes {
    private let lanes: [QUICHandshakeLane]
    private let isCancelled: Cancellation

    /// - Parameters:
    ///   - dialer: The first connection's, which was judged: where the others begin and go to.
    ///   - leaf: The certificate that the server showed on it.
    init(
        _ count: Int, _ dialer: DataDialer, _ leaf: Fingerprint, applicationProtocol: String
    ) throws(TransportError) {
        let isCancelled = Cancellation()
        self.isCancelled = isCancelled
        var beginning = dialer.further.beginning
        beginning?.port = 0
        do throws(SocketError) {
            var lanes: [QUICHandshakeLane] = []
            for index in 0..<count {
                let socket = try DatagramSocket.connected(to: dialer.remote, from: beginning, DatagramSocket.Options())
                lanes.append(
                    QUICHandshakeLane(
                        index, try QUICEndpoint(socket, name: "qrate-lane"), from: try socket.localAddress(),
                        Dialing(dialer: dialer, leaf: leaf, applicationProtocol: applicationProtocol), isCancelled))
            }
            self.lanes = lanes
        } catch {
            throw TransportError(.failed, "cannot connect: \(error)", code: Int64(error.code))
        }
    }

    var count: Int { lanes.count }

    func run(_ job: HandshakeJob, _ sink: any HandshakeSink) async {
        await withDiscardingTaskGroup { group in
            for lane in lanes { group.addTask { await lane.run(job, sink) } }
        }
    }

    func cancel() {
        isCancelled.set()
        for lane in lanes { lane.giveUp() }
    }

    func close() async {
        for lane in lanes { await lane.endpoint.stop() }
    }

    /// How a lane connects.
    struct Dialing: Sendable {
        let dialer: DataDialer
        let leaf: Fingerprint
        let applicationProtocol: String
    }

    final class Cancellation: Sendable {
        private let flag = Atomic(false)
        func set() { flag.store(true, ordering: .releasing) }
        var isSet: Bool { flag.load(ordering: .acquiring) }
    }
}

/// One lane: a socket, its thread, and the connection whose handshake is under way.
///
/// `@unchecked Sendable`: what isn't `Sendable` by itself is touched on the endpoint's thread alone.
final class QUICHandshakeLane: @unchecked Sendable {
    let endpoint: QUICEndpoint
    private let index: Int
    private let local: SocketAddress
    private let dialing: QUICHandshakeLanes.Dialing
    private let isCancelled: QUICHandshakeLanes.Cancellation
    private var current: Run?
    /// What this lane may resume next.
    private let memory = SessionMemory()

    private struct Run {
        let job: HandshakeJob
        let sink: any HandshakeSink
        let waiter: CheckedContinuation<Void, Never>
    }

    /// After a failure, so that a server that is gone isn't asked thousands of times a second.
    private static let pause = Duration.milliseconds(100)

    init(
        _ index: Int, _ endpoint: QUICEndpoint, from local: SocketAddress, _ dialing: QUICHandshakeLanes.Dialing,
        _ isCancelled: QUICHandshakeLanes.Cancellation
    ) {
        self.index = index
        self.endpoint = endpoint
        self.local = local
        self.dialing = dialing
        self.isCancelled = isCancelled
    }

    func run(_ job: HandshakeJob, _ sink: any HandshakeSink) async {
        await withCheckedContinuation { waiter in
            endpoint.post { [self] loop in
                current = Run(job: job, sink: sink, waiter: waiter)
                next(loop)
            }
        }
    }

    func giveUp() { endpoint.post { $0.closeAll(code: CloseReason.cancelled.rawValue) } }

    // MARK: On the endpoint's thread

    private func next(_ loop: EndpointLoop) {
        guard let run = current else { return }
        let now = MonotonicClock.now()
        guard !isCancelled.isSet, run.sink.mayBegin(lane: index, now: now) else {
            current = nil
            return run.waiter.resume()
        }
        guard run.job.kind == .cold || memory.count > 0 else {
            run.sink.failed(.noTicket, .noTicket)
            return later { self.connect($0, run.job) { _ in self.goOn() } }  // for its ticket alone
        }
        connect(loop, run.job) { [self] outcome in
            switch outcome {
            case .completed(let handshake): run.sink.completed(handshake)
            case .failure(let fault, let error):
                guard !isCancelled.isSet else { break }
                run.sink.failed(fault, error)
                return later { self.next($0) }
            }
            goOn()
        }
    }

    private func connect(
        _ loop: EndpointLoop, _ job: HandshakeJob, _ ended: @escaping (LaneConnection.Outcome) -> Void
    ) {
        guard !isCancelled.isSet else { return goOn() }
        let begun = MonotonicClock.now()
        let sessions = job.keepsTickets ? memory : nil
        do throws(QUICError) {
            let connection = try dialing.dialer.dial(
                nil, dialing.leaf, from: local, applicationProtocol: dialing.applicationProtocol, sessions: sessions,
                now: begun)
            loop.add(connection) { _ in LaneConnection(begun: begun, sessions, ended) }
        } catch {
            ended(.failure(.other, TransportError(.failed, "\(error)", code: Int64(error.code))))
        }
    }

    /// Not at once: the loop is in the middle of its connections.
    private func goOn() { endpoint.post { self.next($0) } }

    private func later(_ work: @escaping @Sendable (EndpointLoop) -> Void) {
        Task { [self] in
            try? await Task.sleep(for: Self.pause)
            endpoint.post(work)
        }
    }
}

/// A connection of a lane, from its first packet until its end is told to the server.
final class LaneConnection: QUICConnectionHandler {
    private let begun: MonotonicTime
    /// Where a ticket must go before the connection is of no more use; nil when none is waited for.
    private let sessions: SessionMemory?
    private let ended: (Outcome) -> Void
    private var completed: MonotonicTime?
    private var isOver = false

    enum Outcome {
        case completed(CompletedHandshake)
        case failure(HandshakeFault, TransportError)
    }

    /// How long a server may take to confirm the handshake, once it is complete here, and to send a ticket.
    private static let confirmation = Duration.seconds(2)

    init(begun: MonotonicTime, _ sessions: SessionMemory?, _ ended: @escaping (Outcome) -> Void) {
        self.begun = begun
        self.sessions = sessions
        self.ended = ended
    }

    var deadline: MonotonicTime {
        guard !isOver, let completed else { return .never }
        return completed + Self.confirmation
    }

    func willReceive(_ connection: QUICConnection, now: MonotonicTime) {}
    func willTurn(_ connection: QUICConnection, now: MonotonicTime) {}

    func didTurn(_ connection: QUICConnection, now: MonotonicTime) {
        guard !isOver, let completed else { return }
        let isLate = now >= deadline
        guard connection.isHandshakeConfirmed else {
            if isLate {
                end(.failure(.timeout, TransportError(.failed, "the server did not confirm the handshake")), connection)
            }
            return
        }
        // The ticket comes with the confirmation, or behind it. It isn't missed before the next handshake.
        guard isLate || sessions?.count != 0 else { return }
        let kind = connection.isResumed == true ? HandshakeKind.resumed : .cold
        end(
            .completed(CompletedHandshake(completedAt: completed, duration: completed - begun, kind: kind)), connection)
    }

    func handle(_ event: QUICEvent, _ connection: QUICConnection, now: MonotonicTime) {
        switch event {
        case .handshakeCompleted: completed = MonotonicClock.now()
        case .ended(let ending):
            guard !isOver else { return }
            isOver = true
            ended(outcome(ending, connection))
        default: break  // a server that was asked for nothing has nothing to say
        }
    }

    func peerUnreachable(_ connection: QUICConnection, now: MonotonicTime) {
        guard !isOver else { return }
        end(
            .failure(.connectionRefused, TransportError(.failed, "nothing listens on the server's UDP port")),
            connection)
    }

    private func end(_ outcome: Outcome, _ connection: QUICConnection) {
        isOver = true
        connection.close(code: CloseReason.done.rawValue, reason: "")
        ended(outcome)
    }

    private func outcome(_ ending: QUICEnding, _ connection: QUICConnection) -> Outcome {
        if case .refused(let refusal)? = connection.verdict {
            return .failure(.certificate, TransportError(.certificate, refusal.message))
        }
        let error = ending.error(at: .client) ?? TransportError(.failed, "the connection was closed")
        switch ending {
        case .handshakeTimeout, .idleTimeout: return .failure(.timeout, error)
        case .transportErrorFromPeer, .tlsAlert, .versionMismatch: return .failure(.protocolError, error)
        case .closedHere, .closedByPeer, .statelessReset, .libraryError: return .failure(.other, error)
        }
    }
}
