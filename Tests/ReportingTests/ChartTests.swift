import QrateMeasurement
import Testing

@testable import QrateReporting

@Suite("the axes and drawings of a page") struct ChartTests {
    @Test(
        "ticks lie at steps of 1, 2 or 5, in a unit that keeps them short",
        arguments: [
            (.bitrate, 94_600_000, "Mbit/s", ["0", "20", "40", "60", "80"]),
            (.bitrate, 1_000, "kbit/s", ["0.0", "0.5", "1.0"]),
            (.bitrate, 12, "bit/s", ["0", "5", "10"]),
            (.bytes, 1_010_000, "MB", ["0.0", "0.5", "1.0"]),
            (.bytes, 718_000, "kB", ["0", "200", "400", "600"]),
            (.time, 0.0712, "ms", ["0", "20", "40", "60"]),
            (.time, 0.000_31, "µs", ["0", "100", "200", "300"]),
            (.time, 2.4, "s", ["0.0", "0.5", "1.0", "1.5", "2.0"]),
        ] as [(ChartAxis.Quantity, Double, String, [String])])
    func ticks(quantity: ChartAxis.Quantity, most: Double, unit: String, labels: [String]) {
        let axis = ChartAxis(quantity, to: most)
        #expect(axis.unit == unit)
        #expect(axis.ticks.map(\.label) == labels)
        #expect(axis.lower == 0 && axis.upper >= most)
    }

    @Test(
        "an axis of nothing, or of what is no figure, has room and ticks all the same",
        arguments: [0, -1, .infinity, .nan, 1e300, .leastNonzeroMagnitude] as [Double])
    func degenerate(most: Double) {
        for axis in [ChartAxis(.bitrate, to: most), ChartAxis(.time, around: [most, 1]), ChartAxis(seconds: most)] {
            #expect(axis.upper > axis.lower)
            #expect(axis.ticks.count <= 12)
            #expect(0...1 ~= axis.place(most) && 0...1 ~= axis.place(.nan) && 0...1 ~= axis.place(1e308))
        }
    }

    @Test("rates that are alike look alike: the axis around them spans a fifth of the largest at least")
    func alike() {
        let axis = ChartAxis(.bitrate, around: [94_000_000, 95_000_000])
        #expect(axis.upper - axis.lower >= 0.199 * 95_000_000)
        #expect(axis.lower > 0)
        #expect(ChartAxis(.bitrate, around: [10, 95]).lower == 0, "far apart they are shown from nothing")
    }

    @Test(
        "a ratio's axis has few ticks, and 1 among them",
        arguments: [(0.98, 1.02), (0.83, 0.87), (0.1, 0.3), (20, 40), (1e-9, 1e9)] as [(Double, Double)])
    func ratios(lower: Double, upper: Double) {
        let interval = RatioInterval(lower: lower, upper: upper)
        let chart = RatioChart(
            rows: [.init(name: "QUIC of TCP", ratio: (lower * upper).squareRoot(), interval: interval)], precision: 0.05
        )
        #expect(2...9 ~= chart.ticks.count)
        #expect(chart.ticks.contains(1))
    }

    @Test("quartiles lie between the nearest two values")
    func quantiles() {
        #expect(Quantile.of([], 0.5) == nil)
        #expect(Quantile.of([7], 0.25) == 7)
        #expect(Quantile.of([1, 2, 3, 4], 0.5) == 2.5)
        #expect(Quantile.of([1, 2, 3, 4, 5], 0.25) == 2)
    }

    @Test("the median of rounds is row by row, as long as half of them have that row")
    func median() {
        func point(_ row: Double, _ value: Double) -> TimeChart.Point { .init(start: row, end: row + 1, value: value) }
        let rounds = [
            [point(0, 10), point(1, 30)], [point(0, 20), point(1, 50)], [point(0, 90), point(1, 40), point(2, 1)], [],
        ]
        #expect(TimeChart.median(rounds) == [point(0, 20), point(1, 40)])
        #expect(TimeChart.median([]).isEmpty)
    }

    @Test("a rate is drawn level over its row, a state as a point at its end; the drawing says its figures in words")
    func course() {
        let rounds = [[TimeChart.Point(start: 0, end: 1, value: 50e6), .init(start: 1, end: 2, value: 100e6)]]
        func chart(_ shape: TimeChart.Shape) -> String {
            TimeChart(
                name: "Throughput, QUIC", style: "quic", shape: shape, rounds: rounds,
                values: ChartAxis(.bitrate, to: 100e6), seconds: ChartAxis(seconds: 2), quantity: .bitrate
            ).markup.source
        }
        #expect(chart(.steps).contains("d=\"M44 89.7H188V23.3H332\""), "\(chart(.steps))")
        #expect(chart(.states).contains("d=\"M188 89.7h0L332 23.3\""), "\(chart(.states))")
        #expect(chart(.steps).contains("<title>Throughput, QUIC</title>"))
        #expect(chart(.steps).contains("<desc>The only round, row by row: 50.0 Mbit/s, 100 Mbit/s</desc>"))
    }
}
