import QrateMeasurement

/// Without anything in it, from a client that has not asked for a test yet: what processor time has the server used? Its
/// answer has the field.
package struct UsageMessage: Sendable, Equatable, Codable {
    /// Of the whole process, since it began, in whole microseconds.
    package var processMicroseconds: UInt64?

    enum CodingKeys: String, CodingKey { case processMicroseconds = "cpu_us" }

    package init(processTime: Duration? = nil) { processMicroseconds = processTime.map { $0.nanoseconds / 1000 } }

    /// nil in a question.
    package var processTime: Duration? { processMicroseconds.map { .microseconds(Int64(clamping: $0)) } }
}
