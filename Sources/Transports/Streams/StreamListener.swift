import QrateMeasurement
package import QrateSecurity
import QrateSockets
package import QrateTransportAPI

/// A server's control connections over TCP, bare or secured, and the data connections of their tests, on its front door.
package final class StreamListener: TransportListener {
    package let port: UInt16
    package let sessions: AsyncStream<any TransportSession>
    package let refusals: AsyncStream<RefusedClient>
    /// Without the shared UDP port where this kernel can't share it as flows need it.
    package let traits: PeerTraits
    private let arrivals: Arrivals
    private let loop: StreamLoop

    /// Where the loop's thread puts the clients that came.
    private struct Arrivals: Sendable {
        let sessions: AsyncStream<any TransportSession>.Continuation
        let refusals: AsyncStream<RefusedClient>.Continuation
    }

    /// Refusals that wait to be logged: a log that is slower than a flood of clients misses some.
    private static let refusalBacklog = 256

    package struct Options: Sendable {
        /// Data threads of all tests together.
        package var dataThreads = 1024
        /// Connections at once that have not said what they are for: xfr's number. More are closed.
        package var arrivals = 400
        /// Who seals and opens records at this end.
        package var aead = AEADLibrary.gnutls
        /// Where the secrets of TLS connections go; nil for nowhere.
        package var keyLog: KeyLog?

        package init() {}
    }

    /// - Parameter credentials: What TLS clients are shown and asked for: asked for each new connection, so that
    ///   certificates can be replaced while the server runs. nil serves no TLS.
    package init(
        on door: FrontDoor, _ options: Options = Options(), credentials: (@Sendable () -> ServerCredentials)? = nil
    ) throws(TransportError) {
        port = door.port
        traits = door.flows.canShareThePort ? .qrate : PeerTraits.qrate.subtracting(.singlePortUDP)
        let (sessions, session) = AsyncStream.makeStream(of: (any TransportSession).self)
        let (refusals, refusal) = AsyncStream.makeStream(
            of: RefusedClient.self, bufferingPolicy: .bufferingOldest(Self.refusalBacklog))
        self.sessions = sessions
        self.refusals = refusals
        let arrivals = Arrivals(sessions: session, refusals: refusal)
        self.arrivals = arrivals
        let loop: StreamLoop
        do throws(SocketError) {
            loop = try StreamLoop(name: "qrate-streams")
        } catch {
            throw TransportError(.failed, "cannot serve TCP: \(error)", code: Int64(error.code))
        }
        self.loop = loop
        let registry = DataRegistry()
        let makers = Self.makers(door, registry, loop, DataThreads(limit: options.dataThreads))
        let listener = door.listener
        loop.post { turn in
            let arrivalDoor = Arrival.Door(
                registry: registry, echo: door.echo,
                secure: { socket in
                    credentials.flatMap {
                        TLSStream.server(socket, $0(), aead: options.aead, keyLog: options.keyLog)
                    }
                },
                refused: { socket, error in
                    arrivals.refusals.yield(RefusedClient(address: "\(socket.remote)", failure: error.failure))
                },
                connected: { stream, received, turn in
                    // Whoever may choose between a door with a lock and one without isn't kept out by the lock.
                    let isOpen = stream.transport == .tls || credentials?().clientAuthority == nil
                    Self.begin(
                        stream, received, makers, loop, turn, arrivals, door.echo,
                        refusal: isOpen ? nil : Self.withoutCertificate)
                })
            turn.add(Acceptor(listener, arrivalDoor, mostArrivals: options.arrivals))
        }
    }

    /// What a session offers, by what protects its control connection: data is never protected less.
    private static func makers(
        _ door: FrontDoor, _ registry: DataRegistry, _ loop: StreamLoop, _ threads: DataThreads
    ) -> [TransportKind: [TransportKind: any PlaneMaker]] {
        let tcp = TCPPlaneMaker.Server(registry: registry, loop: loop, threads: threads)
        let tls = TCPPlaneMaker.Server(registry: registry, loop: loop, threads: threads, transport: .tls)
        let udp = UDPPlaneMaker.Server(door: door.flows, loop: loop, threads: threads, base: door.options)
        return [
            .tcp: [.tcp: tcp, .udp: udp],
            .tls: [.tls: tls],
        ]
    }

    private static let withoutCertificate = TestFailure(
        .permission,
        "This server demands a certificate of its clients, which TCP and UDP tests can't show: use QUIC or --tls, with "
            + "--client-cert and --client-key.")

    private static func begin(
        _ stream: any ByteStream, _ received: [UInt8], _ makers: [TransportKind: [TransportKind: any PlaneMaker]],
        _ loop: StreamLoop, _ turn: StreamLoopTurn, _ arrivals: Arrivals, _ echo: EchoDoor, refusal: TestFailure?
    ) {
        let socket = stream.socket
        guard let stop = try? StopSignal() else { return }  // no descriptor is left: the client may try again
        socket.watchControl()
        let core = ControlCore(stream, received: received)
        turn.add(core)
        turn.poke(core)
        let connection = ControlConnection(
            local: socket.local, remote: socket.remote, endpoint: nil,
            congestionController: socket.congestionController, stop: stop)
        let offered = makers[stream.transport] ?? [:]
        let peer = PeerIdentity(address: "\(socket.remote)", transports: Set(offered.keys), refusal: refusal)
        arrivals.sessions.yield(
            StreamSession(
                peer: peer, connection: connection, loop: loop, core: core, makers: offered, ownsLoop: false, echo: echo
            ))
    }

    package func close() async {
        await loop.stop()
        arrivals.sessions.finish()
        arrivals.refusals.finish()
    }
}

/// Takes the connections that come to a server's port.
private final class Acceptor: StreamLoopMember {
    private let listener: StreamListenerSocket
    private let door: Arrival.Door
    private(set) var deadline = MonotonicTime.never

    private let mostArrivals: Int
    /// How long nothing is accepted when the process has no descriptors left.
    private static let pause = Duration.milliseconds(100)

    init(_ listener: StreamListenerSocket, _ door: Arrival.Door, mostArrivals: Int) {
        self.mostArrivals = mostArrivals
        self.listener = listener
        self.door = door
    }

    var descriptor: Int32 { listener.descriptor }
    var interest: SocketPoll.Ready { deadline == .never ? .readable : [] }

    func turn(_ ready: SocketPoll.Ready, _ loop: StreamLoopTurn, now: MonotonicTime) -> Bool {
        deadline = .never
        do throws(SocketError) {
            while let socket = try listener.accept() {
                guard loop.count({ $0 is Arrival }) < mostArrivals else { continue }
                loop.add(Arrival(socket, door, now: now))
            }
        } catch {
            deadline = now + Self.pause
        }
        return true
    }

    func loopEnds() { listener.stop() }
}
