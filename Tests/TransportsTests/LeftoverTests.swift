import Glibc
import QrateMeasurement
import QrateSockets
import QrateTransportAPI
import Testing

@testable import QrateTransports

/// In processes of their own: descriptors and threads are counted, and other tests have some too.
@Suite("what TCP tests leave behind", .timeLimit(.minutes(1))) struct LeftoverTests {
    @Test("a session that is closed in mid-test wakes everything, and leaves no descriptor and no thread")
    func closeInMidTest() async {
        await #expect(processExitsWith: .success) {
            // What is made once and kept (the payload, Swift's own threads) is there after a first round.
            try await Self.round()
            let before = Leftovers.now
            for _ in 0..<3 { try await Self.round() }
            // A thread that has done its last work may need a moment to disappear.
            while !(Leftovers.now <= before) { try await Task.sleep(for: .milliseconds(10)) }
        }
    }

    @Test("so does one that is closed while it waits for its data connections, on one port or on several")
    func closeWhileWaiting() async {
        await #expect(processExitsWith: .success) {
            let parameters = TestParameters(transport: .tcp, streams: 8, limit: .endless)
            func round() async throws {
                for peer: PeerTraits in [.qrate, .isQrate] {
                    try await withTCPSessions { _, server in
                        let plan = DataPlan(role: .server, testID: "t", parameters: parameters, peer: peer)
                        let (plane, _) = try await server.offer(plan)
                        plane.start(SendJob(plan: plan))
                    }
                }
            }
            try await round()
            let before = Leftovers.now
            for _ in 0..<3 { try await round() }
            while !(Leftovers.now <= before) { try await Task.sleep(for: .milliseconds(10)) }
        }
    }

    /// A bidirectional test of several streams, closed while it runs; one stream of it stands still for a pause.
    private static func round() async throws {
        let parameters = TestParameters(transport: .tcp, direction: .bidirectional, streams: 4, limit: .endless)
        try await withTCPSessions { client, server in
            let (there, here) = try await planes(parameters, client, server)
            for plane in [there, here] { plane.start(SendJob(plan: DataPlan(role: .client, parameters: parameters))) }
            await there.waitForPayload()
            await here.waitForPayload()
            here.setPaused(true)
            await client.close(.cancelled)
            await server.close(.cancelled)
            // The last state stays.
            guard await here.sample().sent?.contains(where: { $0 > .zero }) == true,
                await there.closeWindow().totals.measured.contains(where: { $0 > .zero })
            else { exit(3) }
            // The events end.
            for await _ in here.events {}
            for await _ in there.events {}
        }
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
