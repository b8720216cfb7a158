import QrateDatagramProtocol
import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import Testing

@testable import QrateTransports

@Suite("the UDP transport on loopback", .timeLimit(.minutes(2)), .serialized) struct UDPTransportTests {
    @Test(
        "a byte budget arrives in whole datagrams, in each direction",
        arguments: [Direction.upload, .download, .bidirectional], [1, 4])
    func byteBudget(direction: Direction, streams: Int) async throws {
        try await withUDPSessions { client, server, _ in
            var parameters = TestParameters(
                transport: .udp, direction: direction, streams: streams, limit: .bytes(1_000_020),
                targetBitrate: Bitrate.megabits(400))
            parameters.settings.payloadUnit = 1000
            let (there, here) = try await udpPlanes(parameters, client, server)
            for plane in [there, here] { plane.start(SendJob(plan: DataPlan(role: .client, parameters: parameters))) }
            for (sender, receiver, isUpload) in [(here, there, true), (there, here, false)] {
                guard direction == .bidirectional || (direction == .upload) == isUpload else { continue }
                let totals = try #require(await receiver.totalsAtTheEnd())
                // 1000 whole ones, and one of 20 bytes.
                #expect(totals.total == 1_000_020)
                #expect(totals.datagrams?.received == 1001)
                #expect(totals.datagrams?.lost == 0)
                #expect(totals.datagrams?.duplicates == 0)
                #expect(totals.datagrams?.receiveBufferDrops == 0)
                #expect(totals.isComplete)
                #expect(totals.drained == 0)
                let sample = await sender.sample()
                #expect(sample.sent == totals.measured)
                #expect(sample.udp?.datagramsSent == 1001)
                #expect(sample.udp?.sendDrops == 0)
            }
        }
    }

    @Test("a remainder too short for a header is left out")
    func remainder() async throws {
        try await withUDPSessions { client, server, _ in
            var parameters = TestParameters(
                transport: .udp, limit: .bytes(10_015), targetBitrate: Bitrate.megabits(100))
            parameters.settings.payloadUnit = 1000
            let totals = try await upload(parameters, client, server)
            #expect(totals.total == 10_000)
            #expect(totals.datagrams?.received == 10)
            #expect(totals.isComplete)
        }
    }

    @Test("a timed test has rows with exact bounds, whose bytes and datagrams are those of its totals")
    func timed() async throws {
        try await withUDPSessions { client, server, _ in
            var parameters = TestParameters(
                transport: .udp, streams: 2, limit: .duration(.milliseconds(400)), warmUp: .milliseconds(100),
                interval: .milliseconds(200), targetBitrate: Bitrate.megabits(80))
            parameters.settings.payloadUnit = 1000
            let (there, here) = try await udpPlanes(parameters, client, server)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            var rows: [ReceivedInterval] = []
            var totals: ReceivedTotals?
            for await event in there.events {
                if case .interval(let row) = event { rows.append(row) }
                if case .receiversDone(let counts) = event {
                    totals = counts
                    break
                }
            }
            #expect(rows.map(\.end) == [.milliseconds(100), .milliseconds(300), .milliseconds(500)])
            #expect(rows.map(\.isWarmUp) == [true, false, false])
            #expect(totals?.duration == .milliseconds(400))
            #expect(totals?.total == rows.dropFirst().map(\.total).reduce(.zero, +))
            for row in rows { #expect(row.datagrams.map { $0.received * 1000 } == row.total.bytes) }
            let after = try #require(totals)
            #expect(after.datagrams.map { $0.received * 1000 } == after.total.bytes + after.drained.bytes)
            #expect(after.isComplete)
            let sample = await here.sample()
            #expect(
                sample.udp?.datagramsSent
                    == rows.first.map { $0.total.bytes / 1000 + (after.total.bytes + after.drained.bytes) / 1000 })
        }
    }

    @Test(
        "dropped, doubled and overtaken datagrams are counted as what they are",
        arguments: [("drops", 1), ("doubles", 2), ("late", 3), ("all", 4), ("the last ones dropped", 5)])
    func disturbed(name: String, seed: Int) async throws {
        try await withUDPSessions { client, server, _ in
            var parameters = TestParameters(
                transport: .udp, limit: .bytes(2_000_000), targetBitrate: Bitrate.megabits(60))
            parameters.settings.payloadUnit = 1000
            let id = "disturbed-\(seed)"
            let peer = PeerTraits.qrate.subtracting(.singlePortUDP)
            var (there, offer) = try await server.offer(
                DataPlan(role: .server, testID: id, parameters: parameters, peer: peer))
            let port = try #require(offer.ports.first)
            let relay = try DatagramRelay(to: .loopback(.ipv4, port: port)) { number in
                var random = SplitMix64(seed: UInt64(seed * 10_000 + number))
                let dice = Int(random.next() % 100)
                switch seed {
                case 1: return dice < 5 ? .drop : .pass
                case 2: return dice < 5 ? .double : .pass
                case 3: return dice < 5 ? .hold(1 + dice * 7) : .pass
                case 4: return dice < 3 ? .drop : dice < 6 ? .double : dice < 9 ? .hold(dice * 5) : .pass
                default: return number >= 1990 ? .drop : .pass
                }
            }
            defer { relay.stop() }
            offer.ports = [relay.address.port]
            let here = try await client.open(
                DataPlan(role: .client, testID: id, parameters: parameters, peer: peer), offer)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            let totals = try #require(await there.totalsAtTheEnd())
            let truth = Truth(relay.delivered, sent: 2000)
            #expect(totals.datagrams.map(Truth.init) == truth)
            #expect(truth != Truth(Array(0..<2000), sent: 2000), "nothing was disturbed")
            #expect(totals.total == ByteCount(truth.received * 1000))
            #expect(totals.isComplete)
        }
    }

    @Test("what the receiver's own buffer had no room for is reported apart")
    func overflow() async throws {
        // One buffer of the kernel's is one datagram then.
        var options = DatagramSocket.Options()
        options.useSegmentation = false
        options.useCoalescing = false
        try await withUDPSessions(options) { client, server, _ in
            var parameters = TestParameters(transport: .udp, limit: .bytes(40_000_000))
            parameters.settings.payloadUnit = 1000
            parameters.settings.window = 4096
            let totals = try await upload(parameters, client, server)
            let datagrams = try #require(totals.datagrams)
            let drops = try #require(datagrams.receiveBufferDrops)
            #expect(datagrams.lost > 0, "40 MB fitted through a buffer of 4 KiB")
            #expect(datagrams.received + UInt64(datagrams.lost) == 40_000)
            // Tail markers can be among what was dropped, and are no payload.
            #expect((UInt64(datagrams.lost)...UInt64(datagrams.lost) + 6).contains(drops))
        }
    }

    @Test(
        "a peer that knows neither the shared port nor tail markers is served on ports of the flows' own",
        arguments: [Direction.upload, .download, .bidirectional], [1, 4])
    func legacy(direction: Direction, streams: Int) async throws {
        try await withUDPSessions { client, server, _ in
            let parameters = TestParameters(
                transport: .udp, direction: direction, streams: streams, limit: .duration(.milliseconds(300)),
                targetBitrate: Bitrate.megabits(20))
            let (there, here) = try await udpPlanes(parameters, peer: [], client, server)
            for plane in [there, here] { plane.start(SendJob(plan: DataPlan(role: .client, parameters: parameters))) }
            for (sender, receiver, isUpload) in [(here, there, true), (there, here, false)] {
                guard direction == .bidirectional || (direction == .upload) == isUpload else { continue }
                let totals = try #require(await receiver.totalsAtTheEnd())
                let sample = await sender.sample()
                #expect(totals.datagrams?.received == sample.udp?.datagramsSent)
                #expect(totals.datagrams?.lost == 0)
                #expect(sample.sent?.reduce(.zero, +) == totals.total + totals.drained)
                #expect(sample.settings.payloadUnit == 1400)
            }
        }
    }

    @Test("the client hears what has arrived while it still sends")
    func feedback() async throws {
        try await withUDPSessions { client, server, _ in
            let parameters = TestParameters(
                transport: .udp, limit: .duration(.milliseconds(1300)), targetBitrate: Bitrate.megabits(20))
            let (there, here) = try await udpPlanes(parameters, client, server)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            let totals = try #require(await there.totalsAtTheEnd())
            let metrics = try #require(await here.sample().udp)
            let received = try #require(metrics.reportedReceived)
            #expect(received > 0)
            #expect(received <= totals.datagrams?.received ?? 0)
            #expect(metrics.reportedLost == 0)
        }
    }

    @Test("flows find their way to addresses of both IP versions", arguments: ["127.0.0.1", "::1", "127.0.0.2"])
    func families(host: String) async throws {
        try await withUDPSessions(host: host) { client, server, door in
            #expect(door.flows.canShareThePort)
            var parameters = TestParameters(
                transport: .udp, direction: .bidirectional, streams: 2, limit: .bytes(100_000),
                targetBitrate: Bitrate.megabits(50))
            parameters.settings.payloadUnit = 500
            let (there, here) = try await udpPlanes(parameters, client, server)
            for plane in [there, here] { plane.start(SendJob(plan: DataPlan(role: .client, parameters: parameters))) }
            for receiver in [there, here] {
                #expect(try #require(await receiver.totalsAtTheEnd()).datagrams?.received == 200)
            }
        }
    }

    @Test("the effective settings are those in use")
    func settings() async throws {
        try await withUDPSessions { client, server, _ in
            var parameters = TestParameters(
                transport: .udp, limit: .bytes(100_000), targetBitrate: Bitrate.megabits(50))
            parameters.settings.payloadUnit = 800
            parameters.settings.typeOfService = 0x28
            parameters.settings.window = 100_000
            let (there, here) = try await udpPlanes(parameters, client, server)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            _ = try #require(await there.totalsAtTheEnd())
            let sender = await here.sample().settings
            #expect(sender.payloadUnit == 800)
            #expect(sender.maxUDPPayload == 800)
            #expect(sender.typeOfService == 0x28)
            #expect(sender.sendBuffer == 200_000)
            #expect(sender.segmentationOffload == true)
            // What 50 Mbit/s give in a millisecond, in whole datagrams.
            #expect(sender.pacingBurst == 5600)
            let receiver = await there.sample().settings
            #expect(receiver.payloadUnit == nil)
            #expect(receiver.receiveOffload == true)
            #expect(receiver.receiveBuffer == 200_000)
        }
    }

    @Test("a pause stops both ends' clocks")
    func pause() async throws {
        try await withUDPSessions { client, server, _ in
            let parameters = TestParameters(
                transport: .udp, limit: .duration(.milliseconds(400)), targetBitrate: Bitrate.megabits(10))
            let (there, here) = try await udpPlanes(parameters, client, server)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            var totals: ReceivedTotals?
            let began = MonotonicClock.now()
            for await event in there.events {
                if case .receiving = event {
                    for plane in [there, here] { plane.setPaused(true) }
                    try await Task.sleep(for: .milliseconds(300))
                    for plane in [there, here] { plane.setPaused(false) }
                }
                if case .receiversDone(let counts) = event {
                    totals = counts
                    break
                }
            }
            #expect(MonotonicClock.now() - began >= .milliseconds(700))
            #expect(totals?.duration == .milliseconds(400))
            #expect(totals?.datagrams?.lost == 0)
        }
    }

    @Test("closing the sessions ends a running test at once, and its last counts stay readable")
    func closing() async throws {
        try await withUDPSessions { client, server, _ in
            let parameters = TestParameters(
                transport: .udp, direction: .bidirectional, streams: 2, limit: .duration(.seconds(3600)),
                targetBitrate: Bitrate.megabits(10))
            let (there, here) = try await udpPlanes(parameters, client, server)
            for plane in [there, here] { plane.start(SendJob(plan: DataPlan(role: .client, parameters: parameters))) }
            for plane in [there, here] {
                for await event in plane.events {
                    if case .receiving = event { break }
                }
            }
            await client.close(.cancelled)
            await server.close(.cancelled)
            for plane in [there, here] {
                for await _ in plane.events {}
                #expect(await plane.sample().sent?.reduce(.zero, +) ?? .zero > .zero)
                #expect(await plane.closeWindow().totals.datagrams?.received ?? 0 > 0)
            }
        }
    }

    @Test("a search for the path MTU finds what loopback carries, up to its largest size")
    func pathMTU() async throws {
        try await withUDPSessions { client, server, _ in
            var parameters = TestParameters(transport: .udp, limit: .duration(.seconds(60)))
            parameters.settings.probesPathMTU = true
            let (_, here) = try await udpPlanes(parameters, client, server)
            here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            for await event in here.events {
                if case .sendersDone = event { break }
            }
            let report = try #require(await here.sample().pathMTU)
            let result = PathMTUReport.Result(maxUDPPayload: 9188, pathMTU: 9216)
            #expect(report == PathMTUReport(upload: result, download: result))
        }
    }

    @Test("what can't be done is refused with a reason")
    func refusals() async throws {
        try await withUDPSessions { client, server, _ in
            func refusal(_ change: (inout TestParameters) -> Void, peer: PeerTraits = .qrate) async -> TransportError? {
                var parameters = TestParameters(transport: .udp)
                change(&parameters)
                let plan = DataPlan(role: .server, parameters: parameters, peer: peer)
                return await #expect(throws: TransportError.self) { _ = try await server.offer(plan) }
            }
            #expect(await refusal { $0.settings.payloadUnit = 15 }?.message.contains("16 to 65507") == true)
            #expect(await refusal { $0.settings.payloadUnit = 65_508 }?.message.contains("16 to 65507") == true)
            #expect(
                await refusal({ $0.settings.payloadUnit = 1000 }, peer: .singlePortUDP)?.message.contains("1400")
                    == true)
            #expect(
                await refusal {
                    $0.settings.probesPathMTU = true
                    $0.streams = 2
                }?.message.contains("one stream") == true)
            let plan = DataPlan(role: .client, parameters: TestParameters(transport: .udp))
            for offer in [DataOffer(), DataOffer(token: "00"), DataOffer(ports: [1, 2]), DataOffer(ports: [0])] {
                let error = await #expect(throws: TransportError.self) { _ = try await client.open(plan, offer) }
                #expect(error?.kind == .protocolError)
            }
        }
    }
}

// MARK: -

/// What the order of delivery means for the counts.
private struct Truth: Equatable {
    var received: UInt64
    var lost: Int64
    var duplicates: UInt64
    var reordered: UInt64

    init(_ delivered: [Int], sent: Int) {
        var seen: Set<Int> = []
        (duplicates, reordered) = (0, 0)
        var highest = -1
        for number in delivered {
            if seen.contains(number) {
                duplicates += 1
            } else if number < highest {
                reordered += 1
            }
            seen.insert(number)
            highest = max(highest, number)
        }
        received = UInt64(seen.count)
        lost = Int64(sent - seen.count)
    }

    init(_ report: DatagramReport) {
        (received, lost) = (report.received, report.lost)
        (duplicates, reordered) = (report.duplicates, report.reordered)
    }
}

extension PlaneSample {
    var udp: UDPPathMetrics? {
        guard case .udp(let metrics)? = path?.metrics else { return nil }
        return metrics
    }
}

/// An upload from its start to its totals.
private func upload(
    _ parameters: TestParameters, _ client: any TransportSession, _ server: any TransportSession
) async throws -> ReceivedTotals {
    let (there, here) = try await udpPlanes(parameters, client, server)
    here.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
    return try #require(await there.totalsAtTheEnd())
}

/// The server's plane and the client's, which is opened while the server waits.
func udpPlanes(
    _ parameters: TestParameters, peer: PeerTraits = .qrate, _ client: any TransportSession,
    _ server: any TransportSession
) async throws -> (there: any DataPlane, here: any DataPlane) {
    let (there, offer) = try await server.offer(DataPlan(role: .server, parameters: parameters, peer: peer))
    let here = try await client.open(DataPlan(role: .client, parameters: parameters, peer: peer), offer)
    return (there, here)
}

/// A front door on a free port with all that listens there, and a control connection over TCP to it.
func withUDPSessions(
    _ options: DatagramSocket.Options = .init(), host: String = "127.0.0.1",
    _ body: (any TransportSession, any TransportSession, FrontDoor) async throws -> Void
) async throws {
    try await withUDPAndQUICSessions(options, host: host) { client, server, door, _ in
        try await body(client, server, door)
    }
}

/// The same, with the sessions over QUIC that come to that port.
func withUDPAndQUICSessions(
    _ options: DatagramSocket.Options = .init(), host: String = "127.0.0.1",
    _ body: (
        any TransportSession, any TransportSession, FrontDoor, AsyncStream<any TransportSession>
    ) async throws -> Void
) async throws {
    let directory = try TemporaryDirectory()
    let identity = try ServerIdentity.kept(in: directory.path, names: [])
    let door = try FrontDoor.open(port: 0, options)
    let quic = try QUICListener(on: door, .init()) { ServerCredentials(identity) }
    let streams = try StreamListener(on: door)
    let client = try await StreamTransport.tcp(datagrams: options).connect(
        to: Endpoint(host: host, port: door.port), timeout: .seconds(10))
    try await client.control.send(Array("{hello\n".utf8))
    var sessions = streams.sessions.makeAsyncIterator()
    let server = try #require(await sessions.next())
    let result: Result<Void, any Error>
    do {
        try await body(client, server, door, quic.sessions)
        result = .success(())
    } catch {
        result = .failure(error)
    }
    // Each end waits for the other's.
    async let isClosed: Void = client.close(.done)
    await server.close(.done)
    await isClosed
    await streams.close()
    await quic.close()
    try result.get()
}

extension Bitrate {
    static func megabits(_ value: UInt64) -> Bitrate { Bitrate(bitsPerSecond: value * 1_000_000) }
}
