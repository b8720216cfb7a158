import QrateMeasurement

/// Where a direction's datagrams were lost. What isn't known has no key.
struct LossDocument: Encodable {
    var wire: UInt64?
    /// One of the two.
    var receiveBuffer: UInt64?
    var receiveBufferAtLeast: UInt64?
    var sender: UInt64?

    enum CodingKeys: String, CodingKey {
        case wire, sender
        case receiveBuffer = "receive_buffer"
        case receiveBufferAtLeast = "receive_buffer_at_least"
    }

    init(_ losses: LossReport) {
        wire = losses.wire
        switch losses.receiveBuffer {
        case .exactly(let count): receiveBuffer = count
        case .atLeast(let count): receiveBufferAtLeast = count
        case nil: break
        }
        sender = losses.sender
    }
}
