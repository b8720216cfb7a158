package import QrateMeasurement

/// ``QrateMeasurement/SteadyState`` on the wire.
package struct WireSteadyState: Sendable, Equatable, Codable {
    package var timeTo90PercentMilliseconds: Double
    package var plateau: UInt64
    package var deviation: UInt64
    package var sliceMilliseconds: Double
    package var twoRates: TwoRates?

    enum CodingKeys: String, CodingKey {
        case timeTo90PercentMilliseconds = "time_to_90_percent_ms"
        case plateau = "plateau_bps"
        case deviation = "plateau_deviation_bps"
        case sliceMilliseconds = "slice_ms"
        case twoRates = "two_rates"
    }

    package struct TwoRates: Sendable, Equatable, Codable {
        package var low: UInt64
        package var high: UInt64
        /// 0 to 1.
        package var lowShare: Double

        enum CodingKeys: String, CodingKey {
            case low = "low_bps"
            case high = "high_bps"
            case lowShare = "low_share"
        }
    }
}

extension WireSteadyState {
    package init(_ state: SteadyState) {
        timeTo90PercentMilliseconds = state.timeTo90Percent.milliseconds
        plateau = state.plateau.bitsPerSecond
        deviation = state.deviation.bitsPerSecond
        sliceMilliseconds = state.slice.milliseconds
        twoRates = state.twoRates.map {
            TwoRates(low: $0.low.bitsPerSecond, high: $0.high.bitsPerSecond, lowShare: $0.lowShare)
        }
    }

    /// - Throws: ``ControlError/invalidField(field:reason:)`` for times and shares that are none.
    package func steadyState() throws(ControlError) -> SteadyState {
        let time = CodingKeys.timeTo90PercentMilliseconds, slice = CodingKeys.sliceMilliseconds
        var state = SteadyState(
            timeTo90Percent: try Duration(wireMilliseconds: timeTo90PercentMilliseconds, field: time.rawValue),
            plateau: Bitrate(bitsPerSecond: plateau), deviation: Bitrate(bitsPerSecond: deviation),
            slice: try Duration(wireMilliseconds: sliceMilliseconds, field: slice.rawValue))
        guard let twoRates else { return state }
        guard (0...1).contains(twoRates.lowShare) else {
            throw .invalidField(field: "two_rates.low_share", reason: "must be from 0 to 1")
        }
        state.twoRates = QrateMeasurement.TwoRates(
            low: Bitrate(bitsPerSecond: twoRates.low), high: Bitrate(bitsPerSecond: twoRates.high),
            lowShare: twoRates.lowShare)
        return state
    }
}
