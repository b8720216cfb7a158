/// What a comparison runs: the same test over several transports, round by round.
public struct ComparisonParameters: Sendable, Hashable {
    /// In the order of the report: two at least, each once.
    public var transports: [TransportKind]
    /// Each single test. Its transport is that of ``transports``; of its settings, each transport gets those that it has.
    public var test: TestParameters
    /// The most rounds there are; 15 unless told otherwise, ``fewestRounds`` at least.
    public var rounds: Int
    /// How near the truth every ratio shall be told, as a share of it: 0.05 is 5 %. Rounds go on until that, or one of the
    /// limits, is reached.
    public var precision: Double
    /// How long the whole may take; nil for as long as the rounds do. A round that would end later isn't begun.
    public var budget: Duration?
    /// Whether each round ends with all transports at the same time, to see how they share the path.
    public var runsTogether: Bool

    /// The rounds whose scatter decides how many there will be.
    public static let fewestRounds = 5
    public static let roundLimits = fewestRounds...1000
    public static let precisionLimits = 0.001...1.0
    public static let defaultTransports: [TransportKind] = [.quic, .tls, .tcp]
    /// The length of a test.
    public static let defaultDuration = Duration.seconds(3)

    public init(
        transports: [TransportKind] = defaultTransports,
        test: TestParameters = TestParameters(limit: .duration(defaultDuration)), rounds: Int = 15,
        precision: Double = 0.05, budget: Duration? = nil, runsTogether: Bool = false
    ) {
        self.transports = transports
        self.test = test
        self.rounds = rounds
        self.precision = precision
        self.budget = budget
        self.runsTogether = runsTogether
    }

    /// The test of one transport.
    ///
    /// A setting that this transport hasn't got is left out, so that `-l` sizes the writes of TCP and TLS beside a QUIC that
    /// has none. The congestion controller is QUIC's default on all who have one, where none was chosen: the kernel's may
    /// be another.
    public func parameters(for transport: TransportKind) -> TestParameters {
        var parameters = test
        parameters.transport = transport
        var settings = test.settings
        settings.congestionController = test.settings.congestionController ?? Self.commonController
        switch transport {
        case .quic:
            settings.payloadUnit = settings.usesDatagrams ? settings.payloadUnit : nil
        case .tls, .tcp, .udp:
            settings.maxDatagram = nil
            settings.connections = 1
            settings.usesDatagrams = false
        }
        if transport == .quic || transport == .udp {
            settings.maxSegmentSize = nil
            settings.sendsWithoutDelay = false
            settings.usesMultipath = false
        }
        if transport != .tcp {
            settings.usesZeroCopy = false
            settings.skipsReceiveCopy = false
        }
        if transport == .udp { settings.congestionController = nil }
        if transport == .tcp || transport == .udp { settings.cipher = nil }
        parameters.settings = settings
        return parameters
    }

    /// What QUIC uses unless told otherwise, and what every Linux has.
    public static let commonController = "cubic"
}
