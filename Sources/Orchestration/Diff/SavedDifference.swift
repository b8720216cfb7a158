package import QrateMeasurement
import QrateStatistics

/// Holds one saved measurement against an earlier one.
package enum SavedDifference {
    /// - Parameter threshold: As a share; nil for the default.
    /// - Throws: `badInput` for tests that aren't alike, with the fields.
    package static func report(
        _ before: SavedMeasurement, _ after: SavedMeasurement, threshold: Double?
    ) throws(TestFailure) -> DiffReport {
        if let failure = unlikeness(before, after) { throw failure }
        var report = DiffReport(before: before, after: after, threshold: threshold)
        for series in before.series {
            guard let other = after.series(series.transport, series.direction) else { continue }
            report.rows.append(row(series, other, threshold))
            for change in changes(series, other) where !report.changes.contains(change) {
                report.changes.append(change)
            }
        }
        return report
    }

    // MARK: Alike or not

    /// Fields that a message names; the others are counted.
    private static let namedFields = 4

    private static func unlikeness(_ before: SavedMeasurement, _ after: SavedMeasurement) -> TestFailure? {
        var fields: [String] = []
        func compare(_ field: String, _ one: String, _ other: String) {
            let line = "\(field) (\(one) against \(other))"
            if one != other, !fields.contains(line) { fields.append(line) }
        }
        compare("transport", before.transportNames, after.transportNames)
        compare("direction", before.directionNames, after.directionNames)
        for series in before.series {
            guard let other = after.series(series.transport, series.direction) else { continue }
            for field in fieldNames(series, other) {
                let one = series.condition(field), two = other.condition(field)
                guard !isAlike(one, two) else { continue }
                compare(field, words(one), words(two))
            }
        }
        guard !fields.isEmpty else { return nil }
        let rest = fields.count - namedFields
        let list = fields.prefix(namedFields).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
        return TestFailure(
            .badInput, "\(before.name) and \(after.name) are not the same test: they differ in \(list)")
    }

    private static func isAlike(_ one: SavedCondition?, _ other: SavedCondition?) -> Bool {
        switch (one ?? other)?.weight {
        case .asked?: one.map { one in other.map { one.value.isAlike($0.value) } ?? false } ?? (other == nil)
        // What one of them doesn't say is not known: no reason to refuse.
        case .decisive?: one.flatMap { one in other.map { one.value.isAlike($0.value) } } ?? true
        case .noted?, nil: true
        }
    }

    private static func words(_ condition: SavedCondition?) -> String { condition?.value.description ?? "none" }

    /// What wasn't the same in both, though nobody asked for a difference.
    private static func changes(_ series: SavedSeries, _ other: SavedSeries) -> [DiffChange] {
        fieldNames(series, other).compactMap { field in
            let one = series.condition(field), two = other.condition(field)
            guard (one ?? two)?.weight == .noted, one?.value != two?.value else { return nil }
            return DiffChange(field, one?.value, two?.value)
        }
    }

    /// Those of both, each once, in the order of the first.
    private static func fieldNames(_ series: SavedSeries, _ other: SavedSeries) -> [String] {
        let names = series.conditions.map(\.field)
        return names + other.conditions.map(\.field).filter { !names.contains($0) }
    }

    // MARK: The verdict

    private static func row(_ before: SavedSeries, _ after: SavedSeries, _ threshold: Double?) -> DiffRow {
        let ratio = UnpairedRatio(values(after), to: values(before))
        let interval = ratio.interval
        var row = DiffRow(
            before.transport, before.direction, before: figure(before), after: figure(after),
            // With an interval chance is dealt with: what is left, the user may find too small to care about.
            threshold: threshold ?? (interval == nil ? DiffReport.defaultThreshold : 0))
        row.ratio = ratio.estimate
        row.interval = interval
        row.verdict = verdict(row)
        return row
    }

    private static func verdict(_ row: DiffRow) -> DiffRow.Verdict {
        guard let ratio = row.ratio else {
            if row.before.throughput == nil, row.after.throughput == nil { return .unknown }
            return row.after.throughput == nil ? .regression : .improvement
        }
        if let interval = row.interval, interval.containsOne { return .none }
        // By logarithms the same in both directions: a half and the double are equally far.
        let least = 1 - row.threshold
        if ratio < least { return .regression }
        if ratio > 1 / least { return .improvement }
        return row.interval == nil || ratio == 1 ? .none : .small
    }

    private static func figure(_ series: SavedSeries) -> DiffRow.Figure {
        let mean = UnpairedRatio.geometricMean(values(series))
        return DiffRow.Figure(
            tests: series.throughput.count,
            throughput: mean.flatMap { UInt64(exactly: $0.rounded()) }.map { Bitrate(bitsPerSecond: $0) })
    }

    private static func values(_ series: SavedSeries) -> [Double] { series.throughput.map { Double($0.bitsPerSecond) } }
}

extension SavedMeasurement {
    fileprivate func series(_ transport: TransportKind, _ direction: Direction) -> SavedSeries? {
        series.first { $0.transport == transport && $0.direction == direction }
    }

    /// Without regard to their order.
    fileprivate var transportNames: String {
        let kinds = Set(series.map(\.transport))
        return TransportKind.allCases.filter { kinds.contains($0) }.map(\.rawValue).joined(separator: ",")
    }

    fileprivate var directionNames: String {
        let directions = Set(series.map(\.direction))
        return directions.count > 1 ? Direction.bidirectional.rawValue : directions.first?.rawValue ?? "none"
    }
}
