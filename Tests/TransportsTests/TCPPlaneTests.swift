import Glibc
import QrateMeasurement
import QrateSockets
import QrateTransportAPI
import Testing

@testable import QrateTransports

@Suite("data planes over TCP", .timeLimit(.minutes(1))) struct TCPPlaneTests {
    @Test(
        "a timed test has rows with exact bounds, and what was sent is what arrived",
        arguments: [Direction.upload, .download], [1, 4])
    func timed(direction: Direction, streams: Int) async throws {
        let parameters = TestParameters(
            transport: .tcp, direction: direction, streams: streams, limit: .duration(.milliseconds(400)),
            warmUp: .milliseconds(100), interval: .milliseconds(200))
        try await withPlanes(parameters) { sender, receiver in
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            let (rows, totals) = try await receiver.rowsAndTotals()
            #expect(rows.map(\.end) == [.milliseconds(100), .milliseconds(300), .milliseconds(500)])
            #expect(rows.map(\.isWarmUp) == [true, false, false])
            #expect(totals.duration == .milliseconds(400))
            #expect(totals.total == rows.dropFirst().map(\.total).reduce(.zero, +))
            #expect(totals.warmUp == rows.first?.total)
            #expect(totals.isComplete)
            let sample = await sender.sample()
            #expect(sample.sent?.reduce(.zero, +) == totals.total + totals.warmUp + totals.drained)
            #expect(sample.sent?.contains(.zero) == false)
            let end = try #require(sample.path?.end)
            #expect(end >= .milliseconds(500))
        }
    }

    @Test("both directions at once run to their end, each counted whole")
    func bidirectional() async throws {
        let parameters = TestParameters(
            transport: .tcp, direction: .bidirectional, streams: 2, limit: .duration(.milliseconds(300)))
        try await withPlanes(parameters) { here, there in
            for plane in [here, there] { plane.start(SendJob(plan: DataPlan(role: .client, parameters: parameters))) }
            for (sender, receiver) in [(here, there), (there, here)] {
                let totals = try #require(await receiver.totalsAtTheEnd())
                #expect(totals.duration == .milliseconds(300))
                let sample = await sender.sample()
                #expect(sample.sent?.reduce(.zero, +) == totals.total + totals.drained)
            }
        }
    }

    @Test("a pause lengthens the test, and its time belongs to no row")
    func pause() async throws {
        let parameters = TestParameters(transport: .tcp, limit: .duration(.milliseconds(300)))
        try await withPlanes(parameters) { sender, receiver in
            let startedAt = MonotonicClock.now()
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            for await event in receiver.events {
                guard case .receiving = event else { continue }
                break
            }
            for plane in [sender, receiver] { plane.setPaused(true) }
            let pausedAt = MonotonicClock.now()
            try await Task.sleep(for: .milliseconds(400))
            for plane in [sender, receiver] { plane.setPaused(false) }
            let length = MonotonicClock.now() - pausedAt
            let totals = try #require(await receiver.totalsAtTheEnd())
            #expect(totals.duration == .milliseconds(300))
            #expect(totals.isComplete)
            #expect(MonotonicClock.now() - startedAt >= .milliseconds(300) + length)
            let sample = await sender.sample()
            #expect(sample.sent?.reduce(.zero, +) == totals.total + totals.drained)
        }
    }

    @Test("a pause that comes between the last payload and the window's end moves that end, too")
    func latePause() async throws {
        let parameters = TestParameters(transport: .tcp, limit: .duration(.milliseconds(500)))
        try await withPlanes(parameters) { sender, receiver in
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            await receiver.waitForPayload()
            sender.stopSending(.finish)
            #expect(await sender.endsSending())
            receiver.setPaused(true)
            receiver.setPaused(false)
            let totals = try #require(await receiver.totalsAtTheEnd())
            #expect(totals.duration == .milliseconds(500))
        }
    }

    @Test("a sender that finishes early loses nothing")
    func finish() async throws {
        let parameters = TestParameters(transport: .tcp, streams: 3, limit: .endless)
        try await withPlanes(parameters) { sender, receiver in
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            await receiver.waitForPayload()
            sender.stopSending(.finish)
            let totals = try #require(await receiver.totalsAtTheEnd())
            #expect(totals.isComplete)
            #expect(await sender.sample().sent == totals.measured)
            #expect(await sender.endsSending())
        }
    }

    @Test("a sender that aborts ends at once, and the receiver knows that something is missing")
    func abort() async throws {
        let parameters = TestParameters(transport: .tcp, streams: 2, limit: .endless)
        try await withPlanes(parameters) { sender, receiver in
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            await receiver.waitForPayload()
            sender.stopSending(.abort)
            let totals = try #require(await receiver.totalsAtTheEnd())
            #expect(!totals.isComplete)
            #expect(await sender.endsSending())
        }
    }

    @Test("what an aborting sender had not put on the wire doesn't count as sent; what the peer has, does")
    func abortCounts() async throws {
        let parameters = TestParameters(transport: .tcp, direction: .download, limit: .endless)
        try await withTCPSessions { client, server in
            let plan = DataPlan(role: .server, testID: "t", parameters: parameters)
            let (plane, _) = try await server.offer(plan)
            let there = try #require(plane as? TCPDataPlane)
            there.start(SendJob(plan: plan))
            let data = try RawClient(port: try #require(client.port))
            try data.sendDataHello("t", "0")
            await there.isWhole()
            // Nobody reads: in the end nothing is under way, and more waits for the peer's window to open.
            let socket = try #require(there.connections.first)
            while socket.unsent == 0 || socket.unsent != socket.unacknowledged {
                try await Task.sleep(for: .milliseconds(1))
            }
            there.stopSending(.abort)
            #expect(await there.endsSending())
            let sent = try #require(await there.sample().sent)
            #expect(try data.readToTheEnd() == sent.first.map { Int($0.bytes) })
            #expect(await there.sample().sent == sent, "it stays what it was when the stream was cut off")
        }
    }

    @Test("a sender that is ended before it began just ends its streams")
    func endedBeforeStart() async throws {
        let parameters = TestParameters(transport: .tcp, limit: .duration(.seconds(3600)))
        try await withPlanes(parameters) { sender, receiver in
            sender.stopSending(.finish)
            let totals = try #require(await receiver.totalsAtTheEnd())
            #expect(
                totals
                    == ReceivedTotals(
                        measured: [.zero], warmUp: .zero, drained: .zero, duration: nil, isComplete: true))
            #expect(await sender.sample().sent == [.zero])
        }
    }

    @Test("a peer that isn't a qrate is cut off at the end of a timed test, and may cut us off: neither is an error")
    func resetAtTheEnd() async throws {
        let parameters = TestParameters(transport: .tcp, streams: 2, limit: .duration(.milliseconds(600)))
        try await withPlanes(parameters, peer: .singlePortTCP) { sender, receiver in
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            let totals = try #require(await receiver.totalsAtTheEnd())
            #expect(totals.duration == .milliseconds(600), "the window stays open to its planned end")
            #expect(totals.isComplete)
            #expect(await sender.endsSending())
            let sent = try #require(await sender.sample().sent).reduce(.zero, +)
            #expect(sent >= totals.total + totals.drained)
        }
    }

    @Test("with a budget such a peer gets everything")
    func budgetTowardsOthers() async throws {
        let parameters = TestParameters(transport: .tcp, streams: 2, limit: .bytes(5_000_000))
        try await withPlanes(parameters, peer: []) { sender, receiver in
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            let totals = try #require(await receiver.totalsAtTheEnd())
            #expect(totals.total == 5_000_000)
            #expect(await sender.sample().sent == totals.measured)
        }
    }

    @Test("a rate is kept by writes of a millisecond's worth, shared by the streams")
    func paced() async throws {
        var parameters = TestParameters(
            transport: .tcp, streams: 2, limit: .bytes(400_000), targetBitrate: Bitrate(bitsPerSecond: 16_000_000))
        parameters.settings.payloadUnit = 65_536
        try await withPlanes(parameters) { sender, receiver in
            let startedAt = MonotonicClock.now()
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            let totals = try #require(await receiver.totalsAtTheEnd())
            // 2 MB a second, less the first burst of each stream: it can't be faster.
            #expect(MonotonicClock.now() - startedAt >= .milliseconds(195))
            #expect(totals.total == 400_000)
            let settings = await sender.sample().settings
            #expect(settings.pacingBurst == 1448)
            #expect(settings.payloadUnit == 65_536)
        }
    }

    @Test("payload that isn't copied arrives whole too", arguments: [true, false], [true, false])
    func withoutCopies(sends: Bool, receives: Bool) async throws {
        var parameters = TestParameters(transport: .tcp, streams: 2, limit: .bytes(9_000_001))
        parameters.settings.usesZeroCopy = sends
        parameters.settings.skipsReceiveCopy = receives
        try await withPlanes(parameters) { sender, receiver in
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            let totals = try #require(await receiver.totalsAtTheEnd())
            #expect(totals.total == 9_000_001)
            #expect(await sender.sample().settings.usesZeroCopy == sends)
            #expect(await receiver.sample().settings.skipsReceiveCopy == receives)
            #expect(await receiver.sample().settings.usesZeroCopy == nil, "a receiver sends nothing")
        }
    }

    @Test("each end says what it really used, and what the kernel knows of the path")
    func settings() async throws {
        var parameters = TestParameters(transport: .tcp, streams: 2, limit: .bytes(3_000_000))
        parameters.settings.window = 150_000
        parameters.settings.congestionController = "reno"
        parameters.settings.typeOfService = 0x28
        parameters.settings.sendsWithoutDelay = true
        parameters.settings.maxSegmentSize = 1200
        try await withPlanes(parameters) { sender, receiver in
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            _ = try #require(await receiver.totalsAtTheEnd())
            for plane in [sender, receiver] {
                let settings = await plane.sample().settings
                #expect(settings.congestionController == "reno")
                #expect(settings.sendBuffer == 300_000)
                #expect(settings.receiveBuffer == 300_000)
                #expect(settings.typeOfService == 0x28)
                #expect(settings.sendsWithoutDelay == true)
                #expect(settings.usesMultipath == nil)
                #expect(try #require(settings.maxSegmentSize) <= 1200)
                #expect(settings.pacingBurst == nil)
            }
            let path = try #require(await sender.sample().path)
            #expect(path.observedBy == .client)
            guard case .tcp(let metrics) = path.metrics else { throw Unexpected() }
            #expect(try #require(metrics.smoothedRTT) > .zero)
            #expect(try #require(metrics.smoothedRTT) < .seconds(1))
            #expect(metrics.retransmissions != nil)
            let segment = try #require(metrics.maxSegmentSize)
            #expect(segment <= 1200)
            let window = try #require(metrics.congestionWindow)
            #expect(window.bytes.isMultiple(of: segment.bytes) && window > .zero)
            #expect(try #require(metrics.bytesAcknowledged) <= 3_000_000)
            #expect(metrics.busyTime != nil, "counted in the kernel's ticks: none may have passed")
            guard case .tcp(let receiving)? = await receiver.sample().path?.metrics else { throw Unexpected() }
            #expect(receiving.retransmissions == nil, "this end sends nothing")
        }
    }

    @Test("peers without a common port get one for each stream", arguments: [Direction.upload, .download])
    func separatePorts(direction: Direction) async throws {
        let parameters = TestParameters(
            transport: .tcp, direction: direction, streams: 3, limit: .bytes(1_000_000))
        try await withTCPSessions { client, server in
            let (there, offer) = try await server.offer(
                DataPlan(role: .server, testID: "t", parameters: parameters, peer: .isQrate))
            #expect(Set(offer.ports).count == 3)
            #expect(!offer.ports.contains(0))
            let here = try await client.open(
                DataPlan(role: .client, testID: "t", parameters: parameters, peer: .isQrate), offer)
            let (sender, receiver) = direction == .upload ? (here, there) : (there, here)
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            let totals = try #require(await receiver.totalsAtTheEnd())
            #expect(totals.total == 1_000_000)
        }
    }

    @Test("data connections begin at the address and the port that were asked for")
    func localEnd() async throws {
        var local = LocalEnd()
        local.family = .ipv4
        local.host = "127.0.0.2"
        // A port that was free a moment ago.
        local.port = try StreamListenerSocket.listening(on: .loopback(.ipv4, port: 0)).port
        let parameters = TestParameters(transport: .tcp, limit: .bytes(1000))
        try await withTCPSessions(.tcp(local: local)) { client, server in
            #expect(server.peer.address.hasPrefix("127.0.0.2:"))
            let (there, here) = try await planes(parameters, client, server)
            await there.isWhole()
            #expect(there.connections.map(\.remote.host) == ["127.0.0.2"])
            #expect(there.connections.map(\.remote.port) == [local.port])
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            #expect(await there.totalsAtTheEnd()?.total == 1000)
        }
    }

    @Test("over IPv6 it is the same")
    func ipv6() async throws {
        let parameters = TestParameters(transport: .tcp, streams: 2, limit: .bytes(1_000_000))
        try await withTCPSessions(host: "::1") { client, server in
            let (there, here) = try await planes(parameters, client, server)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            #expect(await there.totalsAtTheEnd()?.total == 1_000_000)
        }
    }
}

private struct Unexpected: Error {}

extension DataPlane {
    func waitForPayload() async {
        for await event in events {
            if case .receiving = event { return }
        }
    }

    /// false when the plane fails or ends first.
    func endsSending() async -> Bool {
        for await event in events {
            if case .sendersDone = event { return true }
        }
        return false
    }

    func failure() async -> TransportError? {
        for await event in events {
            if case .failed(let error) = event { return error }
        }
        return nil
    }

    func rowsAndTotals() async throws -> ([ReceivedInterval], ReceivedTotals) {
        var rows: [ReceivedInterval] = []
        for await event in events {
            if case .interval(let row) = event { rows.append(row) }
            if case .receiversDone(let totals) = event { return (rows, totals) }
        }
        throw Unexpected()
    }
}

/// A plane at each end: first the one that sends (the client's, when both do), then the other.
func withPlanes(
    _ parameters: TestParameters, peer: PeerTraits = .qrate,
    _ body: (TCPDataPlane, TCPDataPlane) async throws -> Void
) async throws {
    try await withTCPSessions { client, server in
        let (there, here) = try await planes(parameters, peer: peer, client, server)
        if parameters.direction == .download {
            try await body(there, here)
        } else {
            try await body(here, there)
        }
    }
}
