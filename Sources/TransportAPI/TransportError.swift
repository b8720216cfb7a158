package import QrateMeasurement

/// What went wrong below an orchestrator, already in a user's words.
package struct TransportError: Error, Sendable, Hashable {
    package var kind: TestFailure.Kind
    /// One line: what failed, on what, what to do.
    package var message: String
    /// The raw code of the layer that failed (an errno, a library's or a QUIC error code), where there is one.
    package var code: Int64?

    package init(_ kind: TestFailure.Kind, _ message: String, code: Int64? = nil) {
        self.kind = kind
        self.message = message
        self.code = code
    }

    package var failure: TestFailure { TestFailure(kind, message) }
}
