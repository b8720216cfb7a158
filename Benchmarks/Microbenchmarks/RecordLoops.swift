import QrateSecurity
import QrateTestSupport

/// TLS records as the TLS transport makes and opens them.
enum RecordLoops {
    struct Failure: Error {}

    /// A full record's payload (RFC 8446 §5.1).
    private static let recordBytes = 1 << 14
    /// As many as a writer's buffer takes.
    private static let records = 16

    static func all() throws -> [any Benchmark] {
        let pair = try TLSPair(ServerCredentials(try Identity.make()))
        pair.run()
        guard let writer = pair.client.connection?.writer else { throw Failure() }
        let payload = [UInt8](repeating: 0x61, count: recordBytes * records)
        var target = [UInt8](repeating: 0, count: recordBytes * records)
        let write = Loop(name: "tls/write", operation: "record", bytes: recordBytes, operations: records) {
            guard try payload.withUnsafeBytes({ try writer.take($0) }) == payload.count else { throw Failure() }
            writer.sent(writer.pending.count)
        }
        // A record can be opened once only, so that the reader's loop needs the writer's: what both cost.
        let both = try TLSPair(ServerCredentials(try Identity.make()))
        both.run()
        guard let source = both.client.connection?.writer, let sink = both.server.connection?.reader else {
            throw Failure()
        }
        let through = Loop(name: "tls/write-and-read", operation: "record", bytes: recordBytes, operations: records) {
            guard try payload.withUnsafeBytes({ try source.take($0) }) == payload.count else { throw Failure() }
            while source.hasPending {
                let pending = source.pending
                let room = sink.room
                let count = min(pending.count, room.count)
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: pending[..<count]))
                source.sent(count)
                sink.received(count)
                while case .bytes = try target.withUnsafeMutableBytes({ try sink.read(into: $0) }) {}
            }
        }
        return [write, through]
    }
}
