import QrateKit
import Testing

@Suite("what is measured") struct TestArgumentTests {
    @Test("without a flag it is a QUIC upload of 10 s with one stream")
    func defaults() throws {
        let parameters = try Parsing.parameters([])
        #expect(parameters == TestParameters())
        #expect(parameters.limit == .duration(.seconds(10)))
        #expect(parameters.targetBitrate == nil)
    }

    @Test(
        "the direction",
        arguments: [([], .upload), (["-R"], .download), (["--reverse"], .download), (["--bidir"], .bidirectional)]
            as [([String], Direction)])
    func direction(arguments: [String], direction: Direction) throws {
        #expect(try Parsing.parameters(arguments).direction == direction)
    }

    @Test(
        "the end",
        arguments: [
            (["-t", "5"], .duration(.seconds(5))), (["-t1m30s"], .duration(.seconds(90))),
            (["-t", "0"], .endless), (["-t", "0s"], .endless), (["-t0.0"], .endless),
            (["-n", "64K"], .bytes(65_536)), (["-n1.5M", "-t", "2"], .whicheverFirst(.seconds(2), 1_572_864)),
            (["-t", "0", "-n", "10"], .bytes(10)), (["--probe-mtu"], .duration(.seconds(60))),
            (["--probe-mtu", "-t", "3"], .duration(.seconds(3))),
        ] as [([String], TestLimit)])
    func limit(arguments: [String], limit: TestLimit) throws {
        #expect(try Parsing.parameters(arguments).limit == limit)
    }

    @Test("latency is measured when it is asked for, and not otherwise")
    func latency() throws {
        #expect(try Parsing.parameters(["--latency"]).measuresLatency)
        #expect(try !Parsing.parameters(["-R", "--tcp"]).measuresLatency)
    }

    @Test(
        "a rate has decimal prefixes and may be a fraction",
        arguments: [
            ("0", 0), ("1", 1), ("100M", 100_000_000), ("1.5g", 1_500_000_000), ("64K", 64_000), ("2500000", 2_500_000),
            ("0.5K", 500), ("1T", 1_000_000_000_000),
        ] as [(String, UInt64)])
    func bitrate(text: String, bitsPerSecond: UInt64) throws {
        for arguments in [["-b", text], ["-b" + text], ["--bitrate", text]] {
            #expect(try Parsing.parameters(arguments).targetBitrate == Bitrate(bitsPerSecond: bitsPerSecond))
        }
    }

    @Test(
        "what isn't a rate is refused",
        arguments: ["", "fast", "M", "1X", "1MB", "-1", "1e9", "0.1", "1..5", "10000000T"])
    func badBitrate(text: String) throws {
        #expect(Parsing.refusal(["-b", text])?.contains("-b") == true, "\(text)")
    }

    @Test(
        "rows may be as short as a tenth of a second, written plainly",
        arguments: [["-i", "0.1"], ["-i0.1"], ["-i", "100ms"]])
    func interval(arguments: [String]) throws {
        #expect(try Parsing.parameters(arguments).interval == .milliseconds(100))
        #expect(Parsing.refusal(arguments) == nil)
    }

    @Test("streams, warm-up and payload")
    func others() throws {
        #expect(try Parsing.parameters(["-P4"]).streams == 4)
        #expect(try Parsing.parameters(["--parallel", "128"]).streams == 128)
        #expect(try Parsing.parameters(["-O", "1.5"]).warmUp == .milliseconds(1500))
        #expect(try Parsing.parameters(["--omit", "2s"]).warmUp == .seconds(2))
        #expect(try Parsing.parameters([]).payload == .random)
        #expect(try Parsing.parameters(["--zeros"]).payload == .zeros)
    }

    @Test("a search for the path MTU is a UDP upload with one stream")
    func probe() throws {
        let parameters = try Parsing.parameters(["--probe-mtu", "-u", "-S", "0x10"])
        #expect(parameters.transport == .udp)
        #expect(parameters.direction == .upload)
        #expect(parameters.streams == 1)
        #expect(parameters.settings.probesPathMTU)
        #expect(parameters.settings.typeOfService == 16)
        #expect(try !Parsing.parameters(["-u"]).settings.probesPathMTU)
    }

    @Test(
        "flags that contradict each other are refused by their names",
        arguments: [
            (["-R", "--bidir"], "-R and --bidir exclude"), (["--probe-mtu", "-R"], "--probe-mtu and -R exclude"),
            (["--probe-mtu", "--bidir"], "--bidir"), (["--probe-mtu", "-P", "2"], "-P"),
            (["--probe-mtu", "-b", "1M"], "-b"), (["--probe-mtu", "-n", "1M"], "-n"),
            (["--probe-mtu", "-l", "9"], "-l"),
            (["--probe-mtu", "--tcp"], "--tcp"), (["--probe-mtu", "--quic"], "--quic"),
            (["--probe-mtu", "-t0"], "-t 0"),
            (["--probe-mtu", "-O", "1"], "-O"), (["--probe-mtu", "--zeros"], "--zeros"),
            (["--tcp", "--udp"], "--tcp and --udp exclude"), (["-u", "--quic"], "--quic and --udp exclude"),
            (["--tls", "--tcp", "--udp"], "--tcp and --tls and --udp exclude"), (["-4", "-6"], "-4 and -6 exclude"),
            (["-S", "4", "--dscp", "ef"], "-S and --dscp exclude"),
            (["--pin", "a", "--insecure"], "--insecure and --pin exclude"),
        ])
    func contradictions(arguments: [String], named: String) {
        #expect(Parsing.refusal(arguments)?.contains(named) == true, "\(Parsing.refusal(arguments) ?? "accepted")")
    }
}
