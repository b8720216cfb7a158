import Glibc
import QrateTestSupport
import Testing

@Suite("a server's limits", .fewAtATime) struct LimitTests {
    @Test("a busy server names its limit, and takes the next test when there is room")
    func busy() async throws {
        try await withServer(["--max-tests", "1"]) { server in
            try await server.withClient(["-t", "60"]) { running in
                try await server.events("test_started")
                let refused = try await server.client(["-n", "1000"])
                refused.expectFailure(75, saying: "busy", "--max-tests", "is 1")
                #expect(try await server.events("refused").first?.message?.contains("--max-tests") == true)
                running.send(SIGINT)
                #expect(try await running.end() == 130)
            }
            #expect(try await server.client(["-n", "1000"]).status == 0)
        }
    }

    @Test(
        "a longer test than the server allows is refused, the warm-up counted",
        arguments: [["-t", "2"], ["-t", "1", "-O", "500ms"]])
    func tooLong(arguments: [String]) async throws {
        try await withServer(["--max-duration", "1s"]) { server in
            try await server.client(arguments).expectFailure(75, saying: "--max-duration", "1.000 s")
            #expect(try await server.client(["-t", "100ms"]).status == 0)
        }
    }

    @Test("without a limit of its own a server allows an hour")
    func longest() async throws {
        try await withServer { server in
            try await server.client(["-t", "2h"]).expectFailure(75, saying: "Duration of 7200.000 s", "3600.000 s")
        }
    }

    @Test("a one-off server takes one test and ends after it")
    func oneOff() async throws {
        try await withServer(["--one-off"]) { server in
            #expect(try await server.client(["-n", "1000003"]).status == 0)
            #expect(try await server.program.end() == 0)
            let late = try await server.client(["-n", "1000", "--connect-timeout", "2s"])
            late.expectFailure(69)
        }
    }

    @Test("a one-off server that runs its test refuses another")
    func oneOffBusy() async throws {
        try await withServer(["--one-off"]) { server in
            try await server.withClient(["-t", "60", "-R"]) { running in
                try await server.events("test_started")
                try await server.client(["-n", "1000"]).expectFailure(75, saying: "--one-off")
                running.send(SIGINT)
                #expect(try await running.end() == 130)
            }
            #expect(try await server.program.end() == 0)
        }
    }
}
