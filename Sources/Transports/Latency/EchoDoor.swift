import QrateDatagramProtocol
import QrateMeasurement
package import QrateQUICDriver
package import QrateSockets
import Synchronization

/// Answers the latency probes of a server's tests: those that come to its UDP port past any transport, and those that a
/// transport brings.
///
/// Only a probe with the token of a test that is open is answered, with as many bytes as it has. Past a transport it must
/// come from the address of the test's control connection, too: nothing here answers anybody else.
package final class EchoDoor: Sendable {
    private let socket: DatagramSocket
    private let tests = Mutex<[FlowToken: Entry]>([:])

    private struct Entry {
        /// Where the control connection comes from, IPv4-mapped addresses as IPv4.
        let host: String
        /// The mark of the test's payload, for its probes to be treated alike.
        let typeOfService: UInt8
        /// Where the clock that answers tell begins.
        let startedAt: MonotonicTime
        /// When a client that keeps to the rate would have sent all that was answered until now.
        var busyUntil: MonotonicTime
        /// How many were answered that came past any transport.
        let count: ProbeCount?
        /// Those that carry probes and nothing else.
        var connections = 0
    }

    /// Twice the probes that a client sends in both ways together.
    private static let spacing = Duration.milliseconds(5)
    /// A client that was stopped for a while sends what was due meanwhile.
    private static let tolerance = Duration.seconds(10)
    private static let connectionLimit = 2

    /// - Parameter socket: The port's own.
    package init(_ socket: DatagramSocket) { self.socket = socket }

    /// From now on probes with the token are answered.
    ///
    /// - Parameter count: Told of those that come past any transport.
    func register(host: String, typeOfService: UInt8?, count: ProbeCount? = nil) -> FlowToken {
        let token = FlowToken.random()
        let now = MonotonicClock.now()
        tests.withLock {
            $0[token] = Entry(
                host: host, typeOfService: (typeOfService ?? 0) & 0xfc, startedAt: now, busyUntil: now, count: count)
        }
        return token
    }

    func remove(_ token: FlowToken) { tests.withLock { $0[token] = nil } }

    func isOpen(_ token: FlowToken) -> Bool { tests.withLock { $0[token] != nil } }

    /// Admits a connection that is going to carry probes.
    func admits(_ token: FlowToken, from host: String) -> Bool {
        tests.withLock { tests in
            guard let entry = tests[token], entry.host == host, entry.connections < Self.connectionLimit else {
                return false
            }
            tests[token]?.connections += 1
            return true
        }
    }

    /// The answer to what a test's own connection has brought; nil for none.
    func answer(_ message: UnsafeRawBufferPointer, at now: MonotonicTime) -> [UInt8]? {
        answer(message, from: nil, at: now)?.bytes
    }

    /// Takes what came to the port and isn't QUIC. On the endpoint's thread: the answer leaves through the socket that
    /// everything on the port goes through.
    ///
    /// - Returns: Whether it looks like a probe: then it is for nobody else.
    package func handle(_ stray: StrayDatagram) -> Bool {
        guard LatencyProbe.isLike(stray.bytes) else { return false }
        guard let remote = SocketAddress(bytes: stray.remote) else { return true }
        guard let answer = answer(stray.bytes, from: remote.host, at: MonotonicClock.now()) else { return true }
        answer.bytes.withUnsafeBytes { bytes in
            // With the socket's buffer full it is lost, as on the wire.
            _ = socket.send(
                bytes, segmentSize: bytes.count, ecn: answer.typeOfService, remote: stray.remote, local: stray.local)
        }
        return true
    }

    /// - Parameter host: nil where the connection says who it is.
    private func answer(
        _ message: UnsafeRawBufferPointer, from host: String?, at now: MonotonicTime
    ) -> (bytes: [UInt8], typeOfService: UInt8)? {
        guard let probe = LatencyProbe(message), probe.kind == .probe else { return nil }
        return tests.withLock { tests in
            guard let entry = tests[probe.token], host == nil || host == entry.host else { return nil }
            let busyUntil = max(entry.busyUntil, now) + Self.spacing
            guard busyUntil <= now + Self.tolerance else { return nil }
            tests[probe.token]?.busyUntil = busyUntil
            if host != nil { entry.count?.add() }
            return (probe.answered(at: (now - entry.startedAt).nanoseconds).encoded, entry.typeOfService)
        }
    }
}

/// How many of a test's probes a thread has answered beside its other work.
final class ProbeCount: Sendable {
    private let count = Atomic<UInt64>(0)

    func add() { count.wrappingAdd(1, ordering: .relaxed) }
    var value: UInt64 { count.load(ordering: .relaxed) }
}
