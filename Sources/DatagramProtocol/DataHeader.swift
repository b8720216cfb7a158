/// The first 16 bytes of each datagram of payload, over UDP and in QUIC datagrams: its number and when it was sent.
///
///     0  8  sequence, big-endian: per flow and direction, from 0, one more for each datagram that the kernel took
///     8  8  timestamp, big-endian: microseconds since its sender began to send
///
/// The rest is filler. A datagram shorter than this is no payload.
package struct DataHeader: Sendable, Hashable {
    package var sequence: UInt64
    package var timestamp: UInt64

    package static let byteCount = 16

    @inlinable
    package init(sequence: UInt64, timestamp: UInt64) {
        self.sequence = sequence
        self.timestamp = timestamp
    }

    /// Reads what a datagram begins with; nil when that is too short.
    @inlinable
    package init?(_ datagram: UnsafeRawBufferPointer) {
        guard datagram.count >= 16 else { return nil }
        sequence = UInt64(bigEndian: datagram.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        timestamp = UInt64(bigEndian: datagram.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Writes the header over the first 16 bytes, which must exist.
    @inlinable
    package func write(to datagram: UnsafeMutableRawBufferPointer) {
        guard datagram.count >= 16 else { return }
        datagram.storeBytes(of: sequence.bigEndian, toByteOffset: 0, as: UInt64.self)
        datagram.storeBytes(of: timestamp.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
}
