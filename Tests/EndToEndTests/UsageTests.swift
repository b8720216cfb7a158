import QrateTestSupport
import Testing

@Suite("what can't be run") struct UsageTests {
    @Test(
        "a value that makes no sense is refused by its flag, in one line",
        arguments: [
            (["-t", "abc"], "'-t <time>'"), (["-t", "1m30"], "'-t <time>'"), (["-t", "0.0001"], "(-t)"),
            (["-P", "0"], "(-P)"), (["-P", "129"], "(-P)"), (["-P", "x"], "-P"),
            (["-i", "1ms"], "(-i)"), (["-n", "0"], "(-n)"), (["-n", "-5"], "-n"), (["-n", "1X"], "'-n <size>'"),
            (["-p", "0"], "port 0"), (["-p", "65536"], "-p"), (["--pin", "xyz"], "\"xyz\" is no pin"),
            (["--ca", "a.pem", "--insecure"], "--insecure and --ca"),
            (["--pin", "xyz", "--ca", "a.pem"], "--pin and --ca"), (["--socket-buffer", "1"], "socket buffer of 1"),
            (["--connect-timeout", "0"], "connect timeout of 0"), (["--nonsense"], "--nonsense"),
            (["another.example.net"], "another.example.net"),
        ])
    func badValue(arguments: [String], named: String) async throws {
        let client = try await QrateProgram.run(["127.0.0.1"] + arguments)
        client.expectFailure(64, saying: named)
        #expect(client.output == "")
    }

    @Test(
        "a server's value that makes no sense is refused by its flag, in one line",
        arguments: [
            (["--cert", "chain.pem"], "--cert and --key"), (["--key", "key.pem"], "--cert and --key"),
            (["--threads", "0"], "0 threads"), (["--threads", "65"], "out of range: 1 to 64"),
            (["--max-tests", "0"], "0 tests at once"), (["--max-duration", "0"], "longest test of 0"),
            (["--idle-timeout", "1ms"], "idle timeout of 0.001 s"), (["-p", "x"], "-p"), (["--wrong"], "--wrong"),
        ])
    func badServerValue(arguments: [String], named: String) async throws {
        let server = try await QrateProgram.run(["serve", "-p", "0"] + arguments)
        server.expectFailure(64, saying: named)
        #expect(server.output == "")
    }

    @Test("a mistyped subcommand is not taken for a host", arguments: ["serv", "sevre", "Serve", "servee", "clinet"])
    func mistypedSubcommand(word: String) async throws {
        let client = try await QrateProgram.run([word])
        client.expectFailure(
            64, saying: "Did you mean `qrate \(word.lowercased().hasPrefix("c") ? "client" : "serve")`")
    }

    @Test("without a host it says what is missing and where help is")
    func noHost() async throws {
        let client = try await QrateProgram.run([])
        client.expectFailure(64, saying: "<host>", "qrate --help")
    }

    @Test("help and version go to standard output", arguments: [["--help"], ["serve", "--help"], ["--version"]])
    func help(arguments: [String]) async throws {
        let outcome = try await QrateProgram.run(arguments)
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        #expect(outcome.output.contains(arguments == ["--version"] ? "qrate 0." : "--port <port>"))
        #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test(
        "a server without a usable certificate doesn't start",
        arguments: [
            ("missing.pem", "server-key.pem", "missing.pem"), ("server.pem", "missing.pem", "missing.pem"),
            ("server.pem", "other-key.pem", "key"), ("server-key.pem", "server-key.pem", "server-key.pem"),
        ])
    func badCertificate(chain: String, key: String, named: String) async throws {
        let directory = try TemporaryDirectory()
        _ = try TestCertificate.selfSigned().writePEM(to: directory.path)
        _ = try TestCertificate.selfSigned().writePEM(to: directory.path, name: "other")
        let server = try await QrateProgram.run([
            "serve", "-p", "0", "--cert", "\(directory.path)/\(chain)", "--key", "\(directory.path)/\(key)",
        ])
        server.expectFailure(65, saying: named)
    }

    @Test("authorities that can't be read end a client before it connects", arguments: [("none.pem", "none.pem")])
    func badAuthorities(file: String, named: String) async throws {
        let directory = try TemporaryDirectory()
        let client = try await QrateProgram.run(["127.0.0.1", "--ca", "\(directory.path)/\(file)"])
        client.expectFailure(65, saying: named)
    }
}
