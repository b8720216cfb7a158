import FoundationEssentials
package import QrateMeasurement

/// Reads what ``JSONReporter`` and ``ComparisonJSON`` wrote, as far as `qrate diff` needs it. Somebody may have changed it
/// since: nothing in it is taken for granted.
package enum SavedDocument {
    /// The largest document that is read, in bytes: a thousand rounds of four tests come to about 40 MB.
    package static let sizeLimit = 64 << 20

    /// - Parameter name: The file's, for messages.
    /// - Throws: `badInput`, with the file and the place in it.
    package static func read(_ bytes: [UInt8], name: String) throws(TestFailure) -> SavedMeasurement {
        let data = Data(bytes)
        let head: Head = try decode(data, name)
        switch head.schema {
        case ResultDocument.schema: return try result(decode(data, name), name)
        case ComparisonDocument.schema: return try comparison(decode(data, name), name)
        case let other:
            let found =
                other.map { "is a document of schema \"\(PrintableText.clean($0, limit: 40))\"" } ?? "has no schema"
            throw TestFailure(
                .badInput, "\(name) \(found): a diff takes \(ResultDocument.schema) and \(ComparisonDocument.schema)")
        }
    }

    private struct Head: Decodable { var schema: String? }

    private static func decode<Document: Decodable>(_ data: Data, _ name: String) throws(TestFailure) -> Document {
        do {
            return try JSONDecoder().decode(Document.self, from: data)
        } catch {
            throw TestFailure(.badInput, "\(name): \(problem(error))")
        }
    }

    // MARK: Results

    private static func result(
        _ document: SavedResultDocument, _ name: String
    ) throws(TestFailure) -> SavedMeasurement {
        if let error = document.error { throw nothing(name, error) }
        guard let test = document.test else { throw TestFailure(.badInput, "\(name): \"test\" is missing") }
        if test.requested?["probe_mtu"] != nil {
            throw TestFailure(
                .badInput, "\(name) is a search for the path MTU (--probe-mtu), which has no rate to compare")
        }
        var measurement = SavedMeasurement(name: name)
        measurement.describe(document.id, document.startedAt, document.client, document.server)
        measurement.series = test.directions.map { SavedSeries(test.transport, $0, [document]) }
        guard measurement.series.contains(where: { !$0.throughput.isEmpty }) else {
            throw TestFailure(.badInput, "\(name) holds no throughput: nothing was received")
        }
        return measurement
    }

    private static func nothing(_ name: String, _ error: SavedResultDocument.Failure) -> TestFailure {
        TestFailure(
            .badInput,
            "\(name) is a test that did not come to its end: \(PrintableText.clean(error.message, limit: 200))")
    }

    // MARK: Comparisons

    private static func comparison(
        _ document: SavedComparisonDocument, _ name: String
    ) throws(TestFailure) -> SavedMeasurement {
        guard let request = document.comparison, let rounds = document.rounds else {
            if let error = document.error { throw nothing(name, error) }
            throw TestFailure(.badInput, "\(name): \"comparison\" or \"rounds\" is missing")
        }
        var measurement = SavedMeasurement(name: name)
        measurement.describe(document.id, document.startedAt, document.client, document.server)
        let tests = rounds.flatMap(\.tests)
        for transport in request.transports {
            let own = tests.filter { $0.test?.transport == transport }
            let directions = request.direction == .bidirectional ? [.upload, .download] : [request.direction]
            measurement.series += directions.map { SavedSeries(transport, $0, own) }
        }
        guard measurement.series.contains(where: { !$0.throughput.isEmpty }) else {
            throw TestFailure(.badInput, "\(name) holds no test that came to its end")
        }
        return measurement
    }

    // MARK: What is wrong

    private static func problem(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "cannot be read: \(error)" }
        switch error {
        case .keyNotFound(let key, let context): return place(context.codingPath + [key]) + " is missing"
        case .valueNotFound(_, let context): return place(context.codingPath) + " is null"
        case .typeMismatch(_, let context):
            return place(context.codingPath) + " is of another type than it should be"
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            // Nor does the decoder say where, or that, a number fits no type.
            let why = context.underlyingError.map { "\($0)" } ?? context.debugDescription
            return "this is no JSON document that can be read: " + PrintableText.clean(why, limit: 200)
        case .dataCorrupted(let context):
            return place(context.codingPath) + ": " + PrintableText.clean(context.debugDescription, limit: 200)
        @unknown default: return "cannot be read"
        }
    }

    /// `rounds[3].tests[0].summary`.
    private static func place(_ path: [any CodingKey]) -> String {
        let text = path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + PrintableText.clean(key.stringValue, limit: 40)
            }
        }
        return text.isEmpty ? "the document" : "\"\(text)\""
    }
}

extension SavedMeasurement {
    fileprivate mutating func describe(
        _ id: String?, _ startedAt: String?, _ client: SavedResultDocument.End?, _ server: SavedResultDocument.End?
    ) {
        self.id = id.map { PrintableText.clean($0, limit: 80) }
        self.startedAt = startedAt.map { PrintableText.clean($0, limit: 40) }
        self.client = client.map { PrintableText.clean($0.software, limit: 40) }
        self.server = server.map { PrintableText.clean($0.software, limit: 40) }
    }
}
