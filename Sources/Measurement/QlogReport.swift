/// What a client's qlog came to, and what of its cost was measured.
///
/// The library puts events together on the threads that move payload, which isn't measured: a run with a qlog is slower than
/// one without.
public struct QlogReport: Sendable, Hashable {
    public var directory: String
    /// One per connection.
    public var files: Int
    /// What is in them: bytes, and events without the files' headers.
    public var bytes: ByteCount
    public var events: UInt64
    /// Events that are in no file, because they came faster than they could be written, or couldn't be written at all.
    public var droppedEvents: UInt64
    /// The processor time of the thread that writes the files, in user mode and in the kernel.
    public var writerCPU: Duration
    /// Why something couldn't be written, as the system says.
    public var failure: String?

    public init(directory: String) {
        self.directory = directory
        files = 0
        bytes = .zero
        events = 0
        droppedEvents = 0
        writerCPU = .zero
    }
}
