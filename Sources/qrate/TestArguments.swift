import ArgumentParser
import QrateKit

/// What is measured, for how long, and in which direction.
struct TestArguments: ParsableArguments {
    @Flag(name: [.customShort("R"), .long], help: "Download: the server sends. Without it, the client does.")
    var reverse = false

    @Flag(help: "Both directions at once.")
    var bidir = false

    @Option(
        name: [.customShort("t", allowingJoined: true), .long],
        help: ArgumentHelp(
            "How long to measure: 10, 10s, 1m30s, 500ms; 0 until Ctrl-C. Default: 10s, without -n.",
            valueName: "time"))
    var time: TimeArgument?

    @Option(
        name: [.customShort("n", allowingJoined: true), .long],
        help: ArgumentHelp(
            "Payload bytes to send each way: 1000000, 64K, 1.5G (binary). With -t, whichever ends first.",
            valueName: "size"))
    var bytes: ByteCount?

    @Option(
        name: [.customShort("P", allowingJoined: true), .long],
        help: ArgumentHelp("Streams each way, 1 to 128. Default: 1.", valueName: "n"))
    var parallel: Int?

    @Option(
        name: [.customShort("b", allowingJoined: true), .long],
        help: ArgumentHelp(
            "Bits per second to send each way, all streams together: 64K, 1.5M, 10G (decimal); 0 is unlimited. "
                + "Default: 1G over UDP, else unlimited.",
            valueName: "rate"))
    var bitrate: Bitrate?

    @Option(
        name: [.customShort("O", allowingJoined: true), .long],
        help: ArgumentHelp("Leave out the first part of the test, which comes in addition to -t.", valueName: "time"))
    var omit: TimeArgument?

    @Option(
        name: [.customShort("i", allowingJoined: true), .long],
        help: ArgumentHelp("The length of a row, from 0.1.", valueName: "time"))
    var interval = TimeArgument(.seconds(1))

    @Flag(
        help: "Measure latency by small probes, for a second before the test and while payload moves.")
    var latency = false

    @Flag(help: "Send zeros instead of random payload. What compresses on the way then looks fast.")
    var zeros = false

    @Flag(
        name: .customLong("probe-mtu"),
        help: "Instead of a rate, find the largest datagrams that the path carries each way (UDP).")
    var probesPathMTU = false

    /// A search for the path MTU ends by itself; this is when it gives up.
    static let longestProbe = Duration.seconds(60)

    /// - Throws: `usage` for flags that contradict each other.
    func parameters(_ transport: TransportArguments) throws(TestFailure) -> TestParameters {
        try Exclusive.check([reverse ? "-R" : nil, bidir ? "--bidir" : nil])
        try checkProbe(transport)
        var parameters = TestParameters(
            transport: probesPathMTU ? .udp : try transport.kind,
            direction: bidir ? .bidirectional : reverse ? .download : .upload,
            streams: parallel ?? 1, limit: limit, warmUp: omit?.duration ?? .zero, interval: interval.duration,
            targetBitrate: bitrate, payload: zeros ? .zeros : .random, settings: try transport.settings)
        parameters.settings.probesPathMTU = probesPathMTU
        parameters.measuresLatency = latency
        return parameters
    }

    private var limit: TestLimit {
        switch (time?.duration, bytes) {
        case (.zero, nil): .endless
        case (.zero, let bytes?), (nil, let bytes?): .bytes(bytes)
        case (let time?, let bytes?): .whicheverFirst(time, bytes)
        case (let time?, nil): .duration(time)
        case (nil, nil): .duration(probesPathMTU ? Self.longestProbe : TestParameters.defaultDuration)
        }
    }

    /// A search for the path MTU has a transport, sizes and a course of its own.
    private func checkProbe(_ transport: TransportArguments) throws(TestFailure) {
        guard probesPathMTU else { return }
        let given =
            transport.names + [
                reverse ? "-R" : nil, bidir ? "--bidir" : nil, time?.duration == .zero ? "-t 0" : nil,
                bytes == nil ? nil : "-n", parallel ?? 1 == 1 ? nil : "-P", bitrate == nil ? nil : "-b",
                omit == nil ? nil : "-O", zeros ? "--zeros" : nil, latency ? "--latency" : nil,
                transport.length == nil ? nil : "-l",
            ]
        guard let first = given.compactMap(\.self).first(where: { $0 != "--udp" }) else { return }
        throw TestFailure(
            .usage, "--probe-mtu and \(first) exclude each other: it tries datagrams of many sizes over UDP, both ways")
    }
}
