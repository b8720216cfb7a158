import QrateKit
import QrateReporting

/// What a server says: that it listens, on standard output, and what happens, on standard error; or all of it as JSON
/// lines on standard output.
struct ServeLog: Sendable {
    let json: Bool
    let quiet: Bool

    func listening(_ server: TestServer) {
        if json {
            emit(ServerEventLine(event: "listening", port: server.port, fingerprint: server.fingerprint))
        } else {
            Console.write("qrate: listening on port \(server.port) (QUIC, TLS, TCP and UDP)\n", to: .output)
        }
        if let notice = server.certificateNotice { problem(notice) }
        note("certificate \(server.fingerprint)")
    }

    /// What goes into files while it serves.
    func recording(_ options: RecordingOptions) {
        if let directory = options.qlogDirectory { note("a qlog of every QUIC connection goes to \(directory)") }
        if let file = options.keyLogFile {
            problem("the secrets of all QUIC and TLS connections go to \(file): who has it can read them")
        }
    }

    /// What came of it in the end.
    func recorded(_ server: TestServer) {
        if let qlog = server.qlog {
            let connections = qlog.files == 1 ? "1 connection" : "\(qlog.files) connections"
            note("qlog: \(qlog.events) events of \(connections), \(qlog.bytes.bytes) bytes in \(qlog.directory)")
            if qlog.droppedEvents > 0 || qlog.failure != nil {
                let reason = qlog.failure ?? "they came faster than they could be written"
                problem("qlog: \(qlog.droppedEvents) events are missing: \(reason)")
            }
        }
        if let failure = server.keyLogFailure { problem("secrets are missing from the key log: \(failure)") }
    }

    func record(_ event: TestServer.Event) {
        switch event {
        case .testStarted(let test):
            if json { return emit(ServerEventLine("test_started", test)) }
            note("\(test.peer): \(name(test)) begins, \(streams(test)), \(test.software)")
        case .testFinished(let test, let outcome):
            if json { return emit(ServerEventLine("test_finished", test, outcome)) }
            let end = outcome.failure.map { "ended early: \($0.message)" } ?? "done"
            note("\(test.peer): \(name(test)) \(end), \(Self.received(test, outcome))")
        case .refused(let peer, let failure):
            if json { return emit(ServerEventLine(event: "refused", peer: peer, message: failure.message)) }
            problem("\(peer): refused: \(failure.message)")
        }
    }

    func note(_ text: String) {
        if !quiet { Console.write("qrate: \(text)\n", to: .error) }
    }

    func problem(_ text: String) { Console.write("qrate: \(text)\n", to: .error) }

    func failed(_ failure: TestFailure) {
        if json { Console.write(JSONReporter.failure(failure), to: .output) }
        problem(failure.message)
    }

    private func name(_ test: TestServer.Test) -> String {
        let transport = test.parameters.transport.displayName
        guard !test.parameters.settings.probesPathMTU else { return "\(transport) path MTU probe" }
        let direction = test.parameters.direction
        return "\(transport) \(direction == .bidirectional ? "bidirectional test" : direction.rawValue)"
    }

    /// The rate of each direction that was tested, as its receiver counted it.
    static func received(_ test: TestServer.Test, _ outcome: TestServer.Outcome) -> String {
        guard !test.parameters.settings.probesPathMTU else { return "no rate is measured" }
        func rate(_ summary: DirectionSummary?) -> String {
            guard let throughput = summary?.throughput else { return "nothing measured" }
            guard let ratio = summary?.datagrams?.lossRatio else { return "\(throughput)" }
            return "\(throughput), \(fixedPoint(ratio * 100, decimals: 2)) % lost"
        }
        return switch test.parameters.direction {
        case .upload: rate(outcome.upload)
        case .download: rate(outcome.download)
        case .bidirectional: "up \(rate(outcome.upload)), down \(rate(outcome.download))"
        }
    }

    private func streams(_ test: TestServer.Test) -> String {
        test.parameters.streams == 1 ? "1 stream" : "\(test.parameters.streams) streams"
    }

    private func emit(_ line: ServerEventLine) { Console.write(line.encoded + "\n", to: .output) }
}
