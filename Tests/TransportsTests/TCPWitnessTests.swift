import Glibc
import QrateMeasurement
import QrateSockets
import QrateTestSupport
import QrateTransportAPI
import Testing

@testable import QrateTransports

@Suite("TCP's figures against another witness", .timeLimit(.minutes(1))) struct TCPWitnessTests {
    /// What `ss -ti` prints of one connection: numbers by name, as in `busy:123ms`.
    private func witness(_ socket: StreamSocket) async throws -> [String: Double] {
        let filter = ["sport = :\(socket.local.port)", "and", "dport = :\(socket.remote.port)"]
        let outcome = try await withProgram("ss", ["-tinH"] + filter) { try await $0.outcome() }
        try #require(outcome.status == 0, "\(outcome.errors)")
        let words = outcome.output.split { " \n\t".contains($0) }
        return words.reduce(into: [:]) { figures, word in
            let parts = word.split(separator: ":")
            guard parts.count == 2 else { return }
            let number = parts[1].split(separator: "/").last?.prefix { $0.isNumber || $0 == "." } ?? ""
            figures[String(parts[0])] = Double(number)
        }
    }

    @Test("what the kernel tells us it tells ss, taken between two of our samples")
    func agrees() async throws {
        try await withProgram("ss", ["-V"]) { try #require(try await $0.outcome().status == 0) }
        var parameters = TestParameters(transport: .tcp, limit: .endless)
        parameters.settings.window = 8192  // which holds a sender up all the time
        try await withPlanes(parameters) { sender, receiver in
            sender.start(SendJob(plan: DataPlan(role: .client, parameters: parameters)))
            await receiver.waitForPayload()
            let socket = try #require(sender.connections.first)
            for _ in 0..<5 {
                let before = try #require(await sender.sample().tcp)
                let seen = try await witness(socket)
                let after = try #require(await sender.sample().tcp)
                // Whole milliseconds there; nothing is printed of what was never so.
                func expect(_ name: String, _ time: (TCPPathMetrics) -> Duration?) throws {
                    let bounds = (try #require(time(before)).milliseconds - 1, try #require(time(after)).milliseconds)
                    #expect(bounds.0...bounds.1 ~= seen[name] ?? 0, "\(name): \(seen)")
                }
                try expect("busy") { $0.busyTime }
                try expect("rwnd_limited") { $0.receiveWindowLimitedTime }
                try expect("sndbuf_limited") { $0.sendBufferLimitedTime }
                let resent = try #require(before.retransmissions)...(try #require(after.retransmissions))
                #expect(resent.contains(UInt64(seen["retrans"] ?? 0)))
                let acknowledged = try #require(seen["bytes_acked"])
                #expect(acknowledged >= Double(try #require(before.bytesAcknowledged).bytes))
                #expect(
                    acknowledged <= Double(try #require(after.bytesAcknowledged).bytes) + 1000, "our first line, too")
            }
            let shares = try #require(await sender.sample().path?.limits)
            #expect(shares.covered > .zero)
            sender.stopSending(.abort)
        }
    }
}

extension PlaneSample {
    fileprivate var tcp: TCPPathMetrics? {
        if case .tcp(let metrics)? = path?.metrics { metrics } else { nil }
    }
}
