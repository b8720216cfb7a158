import Glibc
import QrateMeasurement
import QrateSockets
import QrateTransportAPI
import Testing

@testable import QrateTransports

/// A descriptor is closed when its socket goes away, and not before: these look for the sockets. One counts all that a
/// process has, in a process of its own.
@Suite("what TCP tests leave behind", .timeLimit(.minutes(1))) struct LeftoverTests {
    @Test("a session that is closed in mid-test wakes every thread, and leaves none and no descriptor")
    func closeInMidTest() async throws {
        let parameters = TestParameters(transport: .tcp, direction: .bidirectional, streams: 4, limit: .endless)
        var sockets: [WeakSocket] = []
        try await withTCPSessions { client, server in
            let (there, here) = try await planes(parameters, client, server)
            for plane in [there, here] { plane.start(SendJob(plan: DataPlan(role: .client, parameters: parameters))) }
            await there.waitForPayload()
            await here.waitForPayload()
            sockets = (there.connections + here.connections).map { WeakSocket(socket: $0) }
            #expect(sockets.count == 8)
            here.setPaused(true)  // its senders wait for something else than their sockets
            await client.close(.cancelled)
            await server.close(.cancelled)
            for plane in [there, here] {
                #expect(plane.runningThreads == 0)
                #expect(plane.connections.isEmpty)
                // The last state stays, and the events end.
                let last = await plane.sample()
                #expect(last.sent?.count == 4)
                #expect(last.path != nil)
                #expect(await plane.sample().sent == last.sent)
                #expect(await plane.closeWindow().totals.isComplete == false)
                for await _ in plane.events {}
            }
        }
        // A thread lets its stream go in its very last steps.
        while sockets.contains(where: { $0.socket != nil }) { try await Task.sleep(for: .milliseconds(1)) }
    }

    @Test("after whole tests and broken ones, a process has no more descriptors and threads than before")
    func processes() async {
        await #expect(processExitsWith: .success) {
            do {
                // What is made once and kept (the payload, Swift's own threads) is there after a first round.
                try await brokenTest()
                let before = Leftovers.now
                for _ in 0..<3 { try await brokenTest() }
                // A thread that has done its last work may need a moment to disappear.
                while !(Leftovers.now <= before) { try await Task.sleep(for: .milliseconds(10)) }
            } catch {
                exit(2)
            }
        }
    }

    @Test(
        "so does one that is closed while it waits for its data connections", arguments: [PeerTraits.qrate, .isQrate])
    func closeWhileWaiting(peer: PeerTraits) async throws {
        let parameters = TestParameters(transport: .tcp, streams: 3, limit: .endless)
        try await withTCPSessions { client, server in
            let plan = DataPlan(role: .server, testID: "t", parameters: parameters, peer: peer)
            let (plane, offer) = try await server.offer(plan)
            let there = try #require(plane as? TCPDataPlane)
            let data = try RawClient(port: offer.ports.first ?? #require(client.port))
            if peer.contains(.singlePortTCP) { try data.sendDataHello("t", "0") }
            while there.connections.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
            await server.close(.cancelled)
            #expect(there.runningThreads == 0)
            #expect(try data.isClosed())
            // Nothing listens for the others any more.
            for port in offer.ports.dropFirst() {
                while (try? RawClient(port: port)) != nil { try await Task.sleep(for: .milliseconds(1)) }
            }
            if peer.contains(.singlePortTCP) {
                let late = try RawClient(port: try #require(client.port))
                try late.sendDataHello("t", "1")
                #expect(try late.isClosed())
            }
        }
    }

    @Test("an offer to a session that is closed comes to nothing")
    func offerAfterClose() async throws {
        try await withTCPSessions { _, server in
            await server.close(.done)
            await #expect(throws: TransportError.self) {
                _ = try await server.offer(
                    DataPlan(role: .server, testID: "t", parameters: TestParameters(transport: .tcp)))
            }
        }
    }
}

private func brokenTest() async throws {
    let parameters = TestParameters(transport: .tcp, direction: .bidirectional, streams: 4, limit: .endless)
    try await withTCPSessions { client, server in
        let (there, here) = try await planes(parameters, client, server)
        for plane in [there, here] { plane.start(SendJob(plan: DataPlan(role: .client, parameters: parameters))) }
        await there.waitForPayload()
        await here.waitForPayload()
    }
}

private struct Leftovers {
    var descriptors: Int
    var threads: Int

    static var now: Leftovers {
        Leftovers(descriptors: count("/proc/self/fd"), threads: count("/proc/self/task"))
    }

    static func <= (left: Leftovers, right: Leftovers) -> Bool {
        left.descriptors <= right.descriptors && left.threads <= right.threads
    }

    private static func count(_ path: String) -> Int {
        guard let directory = opendir(path) else { return .max }
        defer { closedir(directory) }
        var entries = 0
        while readdir(directory) != nil { entries += 1 }
        return entries
    }
}

private struct WeakSocket {
    weak var socket: StreamSocket?
}
