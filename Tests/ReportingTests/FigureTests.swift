import QrateMeasurement
import Testing

@testable import QrateReporting

@Suite("figures for people") struct FigureTests {
    @Test(
        "byte counts have four significant digits",
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.000 kB"), (9_999, "9.999 kB"), (9_999_500, "10.00 MB"),
            (99_994_999, "99.99 MB"), (99_995_000, "100.0 MB"), (999_949_999, "999.9 MB"), (999_950_000, "1.000 GB"),
            (1_148_000_000, "1.148 GB"), (UInt64.max, "18.45 EB"),
        ])
    func bytes(count: UInt64, text: String) {
        #expect(Figure.bytes(ByteCount(count)) == text)
    }

    @Test(
        "latencies have three significant digits, from microseconds to seconds",
        arguments: [
            (0, "0.00 µs"), (87_000, "87.0 µs"), (999_499, "999 µs"), (999_500, "1.00 ms"), (24_100_000, "24.1 ms"),
            (999_499_999, "999 ms"), (999_500_000, "1.00 s"), (61_000_000_000, "61.0 s"), (Int64.max, "9223372037 s"),
        ])
    func latency(nanoseconds: Int64, text: String) {
        #expect(Figure.latency(.nanoseconds(nanoseconds)) == text)
    }

    @Test(
        "a share is never rounded to nothing or to everything",
        arguments: [
            (0, "0 %"), (0.000001, "<0.01 %"), (0.0001, "0.01 %"), (0.0012, "0.12 %"), (0.09994, "9.99 %"),
            (0.09996, "10.0 %"), (0.125, "12.5 %"), (0.9989, "99.9 %"), (0.99999, ">99.9 %"), (1, "100 %"),
        ])
    func share(ratio: Double, text: String) {
        #expect(Figure.share(ratio) == text)
    }

    @Test(
        "a size that was chosen has the prefix that leaves no remainder",
        arguments: [
            (1, "1 byte"), (1400, "1400 bytes"), (1024, "1 KiB"), (131_072, "128 KiB"), (1_048_576, "1 MiB"),
            (1_048_577, "1048577 bytes"), (1_572_864, "1536 KiB"), (2 << 30, "2 GiB"), (0, "0 bytes"),
        ])
    func size(bytes: UInt64, text: String) {
        #expect(Figure.size(ByteCount(bytes)) == text)
    }

    @Test("what was not measured is a dash")
    func absent() {
        #expect(Figure.bytes(nil) == "–")
        #expect(Figure.rate(nil) == "–")
        #expect(Figure.latency(nil) == "–")
        #expect(Figure.count(nil) == "–")
        #expect(Figure.measured(nil) == "–")
        #expect(Figure.share(nil) == "–")
    }

    @Test(
        "bounds have no more decimals than they need",
        arguments: [
            (0, 1000, "0-1 s"), (990, 2010, "1-2 s"), (989, 2000, "0.99-2.00 s"), (3000, 3400, "3.0-3.4 s"),
            (3008, 3410, "3.0-3.4 s"), (9000, 9980, "9.00-9.98 s"), (500, 1000, "0.5-1.0 s"),
            (2000, 2008, "2.00-2.01 s"),
            (2000, 2004, "2.000-2.004 s"), (2000, 2000, "2.000-2.000 s"), (3599_000, 3600_000, "3599-3600 s"),
        ])
    func bounds(start: Int64, end: Int64, text: String) {
        #expect(Figure.bounds(.milliseconds(start), .milliseconds(end)) == text)
    }

    @Test(
        "lengths that were chosen keep their decimals and lose their zeros",
        arguments: [
            (10_000, "10 s"), (500, "0.5 s"), (250, "0.25 s"), (0, "0 s"), (100_000, "100 s"),
        ])
    func planned(milliseconds: Int64, text: String) {
        #expect(Duration.milliseconds(milliseconds).secondsWithoutZeros == text)
    }

    @Test(
        "processor time has two digits, and a third decimal at most",
        arguments: [
            (0, "0.000 s"), (0.0834, "0.083 s"), (0.0996, "0.10 s"), (0.914, "0.91 s"), (0.996, "1.0 s"),
            (1.14, "1.1 s"), (9.96, "10 s"), (12.4, "12 s"), (345, "345 s"),
        ] as [(Double, String)])
    func cost(seconds: Double, text: String) {
        #expect(Figure.cost(.seconds(seconds)) == text)
    }
}
