import Glibc

/// Tries out on the loopback whether the kernel cuts and merges datagrams.
package enum OffloadProbe {
    package struct Outcome: Sendable, Hashable {
        /// A batch was cut, and arrived whole.
        package var segmentation: Bool
        /// It arrived merged; nil without a batch that could have.
        package var coalescing: Bool?
    }

    private static let segment = 1200
    private static let segments = 4
    /// The loopback delivers within the call that sends: this is for a host that is very busy.
    private static let patience: Int32 = 1000

    /// Blocks for up to a second.
    package static func run() throws(SocketError) -> Outcome {
        let receiver = try DatagramSocket.bound(to: .loopback(.ipv4, port: 0), DatagramSocket.Options())
        let sender = try DatagramSocket.connected(to: try receiver.localAddress(), DatagramSocket.Options())
        guard sender.usesSegmentation else { return Outcome(segmentation: false, coalescing: nil) }
        let payload = [UInt8](repeating: 0x71, count: segment * segments)
        let sent = payload.withUnsafeBytes {
            sender.send($0, segmentSize: segment, ecn: 0, remote: nil, local: nil)
        }
        guard sent == .sent else { return Outcome(segmentation: false, coalescing: nil) }

        var received = 0
        var isMerged = false
        let info = ReceiveInfo()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
        defer { buffer.deallocate() }
        while received < payload.count, isReadable(receiver) {
            received += try receiver.receive(into: buffer, info: info) ?? 0
            if info.segmentSize == segment { isMerged = true }
        }
        guard received == payload.count else { return Outcome(segmentation: false, coalescing: nil) }
        return Outcome(segmentation: true, coalescing: isMerged)
    }

    private static func isReadable(_ socket: DatagramSocket) -> Bool {
        var wait = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&wait, 1, patience) > 0
    }
}
