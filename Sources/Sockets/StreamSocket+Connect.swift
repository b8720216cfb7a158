import CQrateSocketShims
import Glibc
package import QrateMeasurement

extension StreamSocket {
    /// Linux's number for MPTCP (RFC 8684).
    static let multipathProtocol: Int32 = 262

    /// Connects. Blocks: for threads that may.
    ///
    /// - Parameters:
    ///   - local: Where the connection shall begin; nil for the kernel's choice. Its port may be 0.
    ///   - stop: Gives up when it is raised.
    /// - Throws: ``SocketError``: the system's, ETIMEDOUT at the deadline, ECANCELED when stopped.
    package static func connect(
        to remote: SocketAddress, from local: SocketAddress? = nil, _ options: StreamOptions = StreamOptions(),
        deadline: MonotonicTime, _ stop: StopSignal
    ) throws(SocketError) -> StreamSocket {
        let descriptor = try open(remote.family, options)
        do throws(SocketError) {
            try options.apply(to: descriptor, remote.family)
            if let local { try bind(descriptor, to: local) }
            try finishConnecting(descriptor, remote, deadline: deadline, stop)
            return StreamSocket(owning: descriptor, local: try boundAddress(of: descriptor), remote: remote)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    static func open(_ family: AddressFamily, _ options: StreamOptions) throws(SocketError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        if options.usesMultipath {
            let descriptor = socket(family.number, type, multipathProtocol)
            if descriptor >= 0 { return descriptor }
        }
        let descriptor = socket(family.number, type, 0)
        guard descriptor >= 0 else { throw .last("opening a TCP socket") }
        return descriptor
    }

    private static func bind(_ descriptor: Int32, to local: SocketAddress) throws(SocketError) {
        // A chosen port may have served an earlier test a moment ago.
        if local.port > 0 { try setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) }
        guard local.withSockaddr({ Glibc.bind(descriptor, $0, $1) }) == 0 else { throw .last("binding TCP \(local)") }
    }

    private static func finishConnecting(
        _ descriptor: Int32, _ remote: SocketAddress, deadline: MonotonicTime, _ stop: StopSignal
    ) throws(SocketError) {
        if remote.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 { return }
        guard errno == EINPROGRESS || errno == EINTR else { throw .last("connecting TCP to \(remote)") }
        while true {
            let now = MonotonicClock.now()
            guard now < deadline else { throw SocketError(code: ETIMEDOUT, "connecting TCP to \(remote)") }
            let limit = deadline == .never ? nil : (deadline - now).nanoseconds
            let ready = StreamPoll.wait(for: .writable, on: descriptor, stop, nanoseconds: limit)
            if ready.contains(.woken) { throw SocketError(code: ECANCELED, "connecting TCP to \(remote)") }
            guard ready.contains(.writable) else { continue }
            var failure: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 else {
                throw .last("connecting TCP to \(remote)")
            }
            guard failure == 0 else { throw SocketError(code: failure, "connecting TCP to \(remote)") }
            return
        }
    }
}
