internal import CQrateNgtcp2

/// What keeps a connection from sending more payload at a moment.
package enum PayloadHold: Sendable, Hashable {
    /// There is none to send: no job, not yet, in a pause, or everything was handed over.
    case nothingToSend
    /// As much is in flight as the congestion window allows (RFC 9002 §7).
    case congestionWindow
    /// The peer's credit is used up, the connection's or that of every stream (RFC 9000 §4.1).
    case flowControl
    /// ``QUICConnection/payloadAllowance`` is used up.
    case allowance
    /// The congestion controller's pacing (RFC 9002 §7.7).
    case pacing
}

extension QUICConnection {
    /// What keeps more payload from being sent since the last ``pollTransmit(into:limit:now:)``; nil when nothing does.
    ///
    /// Where several things do, the first of them in the order window, allowance, credit: with a full window, more credit
    /// wouldn't help. ngtcp2 0.12.1 doesn't say when its pacing holds a packet back: that is what remains when nothing was
    /// written and none of the others was the reason. Where less credit is left than window, what it spreads over the round
    /// trip is the credit, and more of that is what would help.
    package var payloadHold: PayloadHold? {
        guard phase == .open, bulk != nil, bulk?.phase != .done, bulk?.isPaused != true else { return .nothingToSend }
        let conn = state.pointee.conn
        let window = ngtcp2_conn_get_cwnd_left(conn)
        if window == 0 { return .congestionWindow }
        // The streams' ends need neither allowance nor credit, and datagrams no credit.
        let isSending = bulk?.phase == .sending
        let unit = datagrams == nil ? 1 : UInt64(clamping: datagramUnit ?? 1)
        if isSending, bulk?.allowance ?? .max < unit { return .allowance }
        let credit = isSending && datagrams == nil ? ngtcp2_conn_get_max_data_left(conn) : .max
        if credit == 0 { return .flowControl }
        if credit != .max {
            if bulk?.isBlocked == true { return .flowControl }
            if bulk?.isAwaitingPeer == true { return .nothingToSend }
        }
        guard wroteNothing else { return nil }
        return credit < window ? .flowControl : .pacing
    }
}
