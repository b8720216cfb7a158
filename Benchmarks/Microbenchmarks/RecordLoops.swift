import QrateSecurity
import QrateTestSupport

/// TLS records as the TLS transport makes and opens them.
enum RecordLoops {
    struct Failure: Error {}

    /// A full record's payload (RFC 8446 §5.1).
    private static let recordBytes = 1 << 14
    /// As many as a writer's buffer takes.
    private static let records = 16

    static func all() throws -> [any Benchmark] { try Libraries.here.flatMap(loops) }

    private static func loops(_ aead: AEADLibrary) throws -> [any Benchmark] {
        let payload = [UInt8](repeating: 0x61, count: recordBytes * records)
        var target = [UInt8](repeating: 0, count: recordBytes * records)
        let alone = try Ends(aead), joined = try Ends(aead)
        let write = Loop(
            name: "tls/\(aead.rawValue)/write", operation: "record", bytes: recordBytes, operations: records
        ) {
            guard try payload.withUnsafeBytes({ try alone.writer.take($0) }) == payload.count else { throw Failure() }
            alone.writer.sent(alone.writer.pending.count)
        }
        // A record can be opened once only, so that the reader's loop needs the writer's: this is what both cost.
        let through = Loop(
            name: "tls/\(aead.rawValue)/write-and-read", operation: "record", bytes: recordBytes, operations: records
        ) {
            guard try payload.withUnsafeBytes({ try joined.writer.take($0) }) == payload.count else { throw Failure() }
            while joined.writer.hasPending {
                let pending = joined.writer.pending
                let room = joined.reader.room
                let count = min(pending.count, room.count)
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: pending[..<count]))
                joined.writer.sent(count)
                joined.reader.received(count)
                while case .bytes = try target.withUnsafeMutableBytes({ try joined.reader.read(into: $0) }) {}
            }
        }
        return [write, through]
    }

    /// A client's writer and its server's reader.
    private struct Ends {
        let writer: TLSWriter
        let reader: TLSReader

        init(_ aead: AEADLibrary) throws {
            let pair = try TLSPair(ServerCredentials(try Identity.make()), clientAEAD: aead, serverAEAD: aead)
            pair.run()
            guard let writer = pair.client.connection?.writer, let reader = pair.server.connection?.reader else {
                throw Failure()
            }
            self.writer = writer
            self.reader = reader
        }
    }
}
