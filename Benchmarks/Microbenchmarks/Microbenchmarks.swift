import FoundationEssentials
import Glibc

/// What the hot parts cost by themselves: CPU time per packet, record, datagram or line, without a network.
@main struct Microbenchmarks {
    private static let usage = """
        usage: qrate-microbenchmarks [--json] [--seconds S] [NAME...]   (default: 1 second each; parts of names)
        """

    static func main() {
        var names: [String] = []
        var seconds = 1.0
        var isJSON = false
        var words = CommandLine.arguments.dropFirst()
        while let word = words.popFirst() {
            switch word {
            case "--json": isJSON = true
            case "--seconds":
                guard let value = words.popFirst().flatMap(Double.init), value > 0, value <= 3600 else {
                    fail(usage, status: 64)
                }
                seconds = value
            case let option where option.hasPrefix("-"): fail(usage, status: 64)
            default: names.append(word)
            }
        }
        #if DEBUG
            note("this is a debug build: its figures mean nothing (swift run -c release qrate-microbenchmarks)")
        #endif
        do {
            let chosen = try all().filter { benchmark in
                names.isEmpty || names.contains { benchmark.name.contains($0) }
            }
            guard !chosen.isEmpty else { fail("nothing is called like that", status: 64) }
            try isJSON ? printJSON(chosen, seconds) : printText(chosen, seconds)
        } catch {
            fail("qrate-microbenchmarks: \(error)", status: 1)
        }
    }

    private static func all() throws -> [any Benchmark] {
        try CipherLoops.all() + ConnectionsInMemory.all() + TapLoops.all() + RecordLoops.all() + MeterLoops.all()
            + ControlLines.all()
    }

    private static func printText(_ benchmarks: [any Benchmark], _ seconds: Double) throws {
        print(Self.row("", "CPU ns each", "9 of 10 samples", "Gbit/s a core"))
        for benchmark in benchmarks {
            for figure in try benchmark.run(seconds: seconds) {
                print(
                    row(
                        figure.name, "\(decimal(figure.median)) / \(figure.operation)",
                        "\(decimal(figure.low))-\(decimal(figure.high))",
                        figure.bitsPerSecond.map { decimal($0 / 1e9, digits: 2) } ?? "–"))
                fflush(nil)  // each row as it comes, also into a pipe
            }
        }
    }

    private static func printJSON(_ benchmarks: [any Benchmark], _ seconds: Double) throws {
        struct Document: Encodable {
            let schema = "qrate.microbenchmarks/1"
            let figures: [Figure]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let document = Document(figures: try benchmarks.flatMap { try $0.run(seconds: seconds) })
        print(String(decoding: try encoder.encode(document), as: UTF8.self))
    }

    private static func row(_ name: String, _ cost: String, _ span: String, _ rate: String) -> String {
        name.padding(34) + cost.leading(22) + span.leading(22) + rate.leading(16)
    }

    private static func decimal(_ value: Double, digits: Int = 1) -> String {
        let scale = pow(10, Double(digits))
        return "\((value * scale).rounded() / scale)"
    }

    private static func note(_ message: String) {
        var text = message + "\n"
        _ = text.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func fail(_ message: String, status: CInt) -> Never {
        note(message)
        exit(status)
    }
}

extension Figure: Encodable {
    private enum CodingKeys: String, CodingKey {
        case name, operation, bytes
        case median = "cpu_ns"
        case low = "cpu_low_ns"
        case high = "cpu_high_ns"
        case bitsPerSecond = "bps"
    }

    func encode(to encoder: any Encoder) throws {
        var keyed = encoder.container(keyedBy: CodingKeys.self)
        try keyed.encode(name, forKey: .name)
        try keyed.encode(operation, forKey: .operation)
        try keyed.encodeIfPresent(bytes, forKey: .bytes)
        try keyed.encode(median, forKey: .median)
        try keyed.encode(low, forKey: .low)
        try keyed.encode(high, forKey: .high)
        try keyed.encodeIfPresent(bitsPerSecond, forKey: .bitsPerSecond)
    }
}

extension String {
    fileprivate func padding(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    fileprivate func leading(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
