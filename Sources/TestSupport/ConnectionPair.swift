package import QrateMeasurement
package import QrateQUICCore
package import QrateSecurity

/// A client's and a server's connection joined by two simulated links, on a clock that moves only as far as the next
/// thing that is due. No socket, no thread, no waiting.
///
/// The pair does what an endpoint's thread does around connections, and checks what that thread relies on: each batch
/// keeps ``Transmit``'s promises, and timers that were handled don't stay due.
package final class ConnectionPair {
    package let client: QUICConnection
    /// Comes to be with the client's first datagram. A new one takes its place when it has finished and a client asks.
    package private(set) var server: QUICConnection?
    package let gate: ServerGate
    package var toServer: SimulatedLink
    package var toClient: SimulatedLink
    package private(set) var now = start
    package private(set) var clientEvents: [QUICEvent] = []
    package private(set) var serverEvents: [QUICEvent] = []
    /// Control bytes that came out at each end.
    package private(set) var controlAtServer: [UInt8] = []
    package private(set) var controlAtClient: [UInt8] = []
    /// Whether control bytes get their credit back as they come out.
    package var consumesControl = true
    /// Answers that the gate gave without a connection: Retry, Version Negotiation, stateless reset.
    package private(set) var gateReplies: [GateReply] = []
    /// The gate is told that many handshakes are under way.
    package var isUnderLoad = false
    /// The server has forgotten everything: what comes is answered by its gate only.
    package var serverLostState = false
    /// The most datagrams in a batch.
    package var batchLimit = QUICConnection.largestBatch { didSet { largestBatch = 0 } }
    /// Batches sent, and the most datagrams that one held since the limit was set.
    package private(set) var batches = 0
    package private(set) var largestBatch = 0

    private let options: Options
    /// The IDs that lead to the server's connection.
    private var serverIDs: Set<ConnectionID> = []
    private let clientAddress = LoopbackAddress(port: 40_000)
    /// The client as the server sees it: behind a translator, whose mapping may change.
    private var mappedAddress = LoopbackAddress(port: 40_000)
    private let serverAddress = LoopbackAddress(port: 5_201)
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    /// A sockaddr_in on loopback, as it would come from a socket.
    package static func address(port: UInt16) -> [UInt8] { LoopbackAddress(port: port).bytes }

    package static let start = MonotonicTime(nanoseconds: 1_000_000_000)

    package struct Options {
        package var clientSettings = ConnectionSettings()
        package var serverSettings = ConnectionSettings()
        package var clientProtocols = ["qrate/1"]
        package var serverProtocols = ["qrate/1"]
        package var demandsRetry = false
        package var serverName: String? = "localhost"
        package var trust: ServerTrust
        package var identity: ServerIdentity
        package var clientIdentity = ClientIdentity()
        /// Demands a certificate of the client.
        package var clientAuthority: ClientAuthority?
        /// Instead of those made of the two, for servers that shall resume each other's sessions.
        package var credentials: ServerCredentials?
        /// What the client resumes, and where its tickets go.
        package var sessions: SessionMemory?
        package var link = SimulatedLink()
        /// What the client shows in its Initial packets, and what the server has given out.
        package var clientToken: ConnectionToken?
        package var knownToken: ConnectionToken?

        package init(identity: ServerIdentity, trust: ServerTrust? = nil) {
            self.identity = identity
            self.trust = trust ?? ServerTrust(.insecure, endpoint: "localhost:5201")
        }

        /// The same at both ends.
        package var settings: ConnectionSettings {
            get { clientSettings }
            set {
                clientSettings = newValue
                serverSettings = newValue
            }
        }
    }

    package struct GateReply: Sendable {
        package var received: Int
        package var sent: Int
    }

    /// A connection broke a promise that its driver relies on.
    package struct BrokenPromise: Error {
        package var promise: String
    }

    package init(_ options: Options) throws {
        self.options = options
        gate = ServerGate(demandsRetry: options.demandsRetry)
        toServer = options.link
        toClient = options.link
        let local = clientAddress, remote = serverAddress
        client = try local.withBytes { local in
            try remote.withBytes { remote in
                try QUICConnection.client(
                    local: local, remote: remote, identity: options.clientIdentity, trust: options.trust,
                    serverName: options.serverName, applicationProtocols: options.clientProtocols,
                    token: options.clientToken, sessions: options.sessions, settings: options.clientSettings,
                    now: Self.start)
            }
        }
    }

    deinit { buffer.deallocate() }

    // MARK: Running

    /// Lets time pass until `condition` holds. False when nothing is due any more, or `limit` has passed.
    @discardableResult
    package func run(limit: Duration = .seconds(60), until condition: (ConnectionPair) throws -> Bool) throws -> Bool {
        let end = now + limit
        var idleSteps = 0
        while true {
            let hasMoved = try step()
            if try condition(self) { return true }
            let next = min(toServer.nextArrival, toClient.nextArrival, client.expiry, server?.expiry ?? .never)
            guard next != .never, next <= end else { return false }
            idleSteps = hasMoved || next > now ? 0 : idleSteps + 1
            guard idleSteps < 1000 else { throw BrokenPromise(promise: "a timer that was handled is no longer due") }
            now = max(now, next)
        }
    }

    /// Runs for a while, whatever happens.
    package func run(for duration: Duration) throws {
        let end = now + duration
        try run(limit: duration) { _ in false }
        now = max(now, end)
    }

    /// Runs until both ends have completed the handshake.
    package func handshake() throws -> Bool {
        try run { $0.client.isHandshakeComplete && ($0.server?.isHandshakeComplete ?? false) }
    }

    /// Whether a datagram was moved.
    private func step() throws -> Bool {
        var hasMoved = false
        while let run = toServer.receiveRun(now: now) {
            try deliverToServer(run)
            hasMoved = true
        }
        while let run = toClient.receiveRun(now: now) {
            deliver(run, to: client, local: clientAddress, remote: serverAddress)
            hasMoved = true
        }
        client.handleExpiry(now: now)
        server?.handleExpiry(now: now)
        if try flush(client, local: clientAddress, remote: serverAddress, { toServer.send($0, now: now) }) {
            hasMoved = true
        }
        if let server, !serverLostState, try flush(server, local: serverAddress, remote: nil, sendToClient) {
            hasMoved = true
        }
        collectEvents()
        return hasMoved
    }

    /// The events that stand for the end of each connection.
    package var clientEndings: [QUICEnding] { clientEvents.endings }
    package var serverEndings: [QUICEnding] { serverEvents.endings }

    private func collectEvents() {
        while let event = client.pollEvent() {
            clientEvents.append(event)
            if case .control(let bytes) = event {
                controlAtClient += bytes
                if consumesControl { client.consumedControl(bytes.count) }
            }
        }
        while let event = server?.pollEvent() {
            serverEvents.append(event)
            switch event {
            case .control(let bytes):
                controlAtServer += bytes
                if consumesControl { server?.consumedControl(bytes.count) }
            case .issuedConnectionID(let id): serverIDs.insert(id)
            case .retiredConnectionID(let id): serverIDs.remove(id)
            default: break
            }
        }
    }

    // MARK: Datagrams

    /// Hands a datagram to the client at once, as if it had just arrived.
    package func deliverToClient(_ datagram: SimulatedLink.Datagram) {
        deliver(.init(datagram), to: client, local: clientAddress, remote: serverAddress)
    }

    /// Hands a datagram to the server at once, as if it had just arrived.
    package func deliverToServer(_ datagram: SimulatedLink.Datagram) throws { try deliverToServer(.init(datagram)) }

    /// To the connection that the header names, or to the gate.
    private func deliverToServer(_ run: SimulatedLink.Run) throws {
        let header = run.bytes.withUnsafeBytes {
            DatagramHeader.parse(UnsafeRawBufferPointer(rebasing: $0.prefix(run.segmentSize)))
        }
        if let server, !serverLostState, !server.isFinished, let id = header.connectionID, serverIDs.contains(id) {
            deliver(run, to: server, local: serverAddress, remote: mappedAddress)
            return
        }
        for datagram in run.datagrams { try judge(datagram) }
    }

    private func judge(_ datagram: SimulatedLink.Datagram) throws {
        let header = datagram.bytes.withUnsafeBytes { DatagramHeader.parse($0) }
        switch judge(datagram, header) {
        case .drop: break
        case .reply(let count):
            gateReplies.append(GateReply(received: datagram.bytes.count, sent: count))
            toClient.send(.init(bytes: Array(buffer.prefix(count))), now: now)
        case .accept(let initial):
            guard !serverLostState else { return }
            let made = try makeServer(initial)
            deliver(.init(datagram), to: made, local: serverAddress, remote: mappedAddress)
            // One that can't read its first datagram, and one beside the client's, is a forgery: of no interest here.
            guard !made.isFinished, server?.isFinished ?? true else { return }
            server = made
            collectEvents()
        }
    }

    private func judge(_ datagram: SimulatedLink.Datagram, _ header: DatagramHeader) -> ServerGate.Decision {
        datagram.bytes.withUnsafeBytes { bytes in
            mappedAddress.withBytes {
                gate.judge(
                    bytes, header, remote: $0, reply: buffer, isUnderLoad: isUnderLoad, now: now.nanoseconds
                ) { $0 == options.knownToken }
            }
        }
    }

    private func makeServer(_ initial: ServerGate.AcceptedInitial) throws -> QUICConnection {
        try serverAddress.withBytes { local in
            try mappedAddress.withBytes { remote in
                try QUICConnection.server(
                    initial, local: local, remote: remote,
                    credentials: options.credentials
                        ?? ServerCredentials(options.identity, clientAuthority: options.clientAuthority),
                    applicationProtocols: options.serverProtocols, gate: gate, settings: options.serverSettings,
                    now: now)
            }
        }
    }

    /// Takes the client's next datagram off the link, whenever it is due.
    package func interceptFromClient() -> SimulatedLink.Datagram? { toServer.receive(now: .never) }

    /// The translator between client and server forgets its mapping: the server sees another port, and what it sends
    /// to the old one is lost (RFC 9000 §9).
    package func rebindClient(toPort port: UInt16) { mappedAddress = LoopbackAddress(port: port) }

    private func sendToClient(_ datagram: SimulatedLink.Datagram, _ remote: LoopbackAddress) {
        if remote == mappedAddress { toClient.send(datagram, now: now) }
    }

    private func deliver(
        _ run: SimulatedLink.Run, to connection: QUICConnection, local: LoopbackAddress, remote: LoopbackAddress
    ) {
        run.bytes.withUnsafeBytes { bytes in
            local.withBytes { local in
                remote.withBytes { remote in
                    connection.handleDatagrams(
                        bytes, segmentSize: run.segmentSize, local: local, remote: remote, ecn: run.ecn, now: now)
                }
            }
        }
    }

    private func flush(
        _ connection: QUICConnection, local: LoopbackAddress, remote: LoopbackAddress?,
        _ send: (SimulatedLink.Datagram) -> Void
    ) throws -> Bool {
        try flush(connection, local: local, remote: remote) { datagram, _ in send(datagram) }
    }

    /// Sends what may be sent. Whether there was anything.
    ///
    /// - Parameter remote: Where all of it must go; nil where that may change.
    private func flush(
        _ connection: QUICConnection, local: LoopbackAddress, remote: LoopbackAddress?,
        _ send: (SimulatedLink.Datagram, LoopbackAddress) -> Void
    ) throws -> Bool {
        var hasSent = false
        while let batch = connection.pollTransmit(into: buffer, limit: batchLimit, now: now) {
            hasSent = true
            batches += 1
            largestBatch = max(largestBatch, batch.datagramCount)
            try batch.check(limit: batchLimit, local: local, remote: remote)
            guard let target = LoopbackAddress(batch.remote) else {
                throw BrokenPromise(promise: "a batch has an address")
            }
            var offset = 0
            while offset < batch.byteCount {
                let count = min(batch.segmentSize, batch.byteCount - offset)
                send(.init(bytes: Array(buffer[offset..<offset + count]), ecn: batch.ecn), target)
                offset += count
            }
        }
        return hasSent
    }
}

extension Array where Element == QUICEvent {
    fileprivate var endings: [QUICEnding] {
        compactMap { if case .ended(let ending) = $0 { ending } else { nil } }
    }
}

extension DatagramHeader {
    fileprivate var connectionID: ConnectionID? {
        switch self {
        case .short(let id), .long(let id): id
        case .unsupportedVersion, .notQUIC: nil
        }
    }
}
