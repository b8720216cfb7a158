/// What a datagram on a flow is, by its length and first bytes.
package enum FlowDatagram: Sendable, Hashable {
    case data
    /// Looks like a ``FlowHello``, right or wrong: never payload.
    case hello
    case feedback
    case tail
    case probe
    /// Too short for a header: no payload either.
    case runt

    /// Cheap enough for every datagram.
    @inlinable
    package init(_ datagram: UnsafeRawBufferPointer) {
        guard datagram.count >= 16 else {
            self = .runt
            return
        }
        // What begins so as payload would be number 2^54 and more.
        switch (UInt32(bigEndian: datagram.loadUnaligned(as: UInt32.self)), datagram.count) {
        case (0x0058_4652, 24): self = .hello
        case (0x0051_5254, 16): self = .tail
        case (0x5846_5246, 36): self = .feedback
        case (0x5846_5250, _): self = .probe
        default: self = .data
        }
    }
}
