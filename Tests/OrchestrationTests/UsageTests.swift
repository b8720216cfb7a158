import QrateMeasurement
import QrateOrchestration
import Testing

@Suite("settings and transports") struct UsageTests {
    typealias Change = @Sendable (inout TransportSettings) -> Void

    static let settings: [(String, Set<TransportKind>, Change)] = [
        ("-M", [.tcp, .tls], { $0.maxSegmentSize = 1000 }),
        ("--nodelay", [.tcp, .tls], { $0.sendsWithoutDelay = true }),
        ("--mptcp", [.tcp, .tls], { $0.usesMultipath = true }),
        ("-Z", [.tcp], { $0.usesZeroCopy = true }),
        ("--skip-rx-copy", [.tcp], { $0.skipsReceiveCopy = true }),
        ("-C", [.quic, .tcp, .tls], { $0.congestionController = "cubic" }),
        ("--max-datagram", [.quic], { $0.maxDatagram = .bytes(1400) }),
        ("--datagrams", [.quic], { $0.usesDatagrams = true }),
        ("--connections", [.quic], { $0.connections = 2 }),
        ("--cipher", [.quic, .tls], { $0.cipher = .aes256gcm }),
        ("--probe-mtu", [.udp], { $0.probesPathMTU = true }),
        ("-l", [.tcp, .tls, .udp], { $0.payloadUnit = 1000 }),
        ("-w", Set(TransportKind.allCases), { $0.window = 1_000_000 }),
        ("-S", Set(TransportKind.allCases), { $0.typeOfService = 184 }),
    ]

    @Test("a setting that a transport hasn't got is refused by its flag, and by where it works", arguments: settings)
    func places(flag: String, places: Set<TransportKind>, change: Change) {
        for kind in TransportKind.allCases {
            var parameters = TestParameters(transport: kind, streams: flag == "--connections" ? 2 : 1)
            change(&parameters.settings)
            let failure = parameters.usageFailure
            #expect((failure == nil) == places.contains(kind), "\(flag) over \(kind): \(failure?.message ?? "taken")")
            guard let failure else { continue }
            #expect(failure.kind == .usage)
            #expect(failure.message.hasPrefix(flag))
            #expect(places.allSatisfy { failure.message.contains("--\($0.rawValue)") })
        }
    }

    @Test(
        "sizes have bounds per transport",
        arguments: [
            (.tcp, 1, true), (.tcp, 0, false), (.tls, 16_777_217, false), (.udp, 16, true), (.udp, 15, false),
            (.udp, 65_507, true), (.udp, 65_508, false),
        ] as [(TransportKind, UInt64, Bool)])
    func units(kind: TransportKind, size: UInt64, isFine: Bool) {
        var parameters = TestParameters(transport: kind)
        parameters.settings.payloadUnit = ByteCount(size)
        #expect((parameters.usageFailure == nil) == isFine)
    }

    @Test("what can't be is refused: a window of nothing, more connections than streams, an odd controller's name")
    func bounds() {
        func refused(_ kind: TransportKind, _ change: (inout TestParameters) -> Void) -> Bool {
            var parameters = TestParameters(transport: kind)
            change(&parameters)
            return parameters.usageFailure != nil
        }
        #expect(refused(.tcp) { $0.settings.window = 0 })
        #expect(refused(.tcp) { $0.settings.window = 4_000_000_000 })
        #expect(refused(.tcp) { $0.settings.maxSegmentSize = -1 })
        #expect(refused(.tcp) { $0.settings.congestionController = "a b" })
        #expect(refused(.tcp) { $0.settings.congestionController = "" })
        #expect(refused(.quic) { $0.settings.connections = 2 })
        #expect(refused(.quic) { $0.settings.connections = 0 })
        #expect(refused(.quic) { $0.settings.maxDatagram = .bytes(1199) })
        #expect(refused(.udp) { $0.limit = .bytes(15) })
        #expect(
            refused(.udp) {
                $0.settings.probesPathMTU = true
                $0.direction = .download
            })
        #expect(!refused(.udp) { $0.limit = .endless })
        #expect(!refused(.udp) { $0.targetBitrate = Bitrate(bitsPerSecond: 0) })
        #expect(!refused(.quic) { $0.direction = .bidirectional })
    }
}
