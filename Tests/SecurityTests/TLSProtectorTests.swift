import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("TLS over a stream: records protected by libipsec-mb", .needsIPSecMB) struct TLSProtectorTests {
    private static let payload = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 131) }
    private static let suites = [CipherSuite.aes128gcm, .aes256gcm]

    private func connected(
        _ cipher: CipherSuite? = nil, client: AEADLibrary = .ipsecMB, server: AEADLibrary
    ) throws -> TLSPair {
        let pair = try TLSPair(
            ServerCredentials(serverIdentity()), cipher: cipher, clientAEAD: client, serverAEAD: server)
        pair.run()
        return pair
    }

    @Test("bytes arrive both ways, also where only one end has it", arguments: AEADLibrary.allCases, suites)
    func bothWays(server: AEADLibrary, cipher: CipherSuite) throws {
        let pair = try connected(cipher, server: server)
        #expect(pair.client.connection?.aead == .ipsecMB)
        #expect(pair.server.connection?.aead == server)
        for size in [1, 1_000, 16_384, 16_385, 200_000] {
            _ = pair.server.exchange(try pair.client.protect(Array(Self.payload.prefix(size))))
            #expect(try pair.server.read(9_973).bytes == Array(Self.payload.prefix(size)))
            _ = pair.client.exchange(try pair.server.protect(Array(Self.payload.suffix(size))))
            #expect(try pair.client.read().bytes == Array(Self.payload.suffix(size)))
        }
    }

    @Test("a key that is used up is replaced while payload flows", arguments: AEADLibrary.allCases, suites)
    func keyUpdate(server: AEADLibrary, cipher: CipherSuite) throws {
        let pair = try connected(cipher, server: server)
        pair.client.connection?.writer.recordLimit = 3
        _ = pair.server.exchange(try pair.client.protect(Self.payload))
        #expect(try pair.server.read().bytes == Self.payload)
        #expect(pair.client.connection?.aead == .ipsecMB)
    }

    @Test("a changed byte anywhere in a record is found", arguments: [0, 1, 100, 16_000, 16_399])
    func tampered(position: Int) throws {
        let pair = try connected(client: .gnutls, server: .ipsecMB)
        var record = try pair.client.protect(Array(Self.payload.prefix(16_384)))
        record[5 + position] ^= 0x10
        _ = pair.server.exchange(record)
        let failure = try #require(throws: TLSFailure.self) { try pair.server.read() }
        #expect(failure.alert == 20)
    }

    @Test("a suite that it doesn't do stays GnuTLS's")
    func otherSuite() throws {
        let pair = try connected(.chacha20, server: .ipsecMB)
        #expect(pair.client.connection?.aead == .gnutls && pair.server.connection?.aead == .gnutls)
        _ = pair.server.exchange(try pair.client.protect([1, 2, 3]))
        #expect(try pair.server.read().bytes == [1, 2, 3])
    }
}
