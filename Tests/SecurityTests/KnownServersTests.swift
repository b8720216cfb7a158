import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("the list of known servers") struct KnownServersTests {
    let one = Fingerprint(ofCertificate: [1])
    let two = Fingerprint(ofCertificate: [2])

    @Test("nothing is known without a file, and nothing is made by asking")
    func noFile() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/state/known_servers")
        #expect(try servers.record(for: "paris:5201") == nil)
        #expect(!exists(directory.path + "/state"))
    }

    @Test("what is remembered is read back, with its place")
    func remembers() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/state/known_servers")
        try servers.remember(.init(.fingerprint(one), since: "2026-11-20"), for: "paris:5201")
        try servers.remember(.init(.authority, since: "2026-11-21"), for: "[::1]:5201")
        #expect(
            try text(of: servers.file)
                == "paris:5201 sha256:\(one.hex) 2026-11-20\n[::1]:5201 ca 2026-11-21\n")

        let paris = try servers.record(for: "Paris:5201")
        #expect(
            paris
                == .init(.fingerprint(one), since: "2026-11-20", place: .init(file: servers.file, line: 1)))
        #expect(
            try servers.record(for: "[::1]:5201")
                == .init(.authority, since: "2026-11-21", place: .init(file: servers.file, line: 2)))
        #expect(try servers.record(for: "paris:5202") == nil, "another port is another server")
    }

    @Test("nobody else can read it, also when somebody had opened it up")
    func modes() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/deep/state/known_servers")
        try servers.remember(.init(.authority, since: "2026-11-20"), for: "paris:5201")
        #expect(try mode(of: servers.file) == 0o600)
        #expect(try mode(of: directory.path + "/deep") == 0o700)
        #expect(try mode(of: directory.path + "/deep/state") == 0o700)
        #expect(!exists(servers.file + ".new"))
    }

    @Test("of what was accepted, a first use and an authority are remembered, with the day")
    func remembersVerdicts() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        for verification in [.known(since: "2026-11-20"), .pinned, .unverified] as [CertificateVerification] {
            try servers.remember(verification, one, for: "paris:5201")
        }
        #expect(!exists(servers.file))

        try servers.remember(.firstUse, one, for: "paris:5201")
        try servers.remember(.certificateAuthority, two, for: "rome:5201")
        #expect(try servers.record(for: "paris:5201")?.identity == .fingerprint(one))
        #expect(try servers.record(for: "rome:5201")?.identity == .authority)
    }

    @Test("the day of the first contact stays")
    func dateStays() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        for identity in [.fingerprint(one), .authority] as [KnownServers.Identity] {
            try servers.remember(.init(identity, since: "2026-11-20"), for: "paris:5201")
            try servers.remember(.init(identity, since: "2026-12-24"), for: "paris:5201")
            #expect(try servers.record(for: "paris:5201")?.since == "2026-11-20")
        }
    }

    @Test("an authority replaces a fingerprint in its line")
    func authorityReplaces() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        try write("# mine\nparis:5201 sha256:\(one.hex) 2026-11-20\nrome:5201 ca 2026-11-20\n", to: servers.file)
        try servers.remember(.init(.authority, since: "2026-11-21"), for: "paris:5201")
        #expect(try text(of: servers.file) == "# mine\nparis:5201 ca 2026-11-21\nrome:5201 ca 2026-11-20\n")
    }

    @Test("a fingerprint replaces neither another one nor an authority")
    func fingerprintReplacesNothing() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        for known in ["sha256:\(one.hex)", "ca"] {
            try write("\nparis:5201 \(known) 2026-11-20\n", to: servers.file)
            let error = try #require(throws: SecurityError.self) {
                try servers.remember(.firstUse, two, for: "paris:5201")
            }
            #expect(error.kind == .certificate)
            #expect(error.message.contains("line 2 of \(servers.file)"))
            #expect(try text(of: servers.file) == "\nparis:5201 \(known) 2026-11-20\n")
        }
    }

    @Test("comments, empty lines and what makes no sense stay as they are, byte for byte")
    func keepsTheRest() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        let rest = Array("# mine\n\n  #paris:5201 ca 2026-11-20\nrome:5201 sha256:12 \r\n\t x \nvienna:5201".utf8)
        let lines = rest + [0x0a, 0xff, 0xfe, 0x00, 0x20, 0x0a]
        try write(lines, to: servers.file)
        #expect(try servers.record(for: "paris:5201") == nil)
        try servers.remember(.init(.authority, since: "2026-11-20"), for: "paris:5201")
        #expect(try bytes(of: servers.file) == lines + Array("paris:5201 ca 2026-11-20\n".utf8))
    }

    @Test("a last line without an end is not run into the next one")
    func noLineEnd() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        try write("rome:5201 ca 2026-11-20", to: servers.file)
        try servers.remember(.init(.authority, since: "2026-11-20"), for: "paris:5201")
        #expect(try servers.record(for: "rome:5201")?.identity == .authority)
        #expect(try servers.record(for: "paris:5201")?.identity == .authority)
    }

    @Test(
        "a line of this server that makes no sense is an error that names it, and trust isn't lost by it",
        arguments: [
            "", "ca", "ca 2026-11-20 more", "CA 2026-11-20", "ca yesterday", "ca 2026-1-20", "sha256: 2026-11-20",
            "sha256:12 2026-11-20", "sha1:00 2026-11-20",
        ])
    func damagedLine(rest: String) throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        let content = "rome:5201 ca 2026-11-20\nparis:5201 \(rest)\n"
        try write(content, to: servers.file)
        for ask in [
            { _ = try servers.record(for: "paris:5201") },
            { try servers.remember(.firstUse, one, for: "paris:5201") },
        ] {
            let error = try #require(throws: SecurityError.self) { try ask() }
            #expect(error.kind == .badInput)
            #expect(error.message.contains("line 2 of \(servers.file), about paris:5201"))
        }
        #expect(try servers.record(for: "rome:5201")?.identity == .authority)
        #expect(try text(of: servers.file) == content)
    }

    @Test("two lines for one server are an error that names both")
    func twoLines() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        try write("paris:5201 ca 2026-11-20\n#\nPARIS:5201 sha256:\(one.hex) 2026-11-20\n", to: servers.file)
        let error = try #require(throws: SecurityError.self) { try servers.record(for: "paris:5201") }
        #expect(error.message.contains("(1, 3)"))
    }

    @Test(
        "what would break the format is not written",
        arguments: ["", " ", "paris 5201", "paris:5201\nrome:5201", "#paris:5201", "paris\t:5201", "pa\u{0}ris:5201"])
    func badEndpoint(endpoint: String) throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        #expect(throws: SecurityError.self) { try servers.remember(.firstUse, one, for: endpoint) }
        #expect(!exists(servers.file))
    }

    @Test("tests that end at once lose no line")
    func concurrent() async throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/state/known_servers")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<64 {
                // Each a value of its own, as separate processes would have: only the file is shared.
                let mine = KnownServers(file: servers.file)
                group.addTask { try mine.remember(.firstUse, one, for: "host-\(number):5201") }
                group.addTask { try mine.remember(.firstUse, one, for: "the-same:5201") }
            }
            try await group.waitForAll()
        }
        for number in 0..<64 {
            #expect(try servers.record(for: "host-\(number):5201")?.identity == .fingerprint(one))
        }
        #expect(try text(of: servers.file).split(separator: "\n").count == 65)
    }

    @Test("of two first contacts at once with two certificates, one is refused")
    func concurrentContradiction() async throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        let refused = await withTaskGroup(of: Bool.self) { group in
            for fingerprint in [one, two] {
                group.addTask {
                    do { try servers.remember(.firstUse, fingerprint, for: "paris:5201") } catch { return true }
                    return false
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(refused == 1)
        #expect(try text(of: servers.file).split(separator: "\n").count == 1)
    }

    @Test("a temporary file that a killed process left is no obstacle, and a link in its place isn't followed")
    func leftovers() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        try write("untouched", to: directory.path + "/target")
        try link(servers.file + ".new", to: directory.path + "/target")
        try servers.remember(.init(.authority, since: "2026-11-20"), for: "paris:5201")
        #expect(try text(of: directory.path + "/target") == "untouched")
        #expect(try text(of: servers.file) == "paris:5201 ca 2026-11-20\n")
    }

    @Test("a file of absurd size is refused with the limit")
    func tooLarge() throws {
        let directory = try TemporaryDirectory()
        let servers = KnownServers(file: directory.path + "/known_servers")
        try write([UInt8](repeating: 0x23, count: (4 << 20) + 1), to: servers.file)
        let error = try #require(throws: SecurityError.self) { try servers.record(for: "paris:5201") }
        #expect(error.kind == .badInput)
        #expect(error.message.contains("larger than 4194304 bytes"))
    }

    @Test(
        "one server has one name, however it is written",
        arguments: [
            ("Paris.Example.NET", "paris.example.net:5201"), ("192.0.2.7", "192.0.2.7:5201"), ("::1", "[::1]:5201"),
            ("[::1]", "[::1]:5201"), ("2001:DB8:0:0::7", "[2001:db8::7]:5201"), ("paris.", "paris:5201"),
            ("fe80::1%eth0", "[fe80::1%eth0]:5201"), ("[fe80:0::1%eth0]", "[fe80::1%eth0]:5201"),
        ])
    func endpoints(host: String, endpoint: String) {
        #expect(KnownServers.endpoint(host: host, port: 5201) == endpoint)
    }
}
