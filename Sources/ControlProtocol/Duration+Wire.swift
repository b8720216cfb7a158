import QrateMeasurement

/// Times on the wire are JSON numbers of milliseconds (round-trip times: microseconds), and a peer can write any.
extension Duration {
    /// - Throws: ``ControlError/invalidField(field:reason:)`` unless the value is finite, not negative and under a year.
    init(wireMilliseconds value: Double, field: String) throws(ControlError) {
        guard let duration = Duration(checkedMilliseconds: value) else {
            throw .invalidField(field: field, reason: "is no duration: \(value)")
        }
        self = duration
    }

    init(wireMicroseconds value: Double, field: String) throws(ControlError) {
        guard let duration = Duration(checkedMilliseconds: value / 1000) else {
            throw .invalidField(field: field, reason: "is no duration: \(value)")
        }
        self = duration
    }

    var microseconds: Double { seconds * 1e6 }
}
