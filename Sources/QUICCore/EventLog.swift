package import QrateMeasurement

/// Takes what the library tells of connections while they live: qlog. A connection that is made without one has none of its
/// cost.
package protocol EventLog: AnyObject, Sendable {
    /// A connection begins.
    ///
    /// - Parameter original: The destination connection ID of the client's first packet, which names the connection at
    ///   both ends.
    func begin(_ original: ConnectionID, at role: Role) -> any EventTrace
}

/// Takes one connection's events, on the thread that the connection lives on.
package protocol EventTrace: AnyObject, Sendable {
    /// One record of JSON-SEQ (RFC 7464), whole. The first one is the library's own file header. Borrowed for the call,
    /// which comes for each packet sent and received and shouldn't wait for anything.
    func write(_ record: UnsafeRawBufferPointer)
    /// The connection is gone. Nothing comes after it.
    func end()
}
