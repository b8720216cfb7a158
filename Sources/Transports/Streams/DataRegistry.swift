import QrateMeasurement
import QrateSockets
import QrateTransportAPI
import Synchronization

/// The tests of a server that wait for data connections, by their ids.
final class DataRegistry: Sendable {
    private let tests = Mutex<[String: Entry]>([:])

    struct Entry: Sendable {
        /// Where the control connection comes from, IPv4-mapped addresses as IPv4.
        var host: String
        var transport: TransportKind
        var streams: Int
        var sink: any DataConnectionSink
    }

    /// - Returns: false when a test of that id is under way: nobody takes over another's streams.
    func register(_ id: String, _ entry: Entry) -> Bool {
        tests.withLock { tests in
            guard tests[id] == nil else { return false }
            tests[id] = entry
            return true
        }
    }

    func remove(_ id: String, _ sink: any DataConnectionSink) {
        tests.withLock { tests in
            if tests[id]?.sink === sink { tests[id] = nil }
        }
    }

    /// Gives a data connection to its test; without effect when it belongs to none.
    ///
    /// - Parameters:
    ///   - index: 0 for stream 1, as on the wire.
    ///   - received: What came behind the first line: payload.
    func route(_ stream: any ByteStream, test id: String, index: Int, received: [UInt8]) {
        let entry = tests.withLock { $0[id] }
        guard let entry, entry.transport == stream.transport, entry.host == stream.socket.remote.host,
            (0..<entry.streams).contains(index)
        else { return }
        entry.sink.attach(stream, index: index, received: received)
    }

    /// The streams of the largest test from an address that is under way.
    ///
    /// - Parameter host: Evaluated when there is a test at all: to write an address out isn't free.
    func mostStreams(from host: @autoclosure () -> String) -> Int {
        tests.withLock { tests in
            guard !tests.isEmpty else { return 0 }
            let host = host()
            return tests.values.reduce(0) { $1.host == host ? max($0, $1.streams) : $0 }
        }
    }
}

/// What takes a test's data connections.
protocol DataConnectionSink: AnyObject, Sendable {
    /// Takes the connection, or drops it when it has that stream already.
    ///
    /// - Parameter received: Payload that has been read of it.
    func attach(_ stream: any ByteStream, index: Int, received: [UInt8])
}
