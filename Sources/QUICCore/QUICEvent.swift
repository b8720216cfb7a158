package import QrateMeasurement

/// What a connection has to tell its driver, in the order in which it happened. All of it is rare; payload and
/// packets are counted, not announced.
package enum QUICEvent: Sendable, Equatable {
    case handshakeCompleted
    /// At a client: the server said that the handshake is complete there, too (RFC 9001 §4.1.2).
    case handshakeConfirmed
    /// Bytes on the control stream. Their credit is given back by ``QUICConnection/consumedControl(_:)``.
    case control([UInt8])
    /// The peer ended its half of the control stream.
    case controlEnded
    /// Payload that waited for streams may be able to begin: the peer allows more of them, or has opened the first one.
    case streamsAvailable
    /// The peer has sent its last datagram of payload, and so many in all. Some may be lost, or still on their way.
    case datagramsSent(UInt64)
    /// What looks like a latency probe, or an answer to one, and when it came.
    case latencyProbe([UInt8], at: MonotonicTime)
    /// The peer wants no more of a data stream, long before its time is over.
    case payloadStopped
    /// Packets to this ID belong to this connection from now on, or no longer.
    case issuedConnectionID(ConnectionID)
    case retiredConnectionID(ConnectionID)
    /// The connection is over. The last event.
    case ended(QUICEnding)
}

/// How a connection ended.
package enum QUICEnding: Sendable, Hashable {
    /// This end closed it.
    case closedHere
    /// The peer's application closed it (RFC 9000 §19.19, frame 0x1d).
    case closedByPeer(code: UInt64, reason: String)
    /// The peer's transport closed it (frame 0x1c). Codes 0x100 to 0x1ff carry a TLS alert (RFC 9001 §4.8).
    case transportErrorFromPeer(code: UInt64, reason: String)
    /// The handshake failed here, and the peer was told with this TLS alert.
    case tlsAlert(UInt8)
    case idleTimeout
    case handshakeTimeout
    case statelessReset
    /// The server speaks none of our versions.
    case versionMismatch([UInt32])
    /// The library gave up for another reason.
    case libraryError(QUICError)
}
