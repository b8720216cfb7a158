import QrateControlProtocol
import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateTransportAPI

/// Probes over TCP and TLS: on a connection that carries nothing else.
struct StreamProbeLink: ProbeLink {
    private var messages: ProbeStream

    var descriptor: Int32 { messages.stream.socket.descriptor }
    var interest: SocketPoll.Ready { messages.isGone ? [] : messages.hasUnsent ? [.readable, .writable] : .readable }

    /// Connects beside a control connection. Blocks: for threads that may.
    static func start(
        _ token: FlowToken, _ connector: StreamConnector, to remote: SocketAddress, _ settings: TransportSettings,
        _ stop: StopSignal
    ) throws(TransportError) -> ProbeThread {
        var options = StreamOptions()
        // One that waited for its predecessor's acknowledgement (RFC 896) would measure that.
        options.sendsWithoutDelay = true
        options.typeOfService = settings.typeOfService
        let patience = TCPPlaneMaker.attachingTime
        let stream = try connector.connect(
            to: remote, port: 0, options, timeout: patience, MonotonicClock.now() + patience, stop)
        let hello: [UInt8]
        do {
            hello = try ControlCodec.encode(.probeHello(ProbeHello(token: token.hexadecimal)))
        } catch {
            throw TransportError(.failed, "the token for latency probes can't be sent")
        }
        return try ProbeThread(token) {
            var link = StreamProbeLink(messages: ProbeStream(stream))
            link.send(hello)
            return link
        }
    }

    mutating func send(_ probe: [UInt8]) { messages.send(probe) }

    mutating func turn(_ ready: SocketPoll.Ready, _ take: (UnsafeRawBufferPointer) -> Void) {
        messages.flush()
        messages.receive(take)
    }
}

/// Probes and answers one behind the other on a stream, each whole. Belongs to one thread.
struct ProbeStream {
    let stream: any ByteStream
    private var unsent: [UInt8] = []
    private var partial: [UInt8] = []
    /// The peer has ended it, or it failed.
    private(set) var isGone = false

    /// Beyond this a peer doesn't read: what is sent then is lost.
    private static let mostUnsent = 64 << 10
    private static let readSize = 4096
    /// Reads in one turn: others wait.
    private static let readsPerTurn = 8

    /// - Parameter received: What was read of it already.
    init(_ stream: any ByteStream, received: [UInt8] = []) {
        self.stream = stream
        partial = received
    }

    var hasUnsent: Bool { !unsent.isEmpty || stream.hasUnsent }

    mutating func send(_ bytes: [UInt8]) {
        guard !isGone, unsent.count < Self.mostUnsent else { return }
        unsent += bytes
        flush()
    }

    mutating func flush() {
        guard !isGone else { return }
        do throws(TransportError) {
            if stream.hasUnsent { _ = try stream.write(UnsafeRawBufferPointer(start: nil, count: 0)) }
            while !unsent.isEmpty {
                let result = unsent.withUnsafeBytes { bytes in
                    Result { () throws(TransportError) in try stream.write(bytes) }
                }
                guard case .bytes(let count) = try result.get() else { return }
                unsent.removeFirst(count)
            }
        } catch {
            isGone = true
        }
    }

    /// Hands over every message that is whole.
    ///
    /// - Returns: Whether there may be more to read at once.
    @discardableResult
    mutating func receive(_ take: (UnsafeRawBufferPointer) -> Void) -> Bool {
        handOver(take)
        for _ in 0..<Self.readsPerTurn where !isGone {
            var result: ReadResult?
            let piece = [UInt8](unsafeUninitializedCapacity: Self.readSize) { buffer, count in
                result = try? stream.read(into: UnsafeMutableRawBufferPointer(buffer))
                if case .bytes(let received)? = result { count = received }
            }
            switch result {
            case .bytes?:
                partial += piece
                handOver(take)
            case .wouldBlock?: return false
            case .ended?, nil: isGone = true
            }
        }
        return !isGone
    }

    private mutating func handOver(_ take: (UnsafeRawBufferPointer) -> Void) {
        var start = 0
        partial.withUnsafeBytes { bytes in
            while bytes.count - start >= LatencyProbe.byteCount {
                take(UnsafeRawBufferPointer(rebasing: bytes[start..<start + LatencyProbe.byteCount]))
                start += LatencyProbe.byteCount
            }
        }
        partial.removeFirst(start)
    }
}
