extension ControlMessage {
    /// A message's `type`, by its name on the wire.
    package enum Kind: String, Sendable, CaseIterable {
        case hello
        case authResponse = "auth_response"
        case authSuccess = "auth_success"
        case testStart = "test_start"
        case testAck = "test_ack"
        case dataHello = "data_hello"
        case probeHello = "probe_hello"
        case interval
        case result
        case report
        case cancel
        case cancelled
        case finish
        case pause
        case resume
        case usage
        case error
    }

    package var kind: Kind {
        switch self {
        case .hello: .hello
        case .authResponse: .authResponse
        case .authSuccess: .authSuccess
        case .testStart: .testStart
        case .testAck: .testAck
        case .dataHello: .dataHello
        case .probeHello: .probeHello
        case .interval: .interval
        case .result: .result
        case .report: .report
        case .cancel: .cancel
        case .cancelled: .cancelled
        case .finish: .finish
        case .pause: .pause
        case .resume: .resume
        case .usage: .usage
        case .error: .error
        }
    }

    /// The fields, without `type`.
    var body: any Encodable {
        switch self {
        case .hello(let body): body
        case .authResponse(let body): body
        case .authSuccess(let body): body
        case .testStart(let body): body
        case .testAck(let body): body
        case .dataHello(let body): body
        case .probeHello(let body): body
        case .interval(let body): body
        case .result(let body): body
        case .report(let body): body
        case .cancel(let body): body
        case .cancelled(let body), .finish(let body), .pause(let body), .resume(let body): body
        case .usage(let body): body
        case .error(let body): body
        }
    }

    init(_ kind: Kind, from decoder: any Decoder) throws {
        self =
            switch kind {
            case .hello: .hello(try Hello(from: decoder))
            case .authResponse: .authResponse(try AuthResponse(from: decoder))
            case .authSuccess: .authSuccess(try AuthSuccess(from: decoder))
            case .testStart: .testStart(try TestStart(from: decoder))
            case .testAck: .testAck(try TestAck(from: decoder))
            case .dataHello: .dataHello(try DataHello(from: decoder))
            case .probeHello: .probeHello(try ProbeHello(from: decoder))
            case .interval: .interval(try IntervalMessage(from: decoder))
            case .result: .result(try ResultMessage(from: decoder))
            case .report: .report(try ReportMessage(from: decoder))
            case .cancel: .cancel(try CancelMessage(from: decoder))
            case .cancelled: .cancelled(try TestReference(from: decoder))
            case .finish: .finish(try TestReference(from: decoder))
            case .pause: .pause(try TestReference(from: decoder))
            case .resume: .resume(try TestReference(from: decoder))
            case .usage: .usage(try UsageMessage(from: decoder))
            case .error: .error(try ErrorMessage(from: decoder))
            }
    }
}
