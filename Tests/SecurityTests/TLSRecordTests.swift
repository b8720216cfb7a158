import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("TLS over a stream: records") struct TLSRecordTests {
    private func connected(_ cipher: CipherSuite? = nil) throws -> TLSPair {
        let pair = try TLSPair(ServerCredentials(serverIdentity()), cipher: cipher)
        pair.run()
        return pair
    }

    private static func payload(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 131) } }

    @Test("a large transfer, in odd pieces on the way and at both ends", arguments: [1, 17, 16_384, 16_385, 100_003])
    func pieces(size: Int) throws {
        let pair = try connected()
        let payload = Self.payload(max(300_000, size))
        let records = try pair.client.protect(payload)
        var received: [UInt8] = []
        var rest = records[...]
        while !rest.isEmpty {
            _ = pair.server.exchange(Array(rest.prefix(9_973)))
            rest = rest.dropFirst(9_973)
            received += try pair.server.read(size).bytes
        }
        #expect(received == payload)
    }

    @Test("a record that is split anywhere comes whole, and not before its last byte")
    func split() throws {
        let pair = try connected()
        let record = try pair.client.protect([7, 8, 9]).count
        for cut in 0...record {
            let pair = try connected()
            let bytes = try pair.client.protect([7, 8, 9])
            _ = pair.server.exchange(Array(bytes.prefix(cut)))
            #expect(try pair.server.read().bytes == (cut == record ? [7, 8, 9] : []))
            _ = pair.server.exchange(Array(bytes.dropFirst(cut)))
            #expect(try pair.server.read().bytes == (cut == record ? [] : [7, 8, 9]))
        }
    }

    @Test("full records: 16384 bytes of payload in 16406, sixteen at once")
    func sizes() throws {
        let pair = try connected()
        let writer = try #require(pair.client.connection?.writer)
        let taken = try Self.payload(1 << 20).withUnsafeBytes { try writer.take($0) }
        #expect(taken == 16 * 16_384)
        #expect(writer.pending.count == 16 * 16_406)
        #expect(try [1].withUnsafeBytes { try writer.take(UnsafeRawBufferPointer($0)) } == 0)
        // Sent in part: the rest stays in order.
        _ = pair.server.exchange(Array(writer.pending.prefix(100_000)))
        writer.sent(100_000)
        var received = try pair.server.read().bytes
        _ = pair.server.exchange(pair.client.takePending())
        received += try pair.server.read().bytes
        #expect(received == Self.payload(16 * 16_384))
        #expect(!writer.hasPending)
    }

    @Test("the end is told: after all that was sent before, once, and nothing follows")
    func close() throws {
        let pair = try connected()
        let writer = try #require(pair.client.connection?.writer)
        let payload = try pair.client.protect([1, 2, 3])
        writer.close()
        writer.close()
        let notify = pair.client.takePending()
        #expect(notify.count == 5 + 2 + 1 + 16)
        #expect(try pair.client.connection?.writer.take(UnsafeRawBufferPointer(start: nil, count: 0)) == 0)
        #expect(try [1].withUnsafeBytes { try writer.take(UnsafeRawBufferPointer($0)) } == 0)

        // Cut off before: the driver sees an end of the stream that was not announced.
        _ = pair.server.exchange(payload + notify.dropLast())
        var read = try pair.server.read()
        #expect(read.bytes == [1, 2, 3] && !read.hasEnded)
        _ = pair.server.exchange(notify.suffix(1) + [1, 2, 3])
        read = try pair.server.read()
        #expect(read.bytes.isEmpty && read.hasEnded)

        // The other direction goes on.
        _ = pair.client.exchange(try pair.server.protect([4]))
        #expect(try pair.client.read().bytes == [4])
    }

    @Test("a changed byte anywhere in a record is found, and what came before it is given out")
    func tampered() throws {
        for position in [0, 1, 3, 4, 5, 10, 30] {
            let pair = try connected()
            let good = try pair.client.protect([1, 2, 3])
            var bad = try pair.client.protect(Self.payload(100))
            bad[position] ^= 0x40
            _ = pair.server.exchange(good + bad + (position == 3 ? [UInt8](repeating: 0, count: 20_000) : []))
            #expect(try pair.server.read().bytes == [1, 2, 3])
            let failure = try #require(throws: TLSFailure.self) { try pair.server.read() }
            // The first byte says what it is; all others are part of what is protected.
            #expect(failure.alert == (position == 0 ? 10 : 20))
            #expect(throws: failure) { try pair.server.read() }
        }
    }

    @Test(
        "what can't be a record is refused",
        arguments: [
            ([0x17, 3, 3, 0x41, 0x01], 22), ([0x17, 3, 3, 0, 16], 50), ([0x17, 3, 3, 0, 0], 50),
            ([0x14, 3, 3, 0, 1, 1], 10), ([0x15, 3, 3, 0, 2, 2, 40], 10), (Array("GET / HTTP/1.1".utf8), 10),
        ] as [([UInt8], UInt8)])
    func impossible(bytes: [UInt8], alert: UInt8) throws {
        let pair = try connected()
        _ = pair.server.exchange(bytes)
        #expect(throws: TLSFailure.self) { try pair.server.read() }
        #expect {
            try pair.server.read()
        } throws: {
            ($0 as? TLSFailure)?.alert == alert
        }
    }

    @Test("an alert of this end reaches the peer, protected")
    func alert() throws {
        let pair = try connected()
        pair.server.connection?.writer.fail(20)
        _ = pair.client.exchange(pair.server.takePending())
        #expect(throws: TLSFailure.alertReceived(20)) { try pair.client.read() }
    }

    @Test("a key that is used up is replaced while payload flows")
    func usedUpKey() throws {
        let pair = try connected()
        pair.client.connection?.writer.recordLimit = 3
        let payload = Self.payload(20 * 16_384)
        let records = try pair.client.protect(payload)
        // Every key makes two records and says that it is the last one.
        #expect(records.count > 20 * 16_406 + 5 * 27)
        var received: [UInt8] = []
        for start in stride(from: 0, to: records.count, by: 50_000) {
            _ = pair.server.exchange(Array(records[start..<min(records.count, start + 50_000)]))
            received += try pair.server.read().bytes
        }
        #expect(received == payload)
    }
}
