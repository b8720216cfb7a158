import Glibc
import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTransportAPI

/// Connections to a TLS server for the sake of their handshakes, each lane on a thread of its own.
final class TLSHandshakeLanes: HandshakeLanes {
    let count: Int
    private let connector: StreamConnector
    private let address: SocketAddress
    private let options: StreamOptions
    private let makeStream: MakeStream
    private let stop: StopSignal
    /// What each lane may resume next.
    private let memories: [SessionMemory]

    typealias MakeStream = @Sendable (StreamSocket, SessionMemory?) throws(TransportError) -> TLSStream

    /// How long the server may take to end a connection after its client's last word. One that knows no close_notify is
    /// left alone then.
    private static let parting = Duration.seconds(2)
    /// After a failure, so that a server that is gone isn't asked thousands of times a second.
    private static let pause = Duration.milliseconds(100)

    init(
        _ count: Int, _ connector: StreamConnector, _ address: SocketAddress, _ options: StreamOptions,
        _ makeStream: @escaping MakeStream
    ) throws(TransportError) {
        self.count = count
        self.connector = connector
        self.address = address
        self.options = options
        self.makeStream = makeStream
        memories = (0..<count).map { _ in SessionMemory() }
        do throws(SocketError) { stop = try StopSignal() } catch {
            throw TransportError(.failed, "cannot connect: \(error)", code: Int64(error.code))
        }
    }

    func cancel() { stop.raise() }

    func close() async {}

    func run(_ job: HandshakeJob, _ sink: any HandshakeSink) async {
        await withDiscardingTaskGroup { group in
            for lane in 0..<count {
                group.addTask { await DedicatedThread.run(name: "qrate-lane") { self.work(lane, job, sink) } }
            }
        }
    }

    private func work(_ lane: Int, _ job: HandshakeJob, _ sink: any HandshakeSink) {
        let memory = job.keepsTickets ? memories[lane] : nil
        while !stop.isRaised, sink.mayBegin(lane: lane, now: MonotonicClock.now()) {
            do throws(TransportError) {
                guard job.kind == .cold || memory?.count != 0 else { throw .noTicket }
                sink.completed(try handshake(job, memory))
            } catch {
                if stop.isRaised { return }
                let fault = HandshakeFault(error)
                sink.failed(fault, error)
                _ = StreamPoll.wait(for: [], on: nil, stop, nanoseconds: Self.pause.nanoseconds)
                // For its ticket alone. Whether that came is seen when it is needed.
                if fault == .noTicket { _ = try? handshake(job, memory) }
            }
        }
    }

    private func handshake(
        _ job: HandshakeJob, _ memory: SessionMemory?
    ) throws(TransportError) -> CompletedHandshake {
        let begun = MonotonicClock.now()
        let deadline = begun + job.timeout
        let socket = try connector.open(to: address, port: 0, options, timeout: job.timeout, deadline, stop)
        let connected = MonotonicClock.now()
        let stream = try makeStream(socket, memory)
        try connector.finishHandshake(of: stream, address, timeout: job.timeout, deadline, stop)
        let completed = MonotonicClock.now()
        try part(stream)
        return CompletedHandshake(
            completedAt: completed, duration: completed - begun, connecting: connected - begun,
            kind: stream.isResumed == true ? .resumed : .cold)
    }

    /// Waits until the server has ended the connection: it has completed the handshake then, and said what it had to say.
    ///
    /// - Throws: When the server gave the connection up, as one does that has no use for this client's certificate.
    private func part(_ stream: TLSStream) throws(TransportError) {
        stream.sayGoodbye()
        let deadline = MonotonicClock.now() + Self.parting
        var result: Result<ReadResult, TransportError> = .success(.wouldBlock)
        while MonotonicClock.now() < deadline, !stop.isRaised {
            withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { buffer in
                result = Result { () throws(TransportError) in try stream.read(into: buffer) }
            }
            switch result {
            case .success(.bytes): continue
            case .success(.wouldBlock): break
            case .success(.ended): return
            // The server's end may come without a close_notify of its own: it had nothing to say.
            case .failure(let error) where error.code == Int64(ECONNABORTED) || error.code == Int64(ECONNRESET): return
            case .failure(let error): throw error
            }
            let rest = deadline - MonotonicClock.now()
            _ = StreamPoll.wait(for: .readable, on: stream.socket.descriptor, stop, nanoseconds: rest.nanoseconds)
        }
        stream.reset()
    }
}

extension TransportError {
    /// A lane that is to resume sessions has none.
    static let noTicket = TransportError(.failed, "the server sent no session ticket on the connection before")
}

extension HandshakeFault {
    /// Why a connection over TCP did not come to be.
    init(_ error: TransportError) {
        switch (error.kind, error.code) {
        case _ where error == .noTicket: self = .noTicket
        case (_, Int64(ETIMEDOUT)): self = .timeout
        case (_, Int64(ECONNREFUSED)): self = .connectionRefused
        case (.certificate, _): self = .certificate
        case (.protocolError, _), (.permission, _): self = .protocolError
        default: self = .other
        }
    }
}
