/// Cuts a byte stream into the lines of the control protocol.
///
/// Call ``nextLine()`` after each ``append(_:)`` until it gives nil: then no more than one unfinished line of at most
/// ``limit`` bytes is kept, whatever the peer does. Each byte is looked at once, however the stream is cut up.
package struct LineReader: Sendable {
    /// The longest line in bytes, its newline included. Both ends of xfr read that much in every phase
    /// (its server's first line may have 65,535 bytes before the newline).
    package static let limit = 65_536

    private var buffer: [UInt8] = []
    /// Where the next line begins; what is before it has been given out.
    private var lineStart = 0
    /// The bytes from `lineStart` to here hold no newline.
    private var searched = 0

    package init() {}

    package mutating func append(_ bytes: [UInt8]) {
        guard !isTooLong else { return }
        if lineStart > 0, lineStart >= buffer.count / 2 { dropConsumed() }
        buffer.append(contentsOf: bytes)
    }

    /// The next line without its newline, or nil when it hasn't arrived completely.
    ///
    /// - Throws: ``ControlError/lineTooLong(limit:)``, and again at every later call: where the next line would begin
    ///   is not known any more.
    package mutating func nextLine() throws(ControlError) -> [UInt8]? {
        let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n"))
        searched = newline ?? buffer.endIndex
        guard !isTooLong else { throw .lineTooLong(limit: Self.limit) }
        guard let newline else { return nil }
        let line = Array(buffer[lineStart..<newline])
        lineStart = newline + 1
        searched = lineStart
        if lineStart == buffer.count { dropConsumed() }
        return line
    }

    /// Says that the stream has ended and that ``nextLine()`` has given all its lines.
    ///
    /// - Throws: ``ControlError/truncated`` when it ended inside a line.
    package func finish() throws(ControlError) {
        if lineStart < buffer.count { throw .truncated }
    }

    /// The line begun at `lineStart` can't fit any more, even if its newline came next.
    private var isTooLong: Bool { searched - lineStart >= Self.limit }

    private mutating func dropConsumed() {
        buffer.removeFirst(lineStart)
        searched -= lineStart
        lineStart = 0
    }
}
