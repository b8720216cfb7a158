import CQrateSocketShims
import Glibc

/// A connected TCP socket, not blocking.
///
/// Its descriptor is closed when the last holder lets it go, and in no other way: whoever can call a method here has an
/// open descriptor, so none is ever polled or asked after its close, or after its number went to somebody else.
/// One thread may read while another writes; ``reset()``, ``info`` and the other questions may come from anywhere.
package final class StreamSocket: Sendable {
    package let descriptor: Int32
    package let local: SocketAddress
    package let remote: SocketAddress

    init(owning descriptor: Int32, local: SocketAddress, remote: SocketAddress) {
        self.descriptor = descriptor
        self.local = local
        self.remote = remote
    }

    deinit { Glibc.close(descriptor) }

    // MARK: Bytes

    package enum Outcome: Sendable, Equatable {
        case bytes(Int)
        case wouldBlock
    }

    /// Takes what waits. 0 bytes is the peer's end.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SocketError) -> Outcome {
        try outcome(qrate_read(descriptor, buffer.baseAddress, buffer.count, 0), "receiving")
    }

    /// Takes up to `most` waiting bytes and throws them away in the kernel (MSG_TRUNC). 0 bytes is the peer's end.
    package func discard(most: Int) throws(SocketError) -> Outcome {
        try outcome(qrate_discard(descriptor, most), "receiving")
    }

    /// The first waiting byte, which stays; nil when none has come. 0 bytes (the peer's end) is an outcome too.
    package func peek(into buffer: UnsafeMutableRawBufferPointer) throws(SocketError) -> Outcome {
        try outcome(qrate_peek(descriptor, buffer.baseAddress, buffer.count), "receiving")
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(SocketError) -> Outcome {
        try outcome(qrate_write(descriptor, bytes.baseAddress, bytes.count), "sending")
    }

    /// Sends a piece of a file in memory, without a copy through this process (sendfile(2)).
    package func write(_ file: MemoryFile, at offset: Int = 0, count: Int) throws(SocketError) -> Outcome {
        try outcome(
            qrate_send_file(descriptor, file.descriptor, Int64(offset), min(count, file.count - offset)), "sending")
    }

    private func outcome(_ result: Int, _ call: @autoclosure () -> String) throws(SocketError) -> Outcome {
        if result >= 0 { return .bytes(result) }
        if result == -Int(EAGAIN) { return .wouldBlock }
        throw SocketError(code: Int32(-result), call())
    }

    // MARK: Ends

    /// Sends a FIN after what was written.
    package func finishWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Drops what is unsent and unread, and sends a reset. Threads that wait for the socket wake; the descriptor stays.
    package func reset() { _ = qrate_disconnect(descriptor) }

    // MARK: Questions

    /// nil when the kernel doesn't answer. All counters are zero after ``reset()``: ask before.
    package var info: TCPInfo? {
        var raw = qrate_tcp_info()
        return qrate_tcp_info(descriptor, &raw) == 0 ? TCPInfo(raw) : nil
    }

    /// Bytes written that the peer's kernel hasn't acknowledged. Meaningless after ``reset()``.
    package var unacknowledged: Int? {
        let count = qrate_unacknowledged(descriptor)
        return count >= 0 ? Int(count) : nil
    }

    /// Bytes written that the kernel hasn't put on the wire. Meaningless after ``reset()``.
    package var unsent: Int? {
        let count = qrate_unsent(descriptor)
        return count >= 0 ? Int(count) : nil
    }

    package var congestionController: String? { CongestionControl.current(of: descriptor) }
    /// As the kernel accounts them: twice what a program may use.
    package var sendBuffer: Int? { option(SOL_SOCKET, SO_SNDBUF) }
    package var receiveBuffer: Int? { option(SOL_SOCKET, SO_RCVBUF) }
    package var maxSegmentSize: Int? { option(Int32(IPPROTO_TCP), TCP_MAXSEG) }
    package var sendsWithoutDelay: Bool? { option(Int32(IPPROTO_TCP), TCP_NODELAY).map { $0 != 0 } }
    /// The mark of the packets that this end sends.
    package var typeOfService: UInt8? {
        let isIPv4 = local.family == .ipv4 || local.isIPv4Mapped
        return option(
            isIPv4 ? Int32(IPPROTO_IP) : Int32(IPPROTO_IPV6), isIPv4 ? IP_TOS : IPV6_TCLASS
        ).map { UInt8(truncatingIfNeeded: $0) }
    }
    /// Whether this is an MPTCP connection that didn't fall back to TCP.
    package var usesMultipath: Bool { qrate_uses_multipath(descriptor) == 1 }

    /// Sets what a connection that was accepted, and so has had its handshake, can still take.
    package func apply(_ options: StreamOptions) throws(SocketError) {
        try options.apply(to: descriptor, local.family)
    }

    /// What is written goes out at once, be it less than a segment (TCP_NODELAY).
    package func sendAtOnce() { set(Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

    /// Small messages go out at once, and a peer that stays silent for 30 s, or takes nothing for so long, counts as gone.
    package func watchControl() {
        sendAtOnce()
        set(Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, 30_000)
        watchPeer()
    }

    /// A peer's host that answers nothing for about 30 s counts as gone, also when there is nothing to send.
    package func watchPeer() {
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, 10)
        set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 5)
        set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 4)
    }

    /// Where it can't be set, an end that vanished is found out later.
    private func set(_ level: Int32, _ name: Int32, _ value: Int32) { try? setOption(descriptor, level, name, value) }

    private func option(_ level: Int32, _ name: Int32) -> Int? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, level, name, &value, &length) == 0 ? Int(value) : nil
    }
}

/// Bytes that a socket can send without their passing through this process again.
package final class MemoryFile: Sendable {
    let descriptor: Int32
    package let count: Int

    package init(_ bytes: UnsafeRawBufferPointer) throws(SocketError) {
        descriptor = try SocketError.check(
            qrate_memory_file("qrate-payload", bytes.baseAddress, bytes.count), "making a file in memory")
        count = bytes.count
    }

    deinit { Glibc.close(descriptor) }
}
