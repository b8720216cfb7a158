import QrateControlProtocol

/// The interval message that a server writes every second, of a test with 16 streams.
enum ControlLines {
    static func all() throws -> [any Benchmark] {
        var message = IntervalMessage(
            id: "0f2c8f1e-7b1d-4f39-9a86-0ce0c1a6ac11", elapsedMilliseconds: 1000,
            streams: (0..<16).map {
                IntervalMessage.StreamProgress(id: $0, bytes: 78_125_000)
            }, aggregate: IntervalMessage.Aggregate(bytes: 1_250_000_000, throughputMbps: 10_000))
        message.aggregate.rttMicroseconds = 250
        let interval = ControlMessage.interval(message)
        let line = try ControlCodec.encode(interval)
        return [
            Loop(name: "control/encode", operation: "line") { keep(try ControlCodec.encode(interval)) },
            Loop(name: "control/decode", operation: "line") { keep(try ControlCodec.decode(line)) },
        ]
    }
}
