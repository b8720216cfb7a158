import QrateMeasurement
import Testing

@testable import QrateReporting

@Suite("losses of a row") struct IntervalTableTests {
    private static func row(_ path: PathReport?) -> IntervalReport {
        IntervalReport(start: .seconds(1), end: .seconds(2), isWarmUp: false, upload: 1, path: path)
    }

    private static func path(
        _ start: Int64, _ end: Int64, lost: UInt64, by role: Role = .client
    ) -> PathReport {
        var path = SampleReports.path(role, end: end, rtt: 1, lost: lost, window: 1)
        path.start = .milliseconds(start)
        return path
    }

    /// The cell under `lost`: the last but one, and the window's unit is a word of its own.
    private static func losses(_ row: PathReport?, after previous: PathReport?) -> String? {
        let text = IntervalTable(TestParameters()).rows(Self.row(row), after: Self.row(previous))
        return text.split(separator: " ").dropLast(row == nil ? 1 : 2).last.map(String.init)
    }

    @Test("counts since the start of the test are subtracted")
    func difference() {
        #expect(Self.losses(Self.path(0, 2000, lost: 44), after: Self.path(0, 1000, lost: 37)) == "7")
    }

    @Test("a count that began after the row before is the row's own")
    func ownCount() {
        #expect(Self.losses(Self.path(1000, 2000, lost: 44), after: Self.path(0, 1000, lost: 37)) == "44")
    }

    @Test("counts that can't be compared give no figure")
    func incomparable() {
        #expect(Self.losses(Self.path(0, 2000, lost: 36), after: Self.path(0, 1000, lost: 37)) == "–")
        #expect(Self.losses(Self.path(0, 2000, lost: 44), after: Self.path(0, 1000, lost: 37, by: .server)) == "–")
        #expect(Self.losses(Self.path(5, 2000, lost: 44), after: Self.path(0, 1000, lost: 37)) == "–")
        #expect(Self.losses(Self.path(0, 2000, lost: 44), after: nil) == "–")
        #expect(Self.losses(nil, after: Self.path(0, 1000, lost: 37)) == "–")
    }
}
