import QrateMeasurement

/// When a direction's rate had risen, and how steady it was then. The keys are those of the control protocol.
struct SteadyStateDocument: Encodable {
    var timeTo90Percent: Double
    var plateau: UInt64
    var deviation: UInt64
    var slice: Double
    var twoRates: TwoRatesDocument?

    enum CodingKeys: String, CodingKey {
        case timeTo90Percent = "time_to_90_percent_ms"
        case plateau = "plateau_bps"
        case deviation = "plateau_deviation_bps"
        case slice = "slice_ms"
        case twoRates = "two_rates"
    }

    init(_ state: SteadyState) {
        timeTo90Percent = state.timeTo90Percent.jsonMilliseconds
        plateau = state.plateau.bitsPerSecond
        deviation = state.deviation.bitsPerSecond
        slice = state.slice.jsonMilliseconds
        twoRates = state.twoRates.map(TwoRatesDocument.init)
    }
}

struct TwoRatesDocument: Encodable {
    var low: UInt64
    var high: UInt64
    var lowShare: Double

    enum CodingKeys: String, CodingKey {
        case low = "low_bps"
        case high = "high_bps"
        case lowShare = "low_share"
    }

    init(_ rates: TwoRates) {
        low = rates.low.bitsPerSecond
        high = rates.high.bitsPerSecond
        lowShare = rates.lowShare
    }
}
