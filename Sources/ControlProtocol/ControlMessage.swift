/// A message of the control protocol: xfr 1.1's, plus qrate's `report`.
///
/// docs/CONTROL-PROTOCOL.md has the fields, who sends what when, and the limits.
package enum ControlMessage: Sendable, Equatable {
    case hello(Hello)
    case authResponse(AuthResponse)
    case authSuccess(AuthSuccess)
    case testStart(TestStart)
    case testAck(TestAck)
    case dataHello(DataHello)
    case probeHello(ProbeHello)
    case interval(IntervalMessage)
    case result(ResultMessage)
    case report(ReportMessage)
    case cancel(CancelMessage)
    case cancelled(TestReference)
    case finish(TestReference)
    case pause(TestReference)
    case resume(TestReference)
    case usage(UsageMessage)
    case error(ErrorMessage)
}

/// A message that says nothing but which test it means.
package struct TestReference: Sendable, Equatable, Codable {
    package var id: String

    package init(id: String) { self.id = id }
}

package struct CancelMessage: Sendable, Equatable, Codable {
    package var id: String
    /// Free text.
    package var reason: String

    package init(id: String, reason: String) {
        self.id = id
        self.reason = reason
    }
}

package struct ErrorMessage: Sendable, Equatable, Codable {
    /// For a person to read. Programs look at `qrate.code`.
    package var message: String
    package var qrate: Extension?

    package struct Extension: Sendable, Equatable, Codable {
        /// A ``QrateMeasurement/TestFailure/Kind`` by its raw value.
        package var code: String

        package init(code: String) { self.code = code }
    }

    package init(message: String, qrate: Extension? = nil) {
        self.message = message
        self.qrate = qrate
    }
}
