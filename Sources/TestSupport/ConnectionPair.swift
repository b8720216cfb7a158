import Glibc
package import QrateMeasurement
package import QrateQUICCore
package import QrateSecurity

/// A client's and a server's connection joined by two simulated links, on a clock that moves only as far as the next
/// thing that is due. No socket, no thread, no waiting.
package final class ConnectionPair {
    package let client: QUICConnection
    /// Comes to be with the client's first datagram.
    package private(set) var server: QUICConnection?
    package var toServer: SimulatedLink
    package var toClient: SimulatedLink
    package private(set) var now = MonotonicTime(nanoseconds: 1_000_000_000)
    package private(set) var clientEvents: [QUICEvent] = []
    package private(set) var serverEvents: [QUICEvent] = []
    /// Control bytes that came out at each end.
    package private(set) var controlAtServer: [UInt8] = []
    package private(set) var controlAtClient: [UInt8] = []
    /// Answers that the gate gave without a connection: Retry, Version Negotiation, stateless reset.
    package private(set) var gateReplies = 0
    /// The server has forgotten everything: what comes is answered by its gate only.
    package var serverLostState = false

    private let options: Options
    private let gate: ServerGate
    private let clientAddress = ConnectionPair.address(port: 40_000)
    private let serverAddress = ConnectionPair.address(port: 5_201)
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

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
        package var link = SimulatedLink()

        package init(identity: ServerIdentity, trust: ServerTrust? = nil) {
            self.identity = identity
            self.trust = trust ?? ServerTrust(.insecure, endpoint: "localhost:5201")
        }
    }

    package init(_ options: Options) throws {
        self.options = options
        gate = ServerGate(demandsRetry: options.demandsRetry)
        toServer = options.link
        toClient = options.link
        let local = clientAddress, remote = serverAddress
        let start = MonotonicTime(nanoseconds: 1_000_000_000)
        client = try local.withUnsafeBytes { local in
            try remote.withUnsafeBytes { remote in
                try QUICConnection.client(
                    local: local, remote: remote, identity: options.clientIdentity, trust: options.trust,
                    serverName: options.serverName, applicationProtocols: options.clientProtocols,
                    settings: options.clientSettings, now: start)
            }
        }
    }

    deinit { buffer.deallocate() }

    /// A sockaddr_in on loopback.
    private static func address(port: UInt16) -> [UInt8] {
        var raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_port = port.bigEndian
        raw.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        return withUnsafeBytes(of: &raw) { Array($0) }
    }

    // MARK: Running

    /// Lets time pass until `condition` holds. False when nothing is due any more, or `limit` has passed.
    @discardableResult
    package func run(limit: Duration = .seconds(60), until condition: (ConnectionPair) throws -> Bool) throws -> Bool {
        let end = now + limit
        while true {
            try step()
            if try condition(self) { return true }
            let next = min(toServer.nextArrival, toClient.nextArrival, client.expiry, server?.expiry ?? .never)
            guard next != .never, next <= end else { return false }
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

    private func step() throws {
        while let datagram = toServer.receive(now: now) { try deliverToServer(datagram) }
        while let datagram = toClient.receive(now: now) {
            deliver(datagram, to: client, local: clientAddress, remote: serverAddress)
        }
        client.handleExpiry(now: now)
        server?.handleExpiry(now: now)
        flush(client) { toServer.send($0, now: now) }
        if let server, !serverLostState { flush(server) { toClient.send($0, now: now) } }
        collectEvents()
    }

    private func collectEvents() {
        while let event = client.pollEvent() {
            clientEvents.append(event)
            if case .control(let bytes) = event {
                controlAtClient += bytes
                client.consumedControl(bytes.count)
            }
        }
        while let event = server?.pollEvent() {
            serverEvents.append(event)
            if case .control(let bytes) = event {
                controlAtServer += bytes
                server?.consumedControl(bytes.count)
            }
        }
    }

    /// Hands a datagram to the server at once, as if it had just arrived.
    package func deliverToServer(_ datagram: SimulatedLink.Datagram) throws {
        if let server, !serverLostState {
            deliver(datagram, to: server, local: serverAddress, remote: clientAddress)
            return
        }
        let decision = datagram.bytes.withUnsafeBytes { bytes in
            clientAddress.withUnsafeBytes {
                gate.judge(bytes, DatagramHeader.parse(bytes), remote: $0, reply: buffer, now: now.nanoseconds)
            }
        }
        switch decision {
        case .drop: break
        case .reply(let count):
            gateReplies += 1
            toClient.send(.init(bytes: Array(buffer.prefix(count)), ecn: 0), now: now)
        case .accept(let initial):
            guard !serverLostState else { return }
            let made = try serverAddress.withUnsafeBytes { local in
                try clientAddress.withUnsafeBytes { remote in
                    try QUICConnection.server(
                        initial, local: local, remote: remote,
                        credentials: ServerCredentials(options.identity, clientAuthority: options.clientAuthority),
                        applicationProtocols: options.serverProtocols, gate: gate, settings: options.serverSettings,
                        now: now)
                }
            }
            server = made
            deliver(datagram, to: made, local: serverAddress, remote: clientAddress)
        }
    }

    private func deliver(
        _ datagram: SimulatedLink.Datagram, to connection: QUICConnection, local: [UInt8], remote: [UInt8]
    ) {
        datagram.bytes.withUnsafeBytes { bytes in
            local.withUnsafeBytes { local in
                remote.withUnsafeBytes { remote in
                    connection.handleDatagrams(bytes, local: local, remote: remote, ecn: datagram.ecn, now: now)
                }
            }
        }
    }

    private func flush(_ connection: QUICConnection, _ send: (SimulatedLink.Datagram) -> Void) {
        while let batch = connection.pollTransmit(into: buffer, limit: 64, now: now) {
            var offset = 0
            while offset < batch.byteCount {
                let count = min(batch.segmentSize, batch.byteCount - offset)
                send(.init(bytes: Array(buffer[offset..<offset + count]), ecn: batch.ecn))
                offset += count
            }
        }
    }
}
