/// Bytes of the control stream that the peer hasn't acknowledged yet.
///
/// Each chunk stays at its address until then, because ngtcp2 keeps pointers into it for retransmission.
struct ControlSendQueue: ~Copyable {
    private var chunks: [Chunk] = []
    /// Stream offset behind the last byte queued, and of the next byte to hand to the library.
    private var end: UInt64 = 0
    private(set) var sent: UInt64 = 0
    private(set) var wantsEnd = false
    private(set) var endSent = false

    private struct Chunk {
        let bytes: UnsafeMutableBufferPointer<UInt8>
        let offset: UInt64

        var end: UInt64 { offset + UInt64(bytes.count) }
    }

    deinit { for chunk in chunks { chunk.bytes.deallocate() } }

    var hasUnsent: Bool { sent < end || (wantsEnd && !endSent) }
    /// Bytes queued that the peer hasn't acknowledged: what a caller should bound.
    var unacknowledged: Int { chunks.reduce(0) { $0 + $1.bytes.count } }

    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, !wantsEnd else { return }
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = copy.initialize(fromContentsOf: bytes)
        chunks.append(Chunk(bytes: copy, offset: end))
        end += UInt64(bytes.count)
    }

    /// Nothing follows; the stream's FIN goes out behind the last byte.
    mutating func finish() { wantsEnd = true }

    /// The next unsent bytes, and whether they are the stream's last ones.
    var next: (bytes: UnsafeMutableBufferPointer<UInt8>, isLast: Bool) {
        for chunk in chunks where sent < chunk.end {
            let rest = UnsafeMutableBufferPointer(rebasing: chunk.bytes[Int(sent - chunk.offset)...])
            return (rest, wantsEnd && chunk.end == end)
        }
        return (UnsafeMutableBufferPointer(start: nil, count: 0), wantsEnd)
    }

    /// The library took `count` bytes, and with them the FIN when they were the last ones offered with it.
    mutating func took(_ count: Int, withEnd: Bool) {
        sent += UInt64(count)
        if withEnd, sent == end { endSent = true }
    }

    /// Everything before `offset` has arrived.
    mutating func acknowledged(upTo offset: UInt64) {
        while let first = chunks.first, first.end <= offset {
            first.bytes.deallocate()
            chunks.removeFirst()
        }
    }
}
