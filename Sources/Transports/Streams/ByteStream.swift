import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTransportAPI

/// A connected, ordered stream of bytes between two hosts, not blocking: bare TCP, or TLS over it.
///
/// The seam between TCP and TLS: control channels, the routing of first bytes and data planes are written over it and
/// know nothing else. One thread may read while another writes; two may not do the same. Resetting, and the questions,
/// may come from anywhere.
protocol ByteStream: AnyObject, Sendable {
    /// For waiting (poll(2)), socket options and TCP_INFO. Open as long as the stream is held.
    var socket: StreamSocket { get }
    /// Which kind of test its payload belongs to.
    var transport: TransportKind { get }
    /// What protects it; nil where nothing does, and before the handshake is done.
    var security: SecurityReport? { get }
    /// Who seals and opens its records; nil where nothing does, and before the handshake is done.
    var aead: AEADLibrary? { get }
    /// Whether the secrets of what protects it went to a key log. Not before the handshake is done.
    var logsKeys: Bool { get }
    /// Whether what protects it is the session of an earlier connection; nil as with ``security``.
    var isResumed: Bool? { get }
    /// Takes the handshake as far as it goes now. Called again when the socket is ready, until it is ``HandshakeState/done``;
    /// before that nothing else is called. A client's throws a `certificate` error when it doesn't believe the server.
    func handshake() throws(TransportError) -> HandshakeState
    /// Takes what waits, up to `buffer`'s size. A reader goes on until ``ReadResult/wouldBlock``: what a record layer has
    /// decrypted already doesn't show in poll(2).
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReadResult
    /// Throws up to `most` received bytes away, as cheaply as it can.
    func discard(most: Int, _ buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReadResult
    /// Hands over as much as there is room for. Bytes that were not taken are to be given again: the same ones, and at
    /// least as many. What was taken counts as sent, once.
    func write(_ bytes: UnsafeRawBufferPointer) throws(TransportError) -> WriteResult
    /// Whether something was taken that the socket had no room for yet. The next write sends it first, also one of no bytes;
    /// ``finishWriting()`` sees to it, too.
    var hasUnsent: Bool { get }
    /// Sends a piece of the payload, without copying it where that is asked for and the stream can.
    func write(
        _ payload: PayloadBlock, at offset: Int, count: Int, usesZeroCopy: Bool
    ) throws(TransportError) -> WriteResult
    /// Whether payload had to be copied that was not to be.
    var hasCopied: Bool { get }
    /// Payload that was taken and that the peer's kernel hasn't acknowledged; nil when the stream can't tell.
    var unacknowledged: Int? { get }
    /// Payload that was taken and that isn't on the wire yet: a reset throws it away. nil when the stream can't tell.
    var unsent: Int? { get }
    /// Ends this end's half in order: what was written arrives (FIN; TLS's close_notify before it). By the writing thread.
    func finishWriting()
    /// Drops what the peer doesn't have yet and tells it so (RST). Who waits for the socket wakes. Idempotent.
    func reset()
}

enum HandshakeState {
    case done
    /// Call again when the socket is readable, or writable.
    case wantsToRead, wantsToWrite
}

enum ReadResult: Equatable {
    case bytes(Int)
    case wouldBlock
    /// The peer ended its half.
    case ended
}

enum WriteResult: Equatable {
    case bytes(Int)
    case wouldBlock
}

extension ByteStream {
    var security: SecurityReport? { nil }
    var aead: AEADLibrary? { nil }
    var logsKeys: Bool { false }
    var isResumed: Bool? { nil }
    var unacknowledged: Int? { nil }
    var unsent: Int? { nil }
    var hasUnsent: Bool { false }

    func handshake() throws(TransportError) -> HandshakeState { .done }

    func discard(most: Int, _ buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReadResult {
        try read(into: buffer)
    }

    var hasCopied: Bool { false }

    func write(
        _ payload: PayloadBlock, at offset: Int, count: Int, usesZeroCopy: Bool
    ) throws(TransportError) -> WriteResult {
        try write(payload.piece(at: offset, count))
    }
}
