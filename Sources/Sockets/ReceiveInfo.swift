import CQrateSocketShims

/// What the kernel said about the datagrams of one receive call. Owned by the receiving thread and filled anew by each
/// call; the addresses are views into it.
package final class ReceiveInfo {
    let raw: UnsafeMutablePointer<qrate_received>

    package init() {
        raw = .allocate(capacity: 1)
        raw.initialize(to: qrate_received())
    }

    deinit { raw.deallocate() }

    /// The sender's sockaddr.
    package var remote: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: UnsafeRawPointer(raw) + Self.remoteOffset, count: Int(raw.pointee.remote.length))
    }

    /// The sockaddr that the datagrams were sent to; nil when the kernel didn't say.
    ///
    /// - Parameter port: The socket's port, which the kernel leaves out.
    package func local(port: UInt16) -> UnsafeRawBufferPointer? {
        guard raw.pointee.local.length > 0 else { return nil }
        // sin_port and sin6_port lie at the same offset.
        withUnsafeMutableBytes(of: &raw.pointee.local.bytes) {
            $0.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
        }
        return UnsafeRawBufferPointer(
            start: UnsafeRawPointer(raw) + Self.localOffset, count: Int(raw.pointee.local.length))
    }

    /// The ECN bits (RFC 3168) that all of these datagrams carried; 0 when not known.
    package var ecn: UInt8 { raw.pointee.tos < 0 ? 0 : UInt8(truncatingIfNeeded: raw.pointee.tos & 3) }

    /// The size of each datagram but the last; nil when there was just one.
    package var segmentSize: Int? { raw.pointee.segment_size > 0 ? Int(raw.pointee.segment_size) : nil }

    /// How many datagrams so many bytes are.
    package func datagramCount(of bytes: Int) -> Int {
        guard let segmentSize else { return 1 }
        return (bytes + segmentSize - 1) / segmentSize
    }

    /// Buffers that the socket dropped for want of room since it was opened, a counter that wraps; nil when these
    /// datagrams don't say, as those before the first drop.
    package var dropCounter: UInt32? { raw.pointee.dropped < 0 ? nil : UInt32(truncatingIfNeeded: raw.pointee.dropped) }

    /// Whether the buffer was too small.
    package var isTruncated: Bool { raw.pointee.truncated != 0 }

    private static let remoteOffset = MemoryLayout<qrate_received>.offset(of: \.remote.bytes)!  // a stored C field
    private static let localOffset = MemoryLayout<qrate_received>.offset(of: \.local.bytes)!
}
