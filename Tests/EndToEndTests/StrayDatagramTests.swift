import Glibc
import QrateTestSupport
import Testing

/// What anybody can send to a server's port.
@Suite("stray datagrams", .fewAtATime) struct StrayDatagramTests {
    @Test("thousands of them in the middle of a test disturb neither it nor the next client", arguments: [[], ["-R"]])
    func flood(direction: [String]) async throws {
        try await withServer { server in
            let stranger = try Stranger(port: server.port)
            // Some tenths of a second; the datagrams take some hundredths.
            let outcome = try await server.withClient(direction + ["-n", "50000003", "--json"]) { client in
                try await server.events("test_started")
                stranger.sendAll()
                return try await client.outcome()
            }
            let result = try outcome.success()
            #expect(result.summary?.totals?.bytesReceived == 50_000_003)
            #expect(result.summary?.totals?.complete == true)

            // Some of them look like the first packet of a handshake, and the server waits for the rest of it.
            let next = try await server.client(["-n", "1000003", "--json"]).success()
            #expect(next.summary?.totals?.bytesReceived == 1_000_003)
            #expect(try server.events.count { $0.event == "test_started" } == 2)
        }
    }
}

/// Sends what is no QUIC, or nearly.
private struct Stranger: ~Copyable {
    private let descriptor: CInt
    private let datagrams: [[UInt8]]

    struct Failure: Error { let errno: CInt }

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(errno: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let descriptor = descriptor
        let isConnected = withUnsafeBytes(of: address) {
            connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count)) == 0
        }
        guard isConnected else { throw Failure(errno: errno) }
        var noise = Noise()
        datagrams = (0..<4000).map { noise.datagram($0) }
    }

    deinit { close(descriptor) }

    func sendAll() {
        for datagram in datagrams { _ = datagram.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) } }
    }
}

private struct Noise {
    private var random = SplitMix64(seed: 0x71_72_61_74_65)

    mutating func datagram(_ number: Int) -> [UInt8] {
        switch number % 4 {
        case 0: bytes(Int(random.next() % 1500))
        case 1: [0x40 | UInt8(number & 0x3f)] + bytes(Int(random.next() % 1500))  // 1-RTT, by its first byte
        case 2: Array(initial().prefix(Int(random.next() % 1200)))
        default: initial()
        }
    }

    /// A whole Initial of version 1 (RFC 9000 §17.2.2) as to its header and size; what should be encrypted is noise.
    private mutating func initial() -> [UInt8] {
        [0xc3, 0, 0, 0, 1, 8] + bytes(8) + [8] + bytes(8) + [0, 0x44, 0x96] + bytes(1174)
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }
}
