package import QrateMeasurement

/// What is wrong with something that a peer sent, or that we were about to send.
///
/// Its ``description`` is the one line a user sees. Text that came from the peer is quoted there through
/// ``printable(_:limit:)`` and nowhere else, so print the description and never the associated values.
package enum ControlError: Error, Sendable, Equatable {
    /// A line is longer than `limit` bytes, its newline included.
    case lineTooLong(limit: Int)
    /// The stream ended inside a line.
    case truncated
    /// An empty line. xfr takes one for the end of the stream; here it is an error, because nobody sends one.
    case blankLine
    /// Not one JSON object of UTF-8 text. `excerpt` is the beginning of the peer's line.
    case malformed(reason: String, excerpt: String)
    /// A well-formed object of a `type` that we don't know.
    case unknownType(String)
    case missingField(type: String, field: String)
    /// A field of the wrong JSON type or with a value that it can't have. `field` is a path from the message's type
    /// on, as in `interval.streams[3].bytes`; the path is ours, not the peer's.
    case invalidField(field: String, reason: String)
    /// The peer's protocol version, and which end we are.
    case incompatibleVersion(String, local: Role)
    /// A well-formed request for a test that this server doesn't run. The text says why.
    case refused(String)
    /// A message of ours holds a number that JSON can't express.
    case notEncodable(type: String)
}

extension ControlError: CustomStringConvertible {
    /// How much of the peer's text a message may repeat, in bytes.
    private static let quotable = 80

    package var description: String {
        switch self {
        case .lineTooLong(let limit): "A control line is longer than the limit of \(limit) bytes"
        case .truncated: "The control stream ended inside a line"
        case .blankLine: "Blank control line"
        case .malformed(let reason, let excerpt): "Malformed control line, \(reason): \(Self.quote(excerpt))"
        case .unknownType(let name): "Unknown control message type \(Self.quote(name))"
        case .missingField(let type, let field): "Control message '\(type)' lacks the field '\(field)'"
        case .invalidField(let field, let reason): "Control message field '\(field)' \(reason)"
        case .incompatibleVersion(let version, let local):
            "Incompatible protocol version: \(printable(version, limit: Self.quotable))"
                + " (\(local.rawValue): \(Hello.protocolVersion))"
        case .refused(let reason): reason
        case .notEncodable(let type): "Control message '\(type)' holds a number that JSON cannot express"
        }
    }

    private static func quote(_ text: String) -> String { "'\(printable(text, limit: quotable))'" }
}

extension ControlError {
    /// The same for a test's report and for ``ErrorMessage``.
    package var failure: TestFailure {
        switch self {
        case .refused: TestFailure(.refused, description)
        default: TestFailure(.protocolError, description)
        }
    }

    /// This error, its field's path continued to the left.
    func inside(_ path: String) -> ControlError {
        guard case .invalidField(let field, let reason) = self else { return self }
        return .invalidField(field: "\(path).\(field)", reason: reason)
    }
}
