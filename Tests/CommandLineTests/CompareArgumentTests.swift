import ArgumentParser
import QrateKit
import Testing

@testable import qrate

@Suite("the arguments of `qrate compare`") struct CompareArgumentTests {
    private func configuration(_ arguments: [String]) throws -> ComparisonConfiguration {
        let command = try Qrate.parseAsRoot(["compare", "192.0.2.7"] + arguments)
        return try #require(command as? CompareCommand).comparisonConfiguration()
    }

    /// What a user reads when the arguments can't be run; nil when they can.
    private func refusal(_ arguments: [String]) -> String? {
        do {
            try configuration(arguments).validate()
            return nil
        } catch let failure as TestFailure {
            return failure.kind == .usage ? failure.message : nil
        } catch {
            return Qrate.message(for: error)
        }
    }

    @Test("without a flag: QUIC, TLS and TCP, 3 s each, 5 to 15 rounds for 5 %")
    func defaults() throws {
        let configuration = try configuration([])
        #expect(configuration.connection.host == "192.0.2.7")
        #expect(configuration.connection.port == 5201)
        #expect(configuration.parameters == ComparisonParameters())
        #expect(configuration.parameters.transports == [.quic, .tls, .tcp])
        #expect(configuration.parameters.test.limit == .duration(.seconds(3)))
        #expect(configuration.parameters.rounds == 15)
        #expect(configuration.parameters.precision == 0.05)
        #expect(configuration.parameters.budget == nil)
        try configuration.validate()
    }

    @Test("the transports, in their order, in any case", arguments: ["udp,quic", "UDP,Quic"])
    func transports(list: String) throws {
        #expect(try configuration(["--transports", list]).parameters.transports == [.udp, .quic])
    }

    @Test("what a comparison has of its own")
    func own() throws {
        let parameters = try configuration([
            "--rounds", "30", "--precision", "2.5%", "--budget", "10m", "-t", "1.5s", "-R", "-P", "4", "-O", "1",
        ]).parameters
        #expect(parameters.rounds == 30)
        #expect(parameters.precision == 0.025)
        #expect(parameters.budget == .seconds(600))
        #expect(parameters.test.limit == .duration(.milliseconds(1500)))
        #expect(parameters.test.direction == .download)
        #expect(parameters.test.streams == 4)
        #expect(parameters.test.warmUp == .seconds(1))
        #expect(try configuration(["--precision", "10"]).parameters.precision == 0.1)
        #expect(try configuration(["-n", "10M"]).parameters.test.limit == .bytes(10_485_760))
    }

    @Test("each transport gets of the settings those that it has, and one congestion controller for all")
    func settings() throws {
        let parameters = try configuration([
            "--transports", "quic,tls,tcp,udp", "-l", "1200", "--cipher", "aes256gcm", "-N", "--connections", "1",
        ]).parameters
        let each = parameters.transports.map { parameters.parameters(for: $0) }
        #expect(each.map(\.transport) == [.quic, .tls, .tcp, .udp])
        #expect(each.map(\.settings.payloadUnit) == [nil, 1200, 1200, 1200])
        #expect(each.map(\.settings.cipher) == [.aes256gcm, .aes256gcm, nil, nil])
        #expect(each.map(\.settings.sendsWithoutDelay) == [false, true, true, false])
        #expect(each.map(\.settings.congestionController) == ["cubic", "cubic", "cubic", nil])
        let bbr = try configuration(["-C", "bbr"]).parameters
        #expect(bbr.transports.map { bbr.parameters(for: $0).settings.congestionController } == ["bbr", "bbr", "bbr"])
    }

    @Test("certificates go to those who have some, and the network's options to those who use them")
    func connection() throws {
        let configuration = try configuration([
            "--transports", "quic,tcp", "--insecure", "--server-name", "example.net", "--aead", "stock", "-p", "5310",
            "-4",
        ])
        try configuration.validate()
        #expect(configuration.connection.trust == .insecure)
        #expect(configuration.connection.port == 5310)
        #expect(configuration.connection.local == LocalAddress(ipVersion: .v4))
        #expect(configuration.connection.network.aead == .stock)
    }

    @Test(
        "what can't be run is refused with a reason",
        arguments: [
            (["--transports", "quic"], "two transports"), (["--transports", "quic,quic"], "once"),
            (["--transports", "quic,sctp"], "--transports"), (["--transports", "quic,,tcp"], "--transports"),
            (["--tcp"], "--transports"), (["--udp"], "--transports"), (["--rounds", "4"], "5 to 1000"),
            (["--rounds", "1001"], "5 to 1000"), (["--precision", "0"], "--precision"),
            (["--precision", "101%"], "--precision"), (["--precision", "5x"], "--precision"),
            (["--budget", "0"], "--budget"), (["-t", "0"], "need an end"), (["--probe-mtu"], "--probe-mtu"),
            (["--transports", "tls,tcp", "--datagrams"], "--datagrams"),
            (["--transports", "quic,udp", "-N"], "-N"),
            (["--transports", "tcp,udp", "--cipher", "aes128gcm"], "--cipher"),
            (["-P", "200"], "128"), (["-i", "1ms"], "-i"),
        ] as [([String], String)])
    func refused(arguments: [String], words: String) throws {
        #expect(refusal(arguments)?.contains(words) == true, "\(refusal(arguments) ?? "was taken")")
    }
}

@Suite("the arguments of `qrate diff` and `qrate selftest`") struct DiffArgumentTests {
    @Test("two files, and a threshold in per cent")
    func diff() throws {
        let command = try #require(
            try Qrate.parseAsRoot(["diff", "a.json", "-", "--threshold", "7.5%", "--json"]) as? DiffCommand)
        #expect(command.before == "a.json" && command.after == "-" && command.json)
        #expect(command.threshold?.share == 0.075)
        #expect(throws: (any Error).self) { try Qrate.parseAsRoot(["diff", "a.json"]) }
        #expect(throws: (any Error).self) { try Qrate.parseAsRoot(["diff", "a.json", "b.json", "c.json"]) }
        #expect(throws: (any Error).self) { try Qrate.parseAsRoot(["diff", "a", "b", "--threshold", "-5"]) }
    }

    @Test("a second for each transport, unless told otherwise")
    func selfTest() throws {
        let standard = try #require(try Qrate.parseAsRoot(["selftest"]) as? SelfTestCommand)
        #expect(standard.time.duration == .seconds(1) && !standard.json)
        let short = try #require(try Qrate.parseAsRoot(["selftest", "-t", "200ms"]) as? SelfTestCommand)
        #expect(short.time.duration == .milliseconds(200))
        #expect(throws: (any Error).self) { try Qrate.parseAsRoot(["selftest", "192.0.2.7"]) }
    }
}

@Suite("how far a comparison is") struct ComparisonProgressTests {
    @Test("says the round, how many there may be, the transport, and at least how long it takes")
    func line() {
        var progress = ComparisonProgress(ComparisonParameters())
        #expect(progress.line(at: .now) == "  connecting")
        progress.take(.testBegan(.quic, round: 1, planned: nil))
        #expect(progress.line(at: .now) == "  round 1 of 5 to 15, QUIC, 0.0 s")
        progress.take(
            .interval(
                .quic, IntervalReport(.upload, start: .zero, end: .seconds(1), isWarmUp: false, bytesReceived: 125_000))
        )
        #expect(progress.line(at: .now).hasPrefix("  round 1 of 5 to 15, QUIC, 0.0 s, 1.00 Mbit/s"))
        progress.take(.testEnded(ComparisonReport(id: "", startedAt: 0, parameters: ComparisonParameters())))
        progress.take(.testBegan(.tcp, round: 5, planned: nil))
        #expect(progress.line(at: .now).contains("at least "))
        progress.take(.testBegan(.tcp, round: 6, planned: 8))
        let line = progress.line(at: .now)
        #expect(line.hasPrefix("  round 6 of 8, TCP, ") && line.contains("about ") && line.hasSuffix(" left"))
    }
}
