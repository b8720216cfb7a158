/// Writes a value as compact JSON whose fields stand in the order of its coding keys, as xfr writes them.
///
/// FoundationEssentials' encoder sorts keys or shuffles them. This one serves our messages only: no containers nested by
/// hand, no super encoders, no dictionaries whose keys aren't strings.
enum LineEncoder {
    /// - Throws: `NotEncodable` for a number that isn't finite.
    static func encode(_ value: any Encodable) throws -> [UInt8] {
        let output = JSONOutput()
        try output.write(value)
        return output.bytes
    }

    struct NotEncodable: Error {}
}

/// Where all containers of one message write to, one after the other.
private final class JSONOutput {
    var bytes: [UInt8] = []

    func put(_ text: String) { bytes += text.utf8 }

    func write(_ value: some Encodable) throws {
        switch value {
        case let text as String: quote(text)
        case let flag as Bool: put(flag ? "true" : "false")
        case let number as Double:
            guard number.isFinite else { throw LineEncoder.NotEncodable() }
            put(number.description)
        case let number as any FixedWidthInteger: put(number.description)
        default:
            let encoder = ValueEncoder(self)
            try value.encode(to: encoder)
            if let closing = encoder.closing { put(closing) }
        }
    }

    func quote(_ text: String) {
        put("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): put("\\\"")
            case UInt8(ascii: "\\"): put("\\\\")
            case UInt8(ascii: "\n"): put("\\n")
            case UInt8(ascii: "\r"): put("\\r")
            case UInt8(ascii: "\t"): put("\\t")
            case 0..<0x20: put("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
        put("\"")
    }
}

/// Writes one value: an object, an array, or a single one that stands for it.
private final class ValueEncoder: Encoder {
    private let output: JSONOutput
    /// What ends the container that was opened.
    private(set) var closing: String?

    init(_ output: JSONOutput) { self.output = output }

    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        output.put("{")
        closing = "}"
        return KeyedEncodingContainer(Fields<Key>(output: output))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        output.put("[")
        closing = "]"
        return Elements(output: output)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Single(output: output) }
}

private struct Fields<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let output: JSONOutput
    var isFirst = true
    let codingPath: [any CodingKey] = []

    mutating func encode(_ value: some Encodable, forKey key: Key) throws {
        begin(key)
        try output.write(value)
    }

    mutating func encodeNil(forKey key: Key) {
        begin(key)
        output.put("null")
    }

    private mutating func begin(_ key: Key) {
        if !isFirst { output.put(",") }
        isFirst = false
        output.quote(key.stringValue)
        output.put(":")
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> { preconditionFailure("no message nests containers by hand") }
    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        preconditionFailure("no message nests containers by hand")
    }
    mutating func superEncoder() -> any Encoder { preconditionFailure("no message has a super encoder") }
    mutating func superEncoder(forKey key: Key) -> any Encoder {
        preconditionFailure("no message has a super encoder")
    }
}

private struct Elements: UnkeyedEncodingContainer {
    let output: JSONOutput
    private(set) var count = 0
    let codingPath: [any CodingKey] = []

    init(output: JSONOutput) { self.output = output }

    mutating func encode(_ value: some Encodable) throws {
        begin()
        try output.write(value)
    }

    mutating func encodeNil() {
        begin()
        output.put("null")
    }

    private mutating func begin() {
        if count > 0 { output.put(",") }
        count += 1
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> { preconditionFailure("no message nests containers by hand") }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        preconditionFailure("no message nests containers by hand")
    }
    mutating func superEncoder() -> any Encoder { preconditionFailure("no message has a super encoder") }
}

private struct Single: SingleValueEncodingContainer {
    let output: JSONOutput
    let codingPath: [any CodingKey] = []

    mutating func encode(_ value: some Encodable) throws { try output.write(value) }
    mutating func encodeNil() { output.put("null") }
}
