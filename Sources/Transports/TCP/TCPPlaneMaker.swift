import Glibc
import QrateControlProtocol
import QrateMeasurement
import QrateSockets
import QrateTransportAPI
import Synchronization

/// Makes data planes of N connections, bare TCP or whatever byte stream the control connection is made of.
enum TCPPlaneMaker {
    /// How long a test waits for its data connections.
    static let attachingTime = Duration.seconds(30)

    /// The largest payload of one write.
    static func checkUnit(_ settings: TransportSettings) throws(TransportError) {
        guard let unit = settings.payloadUnit, unit.bytes > UInt64(PayloadBlock.size) || unit == .zero else { return }
        throw TransportError(
            .usage, "writes of \(unit.bytes) bytes are out of range: 1 to \(PayloadBlock.size)")
    }

    /// What the test's sockets are asked for.
    static func options(_ settings: TransportSettings) -> StreamOptions {
        var options = StreamOptions()
        options.bufferSize = settings.window.map { Int(clamping: $0.bytes) }
        options.congestionController = settings.congestionController
        options.typeOfService = settings.typeOfService
        options.maxSegmentSize = settings.maxSegmentSize
        options.sendsWithoutDelay = settings.sendsWithoutDelay
        options.usesMultipath = settings.usesMultipath
        return options
    }

    // MARK: Server

    struct Server: PlaneMaker {
        let registry: DataRegistry
        let loop: StreamLoop
        let threads: DataThreads
        /// What the data connections are: the same as the control connection.
        var transport = TransportKind.tcp

        func offer(
            _ plan: DataPlan, beside control: ControlConnection
        ) async throws(TransportError) -> (any SessionPlane, DataOffer) {
            try check(plan)
            let count = plan.streams * (plan.sends && plan.receives ? 2 : 1)
            try threads.take(count)
            let plane: TCPDataPlane
            do throws(TransportError) {
                plane = try TCPDataPlane(plan, control) { [threads] in threads.giveBack(count) }
            } catch {
                threads.giveBack(count)
                throw error
            }
            do throws(TransportError) {
                let offer = DataOffer(ports: try await expect(plane, plan, control))
                let deadline = MonotonicClock.now() + attachingTime
                loop.post { [weak plane] turn in turn.at(deadline) { plane?.attachingTimeIsOver() } }
                return (plane, offer)
            } catch {
                await plane.close()
                throw error
            }
        }

        func open(
            _ plan: DataPlan, _ offer: DataOffer, beside control: ControlConnection
        ) async throws(TransportError) -> any SessionPlane {
            throw TransportError(.failed, "a server opens no data connections")
        }

        private func check(_ plan: DataPlan) throws(TransportError) {
            try checkUnit(plan.parameters.settings)
            guard let name = plan.parameters.settings.congestionController,
                let error = CongestionControl.refusal(of: name)
            else { return }
            throw TransportError(
                .refused,
                "Unsupported congestion control algorithm '\(name)': \(error.reason) (available: "
                    + CongestionControl.available.joined(separator: " ") + ")", code: Int64(error.code))
        }

        /// Makes the client's data connections welcome.
        ///
        /// - Returns: One port per stream, where they can't come to the control connection's.
        private func expect(
            _ plane: TCPDataPlane, _ plan: DataPlan, _ control: ControlConnection
        ) async throws(TransportError) -> [UInt16] {
            guard !plan.peer.contains(.singlePortTCP) else {
                let entry = DataRegistry.Entry(
                    host: control.remote.host, transport: transport, streams: plan.streams, sink: plane)
                guard registry.register(plan.testID, entry) else {
                    throw TransportError(.refused, "a test with the id \(plan.testID) is running already")
                }
                plane.atTheEnd { [registry, weak plane] in
                    if let plane { registry.remove(plan.testID, plane) }
                }
                return []
            }
            guard transport == .tcp else {
                throw TransportError(
                    .refused, "a \(transport.rawValue) test needs a client that has single_port_tcp")
            }
            plane.atTheEnd { [loop] in
                loop.post { turn in turn.remove(where: { ($0 as? PortAcceptor)?.isOver ?? false }) }
            }
            var address = control.local
            address.port = 0
            var ports: [UInt16] = []
            for index in 0..<plan.streams {
                do throws(SocketError) {
                    let listener = try StreamListenerSocket.listening(on: address, options(plan.parameters.settings))
                    ports.append(listener.port)
                    let deadline = MonotonicClock.now() + attachingTime
                    let host = control.remote.host
                    loop.post { turn in
                        turn.add(PortAcceptor(listener, index, host, plane, deadline))
                    }
                } catch {
                    throw TransportError(.failed, "cannot open a data port: \(error)", code: Int64(error.code))
                }
            }
            return ports
        }
    }

    // MARK: Client

    struct Client: PlaneMaker {
        let connector: StreamConnector

        /// Connections that are being made at the same time: no more than xfr's.
        private static let mostInFlight = 16

        func offer(
            _ plan: DataPlan, beside control: ControlConnection
        ) async throws(TransportError) -> (any SessionPlane, DataOffer) {
            throw TransportError(.failed, "a client offers no data ports")
        }

        func open(
            _ plan: DataPlan, _ offer: DataOffer, beside control: ControlConnection
        ) async throws(TransportError) -> any SessionPlane {
            try checkUnit(plan.parameters.settings)
            guard offer.ports.isEmpty || offer.ports.count == plan.streams, !offer.ports.contains(0) else {
                throw TransportError(
                    .protocolError, "the server offers \(offer.ports.count) data ports for \(plan.streams) streams")
            }
            guard !offer.ports.isEmpty || plan.peer.contains(.singlePortTCP) else {
                throw TransportError(.protocolError, "the server offers no data ports, and no way to do without")
            }
            let plane = try TCPDataPlane(plan, control) {}
            do throws(TransportError) {
                try await connectAll(plane, plan, offer, control)
                return plane
            } catch {
                await plane.close()
                throw error
            }
        }

        private func connectAll(
            _ plane: TCPDataPlane, _ plan: DataPlan, _ offer: DataOffer, _ control: ControlConnection
        ) async throws(TransportError) {
            let deadline = MonotonicClock.now() + attachingTime
            let queue = ConnectQueue(count: plan.streams)
            await withDiscardingTaskGroup { group in
                for _ in 0..<min(Self.mostInFlight, plan.streams) {
                    group.addTask {
                        await DedicatedThread.run(name: "qrate-connect") {
                            while let index = queue.next() {
                                do throws(TransportError) {
                                    let stream = try connect(index, plan, offer, control, deadline)
                                    plane.attach(stream, index: index, received: [])
                                } catch {
                                    queue.fail(error)
                                }
                            }
                        }
                    }
                }
            }
            if let error = queue.failure { throw error }
        }

        /// On a thread that may block.
        private func connect(
            _ index: Int, _ plan: DataPlan, _ offer: DataOffer, _ control: ControlConnection, _ deadline: MonotonicTime
        ) throws(TransportError) -> any ByteStream {
            var address = control.remote
            if index < offer.ports.count { address.port = offer.ports[index] }
            let port = try localPort(index)
            let stream = try connector.connect(
                to: address, port: port, options(plan.parameters.settings), timeout: attachingTime, deadline,
                control.stop)
            guard offer.ports.isEmpty else { return stream }
            let hello: [UInt8]
            do {
                hello = try ControlCodec.encode(
                    .dataHello(DataHello(testID: plan.testID, streamIndex: UInt16(clamping: index))))
            } catch {
                throw TransportError(.failed, "the test's id can't be sent")
            }
            try write(hello, to: stream, control, deadline)
            return stream
        }

        private func localPort(_ index: Int) throws(TransportError) -> UInt16 {
            guard let first = connector.local.port else { return 0 }
            guard let port = UInt16(exactly: Int(first) + index) else {
                throw TransportError(
                    .usage, "the port of stream \(index + 1), counted from --cport \(first), is above 65535")
            }
            return port
        }

        private func write(
            _ bytes: [UInt8], to stream: any ByteStream, _ control: ControlConnection, _ deadline: MonotonicTime
        ) throws(TransportError) {
            var done = 0
            while done < bytes.count {
                let result = bytes.withUnsafeBytes { bytes in
                    Result { () throws(TransportError) in
                        try stream.write(UnsafeRawBufferPointer(rebasing: bytes[done...]))
                    }
                }
                if case .bytes(let count) = try result.get() {
                    done += count
                    continue
                }
                let now = MonotonicClock.now()
                let ready = StreamPoll.wait(
                    for: .writable, on: stream.socket.descriptor, control.stop,
                    nanoseconds: (deadline - now).nanoseconds)
                guard !ready.contains(.woken), now < deadline else {
                    throw TransportError(.failed, "a data connection to \(control.remote) could not be opened")
                }
            }
        }
    }
}

/// The data connections that are to be made, handed out to several threads.
private final class ConnectQueue: Sendable {
    private let count: Int
    private let state = Mutex(State())

    private struct State {
        var next = 0
        var failure: TransportError?
    }

    init(count: Int) { self.count = count }

    /// The next index; nil when none is left, or one has failed.
    func next() -> Int? {
        state.withLock { state in
            guard state.next < count, state.failure == nil else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    /// The first failure is kept.
    func fail(_ error: TransportError) { state.withLock { if $0.failure == nil { $0.failure = error } } }

    var failure: TransportError? { state.withLock { $0.failure } }
}

/// Takes the one connection that comes to a stream's own port.
private final class PortAcceptor: StreamLoopMember {
    private let listener: StreamListenerSocket
    private let index: Int
    private let host: String
    private weak var plane: TCPDataPlane?
    let deadline: MonotonicTime

    init(
        _ listener: StreamListenerSocket, _ index: Int, _ host: String, _ plane: TCPDataPlane, _ deadline: MonotonicTime
    ) {
        self.listener = listener
        self.index = index
        self.host = host
        self.plane = plane
        self.deadline = deadline
    }

    var descriptor: Int32 { listener.descriptor }
    var interest: SocketPoll.Ready { .readable }
    var isOver: Bool { plane?.isClosed ?? true }

    func turn(_ ready: SocketPoll.Ready, _ loop: StreamLoopTurn, now: MonotonicTime) -> Bool {
        guard now < deadline, let plane, !isOver else { return false }
        guard let socket = (try? listener.accept()) ?? nil else { return true }
        // A stranger doesn't use the port up.
        guard socket.remote.host == host else { return true }
        plane.attach(TCPStream(socket), index: index, received: [])
        return false
    }

    func loopEnds() {}
}
