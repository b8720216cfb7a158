import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("TLS over a stream: against GnuTLS's own records") struct TLSLibraryTests {
    /// Our end and the library's, connected.
    private struct Link {
        let ours: TLSTestEnd
        let theirs: LibraryTLSPeer

        /// - Parameter aead: Who shall do ours, where the system has it.
        init(weAre role: Role, cipher: String = "AES-128-GCM", aead: AEADLibrary = .gnutls) throws {
            switch role {
            case .client:
                ours = TLSTestEnd(
                    try .client(
                        identity: ClientIdentity(), trust: ServerTrust(.insecure, endpoint: "test"), serverName: nil,
                        applicationProtocols: ["qrate/1"], aead: aead))
                theirs = try .server(serverIdentity(), cipher: cipher)
            case .server:
                ours = TLSTestEnd(
                    try .server(
                        ServerCredentials(serverIdentity()), applicationProtocols: ["qrate/1"], aead: aead))
                theirs = try .client(ClientIdentity(), cipher: cipher)
            }
            for _ in 0..<6 {
                theirs.receive(ours.exchange([]))
                theirs.advance()
                theirs.receive(ours.exchange(theirs.takeOutgoing()))
                theirs.advance()
            }
            #expect(theirs.isConnected && ours.connection != nil)
        }

        func receive() throws(TLSFailure) -> (bytes: [UInt8], hasEnded: Bool) {
            _ = ours.exchange(theirs.takeOutgoing())
            return try ours.read()
        }

        func send(_ bytes: [UInt8]) throws { theirs.receive(try ours.protect(bytes)) }
    }

    private static let payload = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    @Test(
        "bytes arrive both ways", arguments: [Role.client, .server],
        AEADLibrary.allCases.flatMap { aead in
            ["AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"].map { (cipher: $0, aead: aead) }
        })
    func bothWays(role: Role, suite: (cipher: String, aead: AEADLibrary)) throws {
        let link = try Link(weAre: role, cipher: suite.cipher, aead: suite.aead)
        try link.theirs.send(Self.payload)
        #expect(try link.receive().bytes == Self.payload)
        try link.send(Self.payload)
        #expect(try link.theirs.read() == Self.payload)
    }

    @Test("padding and empty records bring nothing", arguments: [Role.client, .server])
    func padding(role: Role) throws {
        let link = try Link(weAre: role)
        try link.theirs.send([1, 2, 0, 0], padding: 1_000)
        try link.theirs.send([3], padding: 0)
        #expect(try link.receive().bytes == [1, 2, 0, 0, 3])
    }

    @Test(
        "a key update of the peer's, and one that it asks for",
        arguments: [(Role.client, false), (.client, true), (.server, true)],
        AEADLibrary.allCases)
    func keyUpdate(asked: (role: Role, askingUs: Bool), aead: AEADLibrary) throws {
        let (role, askingUs) = asked
        let link = try Link(weAre: role, aead: aead)
        try link.theirs.send([1])
        try link.theirs.updateKeys(askingPeer: askingUs)
        try link.theirs.send([2])
        #expect(try link.receive().bytes == [1, 2])
        // The answer goes ahead of the next payload, once.
        let records = try link.ours.protect([3])
        #expect(records.count == 23 + (askingUs ? 27 : 0))
        link.theirs.receive(records)
        try link.send([4])
        #expect(try link.theirs.read() == [3, 4])
        try link.theirs.send([5])
        #expect(try link.receive().bytes == [5])
    }

    @Test("our key update is understood", arguments: [Role.client, .server], AEADLibrary.allCases)
    func ownKeyUpdate(role: Role, aead: AEADLibrary) throws {
        let link = try Link(weAre: role, aead: aead)
        try link.send([1])
        link.ours.connection?.writer.recordLimit = 1
        try link.send([2])
        // The library takes one update a second.
        link.ours.connection?.writer.recordLimit = .max
        try link.send([3])
        #expect(try link.theirs.read() == [1, 2, 3])
        try link.theirs.send([4])
        #expect(try link.receive().bytes == [4])
    }

    @Test("the end is told both ways", arguments: [Role.client, .server])
    func close(role: Role) throws {
        let link = try Link(weAre: role)
        try link.theirs.send([1])
        try link.theirs.close()
        let read = try link.receive()
        #expect(read.bytes == [1] && read.hasEnded)
        link.ours.connection?.writer.close()
        link.theirs.receive(link.ours.takePending())
        #expect(try link.theirs.read() == nil)
    }

    @Test("the peer's alert is an error with its number", arguments: [Role.client, .server])
    func alert(role: Role) throws {
        let link = try Link(weAre: role)
        try link.theirs.sendAlert(80)
        #expect(throws: TLSFailure.alertReceived(80)) { try link.receive() }
    }
}
