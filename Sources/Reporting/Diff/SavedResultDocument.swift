import QrateMeasurement

/// Of a `qrate.result/1`, what a diff looks at.
struct SavedResultDocument: Decodable {
    var id: String?
    var startedAt: String?
    var client: End?
    var server: End?
    var test: Test?
    var summary: Summary?
    var security: Security?
    var error: Failure?

    enum CodingKeys: String, CodingKey {
        case id, client, server, test, summary, security, error
        case startedAt = "started_at"
    }

    struct End: Decodable {
        var software: String
        var host: String?
        /// By its key: what an end says of its program and machine.
        var platform: [String: SavedScalar]?
    }

    struct Security: Decodable { var cipher: String? }
    struct Failure: Decodable { var message: String }

    struct Summary: Decodable {
        var upload: Totals?
        var download: Totals?
    }

    struct Totals: Decodable {
        var throughput: UInt64?

        enum CodingKeys: String, CodingKey { case throughput = "throughput_bps" }
    }

    struct Test: Decodable {
        var transport: TransportKind
        var direction: Direction
        /// What was asked for beside the transport and the direction, under its key.
        var plan: [(key: String, value: SavedScalar)]
        var requested: [String: SavedScalar]?
        var settings: Settings?

        struct Settings: Decodable {
            var client: [String: SavedScalar]?
            var server: [String: SavedScalar]?
        }

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case transport, direction, requested, settings
            case streams, connections
            case duration = "duration_ms"
            case byteBudget = "byte_budget_bytes"
            case isEndless = "endless"
            case targetBitrate = "target_bitrate_bps"
            case warmUp = "warm_up_ms"
            case payload
            case measuresLatency = "latency"
        }

        private static let planKeys: [CodingKeys] = [
            .streams, .connections, .duration, .byteBudget, .isEndless, .targetBitrate, .warmUp, .payload,
            .measuresLatency,
        ]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            transport = try container.decodeNamed(forKey: .transport)
            direction = try container.decodeNamed(forKey: .direction)
            plan = try Self.planKeys.compactMap { key in
                try container.decodeIfPresent(SavedScalar.self, forKey: key).map { (key.stringValue, $0) }
            }
            requested = try container.decodeIfPresent([String: SavedScalar].self, forKey: .requested)
            settings = try container.decodeIfPresent(Settings.self, forKey: .settings)
        }

        var directions: [Direction] { direction == .bidirectional ? [.upload, .download] : [direction] }
    }
}

/// Of a `qrate.comparison/1`, what a diff looks at.
struct SavedComparisonDocument: Decodable {
    var id: String?
    var startedAt: String?
    var client: SavedResultDocument.End?
    var server: SavedResultDocument.End?
    var comparison: Request?
    var rounds: [Round]?
    var error: SavedResultDocument.Failure?

    enum CodingKeys: String, CodingKey {
        case id, client, server, comparison, rounds, error
        case startedAt = "started_at"
    }

    struct Round: Decodable { var tests: [SavedResultDocument] }

    struct Request: Decodable {
        /// Each once.
        var transports: [TransportKind]
        var direction: Direction

        private enum CodingKeys: String, CodingKey { case transports, direction }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            direction = try container.decodeNamed(forKey: .direction)
            var list = try container.nestedUnkeyedContainer(forKey: .transports)
            transports = []
            while !list.isAtEnd {
                let transport: TransportKind = try Self.named(try list.decode(String.self), list.codingPath)
                if !transports.contains(transport) { transports.append(transport) }
            }
        }

        private static func named(_ text: String, _ path: [any CodingKey]) throws -> TransportKind {
            try TransportKind(rawValue: text)
                ?? { throw DecodingError.unknownName(text, path) }()
        }
    }
}

/// A setting's value as JSON has it.
enum SavedScalar: Decodable {
    case flag(Bool)
    case number(Double)
    case text(String)
    /// An object, an array or null: no setting that this version knows of.
    case other

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else {
            self = .other
        }
    }

    /// nil for what can't be compared.
    var value: SavedCondition.Value? {
        switch self {
        case .flag(let flag): .text(flag ? "yes" : "no")
        case .number(let number): .number(number)
        case .text(let text): .text(PrintableText.clean(text, limit: 40))
        case .other: nil
        }
    }
}

extension KeyedDecodingContainer {
    fileprivate func decodeNamed<Value: RawRepresentable<String>>(forKey key: Key) throws -> Value {
        let text = try decode(String.self, forKey: key)
        guard let value = Value(rawValue: text) else { throw DecodingError.unknownName(text, codingPath + [key]) }
        return value
    }
}

extension DecodingError {
    fileprivate static func unknownName(_ text: String, _ path: [any CodingKey]) -> DecodingError {
        .dataCorrupted(Context(codingPath: path, debugDescription: "\"\(text.prefix(40))\" is not known"))
    }
}
