internal import CQrateNgtcp2
package import QrateMeasurement
package import QrateSecurity

/// How a connection behaves: fixed when it is made (ngtcp2 0.12.1 changes none of this later).
package struct ConnectionSettings: Sendable {
    package var congestionController = CongestionController.cubic
    /// The largest UDP payload to send. Path MTU discovery finds what the path carries up to here (RFC 8899); its
    /// probe sizes in ngtcp2 0.12.1 end at 1444.
    package var maxUDPPayload = 1452
    package var discoversPathMTU = true
    /// Sends datagrams of `maxUDPPayload` from the end of the handshake on, whatever the path carries: nothing is
    /// discovered then, and nothing notices a path that is too narrow.
    package var ignoresPathMTU = false
    /// Marks datagrams ECT(0) and validates that the marks survive (RFC 9000 §13.4).
    package var usesECN = true
    /// The TOS or traffic class byte of what is sent. Its low two bits are left to ECN.
    package var typeOfService: UInt8 = 0
    /// After this long without a packet the connection is dropped silently (RFC 9000 §10.1).
    package var idleTimeout = Duration.seconds(30)
    /// PINGs are sent when nothing else was for this long.
    package var keepAlive = Duration.seconds(10)
    package var handshakeTimeout = Duration.seconds(10)
    /// Client: the only record cipher to agree to; nil for whichever the server takes first of all.
    package var cipher: CipherSuite?
    /// Who seals and opens 1-RTT packets where AES-GCM is agreed on; other suites are GnuTLS's.
    package var aead = AEADLibrary.gnutls
    /// The most credit that this end gives as a receiver, on the connection and on each stream, in bytes: within
    /// ``windowLimits``.
    package var windowCeiling: UInt64 {
        get { ceiling }
        set { ceiling = min(max(newValue, Self.windowLimits.lowerBound), Self.windowLimits.upperBound) }
    }
    private var ceiling = Self.windowLimit
    /// Where the library's events go (qlog); nil for nowhere.
    package var eventLog: (any EventLog)?
    /// Where the connection's secrets go; nil for nowhere.
    package var keyLog: KeyLog?

    package init() {}

    /// Credit on the whole connection before a test is agreed on: enough for control, little for a stranger to fill.
    var initialConnectionWindow: UInt64 { min(1 << 20, windowCeiling) }
    /// Credit that a receiver has given in all when a test begins. 4 to 64 MiB measured alike on loopback, 1 MiB a
    /// quarter slower.
    static let testWindow: UInt64 = 16 << 20
    /// Windows grow while they are used up within two round trips, up to here: 10 Gbit/s at 200 ms.
    package static let windowLimit: UInt64 = 256 << 20
    /// A dozen packets at least: with fewer, acknowledgements and credit are all that moves.
    package static let windowLimits: ClosedRange<UInt64> = 16 << 10...windowLimit
    /// Control lines are small; what waits here unread bounds what a peer can make us hold.
    var controlStreamWindow: UInt64 { min(256 << 10, windowCeiling) }
    /// Connection IDs that a peer may hand us beside the first, so that it can migrate (RFC 9000 §18.2).
    static let connectionIDLimit: UInt64 = 7

    /// Credit that a receiver adds when a test begins.
    var testCredit: UInt64 { min(Self.testWindow, windowCeiling) - initialConnectionWindow }
    /// The credit of one data stream at first; the connection's credit is what bounds memory.
    var streamWindow: UInt64 { min(Self.testWindow, windowCeiling) }
}

/// The congestion controllers of ngtcp2 0.12.1, all of them paced.
package enum CongestionController: String, Sendable, Hashable, CaseIterable {
    case cubic
    case reno
    case bbr
    case bbr2

    var raw: ngtcp2_cc_algo {
        switch self {
        case .cubic: NGTCP2_CC_ALGO_CUBIC
        case .reno: NGTCP2_CC_ALGO_RENO
        case .bbr: NGTCP2_CC_ALGO_BBR
        case .bbr2: NGTCP2_CC_ALGO_BBR2
        }
    }
}

/// Which streams carry a test's payload.
package enum DataStreamKind: Sendable, Hashable {
    /// Each opened by the end that sends on it.
    case unidirectional
    /// Opened by the client; both ends send on each.
    case bidirectional
}
