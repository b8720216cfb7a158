package import QrateMeasurement

/// What a server tells about its clients, for its log.
package enum ServerEvent: Sendable {
    case started(ServedTest)
    case finished(ServedTest, ServedCounts)
    /// A session that came to no test, and why. `peer` is its address.
    case refused(peer: String, TestFailure)
}

/// A test as the server knows it.
package struct ServedTest: Sendable, Hashable {
    package var id: String
    /// The client's address and port.
    package var peer: String
    /// The client's software, safe to print.
    package var software: String
    package var parameters: TestParameters
}

/// What came of it. What wasn't counted is nil.
package struct ServedCounts: Sendable, Hashable {
    /// What this server received, in an upload.
    package var upload: DirectionSummary?
    /// What this server handed to its stack, in a download.
    package var bytesSent: ByteCount?
    /// What the client says that it received of a download.
    package var download: DirectionSummary?
    /// Present when the test ended before its planned end.
    package var failure: TestFailure?

    package init() {}
}
