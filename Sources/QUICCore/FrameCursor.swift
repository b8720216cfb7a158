/// Walks the frames of a packet's plaintext (RFC 9000 §19), without a copy and without memory of its own.
///
/// It looks on while ngtcp2, which judges what a peer sends, does its work: so what makes no sense here ends the walk and
/// nothing else.
struct FrameCursor {
    private let base: UnsafePointer<UInt8>
    private let count: Int
    private var position = 0

    init(_ base: UnsafePointer<UInt8>, count: Int) {
        self.base = base
        self.count = count
    }

    var remaining: Int { count - position }

    /// The type of the next frame that isn't PADDING; nil at the end. Types of more than one byte don't occur here: they
    /// end the walk as an unknown one does.
    @inline(__always)
    mutating func nextType() -> UInt8? {
        while position < count {
            let type = base[position]
            position += 1
            if type != 0 { return type }
        }
        return nil
    }

    /// RFC 9000 §16; nil where the packet ends before it does.
    @inline(__always)
    mutating func integer() -> UInt64? {
        guard position < count else { return nil }
        let first = base[position]
        let length = 1 << Int(first >> 6)
        guard length <= count - position else { return nil }
        let bytes = UnsafeRawPointer(base + position)
        position += length
        switch length {
        case 1: return UInt64(first)
        case 2: return UInt64(UInt16(bigEndian: bytes.loadUnaligned(as: UInt16.self)) & 0x3fff)
        case 4: return UInt64(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)) & 0x3fff_ffff)
        default: return UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) & 0x3fff_ffff_ffff_ffff
        }
    }

    /// Whether there were so many bytes to pass over.
    @inline(__always)
    mutating func skip(_ bytes: UInt64) -> Bool {
        guard bytes <= UInt64(count - position) else { return false }
        position += Int(bytes)
        return true
    }

    @inline(__always)
    mutating func skipIntegers(_ count: Int) -> Bool {
        for _ in 0..<count where integer() == nil { return false }
        return true
    }

    // MARK: Frames

    /// The body of a STREAM frame (RFC 9000 §19.8).
    struct Stream {
        let id: UInt64
        let offset: UInt64
        let length: UInt64
    }

    @inline(__always)
    mutating func stream(type: UInt8) -> Stream? {
        guard let id = integer(), let offset = type & 4 != 0 ? integer() : 0 else { return nil }
        // Without a length it is as long as the packet.
        guard let length = type & 2 != 0 ? integer() : UInt64(remaining), skip(length) else { return nil }
        return Stream(id: id, offset: offset, length: length)
    }

    /// Passes over the body of a frame of any kind but STREAM, ACK and PADDING.
    ///
    /// - Returns: Whether the walk can go on behind it.
    mutating func skipBody(type: UInt8) -> Bool {
        switch type {
        case 0x01, 0x1e: return true  // PING, HANDSHAKE_DONE
        case 0x10, 0x12...0x14, 0x16, 0x17, 0x19: return skipIntegers(1)  // credit, and who is out of it
        case 0x05, 0x11, 0x15: return skipIntegers(2)
        case 0x04: return skipIntegers(3)  // RESET_STREAM
        case 0x06:  // CRYPTO
            guard skipIntegers(1), let length = integer() else { return false }
            return skip(length)
        case 0x07:  // NEW_TOKEN
            guard let length = integer() else { return false }
            return skip(length)
        case 0x18:  // NEW_CONNECTION_ID: with a stateless reset token behind the ID
            guard skipIntegers(2), position < count else { return false }
            return skip(UInt64(base[position]) + 17)
        case 0x1a, 0x1b: return skip(8)  // PATH_CHALLENGE, PATH_RESPONSE
        case 0x1c, 0x1d:  // CONNECTION_CLOSE
            guard skipIntegers(type == 0x1c ? 2 : 1), let length = integer() else { return false }
            return skip(length)
        case 0x30: return skip(UInt64(remaining))  // DATAGRAM (RFC 9221 §4)
        case 0x31:
            guard let length = integer() else { return false }
            return skip(length)
        default: return false
        }
    }
}
