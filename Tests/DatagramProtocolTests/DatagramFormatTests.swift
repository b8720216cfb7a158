import QrateDatagramProtocol
import Testing

@Suite("datagram formats") struct DatagramFormatTests {
    private static let tokenBytes: [UInt8] = [
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    ]

    @Test("a data header is two big-endian numbers")
    func dataHeader() {
        var datagram = [UInt8](repeating: 0xee, count: 20)
        datagram.withUnsafeMutableBytes {
            DataHeader(sequence: 0x0102_0304_0506_0708, timestamp: 0x1112_1314_1516_1718).write(to: $0)
        }
        let expected: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 17, 18, 19, 20, 21, 22, 23, 24, 0xee, 0xee, 0xee, 0xee]
        #expect(datagram == expected)
        let read = datagram.withUnsafeBytes { DataHeader($0) }
        #expect(read == DataHeader(sequence: 0x0102_0304_0506_0708, timestamp: 0x1112_1314_1516_1718))
    }

    @Test("a datagram shorter than a header has none, and gets none", arguments: 0..<16)
    func shortDatagrams(count: Int) {
        var bytes = [UInt8](repeating: 9, count: count)
        #expect(bytes.withUnsafeBytes { DataHeader($0) } == nil)
        bytes.withUnsafeMutableBytes { DataHeader(sequence: 1, timestamp: 2).write(to: $0) }
        #expect(bytes == [UInt8](repeating: 9, count: count))
    }

    @Test("a hello and its ack are the specified 24 bytes")
    func hello() throws {
        let token = try #require(FlowToken(hexadecimal: "00112233445566778899aabbccddeeff"))
        let bytes: [UInt8] = [0x00, 0x58, 0x46, 0x52, 1, 1, 0, 3] + Self.tokenBytes
        #expect(FlowHello(.hello, flow: 3, token: token).encoded == bytes)
        #expect(bytes.withUnsafeBytes { FlowHello($0) } == FlowHello(.hello, flow: 3, token: token))
        var ack = bytes
        ack[5] = 2
        #expect(ack.withUnsafeBytes { FlowHello($0) } == FlowHello(.ack, flow: 3, token: token))
    }

    @Test("what looks like a hello and isn't one is recognised as such", arguments: [4, 5])
    func crookedHello(field: Int) throws {
        let token = try #require(FlowToken(Self.tokenBytes))
        var bytes = FlowHello(.hello, flow: 0, token: token).encoded
        bytes[field] = 9
        #expect(bytes.withUnsafeBytes { FlowHello($0) } == nil)
        #expect(bytes.withUnsafeBytes { FlowHello.isLike($0) })
        bytes.append(0)
        #expect(!bytes.withUnsafeBytes { FlowHello.isLike($0) })
    }

    @Test(
        "a token is 32 hexadecimal digits, and nothing else", arguments: ["", "0", "00112233445566778899aabbccddeefg"])
    func badTokens(text: String) { #expect(FlowToken(hexadecimal: text) == nil) }

    @Test("a token is written as it is read")
    func tokenText() throws {
        let token = try #require(FlowToken(hexadecimal: "00112233445566778899AABBCCDDEEFF"))
        #expect(token.hexadecimal == "00112233445566778899aabbccddeeff")
        #expect(FlowToken.random() != FlowToken.random())
    }

    @Test("feedback is the specified 36 bytes")
    func feedback() {
        let bytes: [UInt8] =
            Array("XFRF".utf8) + [1, 1, 0, 0, 0, 7, 0, 0]
            + [0, 0, 0, 0, 0, 0, 1, 0xf4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]
        let feedback = FlowFeedback(flow: 7, elapsedMilliseconds: 500, received: 65_536, lost: 5)
        #expect(feedback.encoded == bytes)
        #expect(bytes.withUnsafeBytes { FlowFeedback($0) } == feedback)
        for wrong in [bytes + [0], Array(bytes.dropLast()), Array("XFRG".utf8) + bytes.dropFirst(4)] {
            #expect(wrong.withUnsafeBytes { FlowFeedback($0) } == nil)
        }
    }

    @Test("a probe is padded to its size, an ack is its header")
    func probe() {
        let header: [UInt8] = Array("XFRP".utf8) + [1, 1, 0, 0, 0, 0, 1, 2, 0x05, 0x78, 0, 0]
        let probe = PathProbe(.probe, sequence: 258, size: 1400)
        #expect(probe.encoded == header + [UInt8](repeating: 0, count: 1384))
        #expect(probe.encoded.withUnsafeBytes { PathProbe($0) } == probe)
        let ack = PathProbe(.ack, sequence: 258, size: 1400)
        #expect(ack.encoded.count == 16)
        #expect(ack.encoded.withUnsafeBytes { PathProbe($0) } == ack)
    }

    @Test("a probe or an echo that lies about its size is none", arguments: [PathProbe.Kind.probe, .echo])
    func lyingProbe(kind: PathProbe.Kind) {
        let whole = PathProbe(kind, sequence: 1, size: 600).encoded
        #expect(whole.dropLast().withUnsafeBytes { PathProbe($0) } == nil)
        #expect(PathProbe(kind, sequence: 1, size: 15).encoded.withUnsafeBytes { PathProbe($0) } == nil)
    }

    @Test("a latency probe and its answer are the specified 40 bytes")
    func latencyProbe() throws {
        let token = try #require(FlowToken(Self.tokenBytes))
        let probe = LatencyProbe(token: token, sequence: 0x0102_0304_0506_0708)
        let head: [UInt8] = [0x00, 0x51, 0x52, 0x4c, 1, 1, 0, 0] + Self.tokenBytes + [1, 2, 3, 4, 5, 6, 7, 8]
        #expect(probe.encoded == head + [UInt8](repeating: 0, count: 8))
        #expect(probe.encoded.withUnsafeBytes { LatencyProbe($0) } == probe)
        let answer = probe.answered(at: 0x1112_1314_1516_1718)
        var bytes = head + [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18]
        bytes[5] = 2
        #expect(answer.encoded == bytes)
        #expect(bytes.withUnsafeBytes { LatencyProbe($0) } == answer)
        bytes.withUnsafeBytes { raw in
            #expect(FlowHello(raw) == nil && FlowFeedback(raw) == nil && PathProbe(raw) == nil)
            #expect(TailMarker(raw) == nil)
            #expect((DataHeader(raw)?.sequence ?? 0) > 1 << 54)
        }
        #expect(try #require(bytes.first) < 0x40)
    }

    @Test("what is longer, shorter, of another version or kind is no latency probe")
    func crookedLatencyProbe() throws {
        let whole = LatencyProbe(token: try #require(FlowToken(Self.tokenBytes)), sequence: 1).encoded
        for wrong in [whole + [0], Array(whole.dropLast()), [], [0]] as [[UInt8]] {
            #expect(!wrong.withUnsafeBytes { LatencyProbe.isLike($0) })
            #expect(wrong.withUnsafeBytes { LatencyProbe($0) } == nil)
        }
        for field in [4, 5] {
            var wrong = whole
            wrong[field] = 9
            #expect(wrong.withUnsafeBytes { LatencyProbe($0) } == nil)
        }
    }

    @Test("a tail marker is none of the others, and no payload that a sender reaches")
    func tail() throws {
        let marker = TailMarker(flow: 2, sent: 1000)
        let bytes = marker.encoded
        #expect(bytes == [0x00, 0x51, 0x52, 0x54, 1, 1, 0, 2, 0, 0, 0, 0, 0, 0, 3, 0xe8])
        bytes.withUnsafeBytes { raw in
            #expect(TailMarker(raw) == marker)
            #expect(!FlowHello.isLike(raw))
            #expect(FlowFeedback(raw) == nil)
            #expect(PathProbe(raw) == nil)
            #expect((DataHeader(raw)?.sequence ?? 0) > 1 << 54)
        }
        #expect(try #require(bytes.first) < 0x40)
    }
}
