/// What a host says of itself, as far as tests depend on it. nil is "not known".
public struct SelfTestHost: Sendable, Hashable {
    /// The program and the machine.
    public var platform = Platform()
    public var buffers: Buffers?
    public var offloads = Offloads()
    public var congestion = Congestion()
    public var clock = Clock()
    public var encryption = Encryption()

    public init() {}

    /// The buffers of UDP sockets, those of QUIC among them.
    public struct Buffers: Sendable, Hashable {
        /// What is asked for, each way.
        public var asked: ByteCount
        /// What this user gets, as the kernel accounts it: twice what holds payload.
        public var receive: ByteCount
        public var send: ByteCount
        /// net.core.rmem_max and net.core.wmem_max. Privileged users get past them.
        public var receiveLimit: ByteCount?
        public var sendLimit: ByteCount?

        public init(
            asked: ByteCount, receive: ByteCount, send: ByteCount, receiveLimit: ByteCount? = nil,
            sendLimit: ByteCount? = nil
        ) {
            self.asked = asked
            self.receive = receive
            self.send = send
            self.receiveLimit = receiveLimit
            self.sendLimit = sendLimit
        }
    }

    /// Whether the kernel cuts (UDP_SEGMENT) and merges (UDP_GRO) datagrams, tried out on the loopback. A network card may
    /// still not.
    public struct Offloads: Sendable, Hashable {
        public var segmentation: Bool?
        public var receive: Bool?

        public init(segmentation: Bool? = nil, receive: Bool? = nil) {
            self.segmentation = segmentation
            self.receive = receive
        }
    }

    /// Congestion controllers, by name.
    public struct Congestion: Sendable, Hashable {
        /// The kernel's, for TCP and TLS: those that are loaded, those of them that everybody may choose, and the one that
        /// is used where nobody chooses.
        public var available: [String] = []
        public var allowed: [String] = []
        public var standard: String?
        public var quic: [String] = []
        /// Whether this user may choose the one that comparisons use on TCP.
        public var canUseCommonController: Bool?

        public init() {}
    }

    public struct Clock: Sendable, Hashable {
        /// Of the monotonic clock, as the system states it.
        public var resolution: Duration?
        /// What one reading of it costs.
        public var reading: Duration?
        /// What the kernel derives time from, as in `tsc`.
        public var source: String?
        /// Whether the wall clock is kept in step with others (NTP). No figure depends on it, only dates.
        public var isSynchronized: Bool?

        public init() {}
    }

    public struct Encryption: Sendable, Hashable {
        /// Whether the processor has instructions for AES-GCM.
        public var hasAESInstructions: Bool?
        /// The library that does AES-GCM by default.
        public var library: String?
        /// The share of GnuTLS's time that the other library takes for a packet; nil where there is no other.
        public var shareOfGnuTLS: Double?
        /// Whether the other library computed something else than GnuTLS: it isn't used then.
        public var disagrees: Bool?

        public init() {}
    }
}
