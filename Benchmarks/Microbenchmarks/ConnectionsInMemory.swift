import QrateMeasurement
import QrateQUICCore
import QrateSecurity
import QrateTestSupport

/// Two QUIC connections that hand each other their datagrams in memory: what ngtcp2, packet protection and QUICCore cost
/// together, without a socket.
///
/// The receiver takes a whole batch, as the kernel hands over a run of merged datagrams, then answers.
struct ConnectionsInMemory: Benchmark {
    /// nil for what path MTU discovery finds.
    let datagram: Int?
    let aead: AEADLibrary

    var name: String { "quic/\(aead.rawValue)/\(datagram.map(String.init) ?? "usual")" }

    static func all() -> [any Benchmark] {
        Libraries.here.flatMap { aead in
            [nil, 8972, 65_000].map { ConnectionsInMemory(datagram: $0, aead: aead) }
        }
    }

    struct Stuck: Error {}

    func run(seconds: Double) throws -> [Figure] {
        let lane = try Lane(datagram: datagram, aead: aead)
        // Until the congestion window has stopped growing fast.
        _ = try lane.sample(batches: 2000)
        var send: [Double] = [], receive: [Double] = []
        let end = Stopwatch.now + seconds * 1e9
        repeat {
            let sample = try lane.sample(batches: 200)
            send.append(sample.send)
            receive.append(sample.receive)
        } while Stopwatch.now < end
        let bytes = lane.datagramBytes
        return [
            Figure(name + "/send", per: "packet", bytes: bytes, samples: send),
            Figure(name + "/receive", per: "packet", bytes: bytes, samples: receive),
        ]
    }
}

/// A transfer from the client to the server that never ends.
private final class Lane {
    private let client: QUICConnection
    private let server: QUICConnection
    private let clientAddress = ConnectionPair.address(port: 40_000)
    private let serverAddress = ConnectionPair.address(port: 5_201)
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: QUICConnection.batchBytes, alignment: 64)
    private var now: MonotonicTime
    /// UDP payload of a full datagram.
    private(set) var datagramBytes = 0

    /// What a batch takes on its way, and its answer on the way back: a round trip as on loopback.
    private static let delay = Duration.microseconds(10)
    /// With nothing to send for so many steps in a row, something is broken.
    private static let mostIdleSteps = 10_000

    init(datagram: Int?, aead: AEADLibrary) throws {
        var options = ConnectionPair.Options(identity: try Identity.make())
        options.settings.aead = aead
        if let datagram {
            options.settings.maxUDPPayload = datagram
            options.settings.ignoresPathMTU = true
        }
        let pair = try ConnectionPair(options)
        guard try pair.handshake(), let server = pair.server else { throw ConnectionsInMemory.Stuck() }
        client = pair.client
        self.server = server
        server.allowPayload(streams: 1)
        // Path MTU discovery takes some round trips.
        try pair.run(for: .seconds(2))
        guard client.availableStreams > 0 else { throw ConnectionsInMemory.Stuck() }
        now = pair.now
        try client.startPayload(streams: 1, byteBudget: nil, duration: nil, now: now)
    }

    deinit { buffer.deallocate() }

    /// CPU nanoseconds per full datagram at each end, the sender's for the acknowledgements that it gets included.
    func sample(batches: Int) throws -> (send: Double, receive: Double) {
        var send = 0.0, receive = 0.0
        var datagrams = 0, done = 0, idle = 0
        while done < batches {
            let start = Stopwatch.now
            client.handleExpiry(now: now)
            let batch = client.pollTransmit(into: buffer, limit: QUICConnection.largestBatch, now: now)
            let sent = Stopwatch.now
            send += sent - start - Stopwatch.cost
            guard let batch else {
                // The pacer's turn is next.
                now = max(now + Self.delay, min(client.expiry, now + .milliseconds(1)))
                idle += 1
                guard idle < Self.mostIdleSteps else { throw ConnectionsInMemory.Stuck() }
                continue
            }
            idle = 0
            done += 1
            datagrams += batch.datagramCount
            datagramBytes = max(datagramBytes, batch.segmentSize)

            now = now + Self.delay
            let arrived = Stopwatch.now
            deliver(batch, to: server, local: serverAddress, remote: clientAddress)
            server.handleExpiry(now: now)
            let answer = server.pollTransmit(into: buffer, limit: QUICConnection.largestBatch, now: now)
            let answered = Stopwatch.now
            receive += answered - arrived - Stopwatch.cost

            now = now + Self.delay
            guard let answer else { continue }
            let returned = Stopwatch.now
            deliver(answer, to: client, local: clientAddress, remote: serverAddress)
            send += Stopwatch.now - returned - Stopwatch.cost
            while client.pollEvent() != nil {}
            while server.pollEvent() != nil {}
        }
        guard !client.isFinished, !server.isFinished, datagrams > 0 else { throw ConnectionsInMemory.Stuck() }
        return (send / Double(datagrams), receive / Double(datagrams))
    }

    private func deliver(_ batch: Transmit, to end: QUICConnection, local: [UInt8], remote: [UInt8]) {
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<batch.byteCount])
        local.withUnsafeBytes { local in
            remote.withUnsafeBytes { remote in
                end.handleDatagrams(
                    bytes, segmentSize: batch.segmentSize, local: local, remote: remote, ecn: batch.ecn, now: now)
            }
        }
    }
}
