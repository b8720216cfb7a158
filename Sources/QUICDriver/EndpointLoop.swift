import QrateMeasurement
package import QrateQUICCore
package import QrateSecurity
package import QrateSockets

/// The loop of an endpoint's thread: receive, timers, commands, transmit, wait.
///
/// Not `Sendable`: everything in here happens on that thread. Nothing is allocated per packet, and connections are
/// looked up once per run of equal connection IDs, not per packet.
package final class EndpointLoop {
    private let sender: DatagramSender
    private let socket: DatagramSocket
    private let wakeUp: WakeUp
    /// The address of its socket.
    package let local: SocketAddress
    let acceptor: QUICEndpoint.Acceptor?
    /// The thread that this is the loop of.
    package let endpoint: QUICEndpoint
    /// At a server: the threads of its port.
    let group: EndpointGroup?

    private var entries: [Entry] = []
    private var routes: [ConnectionID: Entry] = [:]
    private var lastNumber: UInt64 = 0
    private let receiveBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 64)
    private let replyBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: ServerGate.largestReply, alignment: 16)
    private let info = ReceiveInfo()

    /// Datagrams received in one turn, about: acknowledgements, timers and sending wait for so long. Fewer keep both ends
    /// of a transfer at work at the same time; many fewer cost an acknowledgement each.
    private static let datagramsPerTurn = 128
    /// Full batches that a connection sends in one turn. More per look at the socket are cheaper; with many more, the
    /// acknowledgements that open the window wait.
    private static let batchesPerTurn = 3
    /// A thread that moved a run of so many datagrams this short a time ago looks again before it sleeps: the next run is
    /// on its way, and to be woken costs the *sender* of that run a signal to another processor, which in a virtual
    /// machine takes longer than sending it. Flows too slow for such runs never spin.
    private static let busyDatagrams = 16
    private static let lookout = Duration.microseconds(50)
    private var lastBusy = MonotonicTime(nanoseconds: 0)
    /// Nothing was received or sent in the last turn.
    private var isIdle = false
    private var lastTurn = MonotonicTime(nanoseconds: 0)
    /// For ``work``.
    private(set) var lookedOut = Duration.zero
    private(set) var datagrams: UInt64 = 0
    /// When the running turn began: the thread had slept or looked out until then, or ended the turn before.
    private var turnBegan = MonotonicTime(nanoseconds: 0)
    /// Handshakes under way beyond which new clients must prove their address first.
    private static let handshakesWithoutRetry = 64

    final class Entry {
        let number: ConnectionNumber
        let connection: QUICConnection
        let handler: any QUICConnectionHandler
        var deadline = MonotonicTime(nanoseconds: 0)
        /// Something happened: it may have datagrams to send.
        var isDue = true
        var ids: [ConnectionID] = []
        let credentials: ServerCredentials?
        /// A data connection of somebody who has been let in already.
        let hasTicket: Bool
        /// A client that is counted among the handshakes under way.
        var isShakingHands: Bool

        init(
            _ number: ConnectionNumber, _ connection: QUICConnection, _ handler: any QUICConnectionHandler,
            credentials: ServerCredentials? = nil, hasTicket: Bool = false
        ) {
            self.credentials = credentials
            self.hasTicket = hasTicket
            isShakingHands = !hasTicket
            self.number = number
            self.connection = connection
            self.handler = handler
        }
    }

    init(
        _ endpoint: QUICEndpoint, _ socket: DatagramSocket, _ wakeUp: WakeUp, local: SocketAddress,
        acceptor: QUICEndpoint.Acceptor?, group: EndpointGroup?
    ) {
        self.endpoint = endpoint
        self.group = group
        self.socket = socket
        self.wakeUp = wakeUp
        self.local = local
        self.acceptor = acceptor
        sender = DatagramSender(socket, isConnected: acceptor == nil)
    }

    deinit {
        receiveBuffer.deallocate()
        replyBuffer.deallocate()
    }

    // MARK: For work that other threads post

    /// Adds a client's connection.
    package func add(_ connection: QUICConnection, _ makeHandler: (ConnectionNumber) -> any QUICConnectionHandler) {
        lastNumber += 1
        let number = ConnectionNumber(value: lastNumber)
        entries.append(Entry(number, connection, makeHandler(number)))
    }

    /// Gives `body` a connection, unless that is gone, and sees to it that what it caused is sent.
    @discardableResult
    package func with<Result>(_ number: ConnectionNumber, _ body: (QUICConnection) -> Result) -> Result? {
        guard let entry = entries.first(where: { $0.number == number }) else { return nil }
        entry.isDue = true
        return body(entry.connection)
    }

    /// The connection has something to send, or its handler another deadline.
    package func touch(_ number: ConnectionNumber) {
        for entry in entries where entry.number == number { entry.isDue = true }
    }

    func connection(_ number: ConnectionNumber) -> QUICConnection? {
        entries.first { $0.number == number }?.connection
    }

    /// Of all threads of a server.
    package var connectionCount: Int { group?.census.now.connections ?? entries.count }

    /// The connections on this thread, whose socket is theirs alone: how many there are, and how many there have ever been.
    package var population: (now: Int, ever: UInt64) { (entries.count, lastNumber) }

    /// At a server: what lets in the data connections of tests.
    package var tickets: TicketStore? { group?.tickets }

    /// What the connection presented itself with, at a server; nil when it is gone.
    package func credentials(of number: ConnectionNumber) -> ServerCredentials? {
        entries.first { $0.number == number }?.credentials
    }

    /// Closes every connection, for an owner that can't name the one it has yet.
    package func closeAll(code: UInt64) {
        for entry in entries {
            entry.connection.close(code: code, reason: "")
            entry.isDue = true
        }
    }

    // MARK: The loop

    func run(mailbox: () -> (work: [QUICEndpoint.Work], isStopping: Bool)) {
        SocketPoll.sharpenTimers()
        while true {
            let (work, isStopping) = mailbox()
            for item in work { item(self) }
            if isStopping { return closeAll() }

            turnBegan = MonotonicClock.now()
            let received = isIdle ? lookOut() : receive()
            let now = MonotonicClock.now()
            lastTurn = now
            handleTimers(now)
            let sent = transmit(now)
            sweep()
            if max(received, sent) >= Self.busyDatagrams { lastBusy = now }
            isIdle = received == 0 && sent == 0
            if isIdle, now - lastBusy >= Self.lookout {
                wait(now)
                isIdle = false
            }
        }
    }

    /// Looks again and again for datagrams, until the first timer or the end of the lookout. What is posted meanwhile waits.
    ///
    /// - Returns: How many datagrams came.
    private func lookOut() -> Int {
        let end = min(lastBusy + Self.lookout, nextDeadline)
        var now = lastTurn
        while true {
            let received = receive()
            if received == 0 {
                now = MonotonicClock.now()
                turnBegan = now
            }
            guard received == 0, now < end else {
                lookedOut += now - lastTurn
                return received
            }
        }
    }

    private var nextDeadline: MonotonicTime { entries.reduce(.never) { min($0, $1.deadline) } }

    private func wait(_ now: MonotonicTime) {
        let next = nextDeadline
        let limit = next == .never ? nil : (next - now).nanoseconds
        let interest: SocketPoll.Ready = sender.isBlocked ? [.readable, .writable] : [.readable]
        if SocketPoll.wait(for: interest, on: socket, wakeUp, nanoseconds: limit).contains(.writable) {
            sender.unblock()
        }
    }

    // MARK: Receiving

    /// How many datagrams came.
    private func receive() -> Int {
        var received = 0
        while received < Self.datagramsPerTurn {
            let count: Int
            do throws(SocketError) {
                guard let waiting = try socket.receive(into: receiveBuffer, info: info) else { break }
                count = waiting
            } catch {
                // On a client's connected socket ICMP says that the peer's port is closed. Else a datagram was lost.
                guard acceptor == nil, error.isPeerUnreachable else { break }
                let now = MonotonicClock.now()
                for entry in entries { entry.handler.peerUnreachable(entry.connection, now: now) }
                break
            }
            let arrived = info.datagramCount(of: count)
            received += arrived
            datagrams &+= UInt64(clamping: arrived)
            guard !info.isTruncated else { continue }
            route(UnsafeRawBufferPointer(rebasing: receiveBuffer[..<count]), MonotonicClock.now())
        }
        return received
    }

    /// Cuts a received run into its datagrams and hands each to its connection.
    private func route(_ bytes: UnsafeRawBufferPointer, _ now: MonotonicTime) {
        // A client's connection knows one local address, that of its connected socket.
        let reported = acceptor == nil ? nil : info.local(port: local.port)
        if let reported { return route(bytes, local: reported, now) }
        local.withBytes { route(bytes, local: $0, now) }
    }

    private func route(_ bytes: UnsafeRawBufferPointer, local: UnsafeRawBufferPointer, _ now: MonotonicTime) {
        let segment = info.segmentSize ?? bytes.count
        var start = 0
        while start < bytes.count {
            let end = endOfRun(bytes, from: start, segment)
            let run = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            let first = UnsafeRawBufferPointer(rebasing: run.prefix(segment))
            start = end
            let header = DatagramHeader.parse(first)
            if let entry = find(header) {
                deliver(run, segment, to: entry, local: local, now)
            } else if passOn(run, header, segment, local: local, remote: info.remote, ecn: info.ecn) {
                continue  // another thread's
            } else if let entry = accept(first, header, local: local, remote: info.remote, now) {
                deliver(run, segment, to: entry, local: local, now)
            } else if acceptor == nil {
                // Of no known ID: a stateless reset, or an answer to the Initial of one of them. They look for themselves.
                for entry in entries { deliver(run, segment, to: entry, local: local, now) }
            }
        }
    }

    private func deliver(
        _ run: UnsafeRawBufferPointer, _ segment: Int, to entry: Entry, local: UnsafeRawBufferPointer,
        _ now: MonotonicTime
    ) {
        entry.isDue = true
        entry.handler.willReceive(entry.connection, now: now)
        entry.connection.handleDatagrams(
            run, segmentSize: segment, local: local, remote: info.remote, ecn: info.ecn, now: now)
    }

    /// One datagram that came by another socket.
    private func reroute(
        _ datagram: UnsafeRawBufferPointer, local: UnsafeRawBufferPointer, remote: UnsafeRawBufferPointer,
        _ now: MonotonicTime
    ) {
        let header = DatagramHeader.parse(datagram)
        guard !passOn(datagram, header, datagram.count, local: local, remote: remote, ecn: 0) else { return }
        take(datagram, header, datagram.count, local: local, remote: remote, ecn: 0, now)
    }

    /// Where the datagrams end that have short headers with the same destination ID as the first one. The kernel merges
    /// what one peer sent, but a peer may have several connections.
    private func endOfRun(_ bytes: UnsafeRawBufferPointer, from start: Int, _ segment: Int) -> Int {
        let first = shortHeaderID(bytes, at: start)
        var end = min(start + segment, bytes.count)
        while let first, end < bytes.count, shortHeaderID(bytes, at: end) == first {
            end = min(end + segment, bytes.count)
        }
        return end
    }

    /// The destination ID of a short header as one number, to compare neighbours by; nil for anything else.
    private func shortHeaderID(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64? {
        guard bytes.count - offset > ConnectionID.issuedLength, bytes[offset] & 0xc0 == 0x40 else { return nil }
        return bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self)
    }

    func find(_ header: DatagramHeader) -> Entry? {
        switch header {
        case .short(let id), .long(let id):
            if let entry = routes[id] { return entry }
        case .unsupportedVersion, .notQUIC: break
        }
        // A client's socket is connected to one peer, and mostly for one connection. That must also see what has no ID
        // to go by: a Version Negotiation packet (RFC 9000 §6.2).
        return acceptor == nil && entries.count == 1 ? entries.first : nil
    }

    // MARK: Accepting

    func accept(
        _ datagram: UnsafeRawBufferPointer, _ header: DatagramHeader, local: UnsafeRawBufferPointer,
        remote: UnsafeRawBufferPointer, _ now: MonotonicTime
    ) -> Entry? {
        guard let acceptor, let group else { return nil }
        if let others = acceptor.others, let byte = datagram.first, byte < 0x40 {
            others(
                StrayDatagram(bytes: datagram, remote: remote, local: local) { [self] remote, bytes in
                    reroute(bytes, local: local, remote: remote, now)
                })
            return nil
        }
        let decision = acceptor.gate.judge(
            datagram, header, remote: remote, reply: replyBuffer,
            isUnderLoad: group.census.now.handshakes >= Self.handshakesWithoutRetry, now: now.nanoseconds
        ) { token in SocketAddress(bytes: remote).map { group.tickets.admits(token, from: $0, now: now) } ?? false }
        switch decision {
        case .drop: return nil
        case .reply(let count):
            sender.sendOnce(
                UnsafeRawBufferPointer(rebasing: replyBuffer[..<count]), remote: remote, local: local)
            return nil
        case .accept(let initial):
            guard let peer = SocketAddress(bytes: remote) else { return nil }
            let token = initial.connectionToken
            let ticket = token.flatMap { group.tickets.take($0, from: peer, now: now) }
            if ticket != nil {
                group.census.admitHolder()
            } else {
                // Another thread may have taken the token's place since.
                guard token == nil, group.census.admitClient(limit: acceptor.connectionLimit) else { return nil }
            }
            do throws(QUICError) {
                let credentials = ticket?.credentials ?? acceptor.credentials()
                let connection = try QUICConnection.server(
                    initial, local: local, remote: remote, credentials: credentials,
                    applicationProtocols: ticket?.applicationProtocols ?? acceptor.applicationProtocols,
                    gate: acceptor.gate, settings: ticket?.settings ?? acceptor.settings, now: now)
                lastNumber += 1
                let number = ConnectionNumber(value: lastNumber)
                let handler: any QUICConnectionHandler
                if let ticket, let token {
                    handler = ticket.makeHandler(self, number, connection, token)
                } else {
                    handler = acceptor.makeHandler(self, number, peer)
                }
                let entry = Entry(number, connection, handler, credentials: credentials, hasTicket: ticket != nil)
                entries.append(entry)
                takeEvents(entry, now)
                return entry
            } catch {
                // Out of memory or an Initial that the library won't have: to the client it looks like a lost packet.
                if let token, ticket != nil { group.tickets.freePlace(token) }
                group.census.forget(isClient: ticket == nil, isShakingHands: ticket == nil)
                return nil
            }
        }
    }

    // MARK: Timers, events, sending

    private func handleTimers(_ now: MonotonicTime) {
        for entry in entries where entry.deadline <= now {
            entry.connection.handleExpiry(now: now)
            entry.isDue = true
        }
    }

    /// A few batches for each connection that has something to say. The others wait for their turn: a batch is 64 KiB.
    ///
    /// - Returns: How many datagrams were sent; at least 1 when there is more to do at once.
    private func transmit(_ now: MonotonicTime) -> Int {
        var sent = 0
        for entry in entries where entry.isDue {
            // A handler may have more to send once it knows what happened.
            takeEvents(entry, now)
            entry.handler.willTurn(entry.connection, now: now)
            let count = sendBatches(of: entry.connection, now)
            datagrams &+= UInt64(clamping: count)
            entry.handler.didSend(entry.connection, workSince: turnBegan, isSocketFull: sender.isBlocked)
            let isNewsworthy = takeEvents(entry, now)
            entry.handler.didTurn(entry.connection, now: now)
            entry.isDue = count > 0 || isNewsworthy || sender.isBlocked
            // With the socket full nothing can be sent, whatever the connection's timers say.
            let expiry = sender.isBlocked ? .never : entry.connection.expiry
            entry.deadline = min(expiry, entry.handler.deadline)
            sent += max(count, isNewsworthy ? 1 : 0)
        }
        return sent
    }

    private func sendBatches(of connection: QUICConnection, _ now: MonotonicTime) -> Int {
        var sent = 0
        for _ in 0..<Self.batchesPerTurn where !sender.isBlocked {
            let count = sender.sendNext(of: connection, now)
            sent += count
            if count < Self.busyDatagrams { break }
        }
        return sent
    }

    /// Whether there were any.
    @discardableResult
    private func takeEvents(_ entry: Entry, _ now: MonotonicTime) -> Bool {
        var hadAny = false
        while let event = entry.connection.pollEvent() {
            hadAny = true
            switch event {
            case .issuedConnectionID(let id):
                entry.ids.append(id)
                routes[id] = entry
            case .retiredConnectionID(let id):
                entry.ids.removeAll { $0 == id }
                routes[id] = nil
            default:
                if entry.isShakingHands, entry.connection.isHandshakeComplete {
                    entry.isShakingHands = false
                    group?.census.handshakeEnded()
                }
                entry.handler.handle(event, entry.connection, now: now)
            }
        }
        return hadAny
    }

    /// Forgets the connections that are over.
    private func sweep() {
        guard entries.contains(where: { $0.connection.isFinished }) else { return }
        entries.removeAll { entry in
            guard entry.connection.isFinished else { return false }
            for id in entry.ids { routes[id] = nil }
            group?.census.forget(isClient: !entry.hasTicket, isShakingHands: entry.isShakingHands)
            return true
        }
    }

    private func closeAll() {
        let now = MonotonicClock.now()
        for entry in entries {
            entry.connection.close(code: QUICEndpoint.shutdownCode, reason: "shutting down")
            takeEvents(entry, now)
            _ = sender.sendNext(of: entry.connection, now)
            entry.handler.didTurn(entry.connection, now: now)
            group?.census.forget(isClient: !entry.hasTicket, isShakingHands: entry.isShakingHands)
        }
        entries = []
        routes = [:]
    }
}

extension QUICEndpoint {
    /// The application error code that a server's end sends to what is still connected.
    package static let shutdownCode: UInt64 = 4
}
