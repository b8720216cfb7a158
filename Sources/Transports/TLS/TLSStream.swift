import Glibc
import QrateMeasurement
import QrateSecurity
import QrateSockets
import QrateTransportAPI
import Synchronization

/// TLS 1.3 over a TCP connection.
///
/// Which thread may touch what: until ``handshake()`` has said that it is done, one thread has all of it. Then the reader
/// belongs to the reading thread, and the writer to whoever holds `writing`: the writing thread for its records, the reading
/// one for the alert that tells the peer what was wrong with its. The two halves share nothing else (see ``TLSReader`` and
/// ``TLSWriter``), so records of both directions are worked on at the same time. Hence the `@unchecked Sendable`.
final class TLSStream: ByteStream, @unchecked Sendable {
    let socket: StreamSocket
    private let role: Role
    /// How messages call the peer; nil for its address, which is written out when one is needed.
    private let name: String?
    private var peer: String { name ?? "\(socket.remote)" }
    private var handshaking: TLSHandshake?
    /// Of the handshake.
    private var unsent: ArraySlice<UInt8> = []
    private(set) var connection: TLSConnection?
    private let writing = Mutex(())

    /// What one call reads of the socket during the handshake.
    private static let handshakeRead = 16 << 10
    /// How long the last records may wait for room in the socket when everything else is over.
    private static let endPatience = Duration.seconds(10)

    init(_ socket: StreamSocket, _ handshake: TLSHandshake, _ role: Role, peer: String? = nil) {
        self.socket = socket
        self.role = role
        name = peer
        handshaking = handshake
    }

    /// The server's end of a connection; nil when the library has no memory for it.
    static func server(
        _ socket: StreamSocket, _ credentials: ServerCredentials, aead: AEADLibrary = .gnutls,
        keyLog: KeyLog? = nil
    ) -> TLSStream? {
        guard
            let handshake = try? TLSHandshake.server(
                credentials, applicationProtocols: [ApplicationProtocol.qrate], aead: aead, keyLog: keyLog)
        else { return nil }
        return TLSStream(socket, handshake, .server)
    }

    var transport: TransportKind { .tls }

    // MARK: The handshake

    func handshake() throws(TransportError) -> HandshakeState {
        while let handshake = handshaking {
            guard try sendUnsent() else { return .wantsToWrite }
            if connection != nil {
                handshaking = nil
                break
            }
            do throws(TLSFailure) {
                if case .completed(let connection) = try handshake.advance() { self.connection = connection }
                unsent = handshake.takeOutgoing()[...]
            } catch {
                unsent = handshake.takeOutgoing()[...]
                _ = try? sendUnsent()  // the alert; there is room for it, or nobody listens
                handshaking = nil
                throw TransportError(handshake: error, at: role, peer)
            }
            guard connection == nil, unsent.isEmpty else { continue }
            guard try receiveHandshake(handshake) else { return .wantsToRead }
        }
        return .done
    }

    /// - Returns: Whether everything is sent.
    private func sendUnsent() throws(TransportError) -> Bool {
        while !unsent.isEmpty {
            let outcome = unsent.withUnsafeBytes { bytes in
                Result { () throws(SocketError) in try socket.write(bytes) }
            }
            do throws(SocketError) {
                guard case .bytes(let count) = try outcome.get() else { return false }
                unsent = unsent.dropFirst(count)
            } catch {
                throw lost(error)
            }
        }
        return true
    }

    /// - Returns: Whether something came.
    private func receiveHandshake(_ handshake: TLSHandshake) throws(TransportError) -> Bool {
        let outcome = withUnsafeTemporaryAllocation(byteCount: Self.handshakeRead, alignment: 16) { buffer in
            Result { () throws(SocketError) in
                let outcome = try socket.read(into: buffer)
                if case .bytes(let count) = outcome {
                    handshake.receive(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
                }
                return outcome
            }
        }
        do throws(SocketError) {
            switch try outcome.get() {
            case .wouldBlock: return false
            case .bytes(0):
                throw SocketError(code: ECONNRESET, "the TLS handshake")
            case .bytes: return true
            }
        } catch {
            guard error.code == ECONNRESET, role == .client else { throw lost(error) }
            throw TransportError(
                .protocolError, "\(peer) closed the connection in the TLS handshake: does it serve TLS tests?",
                code: Int64(error.code))
        }
    }

    /// nil at a server: nobody asks it what it believes.
    var security: SecurityReport? {
        guard let connection, case .accepted(let verification, let fingerprint)? = connection.verdict else {
            return nil
        }
        return SecurityReport(
            protocolVersion: "TLS 1.3", cipher: connection.cipher, aead: connection.aead.rawValue,
            applicationProtocol: connection.applicationProtocol, verification: verification,
            fingerprint: fingerprint.hex)
    }

    var aead: AEADLibrary? { connection?.aead }
    var logsKeys: Bool { connection?.logsKeys == true }
    var isResumed: Bool? { connection?.isResumed }

    // MARK: Reading

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReadResult {
        guard let reader = connection?.reader else { throw unfinished }
        while true {
            do throws(TLSFailure) {
                switch try reader.read(into: buffer) {
                case .bytes(let count): return .bytes(count)
                case .ended: return .ended
                case .needsInput: break
                }
            } catch {
                tell(error.alert)
                throw TransportError(established: error, at: role, peer)
            }
            do throws(SocketError) {
                switch try socket.read(into: reader.room) {
                case .wouldBlock: return .wouldBlock
                // Whoever can cut a TCP connection could do this. It counts as a reset.
                case .bytes(0):
                    throw SocketError(code: ECONNABORTED, "the end of the connection")
                case .bytes(let count): reader.received(count)
                }
            } catch {
                throw lost(error)
            }
        }
    }

    // MARK: Writing

    func write(_ bytes: UnsafeRawBufferPointer) throws(TransportError) -> WriteResult {
        try writing.withLock { _ in
            Result { () throws(TransportError) in try writeRecords(bytes) }
        }.get()
    }

    /// By whoever holds `writing`.
    private func writeRecords(_ bytes: UnsafeRawBufferPointer) throws(TransportError) -> WriteResult {
        guard let writer = connection?.writer else { throw unfinished }
        var taken = 0
        while true {
            // What was made into records is on its way, although the socket has no room for it yet: it can't be taken
            // back, so it counts as taken.
            guard try send(writer) else { return taken > 0 ? .bytes(taken) : .wouldBlock }
            guard taken < bytes.count else { return .bytes(taken) }
            do throws(TLSFailure) {
                let count = try writer.take(UnsafeRawBufferPointer(rebasing: bytes[taken...]))
                guard count > 0 else { throw TLSFailure.failed(alert: 0, reason: "this end has closed it") }
                taken += count
            } catch {
                throw TransportError(established: error, at: role, peer)
            }
        }
    }

    /// - Returns: Whether everything was sent. What a socket takes in part has filled it.
    private func send(_ writer: TLSWriter) throws(TransportError) -> Bool {
        let pending = writer.pending
        guard !pending.isEmpty else { return true }
        do throws(SocketError) {
            guard case .bytes(let count) = try socket.write(pending) else { return false }
            writer.sent(count)
            return count == pending.count
        } catch {
            throw lost(error)
        }
    }

    var hasUnsent: Bool { writing.withLock { _ in connection?.writer.hasPending ?? false } }

    /// Records are larger than their payload, and acknowledged in parts.
    var unacknowledged: Int? { nil }

    // MARK: Ends

    /// Tells the peer why this end gives up, as far as there is room to.
    private func tell(_ alert: UInt8?) {
        guard let alert else { return }
        writing.withLock { _ in
            guard let writer = connection?.writer else { return }
            writer.fail(alert)
            _ = try? send(writer)
        }
    }

    /// Says that nothing more comes (close_notify) and leaves it to the peer to end the connection: the end that does keeps
    /// the port for a while (TIME_WAIT), and a client that connects again and again has few of them.
    func sayGoodbye() {
        writing.withLock { _ in
            guard let writer = connection?.writer else { return }
            writer.close()
            _ = try? send(writer)  // a record this small finds room in an unused socket
        }
    }

    func finishWriting() {
        let isSent = writing.withLock { _ in
            guard let writer = connection?.writer else { return true }
            writer.close()
            return (try? send(writer)) ?? true  // a connection that is gone needs no end
        }
        if isSent { return socket.finishWriting() }
        // Whoever calls this isn't kept waiting for a peer that takes its time. Ends early when the connection is reset.
        DedicatedThread(name: "qrate-tls-end") { [self] in
            finishSending(by: MonotonicClock.now() + Self.endPatience)
        }.detach()
    }

    private func finishSending(by deadline: MonotonicTime) {
        guard let stop = try? StopSignal() else { return }
        while MonotonicClock.now() < deadline {
            let wait = deadline - MonotonicClock.now()
            _ = StreamPoll.wait(for: .writable, on: socket.descriptor, stop, nanoseconds: wait.nanoseconds)
            let isSent = writing.withLock { _ in
                guard let writer = connection?.writer else { return true }
                return (try? send(writer)) ?? true
            }
            if isSent { return socket.finishWriting() }
        }
    }

    func reset() { socket.reset() }

    // MARK: Errors

    private func lost(_ error: SocketError) -> TransportError {
        guard error.code == ECONNABORTED else { return TransportError(lost: error, socket.remote) }
        return TransportError(
            .failed, "the connection to \(peer) was cut off: it ended without TLS's close_notify",
            code: Int64(error.code))
    }

    private var unfinished: TransportError {
        TransportError(.failed, "the TLS handshake with \(peer) is not complete")
    }
}
