import FoundationEssentials

/// Control messages to lines and back.
///
/// Reading is FoundationEssentials'. It is a little more liberal than xfr's parser: of a repeated key the first
/// one counts, a comma may follow the last member, and a whole number may be written `10.0`. What we write has none
/// of that. docs/CONTROL-PROTOCOL.md says so.
package enum ControlCodec {
    /// Writes one compact JSON object and a newline: `type` first, the rest in the order of xfr's tables.
    ///
    /// - Throws: ``ControlError/lineTooLong(limit:)`` when the message doesn't fit into a line even without its counts
    ///   per stream, ``ControlError/notEncodable(type:)`` for a number that is not finite.
    package static func encode(_ message: ControlMessage) throws(ControlError) -> [UInt8] {
        var line = try wholeLine(message)
        if line.count > LineReader.limit { line = try wholeLine(message.withoutStreamCounts) }
        guard line.count <= LineReader.limit else { throw .lineTooLong(limit: LineReader.limit) }
        return line
    }

    /// Reads one line, with or without its newline. Unknown fields are ignored.
    ///
    /// What this gives has been checked: its test id is printable and short, its times convert, its stream lists are
    /// no longer than a test has streams.
    package static func decode(_ line: [UInt8]) throws(ControlError) -> ControlMessage {
        try LineCheck.refuseWhatTheParserShouldNotSee(line)
        let message: ControlMessage
        do {
            message = try JSONDecoder().decode(Envelope.self, from: Data(line)).message
        } catch let error as ControlError {
            throw error
        } catch is UnreadableValue {
            throw .malformed(reason: "a number is out of range or a string broken", excerpt: LineCheck.excerpt(line))
        } catch {
            throw .malformed(reason: "not valid JSON", excerpt: LineCheck.excerpt(line))
        }
        try message.check()
        return message
    }

    private static func wholeLine(_ message: ControlMessage) throws(ControlError) -> [UInt8] {
        let type = message.kind.rawValue
        guard let object = try? LineEncoder.encode(message.body) else { throw .notEncodable(type: type) }
        let members = object.dropFirst()  // its opening brace; ours has the type behind it
        let separator = members.count > 1 ? "," : ""
        return Array("{\"type\":\"\(type)\"\(separator)".utf8) + members + [UInt8(ascii: "\n")]
    }
}

/// Reads `type`, then the fields that go with it from the same object.
private struct Envelope: Decodable {
    let message: ControlMessage

    private enum CodingKeys: String, CodingKey { case type }

    init(from decoder: any Decoder) throws {
        let name: String
        do {
            name = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .type)
        } catch let error as DecodingError {
            throw ControlError(error, in: "message")
        } catch {
            throw UnreadableValue()
        }
        guard let kind = ControlMessage.Kind(rawValue: name) else { throw ControlError.unknownType(name) }
        do {
            message = try ControlMessage(kind, from: decoder)
        } catch let error as DecodingError {
            throw ControlError(error, in: name)
        } catch {
            throw UnreadableValue()
        }
    }
}

/// The parser found the line well-formed and then couldn't make a value of one of its tokens. It doesn't say which.
private struct UnreadableValue: Error {}

extension ControlError {
    /// - Parameter type: The message's `type`, one of ours.
    fileprivate init(_ error: DecodingError, in type: String) {
        switch error {
        case .keyNotFound(let key, let context):
            self = .missingField(type: type, field: Self.path(context.codingPath + [key]))
        case .valueNotFound(_, let context):
            self = .invalidField(field: Self.path(context.codingPath, in: type), reason: "is null")
        case .typeMismatch(_, let context):
            self = .invalidField(field: Self.path(context.codingPath, in: type), reason: "has the wrong JSON type")
        case .dataCorrupted(let context):
            self = .invalidField(field: Self.path(context.codingPath, in: type), reason: "has a value out of range")
        @unknown default:
            self = .invalidField(field: type, reason: "cannot be read")
        }
    }

    /// As in `streams[3].bytes`.
    private static func path(_ keys: [any CodingKey], in type: String = "") -> String {
        keys.reduce(type) { path, key in
            if let index = key.intValue { return "\(path)[\(index)]" }
            return path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)"
        }
    }
}
