import QrateTestSupport
import Testing

@Suite("transfers between processes", .fewAtATime) struct TransferTests {
    @Test("a byte budget arrives whole, and both ends count the same", arguments: [[], ["-R"]], [1, 4, 128])
    func byteBudget(direction: [String], streams: Int) async throws {
        try await withServer { server in
            let client = try await server.client(direction + ["-n", "1000003", "-P", "\(streams)", "--json"])
            let result = try client.success()
            let totals = try #require(result.summary?.totals)
            #expect(totals.bytesReceived == 1_000_003)
            #expect(totals.bytesSent == 1_000_003)
            #expect(totals.complete == true)
            #expect(totals.drainedBytes == 0 && totals.warmUpBytes == 0)
            #expect(result.streams?.count == streams)
            #expect(result.streams?.map(\.bytesReceived).reduce(0, +) == 1_000_003)
            #expect(result.intervals?.map(\.bytes).reduce(0, +) == 1_000_003)

            let event = try #require(try await server.events("test_finished").first)
            #expect(event.id == result.id)
            #expect(event.direction == result.test?.direction)
            #expect(event.streams == streams)
            #expect(event.bytesReceived == 1_000_003)
            #expect(event.message == nil)
        }
    }

    @Test(
        "a few bytes are a test, too", arguments: [[], ["-R"]],
        [["-n", "1"], ["-n", "1", "-P", "128"], ["-n", "1000"], ["-n", "1K", "-P", "3"]])
    func small(direction: [String], size: [String]) async throws {
        try await withServer { server in
            let bytes: UInt64 = ["1": 1, "1000": 1000, "1K": 1024][size[1]] ?? 0
            let result = try await server.client(direction + size + ["--json"]).success()
            #expect(result.summary?.totals?.bytesReceived == bytes)
            #expect(result.summary?.totals?.complete == true)
            #expect(result.streams?.map(\.bytesReceived).reduce(0, +) == bytes)
            #expect(try await server.events("test_finished").first?.bytesReceived == bytes)
        }
    }

    @Test("rows of a timed test touch, fill its window and add up to its summary", arguments: [[], ["-R"]])
    func rows(direction: [String]) async throws {
        try await withServer { server in
            let client = try await server.client(direction + ["-t", "500ms", "-i", "100ms", "-P", "2", "--json"])
            let result = try client.success()
            let rows = try #require(result.intervals)
            #expect(rows.map(\.startMs) == [0, 100, 200, 300, 400])
            #expect(rows.map(\.endMs) == [100, 200, 300, 400, 500])
            #expect(rows.allSatisfy { !$0.omitted })
            let totals = try #require(result.summary?.totals)
            #expect(totals.bytesReceived > 0)
            #expect(totals.bytesReceived == rows.map(\.bytes).reduce(0, +))
            #expect(totals.bytesReceived == result.streams?.map(\.bytesReceived).reduce(0, +))
            #expect(totals.durationMs == 500)
            #expect(totals.bytesSent == totals.bytesReceived + totals.drainedBytes)
            #expect(try await server.events("test_finished").first?.bytesReceived == totals.bytesReceived)
        }
    }

    @Test("the warm-up comes in addition to the duration and is in no total", arguments: [[], ["-R"]])
    func warmUp(direction: [String]) async throws {
        try await withServer { server in
            let client = try await server.client(direction + ["-O", "200ms", "-t", "400ms", "-i", "100ms", "--json"])
            let result = try client.success()
            let rows = try #require(result.intervals)
            #expect(rows.map(\.endMs) == [100, 200, 300, 400, 500, 600])
            #expect(rows.map(\.omitted) == [true, true, false, false, false, false])
            let totals = try #require(result.summary?.totals)
            #expect(totals.warmUpBytes == rows.prefix(2).map(\.bytes).reduce(0, +))
            #expect(totals.bytesReceived == rows.dropFirst(2).map(\.bytes).reduce(0, +))
            #expect(totals.durationMs == 400)
            #expect(totals.bytesSent == totals.warmUpBytes + totals.bytesReceived + totals.drainedBytes)
            #expect(try await server.events("test_finished").first?.bytesReceived == totals.bytesReceived)
        }
    }

    @Test("of bytes and time, the bytes come first", arguments: [[], ["-R"]])
    func bytesFirst(direction: [String]) async throws {
        try await withServer { server in
            let result = try await server.client(direction + ["-n", "1000003", "-t", "1h", "--json"]).success()
            #expect(result.summary?.totals?.bytesReceived == 1_000_003)
            #expect(result.summary?.totals?.complete == true)
        }
    }

    @Test("of bytes and time, the time comes first", arguments: [[], ["-R"]])
    func timeFirst(direction: [String]) async throws {
        try await withServer { server in
            let result = try await server.client(direction + ["-n", "1T", "-t", "200ms", "--json"]).success()
            #expect(result.summary?.totals?.durationMs == 200)
            #expect(result.summary?.totals?.complete == true)
        }
    }

    @Test("twenty clients at once, up and down, all get what they asked for")
    func crowd() async throws {
        try await withServer { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let direction = number.isMultiple(of: 2) ? [] : ["-R"]
                        let bytes = 300_000 + UInt64(number)
                        let client = try await server.client(
                            direction + ["-n", "\(bytes)", "-P", "\(number % 3 + 1)", "--json"])
                        let result = try client.success()
                        #expect(result.summary?.totals?.bytesReceived == bytes)
                        #expect(result.summary?.totals?.complete == true)
                    }
                }
                try await group.waitForAll()
            }
            let events = try await server.events("test_finished", count: 20)
            #expect(Set(events.compactMap(\.bytesReceived)) == Set(300_000..<300_020))
            #expect(events.allSatisfy { $0.message == nil })
        }
    }
}
