import QrateTransportAPI

/// A connected, ordered stream of bytes between two hosts, not blocking: bare TCP, or TLS over it.
///
/// One thread may read while another writes; two may not do the same. Ending, and only that, may come from anywhere.
protocol ByteStream: AnyObject, Sendable {
    /// For waiting (poll(2)) and socket options. Valid as long as the stream is held.
    var descriptor: Int32 { get }
    /// Takes what waits, up to `buffer`'s size.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReadResult
    /// Hands over as much as there is room for. Bytes that were not taken are to be given again.
    func write(_ bytes: UnsafeRawBufferPointer) throws(TransportError) -> WriteResult
    /// Ends this end's half in order: what was written arrives (FIN; TLS's close_notify before it).
    func finishWriting()
    /// Drops what the peer doesn't have yet and tells it so (RST). Reads and writes under way return.
    func reset()
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
