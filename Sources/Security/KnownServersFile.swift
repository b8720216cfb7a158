internal import QrateMeasurement

/// The text of `known_servers`, changed line by line: what isn't understood stays as it is, byte for byte.
struct KnownServersFile {
    private var lines: [ArraySlice<UInt8>]
    private let path: String

    init(_ bytes: [UInt8], path: String) {
        lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }  // behind the last line's end
        self.path = path
    }

    var bytes: [UInt8] { lines.flatMap { Array($0) + [UInt8(ascii: "\n")] } }

    func record(for endpoint: String) throws(SecurityError) -> KnownServers.Record? {
        guard let index = try index(of: endpoint) else { return nil }
        let place = KnownServers.Place(file: path, line: index + 1)
        let fields = fields(of: lines[index]).dropFirst()
        guard fields.count == 2, let kind = fields.first, let date = fields.last, CalendarDate.isDate(date) else {
            throw damaged(place, endpoint)
        }
        if kind == "ca" { return KnownServers.Record(.authority, since: date, place: place) }
        guard let fingerprint = Fingerprint(kind) else { throw damaged(place, endpoint) }
        return KnownServers.Record(.fingerprint(fingerprint), since: date, place: place)
    }

    /// - Returns: Whether anything changed.
    mutating func set(_ record: KnownServers.Record, for endpoint: String) throws(SecurityError) -> Bool {
        guard fields(of: Array(endpoint.utf8)[...]).count == 1, !endpoint.hasPrefix("#"), endpoint == endpoint.onOneLine
        else { throw SecurityError(.usage, "'\(endpoint)' is no name of a server") }
        let kind =
            switch record.identity {
            case .authority: "ca"
            case .fingerprint(let fingerprint): fingerprint.pin
            }
        let line = ArraySlice("\(endpoint.lowercased()) \(kind) \(record.since)".utf8)

        guard let known = try self.record(for: endpoint), let place = known.place else {
            lines.append(line)
            return true
        }
        if known.identity == record.identity { return false }
        guard record.identity == .authority else {
            throw SecurityError(
                .certificate,
                "\(endpoint) presented a certificate that line \(place.line) of \(path), written meanwhile, contradicts"
            )
        }
        lines[place.line - 1] = line
        return true
    }

    private func index(of endpoint: String) throws(SecurityError) -> Int? {
        let endpoint = endpoint.lowercased()
        let found = lines.indices.filter { fields(of: lines[$0]).first?.lowercased() == endpoint }
        guard found.count <= 1 else {
            let numbers = found.map { "\($0 + 1)" }.joined(separator: ", ")
            throw SecurityError(
                .badInput, "\(path) holds several lines for \(endpoint) (\(numbers)): remove all but the right one")
        }
        return found.first
    }

    /// The words of a line; none for a comment.
    private func fields(of line: ArraySlice<UInt8>) -> [String] {
        let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
        if words.first?.first == UInt8(ascii: "#") { return [] }
        return words.map { String(decoding: $0, as: UTF8.self) }
    }

    private func damaged(_ place: KnownServers.Place, _ endpoint: String) -> SecurityError {
        SecurityError(
            .badInput,
            "line \(place.line) of \(place.file), about \(endpoint), makes no sense: mend or remove it")
    }
}
