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
            Console.write("qrate: listening on port \(server.port) (QUIC)\n", to: .output)
        }
        if let notice = server.certificateNotice { problem(notice) }
        note("certificate \(server.fingerprint)")
    }

    func record(_ event: TestServer.Event) {
        switch event {
        case .testStarted(let test):
            if json { return emit(ServerEventLine("test_started", test)) }
            note("\(test.peer): \(test.parameters.direction.rawValue) begins, \(streams(test)), \(test.software)")
        case .testFinished(let test, let outcome):
            if json { return emit(ServerEventLine("test_finished", test, outcome)) }
            let received = outcome.upload ?? outcome.download
            let rate = received?.throughput.map { "\($0)" } ?? "nothing measured"
            let end = outcome.failure.map { "ended early: \($0.message)" } ?? "done"
            note("\(test.peer): \(test.parameters.direction.rawValue) \(end), \(rate)")
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

    private func streams(_ test: TestServer.Test) -> String {
        test.parameters.streams == 1 ? "1 stream" : "\(test.parameters.streams) streams"
    }

    private func emit(_ line: ServerEventLine) { Console.write(line.encoded + "\n", to: .output) }
}
