import QrateMeasurement
import Testing

@Suite("rates, byte counts and times") struct BitrateTests {
    @Test("a rate is payload bits over time")
    func rateIsBitsOverTime() {
        #expect(Bitrate(1_000_000, over: .seconds(2)) == Bitrate(bitsPerSecond: 4_000_000))
    }

    @Test("no time passed, so there is no rate")
    func noRateWithoutTime() {
        #expect(Bitrate(1_000_000, over: .zero) == nil)
    }

    @Test(
        "quantities have three significant digits and decimal prefixes",
        arguments: [
            (0, "0 bit/s"), (999, "999 bit/s"), (1000, "1.00 kbit/s"), (9_996_000, "10.0 Mbit/s"),
            (934_600_000, "935 Mbit/s"), (999_600_000, "1.00 Gbit/s"), (16_100_000_000, "16.1 Gbit/s"),
        ])
    func threeSignificantDigits(bits: UInt64, text: String) {
        #expect("\(Bitrate(bitsPerSecond: bits))" == text)
    }

    @Test("byte counts saturate instead of trapping")
    func saturate() {
        #expect(ByteCount(.max) + 1 == ByteCount(.max))
        #expect(ByteCount(1) - 2 == .zero)
    }

    @Test("monotonic time saturates at never, and never runs backwards")
    func monotonicTime() {
        #expect(MonotonicTime(nanoseconds: .max - 1) + .seconds(1) == .never)
        #expect(MonotonicTime(nanoseconds: 5) - MonotonicTime(nanoseconds: 9) == .zero)
    }

    @Test(
        "durations from a peer are refused unless finite, not negative and short of a year",
        arguments: [Double.nan, .infinity, -1, 1e300])
    func hostileDurations(milliseconds: Double) {
        #expect(Duration(checkedMilliseconds: milliseconds) == nil)
    }
}
