/// A receiver's row on the wire. Times count from its first payload byte.
package struct WireRow: Sendable, Equatable, Codable {
    package var startMilliseconds: Double
    package var endMilliseconds: Double
    package var isWarmUp: Bool
    package var bytesReceived: UInt64
    /// Per stream 1...N; left out when the line would grow past its limit.
    package var streams: [UInt64]?
    /// What was counted of sequence-numbered datagrams; absent where there are none.
    package var datagrams: WireDatagrams?

    enum CodingKeys: String, CodingKey {
        case startMilliseconds = "start_ms"
        case endMilliseconds = "end_ms"
        case isWarmUp = "warm_up"
        case bytesReceived = "bytes_received"
        case streams, datagrams
    }

    package init(
        startMilliseconds: Double, endMilliseconds: Double, isWarmUp: Bool, bytesReceived: UInt64, streams: [UInt64]?,
        datagrams: WireDatagrams? = nil
    ) {
        self.startMilliseconds = startMilliseconds
        self.endMilliseconds = endMilliseconds
        self.isWarmUp = isWarmUp
        self.bytesReceived = bytesReceived
        self.streams = streams
        self.datagrams = datagrams
    }
}
