import Testing

@testable import QrateReporting

@Suite("points in time") struct UTCTimestampTests {
    // Expected values from `date -u -d @SECONDS +%FT%T.%3NZ`.
    @Test(
        "are written as RFC 3339 says",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_795_216_699.5, "2026-11-20T23:18:19.500Z"),
            (951_782_399.999, "2000-02-28T23:59:59.999Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"), (954_460_800, "2000-03-31T00:00:00.000Z"),
            (4_107_456_000, "2100-02-28T00:00:00.000Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (1_735_603_200, "2024-12-31T00:00:00.000Z"), (-0.001, "1969-12-31T23:59:59.999Z"),
            (-62_167_219_200, "0000-01-01T00:00:00.000Z"), (253_402_300_799.999, "9999-12-31T23:59:59.999Z"),
        ])
    func written(seconds: Double, text: String) {
        #expect(UTCTimestamp(secondsSince1970: seconds)?.description == text)
    }

    @Test(
        "that have no four-digit year can't be written",
        arguments: [
            Double.nan, .infinity, -.infinity, 1e300, -62_167_219_200.001, 253_402_300_800,
        ])
    func unwritable(seconds: Double) {
        #expect(UTCTimestamp(secondsSince1970: seconds) == nil)
    }
}
