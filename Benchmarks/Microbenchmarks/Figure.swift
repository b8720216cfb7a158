/// What one operation costs: the samples of one run, and what they say together.
struct Figure {
    /// As in `quic/1444/send`.
    let name: String
    /// What one operation is: `packet`, `record`, `line`.
    let operation: String
    /// Payload bytes of one operation; nil where it moves none.
    let bytes: Int?
    /// CPU nanoseconds for one operation, by sample, in ascending order.
    private let samples: [Double]

    /// - Parameter samples: At least one.
    init(_ name: String, per operation: String, bytes: Int? = nil, samples: [Double]) {
        self.name = name
        self.operation = operation
        self.bytes = bytes
        self.samples = samples.sorted()
    }

    var median: Double { quantile(0.5) }
    /// Nine samples of ten lie between these.
    var low: Double { quantile(0.05) }
    var high: Double { quantile(0.95) }
    /// Of payload on one core; nil where none is moved.
    var bitsPerSecond: Double? { bytes.map { Double($0) * 8e9 / median } }

    private func quantile(_ share: Double) -> Double {
        samples.isEmpty ? .nan : samples[Int((Double(samples.count - 1) * share).rounded())]
    }
}
