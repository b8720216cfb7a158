internal import CQrateNgtcp2

/// The library's qlog.
extension QUICConnection {
    /// Has the library tell its events, where the settings ask for it. For before it makes its connection.
    func tellEvents(of original: ngtcp2_cid, _ library: inout ngtcp2_settings) {
        guard let log = settings.eventLog, let id = ConnectionID(original) else { return }
        state.pointee.trace = log.begin(id, at: role)
        library.qlog.odcid = original
        library.qlog.write = { user, flags, record, count in
            guard let state = user?.assumingMemoryBound(to: ConnectionState.self) else { return }
            guard flags & UInt32(NGTCP2_QLOG_WRITE_FLAG_FIN) == 0 else { return state.pointee.endTrace() }
            state.pointee.trace?.write(UnsafeRawBufferPointer(start: record, count: count))
        }
    }
}

extension ConnectionState {
    mutating func endTrace() {
        trace?.end()
        trace = nil
    }
}
