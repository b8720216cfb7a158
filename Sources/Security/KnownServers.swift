package import QrateMeasurement

/// The file `known_servers`: what a client learned about servers, so that it notices when one changes.
///
/// A line each: `host:port sha256:<hex of the leaf's DER> <date>` or `host:port ca <date>`. Empty lines and lines that
/// begin with `#` are left alone, and so are lines that make no sense: only the server that such a line is about can't be
/// reached before somebody has looked at it. Methods block on the file system.
package struct KnownServers: Sendable {
    package let file: String

    /// - Parameter file: Need not exist. The directory is made when something is written.
    package init(file: String) { self.file = file }

    package struct Record: Sendable, Hashable {
        package var identity: Identity
        /// The day of the first contact, `YYYY-MM-DD`, UTC.
        package var since: String
        /// Where it was read.
        package var place: Place?

        package init(_ identity: Identity, since: String, place: Place? = nil) {
            self.identity = identity
            self.since = since
            self.place = place
        }
    }

    package enum Identity: Sendable, Hashable {
        /// A chain to an authority was verified.
        case authority
        /// A self-signed certificate was seen.
        case fingerprint(Fingerprint)
    }

    package struct Place: Sendable, Hashable {
        package var file: String
        /// From 1.
        package var line: Int

        package init(file: String, line: Int) {
            self.file = file
            self.line = line
        }
    }

    /// How the file spells an endpoint: `paris.example.net:5201`, `[2001:db8::1]:5201`. Ways to write the same host or
    /// address give the same text.
    package static func endpoint(host: String, port: UInt16) -> String {
        switch ServerName(host) {
        case .dns(let name): return "\(name.lowercased()):\(port)"
        case .address(let bytes):
            let address = ServerName.text(ofAddress: bytes) ?? host
            return bytes.count == 4 ? "\(address):\(port)" : "[\(address)\(zone(of: host))]:\(port)"
        }
    }

    /// The interface of a link-local address, with its `%`: the same address on another link is another server.
    private static func zone(of host: String) -> Substring {
        guard let percent = host.firstIndex(of: "%") else { return "" }
        let zone = host[percent...]
        return zone.hasSuffix("]") ? zone.dropLast() : zone
    }
}

extension KnownServers {
    /// What is known of `endpoint` (as ``endpoint(host:port:)`` spells it); nil when nothing is.
    ///
    /// - Throws: When the file can't be read, or its line for this endpoint makes no sense. Don't connect then: what was
    ///   recorded might say that this server is the wrong one.
    package func record(for endpoint: String) throws(SecurityError) -> Record? {
        try read().record(for: endpoint)
    }

    /// Records what an accepted verdict says, if it is news: a first use, or an authority in place of a fingerprint.
    package func remember(
        _ verification: CertificateVerification, _ fingerprint: Fingerprint, for endpoint: String
    ) throws(SecurityError) {
        switch verification {
        case .firstUse: try remember(Record(.fingerprint(fingerprint), since: CalendarDate.today()), for: endpoint)
        case .certificateAuthority: try remember(Record(.authority, since: CalendarDate.today()), for: endpoint)
        case .known, .pinned, .unverified: break
        }
    }

    /// Writes a record, unless there is the same one already, whose date stays.
    ///
    /// - Throws: Also when meanwhile another process recorded something that `record` contradicts: a fingerprint
    ///   replaces neither an authority nor another fingerprint. An authority replaces a fingerprint.
    package func remember(_ record: Record, for endpoint: String) throws(SecurityError) {
        // Most tests go to a server that is known already, and needn't wait for a lock or a disk.
        if try self.record(for: endpoint)?.identity == record.identity { return }
        if let directory = PrivateFile.parent(of: file) { try PrivateFile.makeDirectory(directory) }

        let lock = try FileLock(besides: file)
        defer { withExtendedLifetime(lock) {} }
        var content = try read()
        if try content.set(record, for: endpoint) { try PrivateFile.replace(file, with: content.bytes) }
    }

    private func read() throws(SecurityError) -> KnownServersFile {
        let bytes = try PrivateFile.read(file, "the list of known servers", limit: Self.fileSizeLimit)
        return KnownServersFile(bytes ?? [], path: file)
    }

    /// Tens of thousands of servers.
    private static let fileSizeLimit = 4 << 20
}
