/// How a connection's handshake agrees on keys.
public enum HandshakeKind: String, Sendable, Hashable, CaseIterable {
    /// From nothing: the server shows its certificate and signs.
    case cold
    /// With a ticket of an earlier connection (RFC 8446 §2.2): no certificate and no signature. Keys are exchanged anew.
    case resumed
}

/// What a client asks for: handshakes with one server, one behind the other in each of several lanes.
public struct HandshakeParameters: Sendable, Hashable {
    /// QUIC or TLS: the others have no handshake of their own.
    public var transport: TransportKind
    /// What is measured, one behind the other. Both kinds unless told otherwise.
    public var kinds: [HandshakeKind]
    /// Of all kinds together, each gets the same share; 10 s unless told otherwise. nil leaves the end to ``count``.
    public var duration: Duration?
    /// Handshakes to complete, of each kind. With ``duration``, whichever ends first.
    public var count: Int?
    /// Handshakes under way at a time: 1 to 32, 1 unless told otherwise. More would make a server ask for proof of address
    /// (RFC 9000 §8.1.2), and so measure something else.
    public var parallel: Int
    /// The record cipher to insist on. nil offers all, AES-128-GCM first.
    public var cipher: CipherSuite?

    public static let parallelLimits = 1...32
    public static let countLimits = 1...100_000_000

    public init(
        transport: TransportKind = .quic, kinds: [HandshakeKind] = HandshakeKind.allCases,
        duration: Duration? = TestParameters.defaultDuration, count: Int? = nil, parallel: Int = 1,
        cipher: CipherSuite? = nil
    ) {
        self.transport = transport
        self.kinds = kinds
        self.duration = duration
        self.count = count
        self.parallel = parallel
        self.cipher = cipher
    }

    /// Why this can't be run, with the value and the limit that it breaks; nil when it can.
    public var usageFailure: TestFailure? {
        func usage(_ message: String) -> TestFailure { TestFailure(.usage, message) }
        switch transport {
        case .quic, .tls: break
        case .tcp:
            return usage("TCP's handshake is the kernel's alone: measure --tls, which shows TCP's part of it apart")
        case .udp: return usage("UDP has no handshake: measure QUIC's or --tls")
        }
        guard !kinds.isEmpty, Set(kinds).count == kinds.count else {
            return usage("handshakes of each kind are measured once, and of one kind at least")
        }
        guard Self.parallelLimits.contains(parallel) else {
            return usage(
                "\(parallel) handshakes at a time (-P) are out of range: 1 to \(Self.parallelLimits.upperBound)")
        }
        if let duration {
            guard duration > .zero, duration <= TestParameters.longestTest else {
                return usage(
                    "a time of \(fixedPoint(duration.seconds, decimals: 3)) s (-t) is out of range: more than 0 s, at most "
                        + TestParameters.longestTest.secondsWithoutZeros)
            }
        }
        if let count, !Self.countLimits.contains(count) {
            return usage("\(count) handshakes (-n) are out of range: 1 to \(Self.countLimits.upperBound)")
        }
        guard duration != nil || count != nil else { return usage("handshakes need an end: a time or a number") }
        return nil
    }

    /// How long handshakes of one kind are measured.
    public var durationPerKind: Duration? { duration.map { $0 / max(kinds.count, 1) } }
}
