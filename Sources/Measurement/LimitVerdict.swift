/// What limited one direction of a test, in one word, and the setting that would change it.
///
/// A conclusion from ``LimitShares`` and what else is known of the test, not a measurement of its own.
public struct LimitVerdict: Sendable, Hashable {
    public var limit: Limit
    /// The part of the time in which it was that, from 0 to 1; where a thread is why, the part in which that was at work.
    public var share: Double
    /// The busiest data-path thread of that end is why: it had no time left.
    public var isByThread = false
    /// Where two causes took about as long: the other one, and its part.
    public var second: Part?
    /// What would help; nil where no setting would.
    public var setting: Setting?

    public struct Part: Sendable, Hashable {
        public var limit: Limit
        public var share: Double

        public init(limit: Limit, share: Double) {
            self.limit = limit
            self.share = share
        }
    }

    /// The raw values are those of the JSON document.
    public enum Limit: String, Sendable, Hashable {
        /// The congestion controller, by its window or its pacing: what the path carries.
        case congestion
        case flowControl = "flow_control"
        case targetBitrate = "target_bitrate"
        case application
        case socketBuffer = "socket_buffer"
        case senderCPU = "sender_cpu"
        case receiverCPU = "receiver_cpu"
        /// On loopback: the sender was at work, or waited for the receiver's acknowledgements, which is to wait for its work.
        case hostCPU = "host_cpu"
        /// Most of the time there was nothing to send: the test is too short to say.
        case idle
    }

    /// A setting, and a value of it that is worth trying.
    public struct Setting: Sendable, Hashable {
        /// As in `-w`, or `net.ipv4.tcp_rmem`.
        public var name: String
        public var value: String
        /// Whose system it is a setting of; nil for one of this program.
        public var end: Role?

        public init(name: String, value: String, end: Role? = nil) {
            self.name = name
            self.value = value
            self.end = end
        }
    }

    /// What is known of a direction beside its sender's time.
    public struct Facts: Sendable, Hashable {
        public var transport: TransportKind
        public var sender: Role
        /// Both ends are on one host: no network holds anything up.
        public var isLoopback = false
        /// Whether the flow-control window, or the socket buffers, were asked for (`-w`).
        public var hasChosenWindow = false
        /// That window, or those buffers.
        public var window: ByteCount?
        public var throughput: Bitrate?
        public var roundTrip: Duration?
        /// How much of its time the busiest data-path thread of an end was on a processor, from 0 to 1. Time in which it only
        /// looked out for work doesn't count.
        public var busiestSendingThread: Double?
        public var busiestReceivingThread: Double?

        public init(transport: TransportKind, sender: Role) {
            self.transport = transport
            self.sender = sender
        }
    }

    /// From here on a thread has no time left.
    public static let busyThread = 0.9

    /// nil when no time is covered.
    public init?(_ shares: LimitShares, _ facts: Facts) {
        let parts = Self.parts(shares, facts)
        guard let idle = shares.share(of: .idle), let first = parts.first else { return nil }
        guard idle <= 0.5, first.share > 0 else {
            self.init(Part(limit: .idle, share: idle))
            return
        }
        self.init(first)
        // It isn't most of it, and the other is at least half as much.
        if first.share < (1 - idle) * 0.6, parts.count > 1, parts[1].share * 2 >= first.share { second = parts[1] }
        blameThread(facts)
        setting = Self.setting(against: limit, facts) ?? second.flatMap { Self.setting(against: $0.limit, facts) }
    }

    private init(_ part: Part) {
        limit = part.limit
        share = part.share
    }

    /// Who has no time left gives neither acknowledgements nor credit in time, or doesn't get to read them.
    private mutating func blameThread(_ facts: Facts) {
        guard limit == .congestion || limit == .flowControl else { return }
        let receiving = facts.busiestReceivingThread ?? 0, sending = facts.busiestSendingThread ?? 0
        guard max(receiving, sending) >= Self.busyThread else { return }
        limit = receiving >= sending ? .receiverCPU : .senderCPU
        share = max(receiving, sending)
        isByThread = true
        second = nil
    }

    /// Without the idle time, the longest first.
    private static func parts(_ shares: LimitShares, _ facts: Facts) -> [Part] {
        func part(_ limit: Limit, _ causes: LimitCause...) -> Part? {
            let known = causes.compactMap { shares.share(of: $0) }
            return known.isEmpty ? nil : Part(limit: limit, share: known.reduce(0, +))
        }
        let work =
            facts.isLoopback
            ? [part(.hostCPU, .cpu, .congestionWindow, .pacing)]
            : [part(.senderCPU, .cpu), part(.congestion, .congestionWindow, .pacing)]
        let parts =
            work + [
                part(.flowControl, .flowControl), part(.targetBitrate, .targetBitrate),
                part(.application, .application), part(.socketBuffer, .socketBuffer),
            ]
        return parts.compactMap(\.self).sorted { $0.share > $1.share }
    }

    private static func setting(against limit: Limit, _ facts: Facts) -> Setting? {
        let isStream = facts.transport == .tcp || facts.transport == .tls
        switch limit {
        case .flowControl where facts.hasChosenWindow, .socketBuffer where isStream && facts.hasChosenWindow:
            return largerWindow(facts).map { Setting(name: "-w", value: size($0)) }
        // Unless they are asked for, QUIC's window is as large as it gets, and TCP's is what the kernel may make of it.
        case .flowControl where isStream:
            let receiver: Role = facts.sender == .client ? .server : .client
            return largerWindow(facts).map { Setting(name: "net.ipv4.tcp_rmem", value: "\($0)", end: receiver) }
        case .socketBuffer where isStream:
            return largerWindow(facts).map { Setting(name: "net.ipv4.tcp_wmem", value: "\($0)", end: facts.sender) }
        default: return nil
        }
    }

    /// Twice what was in use, which is the product of rate and round trip or the window itself. How much more the path would
    /// carry nobody knows who hasn't tried. Bytes, a power of two.
    private static func largerWindow(_ facts: Facts) -> UInt64? {
        let product = facts.throughput.flatMap { rate in
            facts.roundTrip.map { Double(rate.bitsPerSecond) / 8 * $0.seconds }
        }
        let used = max(product ?? 0, facts.window.map { Double($0.bytes) } ?? 0)
        guard used > 0, used < 1e15 else { return nil }
        var size: UInt64 = 64 << 10
        while Double(size) < used * 2 { size *= 2 }
        return size
    }

    /// As `-w` takes it: 64 KiB at least.
    private static func size(_ bytes: UInt64) -> String {
        if bytes >= 1 << 30 { return "\(bytes >> 30)G" }
        return bytes >= 1 << 20 ? "\(bytes >> 20)M" : "\(bytes >> 10)K"
    }
}

extension TestReport {
    /// What limited that direction; nil when its sender didn't tell what its time went to.
    public func limitVerdict(_ direction: Direction) -> LimitVerdict? {
        guard let path = path(direction), let shares = path.limits else { return nil }
        var facts = LimitVerdict.Facts(transport: parameters.transport, sender: path.observedBy)
        facts.isLoopback = warnings.contains { $0.code == "loopback" }
        facts.hasChosenWindow = parameters.settings.window != nil
        let receiver = path.observedBy == .client ? server?.settings : client.settings
        facts.window = parameters.settings.window ?? receiver?.flowControlWindow
        facts.throughput = summary(direction)?.throughput
        facts.busiestSendingThread = busiest(path.observedBy, but: "receive")
        facts.busiestReceivingThread = busiest(path.observedBy == .client ? .server : .client, but: "send")
        switch path.metrics {
        case .quic(let metrics): facts.roundTrip = metrics.smoothedRTT
        case .tcp(let metrics): facts.roundTrip = metrics.smoothedRTT
        case .udp: break
        }
        return LimitVerdict(shares, facts)
    }

    /// How much of its time the busiest thread of an end was at work, but for those that only do the other thing.
    private func busiest(_ end: Role, but other: String) -> Double? {
        let threads = (end == .client ? client.cpu : server?.cpu)?.threads ?? []
        return threads.filter { !$0.name.hasPrefix(other) }.compactMap(\.workShare).max()
    }
}
