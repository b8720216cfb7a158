package import QrateMeasurement

/// What both ends agreed to move, as one of them sees it.
package struct DataPlan: Sendable, Hashable {
    /// This end.
    package var role: Role
    /// The test's name: data connections and flows show it, or a token for it, to be told apart from strangers'.
    package var testID: String
    package var parameters: TestParameters
    /// What the peer can do beside moving bytes.
    package var peer: PeerTraits

    package init(
        role: Role, testID: String = "", parameters: TestParameters, peer: PeerTraits = .qrate
    ) {
        self.role = role
        self.testID = testID
        self.parameters = parameters
        self.peer = peer
    }

    package var direction: Direction { parameters.direction }
    package var streams: Int { parameters.streams }
    package var limit: TestLimit { parameters.limit }
    package var warmUp: Duration { parameters.warmUp }
    package var interval: Duration { parameters.interval }

    package var sends: Bool { direction.sends(from: role) }
    package var receives: Bool { direction.sends(from: role == .client ? .server : .client) }
}

/// What the ends of a data plane may do with each other: negotiated in their hellos.
package struct PeerTraits: OptionSet, Sendable, Hashable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// A qrate: it ends its streams in order, sends tail markers, takes connection tokens. Without it, a reset at the end
    /// is normal (xfr's way to end a timed test over TCP).
    package static let isQrate = PeerTraits(rawValue: 1)
    /// TCP data connections, and UDP flows, come to the port of the control connection.
    package static let singlePortTCP = PeerTraits(rawValue: 2)
    package static let singlePortUDP = PeerTraits(rawValue: 4)
    /// It takes feedback packets on the data path of a UDP upload.
    package static let takesDatagramFeedback = PeerTraits(rawValue: 8)
    package static let probesPathMTU = PeerTraits(rawValue: 16)

    /// Everything that this program does itself.
    package static let qrate: PeerTraits = [
        .isQrate, .singlePortTCP, .singlePortUDP, .takesDatagramFeedback, .probesPathMTU,
    ]
}

/// What the server tells the client about where the data goes: `test_ack`'s fields.
package struct DataOffer: Sendable, Hashable {
    /// One per stream, where the peer can't find the streams' way on the control connection's port.
    package var ports: [UInt16]
    /// UDP: shown by each flow's first datagram. 32 hexadecimal digits.
    package var token: String?
    /// QUIC: the token for the Initial packets of data connections (DESIGN.md section 3), hexadecimal. With it, payload
    /// moves on connections of its own, and the session's carries control only.
    package var connectionToken: String?
    /// Shown by latency probes. 32 hexadecimal digits.
    package var probeToken: String?

    package init(
        ports: [UInt16] = [], token: String? = nil, connectionToken: String? = nil, probeToken: String? = nil
    ) {
        self.ports = ports
        self.token = token
        self.connectionToken = connectionToken
        self.probeToken = probeToken
    }
}

/// What one end shall send. The clock of `duration` starts when the sending thread takes the job up.
package struct SendJob: Sendable, Hashable {
    /// Warm-up and measured window together; nil for no limit of time.
    package var duration: Duration?
    /// Bytes shared by all streams; nil for no limit of bytes.
    package var byteBudget: ByteCount?
    /// Over all streams; nil for as fast as it goes.
    package var targetBitrate: Bitrate?

    package init(plan: DataPlan) {
        duration = plan.limit.duration.map { $0 + plan.warmUp }
        byteBudget = plan.limit.byteBudget
        targetBitrate = plan.parameters.targetBitrate
    }
}
