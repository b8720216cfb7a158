import Glibc
import QrateMeasurement
import QrateSockets
import QrateTransportAPI

/// Makes a client's connections to one server: control and data alike.
struct StreamConnector: Sendable {
    var endpoint: Endpoint
    var local: LocalEnd
    /// What `-B` means, for each IP version.
    var localAddresses: [SocketAddress]
    var streams: ClientStreams

    /// Connects and takes the stream through its handshake. Blocks: for threads that may.
    ///
    /// - Parameters:
    ///   - port: This end's; 0 for any.
    ///   - timeout: What `deadline` came from, for the message.
    func connect(
        to address: SocketAddress, port: UInt16, _ options: StreamOptions, timeout: Duration,
        _ deadline: MonotonicTime, _ stop: StopSignal
    ) throws(TransportError) -> any ByteStream {
        let stream = try streams.make(
            try open(to: address, port: port, options, timeout: timeout, deadline, stop))
        try finishHandshake(of: stream, address, timeout: timeout, deadline, stop)
        return stream
    }

    /// TCP's part of ``connect(to:port:_:timeout:_:_:)``.
    func open(
        to address: SocketAddress, port: UInt16, _ options: StreamOptions, timeout: Duration,
        _ deadline: MonotonicTime, _ stop: StopSignal
    ) throws(TransportError) -> StreamSocket {
        let beginning = try beginning(for: address, port: port)
        do throws(SocketError) {
            return try StreamSocket.connect(to: address, from: beginning, options, deadline: deadline, stop)
        } catch {
            throw failure(error, address, timeout)
        }
    }

    /// The rest of it.
    func finishHandshake(
        of stream: any ByteStream, _ address: SocketAddress, timeout: Duration, _ deadline: MonotonicTime,
        _ stop: StopSignal
    ) throws(TransportError) {
        while true {
            let interest: SocketPoll.Ready
            switch try stream.handshake() {
            case .done: return
            case .wantsToRead: interest = .readable
            case .wantsToWrite: interest = .writable
            }
            let now = MonotonicClock.now()
            guard now < deadline else {
                throw TransportError(
                    .unreachable, "\(name(address)) did not finish the handshake within \(timeout.secondsWithoutZeros)",
                    code: Int64(ETIMEDOUT))
            }
            let limit = deadline == .never ? nil : (deadline - now).nanoseconds
            let ready = StreamPoll.wait(for: interest, on: stream.socket.descriptor, stop, nanoseconds: limit)
            if ready.contains(.woken) { throw failure(SocketError(code: ECANCELED, "connecting"), address, timeout) }
        }
    }

    /// Where the connection begins; nil for the system's choice.
    func beginning(for address: SocketAddress, port: UInt16) throws(TransportError) -> SocketAddress? {
        guard local.host != nil else { return port == 0 ? nil : .any(address.family, port: port) }
        guard var beginning = localAddresses.first(where: { $0.family == address.family }) else {
            throw TransportError(
                .unreachable, "\(local.host ?? "") can't reach \(address): it is of the other IP version",
                code: Int64(EAFNOSUPPORT))
        }
        beginning.port = port
        return beginning
    }

    private func name(_ address: SocketAddress) -> String {
        // As the user wrote it, with the port that is meant: a data connection's may be another.
        address.port == endpoint.port ? "\(endpoint.host):\(endpoint.port)" : "\(address)"
    }

    private func failure(_ error: SocketError, _ address: SocketAddress, _ timeout: Duration) -> TransportError {
        let name = name(address)
        let message: String
        var kind = TestFailure.Kind.unreachable
        switch error.code {
        case ECONNREFUSED: message = "nothing listens on TCP \(name): is `qrate serve` running there?"
        case ETIMEDOUT:
            message =
                "no answer on TCP \(name) within \(timeout.secondsWithoutZeros): wrong host or port, or a firewall "
                + "between?"
        case ECANCELED:
            kind = .interrupted
            message = "connecting to \(name) was given up"
        case EADDRINUSE:
            kind = .usage
            message = "\(error): another socket has that port, choose another --cport"
        case EADDRNOTAVAIL where local.host != nil || local.port != nil:
            kind = .usage
            message = "\(error): is it an address of this host?"
        default: message = "cannot reach \(name): \(error.reason)"
        }
        return TransportError(kind, message, code: Int64(error.code))
    }
}
