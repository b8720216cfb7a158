/// A feature that a hello announces. Unknown ones are ignored; only what works is announced.
package enum Capability {
    package static let tcp = "tcp"
    package static let udp = "udp"
    package static let quic = "quic"
    package static let multistream = "multistream"
    /// TCP data connections come to the control connection's port, each with a `data_hello`.
    package static let singlePortTCP = "single_port_tcp"
    package static let pauseResume = "pause_resume"
    /// The peer takes feedback packets on the data path of a UDP upload.
    package static let udpFeedback = "udp_feedback_v1"
    package static let zeroCopy = "zerocopy_v1"
    package static let mtuProbe = "mtu_probe_v1"
    /// UDP flows come to the control connection's port number, each with a token.
    package static let singlePortUDP = "single_port_udp_v1"
    package static let byteBudget = "byte_budget_v1"
    /// The peer knows the nested `qrate` objects and the `report` message.
    package static let qrate = "qrate_v1"
    /// The peer, a server, answers a ``UsageMessage``.
    package static let processUsage = "qrate_usage_v1"
    /// The peer, a server, answers latency probes while a test runs that asks for it.
    package static let latency = "qrate_latency_v1"

    /// Everything that this program can do, in xfr's order.
    package static let announced = [
        tcp, udp, quic, multistream, singlePortTCP, pauseResume, udpFeedback, zeroCopy, mtuProbe, singlePortUDP,
        byteBudget, qrate, processUsage, latency,
    ]
}
