internal import CQrateGnuTLS
internal import Glibc

/// The incoming half of a TLS 1.3 connection without I/O: what came from the network in, plaintext out.
///
/// A driver fills ``room`` with as large reads as it can, and takes plaintext until ``read(into:)`` needs more. One thread at
/// a time uses a reader; ``TLSWriter`` may be used by another one at the same moment.
package final class TLSReader {
    private let keys: TLSTrafficKeys
    private let shared: TLSShared
    private let peer: Peer
    private let buffer: UnsafeMutableRawPointer
    /// What came and wasn't unprotected yet.
    private var start = 0
    private var end = 0
    /// Plaintext that found no room in the caller's buffer; it lies in front of `start`.
    private var plainStart = 0
    private var plainEnd = 0
    /// A handshake message that isn't complete yet.
    private var message: [UInt8] = []
    /// Records since the last payload that brought none: nobody needs many.
    private var idleRecords = 0
    private var ending: Result<Void, TLSFailure>?

    private static let capacity = 256 << 10
    /// A ticket is the largest message that may come. OpenSSL's have a few hundred bytes.
    private static let messageLimit = 16 << 10
    private static let idleRecordLimit = 64

    /// What the peer may say beside payload.
    enum Peer {
        case client
        case server(TLSTickets)
    }

    package enum Outcome: Sendable, Hashable {
        /// At least one, unless the caller's buffer is empty.
        case bytes(Int)
        /// All that came was given out.
        case needsInput
        /// The peer said that this was all (close_notify).
        case ended
    }

    /// - Parameter early: What came behind the handshake already.
    init(_ keys: TLSTrafficKeys, _ shared: TLSShared, peer: Peer, early: ArraySlice<UInt8>) {
        self.keys = keys
        self.shared = shared
        self.peer = peer
        buffer = .allocate(byteCount: max(Self.capacity, early.count), alignment: 64)
        early.withUnsafeBytes { bytes in
            if let first = bytes.baseAddress { buffer.copyMemory(from: first, byteCount: bytes.count) }
        }
        end = early.count
    }

    deinit { buffer.deallocate() }

    /// Where to put what comes next from the network. Never empty after ``read(into:)`` asked for input.
    package var room: UnsafeMutableRawBufferPointer {
        if start > 0, plainStart == plainEnd {
            // At most the beginning of one record is moved, when all that came was read before.
            memmove(buffer, buffer + start, end - start)
            (start, end) = (0, end - start)
        }
        return UnsafeMutableRawBufferPointer(start: buffer + end, count: max(0, Self.capacity - end))
    }

    /// So many bytes were put into ``room``.
    package func received(_ count: Int) { end += min(max(0, count), max(0, Self.capacity - end)) }

    /// Gives out payload, as much as came and fits.
    ///
    /// - Throws: What the peer did wrong, or its alert. From then on the same again. What arrived before is given out first.
    package func read(into target: UnsafeMutableRawBufferPointer) throws(TLSFailure) -> Outcome {
        guard let base = target.baseAddress, !target.isEmpty else { return .bytes(0) }
        var filled = takePlaintext(base, target.count)
        while filled < target.count, ending == nil {
            do throws(TLSFailure) {
                guard let count = try openRecord(base + filled, target.count - filled) else { break }
                filled += count
            } catch {
                ending = .failure(error)
            }
        }
        if filled > 0 { return .bytes(filled) }
        switch ending {
        case nil: return .needsInput
        case .success?: return .ended
        case .failure(let failure)?: throw failure
        }
    }

    private func takePlaintext(_ target: UnsafeMutableRawPointer, _ room: Int) -> Int {
        let count = min(room, plainEnd - plainStart)
        guard count > 0 else { return 0 }
        target.copyMemory(from: buffer + plainStart, byteCount: count)
        plainStart += count
        return count
    }

    /// Takes the next record, if it is there whole.
    ///
    /// - Returns: The bytes of payload put at `target`, which may be none; nil when more must come first.
    private func openRecord(_ target: UnsafeMutableRawPointer, _ room: Int) throws(TLSFailure) -> Int? {
        guard end - start >= TLSRecord.headerSize else { return nil }
        let header = buffer + start
        // All records are protected now, and look like payload from outside. A change_cipher_spec is over, too: that may
        // come until the peer's Finished, which has come (§5).
        guard header.load(as: UInt8.self) == TLSRecord.applicationData else {
            throw .failed(alert: TLSAlert.unexpectedMessage, reason: "a record that is not protected")
        }
        let size = Int(UInt16(bigEndian: header.loadUnaligned(fromByteOffset: 3, as: UInt16.self)))
        guard size <= TLSRecord.ciphertextLimit else {
            throw .failed(alert: TLSAlert.recordOverflow, reason: "a record of \(size) bytes")
        }
        guard size > TLSRecord.tagSize else {
            throw .failed(alert: TLSAlert.decodeError, reason: "a record of \(size) bytes")
        }
        guard end - start >= TLSRecord.headerSize + size else { return nil }

        // Straight to where it is wanted, if also its type, its padding and nothing of the tag fit there.
        let body = header + TLSRecord.headerSize
        let innerSize = size - TLSRecord.tagSize
        let isDirect = innerSize <= room
        let text = isDirect ? target : body
        guard keys.unprotect(header: header, body, count: size, into: text) else {
            throw .failed(alert: TLSAlert.badRecordMAC, reason: "a record that was changed on its way")
        }
        start += TLSRecord.headerSize + size

        // The type is the last byte that isn't zero (§5.4).
        var count = innerSize - 1
        while count > 0, text.load(fromByteOffset: count, as: UInt8.self) == 0 { count -= 1 }
        let type = text.load(fromByteOffset: count, as: UInt8.self)
        guard count <= TLSRecord.contentLimit else {
            throw .failed(alert: TLSAlert.recordOverflow, reason: "a record with \(count) bytes in it")
        }
        guard type == TLSRecord.applicationData else {
            try countIdle()
            try handle(type, UnsafeRawBufferPointer(start: text, count: count))
            return 0
        }
        guard message.isEmpty else {
            throw .failed(alert: TLSAlert.unexpectedMessage, reason: "payload within a handshake message")
        }
        if count == 0 { try countIdle() } else { idleRecords = 0 }
        if isDirect { return count }
        plainStart = body - buffer
        plainEnd = plainStart + count
        return takePlaintext(target, room)
    }

    private func countIdle() throws(TLSFailure) {
        idleRecords += 1
        guard idleRecords <= Self.idleRecordLimit else {
            throw .failed(alert: TLSAlert.unexpectedMessage, reason: "\(idleRecords) records in a row without payload")
        }
    }

    // MARK: What isn't payload

    private func handle(_ type: UInt8, _ content: UnsafeRawBufferPointer) throws(TLSFailure) {
        switch type {
        case TLSRecord.alert: try handleAlert(content)
        case TLSRecord.handshake: try handleHandshake(content)
        default: throw .failed(alert: TLSAlert.unexpectedMessage, reason: "a record of type \(type)")
        }
    }

    private func handleAlert(_ content: UnsafeRawBufferPointer) throws(TLSFailure) {
        guard content.count == 2, let alert = content.last else {
            throw .failed(alert: TLSAlert.decodeError, reason: "an alert of \(content.count) bytes")
        }
        switch alert {
        case TLSAlert.closeNotify: ending = .success(())
        case TLSAlert.userCanceled: break  // a close_notify follows (§6.1)
        default: throw .alertReceived(alert)
        }
    }

    private func handleHandshake(_ content: UnsafeRawBufferPointer) throws(TLSFailure) {
        guard !content.isEmpty else {
            throw .failed(alert: TLSAlert.unexpectedMessage, reason: "an empty handshake record")
        }
        message.append(contentsOf: content)
        while let type = message.first, message.count >= 4 {
            let size = message.dropFirst().prefix(3).reduce(0) { $0 << 8 | Int($1) }
            guard size <= Self.messageLimit else {
                throw .failed(alert: TLSAlert.decodeError, reason: "a handshake message of \(size) bytes")
            }
            let rest = message.dropFirst(4)
            guard rest.count >= size else { return }
            switch (type, peer) {
            case (TLSRecord.newSessionTicket, .server(let tickets)): try tickets.handle(message.prefix(4 + size))
            case (TLSRecord.keyUpdate, _): try handleKeyUpdate(rest.prefix(size), isLast: rest.count == size)
            default: throw .failed(alert: TLSAlert.unexpectedMessage, reason: "handshake message \(type)")
            }
            message.removeFirst(4 + size)
        }
    }

    private func handleKeyUpdate(_ body: ArraySlice<UInt8>, isLast: Bool) throws(TLSFailure) {
        guard let wanted = body.first, body.count == 1 else {
            throw .failed(alert: TLSAlert.decodeError, reason: "a key update of \(body.count) bytes")
        }
        // What follows is protected with the next key, so it can't be in this record (§5.1).
        guard isLast else {
            throw .failed(alert: TLSAlert.unexpectedMessage, reason: "a message behind a key update")
        }
        switch wanted {
        case 0: break
        case 1: shared.requestUpdate()
        default: throw .failed(alert: TLSAlert.illegalParameter, reason: "a key update that asks for \(wanted)")
        }
        do throws(TLSError) { try keys.update() } catch { throw .library(error) }
    }
}
