import QrateMeasurement

extension ControlMessage {
    /// Refuses values that the JSON types allow and the protocol doesn't.
    func check() throws(ControlError) {
        switch self {
        case .hello, .authResponse, .authSuccess, .probeHello, .usage, .error: break
        case .testStart(let start): try checkID(start.id)
        case .testAck(let ack):
            try checkID(ack.id)
            try ack.check()
        case .dataHello(let hello): try checkID(hello.testID, field: "test_id")
        case .interval(let interval):
            try checkID(interval.id)
            try checkStreamIDs(interval.streams.map(\.id))
            if let row = interval.qrate?.upload { try within("qrate.upload", row.check) }
            if let path = interval.qrate?.path { try within("qrate.path", path.check) }
        case .result(let result):
            try checkID(result.id)
            try checkStreamIDs(result.streams.map(\.id))
            if let totals = result.qrate?.upload { try within("qrate.upload", totals.check) }
            if let path = result.qrate?.path { try within("qrate.path", path.check) }
            if let cpu = result.qrate?.cpu { try within("qrate.cpu", cpu.check) }
        case .report(let report):
            try checkID(report.id)
            try within(nil, report.check)
            if let totals = report.totals { try within("totals", totals.check) }
        case .cancel(let cancel): try checkID(cancel.id)
        case .cancelled(let test), .finish(let test), .pause(let test), .resume(let test): try checkID(test.id)
        }
    }

    /// A test id is a key in tables, logs and reports of the end that didn't choose it. xfr's are UUIDs.
    private func checkID(_ id: String, field: String = "id") throws(ControlError) {
        let graphic = UInt8(ascii: "!")...UInt8(ascii: "~")
        guard (1...128).contains(id.utf8.count), id.utf8.allSatisfy(graphic.contains) else {
            throw .invalidField(
                field: "\(kind.rawValue).\(field)", reason: "must be 1 to 128 printable ASCII characters without spaces"
            )
        }
    }

    private func checkStreamIDs(_ ids: [UInt8]) throws(ControlError) {
        let field = "\(kind.rawValue).streams"
        try ControlError.checkStreamCount(ids.count, field: field)
        guard Set(ids).count == ids.count else { throw .invalidField(field: field, reason: "names a stream twice") }
    }

    /// Runs `check` on a part of the message, so that an error's field says which part.
    private func within(_ path: String?, _ check: () throws(ControlError) -> Void) throws(ControlError) {
        do { try check() } catch {
            let type = kind.rawValue
            throw error.inside(path.map { "\(type).\($0)" } ?? type)
        }
    }
}

extension ControlError {
    static func checkStreamCount(_ count: Int, field: String) throws(ControlError) {
        let most = TestParameters.streamLimits.upperBound
        guard count <= most else {
            throw .invalidField(field: field, reason: "has \(count) entries, more than the \(most) streams of a test")
        }
    }
}
