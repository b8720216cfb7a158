internal import CQrateGnuTLS

/// The outgoing half of a TLS 1.3 connection without I/O: plaintext in, records out.
///
/// Records are made in one buffer that a driver empties with as few system calls as the socket allows. One thread at a time
/// uses a writer; ``TLSReader`` may be used by another one at the same moment.
package final class TLSWriter {
    private let keys: TLSTrafficKeys
    private let shared: TLSShared
    private let buffer: UnsafeMutableRawPointer
    /// What was made and not sent yet.
    private var start = 0
    private var end = 0
    private var isEnded = false
    /// Records under one key. AES-GCM is good for 2^24.5 full ones (RFC 8446 §5.5).
    package var recordLimit: UInt64 = 1 << 24

    /// Full records that the buffer takes: enough for a system call to be small beside them, and few enough to stay in the
    /// processor's cache until they are sent.
    private static let fullRecords = 16
    /// Room for a key update and an alert behind them.
    private static let capacity = fullRecords * (TLSRecord.contentLimit + TLSRecord.overhead) + 128

    init(_ keys: TLSTrafficKeys, _ shared: TLSShared) {
        self.keys = keys
        self.shared = shared
        buffer = .allocate(byteCount: Self.capacity, alignment: 64)
    }

    deinit { buffer.deallocate() }

    /// Makes records of as much of `plaintext` as there is room for.
    ///
    /// - Returns: How many bytes were taken: they will be sent. 0 when the buffer is full, or the writer was ended.
    package func take(_ plaintext: UnsafeRawBufferPointer) throws(TLSFailure) -> Int {
        guard !isEnded, !plaintext.isEmpty else { return 0 }
        if start == end { (start, end) = (0, 0) }
        var taken = 0
        while taken < plaintext.count {
            let size = min(plaintext.count - taken, TLSRecord.contentLimit)
            guard end + size + TLSRecord.overhead <= Self.capacity - 128 else { break }
            // A peer that updated its key may ask for ours to follow before more payload does (RFC 8446 §4.6.3).
            let isAsked = shared.takeUpdateRequest()
            if isAsked || keys.records >= recordLimit { try updateKey() }
            try put(UnsafeRawBufferPointer(rebasing: plaintext[taken..<taken + size]), TLSRecord.applicationData)
            taken += size
        }
        return taken
    }

    /// Makes the last record: the peer learns that nothing is missing (close_notify).
    package func close() { endOnce(TLSAlert.closeNotify, level: 1) }

    /// Tells the peer why this end gives up.
    package func fail(_ alert: UInt8) { endOnce(alert, level: 2) }

    /// What waits to be sent. Valid until the next call.
    package var pending: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: buffer + start, count: end - start)
    }

    package var hasPending: Bool { start < end }

    /// The first `count` bytes of ``pending`` are on their way.
    package func sent(_ count: Int) { start += min(count, end - start) }

    // MARK: -

    private func updateKey() throws(TLSFailure) {
        // A message of one byte: update_not_requested.
        try put([TLSRecord.keyUpdate, 0, 0, 1, 0], TLSRecord.handshake)
        do throws(TLSError) { try keys.update() } catch { throw .library(error) }
    }

    private func endOnce(_ alert: UInt8, level: UInt8) {
        guard !isEnded else { return }
        isEnded = true
        // There is room for it, and the cipher has never failed on memory of ours. If it did, the peer would see a
        // connection that was cut off, and be right.
        try? put([level, alert], TLSRecord.alert)
    }

    /// Makes a record of any type, for which there must be room.
    func put(_ message: [UInt8], _ type: UInt8) throws(TLSFailure) {
        try message.withUnsafeBytes { bytes in
            Result { () throws(TLSFailure) in try put(bytes, type) }
        }.get()
    }

    private func put(_ content: UnsafeRawBufferPointer, _ type: UInt8) throws(TLSFailure) {
        guard let bytes = content.baseAddress else { return }
        let record = buffer + end
        let text = record + TLSRecord.headerSize
        let size = content.count + 1 + TLSRecord.tagSize
        record.storeBytes(of: TLSRecord.applicationData, as: UInt8.self)
        record.storeBytes(of: UInt32(0x0303_0000 | size).bigEndian, toByteOffset: 1, as: UInt32.self)
        text.copyMemory(from: bytes, byteCount: content.count)
        text.storeBytes(of: type, toByteOffset: content.count, as: UInt8.self)
        guard keys.protect(header: record, text, count: content.count + 1) else {
            throw .library(.gnutls(GNUTLS_E_ENCRYPTION_FAILED, "protecting a record"))
        }
        end += TLSRecord.headerSize + size
    }
}
