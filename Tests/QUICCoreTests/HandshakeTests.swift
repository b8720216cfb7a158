import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("two connections in memory: the handshake") struct HandshakeTests {
    @Test("it completes once at each end and agrees on AES-128-GCM and the protocol")
    func completes() throws {
        let pair = try makePair()
        #expect(pair.client.cipher == nil && pair.client.applicationProtocol == nil)
        try #require(try pair.handshake())
        let server = try #require(pair.server)
        for connection in [pair.client, server] {
            #expect(connection.cipher == "AES-128-GCM")
            #expect(connection.applicationProtocol == "qrate/1")
        }
        try pair.run(for: .seconds(1))
        #expect(pair.clientEvents.count { $0 == .handshakeCompleted } == 1)
        #expect(pair.serverEvents.count { $0 == .handshakeCompleted } == 1)
        #expect(server.verdict == nil, "a server judges no certificate")
        #expect(pair.gateReplies.isEmpty)
    }

    @Test("the record cipher that the client insists on", arguments: CipherSuite.allCases)
    func cipher(_ cipher: CipherSuite) throws {
        var options = ConnectionPair.Options(identity: try testIdentity())
        options.clientSettings.cipher = cipher
        let pair = try ConnectionPair(options)
        #expect(try pair.handshake())
        let names: [CipherSuite: String] = [
            .aes128gcm: "AES-128-GCM", .aes256gcm: "AES-256-GCM", .chacha20: "ChaCha20-Poly1305",
        ]
        #expect(pair.client.cipher == names[cipher])
        #expect(pair.server?.cipher == names[cipher])
    }

    @Test("it takes two trips of the path")
    func duration() throws {
        let pair = try makePair { $0.link.delay = .milliseconds(50) }
        try #require(try pair.run { $0.client.isHandshakeComplete })
        #expect(pair.now - ConnectionPair.start == .milliseconds(100))
        let metrics = pair.client.pathMetrics()
        #expect(metrics.minRTT == .milliseconds(100))
        #expect(metrics.smoothedRTT == .milliseconds(100))
    }

    @Test("no flight of it waits for a pacer: on a short path it takes no more than the path's own time")
    func unpaced() throws {
        let pair = try makePair { $0.link.delay = .milliseconds(1) }
        try #require(try pair.handshake())
        #expect(pair.now - ConnectionPair.start == .milliseconds(3))
        try #require(try pair.run { $0.client.isHandshakeConfirmed })
        #expect(pair.now - ConnectionPair.start == .milliseconds(4))
    }

    @Test(
        "it completes through loss, duplicates and reordering", arguments: 1...12 as ClosedRange<UInt64>, [false, true])
    func faults(seed: UInt64, demandsRetry: Bool) throws {
        let pair = try makePair {
            $0.demandsRetry = demandsRetry
            $0.settings.handshakeTimeout = .seconds(120)
            $0.settings.idleTimeout = .seconds(120)
            $0.link = SimulatedLink(seed: seed)
            $0.link.loss = 0.2
            $0.link.duplication = 0.3
            $0.link.reordering = 0.3
        }
        #expect(
            try pair.run(limit: .seconds(120)) {
                $0.client.isHandshakeComplete && ($0.server?.isHandshakeComplete ?? false)
            })
        #expect(pair.gateReplies.allSatisfy { $0.sent < $0.received })
    }

    @Test("the protocol is one that both ends have")
    func sharedProtocol() throws {
        let pair = try connectedPair {
            $0.clientProtocols = ["h3", "xfr"]
            $0.serverProtocols = ["qrate/1", "xfr"]
        }
        #expect(pair.client.applicationProtocol == "xfr")
        #expect(pair.server?.applicationProtocol == "xfr")
    }

    @Test("without a protocol in common it ends with TLS alert 120 at both ends")
    func noSharedProtocol() throws {
        let pair = try makePair { $0.clientProtocols = ["h3"] }
        try #require(try pair.run { !$0.clientEndings.isEmpty && !$0.serverEndings.isEmpty })
        #expect(pair.clientEndings == [.transportErrorFromPeer(code: 0x100 + 120, reason: "")])
        #expect(pair.serverEndings == [.tlsAlert(120)])
        #expect(!pair.client.isHandshakeComplete)
        #expect(pair.server?.isHandshakeComplete == false)
        #expect(try pair.run { $0.client.isFinished && $0.server?.isFinished == true })
    }

    @Test("a server is found without a name, and by a name that isn't its own, where nobody checks")
    func serverNames() throws {
        for name in [nil, "xfr", "a.very.long.name.that.no.certificate.has.example.net"] {
            #expect(try makePair { $0.serverName = name }.handshake())
        }
    }

    // MARK: Proving the client's address

    @Test("a Retry costs the server one answer, smaller than the question, and no connection")
    func retry() throws {
        let pair = try makePair { $0.demandsRetry = true }
        try #require(try pair.run { !$0.gateReplies.isEmpty })
        #expect(pair.server == nil)
        try #require(try pair.handshake())
        try pair.transfer(.upload, bytes: 10_000)
        #expect(pair.gateReplies.count == 1)
        #expect(pair.gateReplies.allSatisfy { $0.sent < $0.received })
    }

    @Test("a client that was sent away under load is let in when the load has gone")
    func retryUnderLoad() throws {
        let pair = try makePair()
        pair.isUnderLoad = true
        try #require(try pair.run { $0.gateReplies.count == 1 })
        #expect(pair.server == nil)
        pair.isUnderLoad = false
        try #require(try pair.handshake(), "\(pair.clientEndings) \(pair.serverEndings)")
        try pair.transfer(.download, bytes: 10_000)
    }

    @Test("until an address is proven, it is sent three times what it sent at most")
    func amplification() throws {
        let pair = try makePair()
        try #require(try pair.run { $0.toServer.carried == 1 })
        pair.toServer.isDead = true
        try pair.run(for: .seconds(30))
        #expect(pair.toClient.bytesSent > 0)
        #expect(pair.toClient.bytesSent <= 3 * 1200)
    }

    // MARK: Version negotiation

    /// The client's first datagram, and the Version Negotiation packet that answers it.
    private func negotiation(_ pair: ConnectionPair, _ versions: [UInt32]) throws -> SimulatedLink.Datagram {
        try pair.run(for: .zero)
        let initial = try #require(pair.interceptFromClient()).bytes
        let destination = initial[6..<6 + Int(initial[5])]
        let sourceStart = destination.endIndex + 1
        let source = initial[sourceStart..<sourceStart + Int(initial[sourceStart - 1])]
        var answer: [UInt8] = [0x80, 0, 0, 0, 0]
        answer += [UInt8(source.count)] + source + [UInt8(destination.count)] + destination
        for version in versions { answer += (0..<4).map { UInt8(truncatingIfNeeded: version >> (24 - 8 * $0)) } }
        return .init(bytes: answer)
    }

    @Test("a server that speaks other versions only is reported with them")
    func otherVersions() throws {
        let pair = try makePair()
        pair.deliverToClient(try negotiation(pair, [0x6b33_43cf, 0x0a0a_0a0a]))
        try pair.run(for: .zero)
        #expect(pair.clientEndings == [.versionMismatch([0x6b33_43cf, 0x0a0a_0a0a])])
        #expect(pair.client.isFinished)
    }

    @Test("a Version Negotiation packet that lists our version is a forgery and is ignored (RFC 9000 §6.2)")
    func forgedNegotiation() throws {
        let pair = try makePair()
        pair.deliverToClient(try negotiation(pair, [0x0a0a_0a0a, 1]))
        #expect(try pair.handshake())
    }

    // MARK: Nobody answers

    @Test("a client whose server never answers gives up at the configured time", arguments: [1, 3])
    func clientTimeout(seconds: Int) throws {
        let pair = try makePair {
            $0.clientSettings.handshakeTimeout = .seconds(seconds)
            $0.link.isDead = true
        }
        try #require(try pair.run { $0.client.isFinished })
        #expect(pair.clientEndings == [.handshakeTimeout])
        #expect(pair.now - ConnectionPair.start == .seconds(seconds))
        #expect(pair.client.expiry == .never)
    }

    @Test("a server whose client goes silent gives up at the configured time")
    func serverTimeout() throws {
        let pair = try makePair { $0.serverSettings.handshakeTimeout = .seconds(3) }
        try #require(try pair.run { $0.server != nil })
        let beginning = pair.now
        pair.toServer.isDead = true
        let server = try #require(pair.server)
        try #require(try pair.run { _ in server.isFinished })
        #expect(pair.serverEndings == [.handshakeTimeout])
        #expect(pair.now - beginning == .seconds(3))
    }
}
