import ArgumentParser
import QrateKit

/// What carries the payload, and how it is set up. Which transport takes which of the settings is the library's
/// business; it refuses the others.
struct TransportArguments: ParsableArguments {
    @Flag var transports: [TransportFlag] = []

    @Option(
        name: [.customShort("l", allowingJoined: true), .long],
        help: ArgumentHelp(
            "TCP, TLS: bytes per write. UDP, --datagrams: bytes per datagram. Default over UDP: 1400.",
            valueName: "size"))
    var length: ByteCount?

    @Option(
        name: [.customShort("w", allowingJoined: true), .long],
        help: ArgumentHelp(
            "TCP, TLS, UDP: socket buffers, at both ends. QUIC: the largest flow-control window. Default: what the "
                + "system and the path choose.",
            valueName: "size"))
    var window: ByteCount?

    @Option(
        name: [.customShort("C", allowingJoined: true), .long],
        help: ArgumentHelp("Congestion controller, at both ends. Not UDP.", valueName: "name"))
    var congestion: String?

    @Option(help: ArgumentHelp("QUIC, TLS: agree to no other cipher.", valueName: "name"))
    var cipher: CipherSuite?

    @Option(
        name: [.customShort("M", allowingJoined: true), .customLong("set-mss")],
        help: ArgumentHelp("TCP, TLS: the largest segment, in bytes.", valueName: "n"))
    var maxSegmentSize: Int?

    @Flag(
        name: [.customShort("N"), .customLong("nodelay")], help: "TCP, TLS: send small writes at once (TCP_NODELAY).")
    var noDelay = false

    @Flag(
        name: [.customShort("Z"), .customLong("zerocopy")], help: "TCP: don't copy payload on its way to the socket.")
    var zeroCopy = false

    @Flag(
        name: .customLong("skip-rx-copy"),
        help: "TCP: throw received payload away instead of copying it to the application. Such a figure flatters.")
    var skipsReceiveCopy = false

    @Flag(name: .customLong("mptcp"), help: "TCP, TLS: use Multipath TCP (RFC 8684).")
    var multipath = false

    @Option(help: ArgumentHelp("QUIC: spread the streams over this many connections. Default: 1.", valueName: "n"))
    var connections: Int?

    @Flag(help: "QUIC: send payload in datagrams (RFC 9221) instead of streams.")
    var datagrams = false

    @Option(
        help: ArgumentHelp(
            "QUIC: the largest UDP payload to use, in bytes, or \"interface\" for what the interface takes. "
                + "Default: what path MTU discovery finds.",
            valueName: "n"))
    var maxDatagram: MaxDatagramArgument?

    @Option(
        name: [.customShort("S", allowingJoined: true), .long],
        help: ArgumentHelp("The IP header's TOS (traffic class) byte: 0 to 255, or 0x00 to 0xff.", valueName: "n"))
    var tos: TypeOfServiceArgument?

    @Option(
        help: ArgumentHelp(
            "The same as a code point: 0 to 63, or a name such as ef, cs1, af41, va, le.", valueName: "name"))
    var dscp: CodePointArgument?

    /// The transports that were named, once each.
    var names: [String] { Set(transports).map(\.name).sorted() }

    var kind: TransportKind {
        get throws(TestFailure) {
            try Exclusive.check(names)
            return transports.first?.kind ?? .quic
        }
    }

    /// - Throws: `usage` for flags that contradict each other.
    var settings: TransportSettings {
        get throws(TestFailure) {
            try Exclusive.check([tos == nil ? nil : "-S", dscp == nil ? nil : "--dscp"])
            var settings = TransportSettings()
            settings.payloadUnit = length
            settings.window = window
            settings.congestionController = congestion
            settings.typeOfService = tos?.byte ?? dscp?.typeOfService
            settings.maxSegmentSize = maxSegmentSize
            settings.sendsWithoutDelay = noDelay
            settings.usesZeroCopy = zeroCopy
            settings.skipsReceiveCopy = skipsReceiveCopy
            settings.usesMultipath = multipath
            settings.maxDatagram = maxDatagram?.value
            settings.connections = connections ?? 1
            settings.usesDatagrams = datagrams
            settings.cipher = cipher
            return settings
        }
    }
}

/// A flag that chooses the transport.
enum TransportFlag: String, EnumerableFlag {
    case quic, tcp, tls, udp

    static func name(for flag: TransportFlag) -> NameSpecification {
        flag == .udp ? [.customShort("u"), .long] : .long
    }

    static func help(for flag: TransportFlag) -> ArgumentHelp? {
        switch flag {
        case .quic: "QUIC. This is the default."
        case .tcp: "TCP: one connection per stream."
        case .tls: "TLS 1.3 over TCP, with QUIC's certificates."
        case .udp: "UDP: one flow of datagrams per stream."
        }
    }

    var name: String { "--" + rawValue }

    var kind: TransportKind {
        switch self {
        case .quic: .quic
        case .tcp: .tcp
        case .tls: .tls
        case .udp: .udp
        }
    }
}
