import Glibc
import QrateMeasurement
import QrateQUICCore
import QrateSockets

/// Sends the batches of an endpoint's connections, segmented by the kernel while that works.
///
/// A batch that doesn't fit into the socket's buffer stays here, and nothing else is sent before it. A batch that the
/// kernel refuses to segment is sent again one datagram at a time, and so is everything after it.
final class DatagramSender {
    private let socket: DatagramSocket
    private let isConnected: Bool
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: QUICConnection.batchBytes, alignment: 64)
    private var pending: Pending?
    /// The mark that the socket puts on everything by itself; nil when that isn't known.
    private var socketMark: UInt8?

    private struct Pending {
        let connection: QUICConnection
        var offset: Int
        var end: Int
        var segmentSize: Int
        var typeOfService: UInt8
        var remote: SocketAddress
        var local: SocketAddress
    }

    init(_ socket: DatagramSocket, isConnected: Bool) {
        self.socket = socket
        self.isConnected = isConnected
    }

    deinit { buffer.deallocate() }

    /// Whether a batch waits for room in the socket's buffer.
    var isBlocked: Bool { pending != nil }

    /// The socket has room again.
    func unblock() {
        guard let waiting = pending else { return }
        pending = nil
        waiting.remote.withBytes { remote in
            waiting.local.withBytes { local in
                send(
                    waiting.connection, waiting.offset, waiting.end, segmentSize: waiting.segmentSize,
                    typeOfService: waiting.typeOfService,
                    remote: remote,
                    local: local)
            }
        }
    }

    /// Sends the connection's next batch.
    ///
    /// - Returns: How many datagrams it has; 0 when there is none.
    func sendNext(of connection: QUICConnection, _ now: MonotonicTime) -> Int {
        guard let batch = connection.pollTransmit(into: buffer, limit: QUICConnection.largestBatch, now: now) else {
            return 0
        }
        connection.countSendCalls(socket.usesSegmentation ? 1 : batch.datagramCount)
        send(
            connection, 0, batch.byteCount, segmentSize: batch.segmentSize, typeOfService: batch.typeOfService,
            remote: batch.remote, local: batch.local
        )
        return batch.datagramCount
    }

    /// Sends one datagram of no connection; when it can't go now it is lost, as on the wire.
    func sendOnce(_ bytes: UnsafeRawBufferPointer, remote: UnsafeRawBufferPointer, local: UnsafeRawBufferPointer) {
        _ = socket.send(
            bytes, segmentSize: bytes.count, ecn: 0, remote: isConnected ? nil : remote, local: source(local))
    }

    private func send(
        _ connection: QUICConnection, _ start: Int, _ end: Int, segmentSize: Int, typeOfService: UInt8,
        remote: UnsafeRawBufferPointer,
        local: UnsafeRawBufferPointer
    ) {
        let mark = unmarked(typeOfService)
        var offset = start
        while offset < end {
            let count = socket.usesSegmentation ? end - offset : min(segmentSize, end - offset)
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[offset..<offset + count])
            let result = socket.send(
                bytes, segmentSize: segmentSize, ecn: mark, remote: isConnected ? nil : remote,
                local: source(local))
            switch result {
            case .sent: offset += count
            case .wouldBlock:
                guard let remote = SocketAddress(bytes: remote), let local = SocketAddress(bytes: local) else { return }
                pending = Pending(
                    connection: connection, offset: offset, end: end, segmentSize: segmentSize,
                    typeOfService: typeOfService, remote: remote,
                    local: local)
                return
            case .refused(let code) where count > segmentSize:
                // EIO and EINVAL: the device or the kernel won't segment. EMSGSIZE: a shrunken path, where some of
                // these may still fit. The rest of the batch goes one by one; only the former is remembered.
                if code == EIO || code == EINVAL { socket.giveUpSegmentation() }
                return sendSingly(
                    connection, offset, end, segmentSize: segmentSize, mark: mark, remote: remote, local: local)
            case .refused(let code):
                offset += count  // lost, and QUIC will notice
                if Self.isDrop(code) { connection.countSendDrops(1) }
            }
        }
    }

    private func sendSingly(
        _ connection: QUICConnection, _ start: Int, _ end: Int, segmentSize: Int, mark: UInt8,
        remote: UnsafeRawBufferPointer,
        local: UnsafeRawBufferPointer
    ) {
        for offset in stride(from: start, to: end, by: segmentSize) {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[offset..<min(offset + segmentSize, end)])
            let result = socket.send(
                bytes, segmentSize: bytes.count, ecn: mark, remote: isConnected ? nil : remote,
                local: source(local))
            switch result {
            case .sent: break
            // Not worth another wait in the middle of a batch that was refused already.
            case .wouldBlock: connection.countSendDrops(1)
            case .refused(let code): if Self.isDrop(code) { connection.countSendDrops(1) }
            }
        }
    }

    /// Whether a refusal is for want of room on this host. Others say something of the path, as EMSGSIZE does to a search
    /// for its MTU.
    private static func isDrop(_ code: Int32) -> Bool { code == ENOBUFS || code == ENOMEM }

    /// What is left to mark with each batch. A connected socket's connections mostly mark alike.
    private func unmarked(_ typeOfService: UInt8) -> UInt8 {
        guard isConnected else { return typeOfService }
        if socketMark != typeOfService { socketMark = socket.mark(typeOfService) ? typeOfService : nil }
        return socketMark == nil ? typeOfService : 0
    }

    /// A connected socket has its source address already.
    private func source(_ local: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? { isConnected ? nil : local }
}
