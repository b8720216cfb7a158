internal import CQrateNgtcp2
internal import QrateDatagramProtocol
internal import QrateMeasurement

/// Latency probes and their answers on their way out of a connection, and into it.
struct ProbeQueue {
    var waiting: [[UInt8]] = []
    /// Those that came and are still to be told as events.
    var unread = 0

    /// Some seconds of them, for a connection whose window is full. More are lost.
    static let mostWaiting = 256
    /// A peer may put many into a packet, and isn't to fill the memory.
    static let mostUnread = 256
}

/// Latency probes in DATAGRAM frames (RFC 9221): not sent again, so that a loss is a loss and no long round trip; subject to
/// the congestion window and to pacing, like the payload that shares packets with them.
extension QUICConnection {
    /// Tells of probes that come from now on: ``QUICEvent/latencyProbe(_:at:)``. Others' datagrams go on as before.
    package func allowProbes() { state.pointee.takesProbes = true }

    /// Sends a probe, or an answer: in the next packet that may go out, in front of everything else that waits.
    ///
    /// - Parameter message: A ``LatencyProbe``, encoded.
    package func sendProbe(_ message: [UInt8]) {
        guard phase == .open, peerTakesDatagrams, probes.waiting.count < ProbeQueue.mostWaiting else { return }
        probes.waiting.append(message)
    }

    /// Begins a packet with the probes that wait. The packet isn't ended: a small one would end a batch.
    ///
    /// - Returns: nil when the packet goes on, or none was begun.
    func writeProbes(_ target: UnsafeMutableRawPointer, _ capacity: Int, _ now: UInt64) -> (Int, UInt8)? {
        while var message = probes.waiting.first, isHandshakeComplete {
            var info = ngtcp2_pkt_info(ecn: 0)
            let first = state.pointee.tap.pointee.sent.next
            var accepted: Int32 = 0
            let written = message.withUnsafeMutableBufferPointer { bytes in
                var vector = ngtcp2_vec(base: bytes.baseAddress, len: bytes.count)
                return ngtcp2_conn_writev_datagram_versioned(
                    state.pointee.conn, writePathPointer, NGTCP2_PKT_INFO_VERSION, &info,
                    target.assumingMemoryBound(to: UInt8.self), capacity, &accepted,
                    UInt32(NGTCP2_WRITE_DATAGRAM_FLAG_MORE), 0, &vector, 1, now)
            }
            if accepted != 0 { probes.waiting.removeFirst() }
            if written == Int(NGTCP2_ERR_WRITE_MORE) { continue }
            // Window or pacing: what else there is to say may be something that they allow.
            guard written != 0 else { return nil }
            return (finish(written, now), mark(info, from: first))
        }
        return nil
    }

    // MARK: Called by the library

    func receivedProbe(_ message: UnsafeRawBufferPointer) {
        guard probes.unread < ProbeQueue.mostUnread else { return }
        probes.unread += 1
        record(.latencyProbe(Array(message), at: MonotonicTime(nanoseconds: state.pointee.receivedAt)))
    }
}
