import QrateMeasurement
import QrateQUICCore
import QrateSecurity
import QrateTestSupport
import Testing

@Suite(
    "two connections in memory: packets protected by libipsec-mb",
    .enabled(if: IPSecMBProtector.isThere, "libipsec-mb isn't there"))
struct PacketKeyTests {
    /// Who protects packets at which end.
    struct Ends: Sendable, CustomTestStringConvertible {
        var client: AEADLibrary
        var server: AEADLibrary

        var testDescription: String { "\(client.rawValue) to \(server.rawValue)" }

        static let all = [
            Ends(client: .ipsecMB, server: .ipsecMB), Ends(client: .ipsecMB, server: .gnutls),
            Ends(client: .gnutls, server: .ipsecMB),
        ]
    }

    private func pair(
        _ ends: Ends, _ cipher: CipherSuite, _ configure: (inout ConnectionPair.Options) -> Void = { _ in }
    ) throws -> ConnectionPair {
        try connectedPair {
            configure(&$0)
            $0.clientSettings.cipher = cipher
            $0.clientSettings.aead = ends.client
            $0.serverSettings.aead = ends.server
        }
    }

    @Test(
        "payload arrives both ways, also where only one end has it", arguments: Ends.all,
        [CipherSuite.aes128gcm, .aes256gcm])
    func transfer(ends: Ends, cipher: CipherSuite) throws {
        let pair = try pair(ends, cipher)
        #expect(pair.client.aead == ends.client)
        #expect(pair.server?.aead == ends.server)
        try pair.transfer(.upload, streams: 3, bytes: 1_000_003)
        try pair.transfer(.download, streams: 2, bytes: 1_000_003)
    }

    @Test("large packets and small ones", arguments: Ends.all)
    func sizes(ends: Ends) throws {
        let pair = try pair(ends, .aes128gcm) {
            $0.settings.maxUDPPayload = 9_000
            $0.settings.ignoresPathMTU = true
        }
        try pair.transfer(.upload, bytes: 300_001)
        #expect(pair.toServer.largestCarried == 9_000)
        try pair.transfer(.download, bytes: 1)
    }

    @Test(
        "keys change under a transfer, begun by either end", arguments: Ends.all,
        [(Way.upload, CipherSuite.aes128gcm), (.download, .aes128gcm), (.upload, .aes256gcm)])
    func keyUpdates(ends: Ends, initiator: (way: Way, cipher: CipherSuite)) throws {
        let pair = try pair(ends, initiator.cipher) {
            $0.link = SimulatedLink(seed: 7)
            $0.link.loss = 0.01
            $0.link.reordering = 0.02
            $0.link.rate = Bitrate(bitsPerSecond: 30_000_000)
        }
        let server = try #require(pair.server)
        let connection = try pair.sender(initiator.way)
        try pair.start(.upload, streams: 2, bytes: 2_500_003)
        var updates = 0
        try #require(
            try pair.run(limit: .seconds(600)) { pair in
                // Refused until three probe timeouts after the one before.
                if (try? connection.initiateKeyUpdate(now: pair.now)) != nil { updates += 1 }
                return server.finishedStreams == 2
            })
        #expect(updates >= 3)
        #expect(pair.client.aead == ends.client && server.aead == ends.server)
        try pair.expectExact(.upload, streams: 2, bytes: 2_500_003)
    }

    @Test("corrupted and invented packets change nothing", arguments: Ends.all)
    func forgeries(ends: Ends) throws {
        let pair = try pair(ends, .aes128gcm) {
            $0.link = SimulatedLink(seed: 11)
            $0.link.forgery = 0.3
        }
        try pair.transfer(.upload, streams: 2, bytes: 500_003)
        try pair.transfer(.download, streams: 2, bytes: 500_003)
        #expect(pair.toServer.forged > 50 && pair.toClient.forged > 50)
    }

    @Test("a suite that it doesn't do stays GnuTLS's")
    func otherSuite() throws {
        let pair = try pair(Ends(client: .ipsecMB, server: .ipsecMB), .chacha20)
        #expect(pair.client.cipher == "ChaCha20-Poly1305")
        #expect(pair.client.aead == .gnutls && pair.server?.aead == .gnutls)
        try pair.transfer(.upload, bytes: 100_003)
        try pair.run(for: .seconds(1))
        try pair.client.initiateKeyUpdate(now: pair.now)
        try pair.transfer(.download, bytes: 100_003)
        #expect(pair.client.aead == .gnutls)
    }

    @Test("through loss, in the handshake too", arguments: Ends.all, 1...4 as ClosedRange<UInt64>)
    func lossyHandshake(ends: Ends, seed: UInt64) throws {
        let pair = try makePair {
            $0.settings.handshakeTimeout = .seconds(120)
            $0.settings.idleTimeout = .seconds(120)
            $0.clientSettings.aead = ends.client
            $0.serverSettings.aead = ends.server
            $0.link = SimulatedLink(seed: seed)
            $0.link.loss = 0.2
            $0.link.reordering = 0.3
        }
        try #require(try pair.run(limit: .seconds(120)) { $0.client.isHandshakeComplete })
        try pair.transfer(.upload, bytes: 50_003)
    }
}
