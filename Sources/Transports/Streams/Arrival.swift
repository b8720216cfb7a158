import QrateControlProtocol
import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateTransportAPI

/// A connection to a server that has not said yet what it is for (DESIGN.md section 3).
///
/// Its first byte tells plain text from TLS; its first line, inside TLS or bare, a test's data connection from a new
/// control connection. Whatever is neither is closed without an answer.
final class Arrival: StreamLoopMember {
    private let socket: StreamSocket
    private let door: Door
    private(set) var deadline: MonotonicTime
    private var stage = Stage.unknown
    private var line: [UInt8] = []
    private(set) var interest: SocketPoll.Ready = .readable

    private enum Stage {
        case unknown
        case handshake(any ByteStream)
        case reading(any ByteStream)
        /// Refused: what the client has sent meanwhile is read, because a close with bytes unread would make the kernel
        /// send a reset, which can overtake the words (an alert) that say why.
        case parting
    }

    /// What an arrival can become.
    struct Door {
        var registry: DataRegistry
        var echo: EchoDoor
        /// Makes the server's end of a TLS connection whose ClientHello waits to be read; nil closes it. The seam for
        /// TLS: what it gives is taken through its handshake, and then its first line is routed like any other's.
        var secure: @Sendable (StreamSocket) -> (any ByteStream)?
        /// A handshake failed for a reason that the server's operator wants to know.
        var refused: (StreamSocket, TransportError) -> Void
        /// A control connection, with the bytes that were read of it.
        var connected: (any ByteStream, [UInt8], StreamLoopTurn) -> Void
    }

    /// The first line's longest, without its newline: xfr's.
    private static let longestLine = 65_535
    private static let patience = Duration.seconds(5)
    /// A client that opens many data connections gets more time, for each of them is behind the others.
    private static let patiencePerStream = Duration.milliseconds(80)
    private static let mostPatience = Duration.seconds(20)
    /// How long a refused client has to take notice.
    private static let parting = Duration.seconds(2)

    init(_ socket: StreamSocket, _ door: Door, now: MonotonicTime) {
        self.socket = socket
        self.door = door
        let streams = door.registry.mostStreams(from: socket.remote.host)
        deadline = now + min(max(Self.patience, Self.patiencePerStream * streams), Self.mostPatience)
    }

    var descriptor: Int32 { socket.descriptor }

    func turn(_ ready: SocketPoll.Ready, _ loop: StreamLoopTurn, now: MonotonicTime) -> Bool {
        guard now < deadline else { return false }
        if case .unknown = stage, !classify() { return false }
        if case .handshake(let stream) = stage {
            do throws(TransportError) {
                switch try stream.handshake() {
                case .wantsToRead: interest = .readable
                case .wantsToWrite: interest = .writable
                case .done:
                    interest = .readable
                    stage = .reading(stream)
                }
            } catch {
                // A handshake that fails otherwise is a scanner's, and not worth a line in the log.
                if error.kind == .permission { door.refused(socket, error) }
                part(stream, now)
            }
        }
        switch stage {
        case .reading(let stream): return read(stream, loop, now)
        case .parting: return drain(loop)
        case .unknown, .handshake: return true
        }
    }

    func loopEnds() {}

    /// - Returns: false when the first byte is none that anything here begins with.
    private func classify() -> Bool {
        var first: UInt8 = 0
        let outcome = withUnsafeMutableBytes(of: &first) { buffer in
            Result { () throws(SocketError) in try socket.peek(into: buffer) }
        }
        switch outcome {
        case .success(.wouldBlock): return true
        case .success(.bytes(1)): break
        default: return false
        }
        switch first {
        case UInt8(ascii: "{"): stage = .reading(TCPStream(socket))
        case 0x16:  // a TLS record with a handshake message (RFC 8446 section 5.1)
            guard let stream = door.secure(socket) else { return false }
            stage = .handshake(stream)
        default: return false
        }
        return true
    }

    /// - Returns: false when the client has gone.
    private func drain(_ loop: StreamLoopTurn) -> Bool {
        guard let outcome = try? socket.discard(most: 1 << 20), outcome != .bytes(0) else { return false }
        if outcome != .wouldBlock { loop.poke(self) }
        return true
    }

    /// Ends the connection in order: inside TLS also nonsense is answered with a close_notify.
    private func part(_ stream: any ByteStream, _ now: MonotonicTime) {
        stage = .parting
        interest = .readable
        deadline = min(deadline, now + Self.parting)
        stream.finishWriting()
    }

    private func read(_ stream: any ByteStream, _ loop: StreamLoopTurn, _ now: MonotonicTime) -> Bool {
        while true {
            var piece: [UInt8] = []
            var result: ReadResult?
            piece = [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, count in
                result = try? stream.read(into: UnsafeMutableRawBufferPointer(buffer))
                if case .bytes(let received)? = result { count = received }
            }
            switch result {
            case .wouldBlock: return true
            case nil, .ended: return false
            case .bytes: break
            }
            // Inside TLS it is looked at here for the first time.
            let newline = piece.firstIndex(of: UInt8(ascii: "\n"))
            guard !line.isEmpty || piece.first == UInt8(ascii: "{"),
                line.count + (newline ?? piece.count) <= Self.longestLine
            else {
                part(stream, now)
                return true
            }
            line += piece
            guard let newline else { continue }
            route(stream, line: Array(line[...(line.count - piece.count + newline)]), loop)
            return false
        }
    }

    /// - Parameter line: The first, with its newline; more may be behind it in `self.line`.
    private func route(_ stream: any ByteStream, line first: [UInt8], _ loop: StreamLoopTurn) {
        let rest = Array(line[first.count...])
        switch try? ControlCodec.decode(first) {
        case .dataHello(let hello)?:
            door.registry.route(stream, test: hello.testID, index: Int(hello.streamIndex), received: rest)
        case .probeHello(let hello)?:
            guard let token = FlowToken(hexadecimal: hello.token),
                door.echo.admits(token, from: stream.socket.remote.host)
            else { return }
            let echo = StreamEcho(stream, received: rest, token, door.echo)
            loop.add(echo)
            loop.poke(echo)
        default: door.connected(stream, line, loop)
        }
    }
}
