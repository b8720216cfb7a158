import Glibc
import QrateMeasurement
import QrateSockets
import QrateTransportAPI
import Synchronization

/// Bare TCP: the bytes are the socket's.
final class TCPStream: ByteStream {
    let socket: StreamSocket
    private let copied = Atomic(false)

    init(_ socket: StreamSocket) { self.socket = socket }

    var transport: TransportKind { .tcp }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReadResult {
        do throws(SocketError) { return ReadResult(try socket.read(into: buffer)) } catch { throw lost(error) }
    }

    func discard(most: Int, _ buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReadResult {
        do throws(SocketError) { return ReadResult(try socket.discard(most: most)) } catch { throw lost(error) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(TransportError) -> WriteResult {
        do throws(SocketError) { return WriteResult(try socket.write(bytes)) } catch { throw lost(error) }
    }

    func write(
        _ payload: PayloadBlock, at offset: Int, count: Int, usesZeroCopy: Bool
    ) throws(TransportError) -> WriteResult {
        guard usesZeroCopy, !hasCopied else { return try write(payload.piece(at: offset, count)) }
        if let file = payload.file {
            do throws(SocketError) {
                return WriteResult(try socket.write(file, at: offset, count: count))
            } catch {
                // A kernel without sendfile(2) for this file or socket.
                guard error.code == EINVAL || error.code == ENOSYS else { throw lost(error) }
            }
        }
        copied.store(true, ordering: .relaxed)
        return try write(payload.piece(at: offset, count))
    }

    var hasCopied: Bool { copied.load(ordering: .relaxed) }

    var unacknowledged: Int? { socket.unacknowledged }
    var unsent: Int? { socket.unsent }

    func finishWriting() { socket.finishWriting() }

    func reset() { socket.reset() }

    private func lost(_ error: SocketError) -> TransportError { TransportError(lost: error, socket.remote) }
}

extension ReadResult {
    init(_ outcome: StreamSocket.Outcome) {
        switch outcome {
        case .bytes(0): self = .ended
        case .bytes(let count): self = .bytes(count)
        case .wouldBlock: self = .wouldBlock
        }
    }
}

extension WriteResult {
    init(_ outcome: StreamSocket.Outcome) {
        switch outcome {
        case .bytes(let count): self = .bytes(count)
        case .wouldBlock: self = .wouldBlock
        }
    }
}

extension TransportError {
    /// An established connection failed. Keeps the errno.
    init(lost error: SocketError, _ peer: SocketAddress) {
        let reason: String
        switch error.code {
        case ECONNRESET, EPIPE: reason = "the peer reset it"
        case ETIMEDOUT: reason = "the peer stopped answering"
        default: reason = error.reason
        }
        self.init(.failed, "the connection to \(peer) is gone: \(reason)", code: Int64(error.code))
    }

    static let turnedAway = TransportError(
        .failed,
        "the server closed the data connection before any payload came: do all connections reach it from one address?")

    /// The peer ended the connection without an order to its bytes.
    var isReset: Bool { [ECONNRESET, EPIPE, ECONNABORTED].contains { code == Int64($0) } }
}
