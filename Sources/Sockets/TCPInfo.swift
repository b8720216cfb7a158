import CQrateSocketShims

/// The kernel's view of one TCP connection (tcp(7), TCP_INFO). nil is "this kernel doesn't tell".
package struct TCPInfo: Sendable, Hashable {
    package var smoothedRTT: Duration?
    package var rttVariation: Duration?
    package var minRTT: Duration?
    /// In segments, as the kernel counts it.
    package var congestionWindowSegments: UInt64?
    /// The largest segment it sends, in bytes.
    package var segmentSize: UInt64?
    /// Segments sent again since the connection began.
    package var retransmissions: UInt64?
    /// Bytes a second; nil also when nothing is paced.
    package var pacingRate: UInt64?
    package var deliveryRate: UInt64?
    /// Time with something to send, and the parts of it that the peer's window or this end's buffer held it up.
    package var busyTime: Duration?
    package var receiveWindowLimitedTime: Duration?
    package var sendBufferLimitedTime: Duration?

    init(_ raw: qrate_tcp_info) {
        // 0 is a connection without a sample yet: a round trip takes more.
        smoothedRTT = Self.time(raw.smoothed_rtt_us > 0 ? raw.smoothed_rtt_us : -1)
        rttVariation = raw.smoothed_rtt_us > 0 ? Self.time(raw.rtt_variation_us) : nil
        minRTT = Self.time(raw.min_rtt_us)
        congestionWindowSegments = Self.count(raw.congestion_window_segments)
        segmentSize = Self.count(raw.segment_size)
        retransmissions = Self.count(raw.retransmitted_segments)
        pacingRate = Self.count(raw.pacing_rate)
        deliveryRate = Self.count(raw.delivery_rate > 0 ? raw.delivery_rate : -1)
        busyTime = Self.time(raw.busy_us)
        receiveWindowLimitedTime = Self.time(raw.receive_window_limited_us)
        sendBufferLimitedTime = Self.time(raw.send_buffer_limited_us)
    }

    private static func time(_ microseconds: Int64) -> Duration? {
        microseconds < 0 ? nil : .microseconds(microseconds)
    }

    private static func count(_ value: Int64) -> UInt64? { value < 0 ? nil : UInt64(value) }
}
