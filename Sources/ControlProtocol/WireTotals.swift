/// A receiver's totals on the wire.
package struct WireTotals: Sendable, Equatable, Codable {
    /// Inside the measured window.
    package var bytesReceived: UInt64
    package var warmUpBytes: UInt64
    package var drainedBytes: UInt64
    /// The measured window's length on the receiver's clock; absent when no payload arrived.
    package var durationMilliseconds: Double?
    /// Per stream 1...N, inside the measured window; left out when the line would grow past its limit.
    package var streams: [UInt64]?
    /// Every stream was ended by its sender, so nothing is missing.
    package var isComplete: Bool
    /// What was counted of sequence-numbered datagrams; absent where there are none.
    package var datagrams: WireDatagrams?
    /// Where `datagrams` doesn't say (QUIC).
    package var receiveBufferDrops: UInt64?
    /// Absent for a test too short to tell.
    package var steadyState: WireSteadyState?

    enum CodingKeys: String, CodingKey {
        case bytesReceived = "bytes_received"
        case warmUpBytes = "warm_up_bytes"
        case drainedBytes = "drained_bytes"
        case durationMilliseconds = "duration_ms"
        case streams
        case isComplete = "complete"
        case datagrams
        case receiveBufferDrops = "receive_buffer_drops"
        case steadyState = "steady_state"
    }

    package init(
        bytesReceived: UInt64, warmUpBytes: UInt64, drainedBytes: UInt64, durationMilliseconds: Double?,
        streams: [UInt64]?, isComplete: Bool, datagrams: WireDatagrams? = nil
    ) {
        self.bytesReceived = bytesReceived
        self.warmUpBytes = warmUpBytes
        self.drainedBytes = drainedBytes
        self.durationMilliseconds = durationMilliseconds
        self.streams = streams
        self.isComplete = isComplete
        self.datagrams = datagrams
    }
}
