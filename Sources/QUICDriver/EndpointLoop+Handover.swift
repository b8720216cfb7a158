import QrateMeasurement
import QrateQUICCore
import QrateSockets

/// Between the threads of a server's port: only what a thread's own connections don't know comes here.
extension EndpointLoop {
    /// A run of this thread's that came otherwise than by its socket.
    func take(
        _ run: UnsafeRawBufferPointer, _ header: DatagramHeader, _ segment: Int, local: UnsafeRawBufferPointer,
        remote: UnsafeRawBufferPointer, ecn: UInt8, _ now: MonotonicTime
    ) {
        let first = UnsafeRawBufferPointer(rebasing: run.prefix(segment))
        guard let entry = find(header) ?? accept(first, header, local: local, remote: remote, now) else { return }
        entry.isDue = true
        entry.handler.willReceive(entry.connection, now: now)
        entry.connection.handleDatagrams(
            run, segmentSize: segment, local: local, remote: remote, ecn: ecn, now: now)
    }

    /// Hands what belongs to another thread over to it.
    ///
    /// - Returns: Whether it does.
    func passOn(
        _ run: UnsafeRawBufferPointer, _ header: DatagramHeader, _ segment: Int, local: UnsafeRawBufferPointer,
        remote: UnsafeRawBufferPointer, ecn: UInt8
    ) -> Bool {
        guard let group, let ids = acceptor?.gate.ids, ids.count > 1 else { return false }
        let owner =
            switch header {
            case .short(let id), .long(let id): ids.owner(of: id)
            case .unsupportedVersion: ids.index  // anybody can answer that
            case .notQUIC: 0
            }
        guard owner != ids.index else { return false }
        guard let remote = SocketAddress(bytes: remote), let local = SocketAddress(bytes: local) else { return true }
        group.handOver(
            StrayRun(bytes: Array(run), segmentSize: segment, remote: remote, local: local, ecn: ecn), to: owner)
        return true
    }

    /// What another thread received and this one owns.
    func takeOver(_ run: StrayRun) {
        run.bytes.withUnsafeBytes { bytes in
            run.local.withBytes { local in
                run.remote.withBytes { remote in
                    let header = DatagramHeader.parse(UnsafeRawBufferPointer(rebasing: bytes.prefix(run.segmentSize)))
                    take(
                        bytes, header, run.segmentSize, local: local, remote: remote, ecn: run.ecn,
                        MonotonicClock.now())
                }
            }
        }
    }
}
