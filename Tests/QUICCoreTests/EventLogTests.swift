import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import Synchronization
import Testing

@Suite("two connections in memory: the library's events") struct EventLogTests {
    /// Keeps what it is told.
    private final class Memory: EventLog {
        let traces = Mutex<[Trace]>([])

        func begin(_ original: ConnectionID, at role: Role) -> any EventTrace {
            let trace = Trace(original, role)
            traces.withLock { $0.append(trace) }
            return trace
        }

        var all: [Trace] { traces.withLock { $0 } }
    }

    private final class Trace: EventTrace {
        let original: ConnectionID
        let role: Role
        private let state = Mutex((bytes: [UInt8](), ends: 0))

        init(_ original: ConnectionID, _ role: Role) {
            self.original = original
            self.role = role
        }

        func write(_ record: UnsafeRawBufferPointer) { state.withLock { $0.bytes += record } }
        func end() { state.withLock { $0.ends += 1 } }

        var bytes: [UInt8] { state.withLock { $0.bytes } }
        var ends: Int { state.withLock { $0.ends } }
    }

    @Test("have every packet of both ends in them, under the connection's name", arguments: [false, true])
    func everyPacket(demandsRetry: Bool) throws {
        let memory = Memory()
        var sent: [Role: UInt64] = [:]
        do {
            let pair = try connectedPair {
                $0.settings.eventLog = memory
                $0.demandsRetry = demandsRetry
            }
            try pair.transfer(.upload, streams: 2, bytes: 500_003)
            try pair.run(for: .seconds(1))  // what is on its way arrives
            sent[.client] = pair.client.pathMetrics().datagramsSent
            sent[.server] = pair.server?.pathMetrics().datagramsSent
            #expect(memory.all.allSatisfy { $0.ends == 0 })
        }
        try #require(memory.all.map(\.role) == [.client, .server])
        let (client, server) = (memory.all[0], memory.all[1])
        #expect(client.original == server.original)
        #expect(client.ends == 1 && server.ends == 1)
        for trace in [client, server] {
            let log = try QlogReader(trace.bytes)
            #expect(log.header.trace.vantagePoint.type == trace.role.rawValue)
            let packets = log.events("transport:packet_sent").count
            let datagrams = Int(try #require(sent[trace.role]))
            // A datagram of the handshake may hold several packets, every other one holds one.
            #expect(datagrams...datagrams + 10 ~= packets)
            #expect(!log.events("recovery:metrics_updated").isEmpty)
            #expect(Set(log.events("transport:parameters_set").compactMap(\.data.owner)) == ["local", "remote"])
        }
        let (sender, receiver) = (try QlogReader(client.bytes), try QlogReader(server.bytes))
        #expect(Set(receiver.packets("transport:packet_received")) == Set(sender.packets("transport:packet_sent")))
    }

    @Test("have the losses in them")
    func losses() throws {
        let memory = Memory()
        let pair = try connectedPair {
            $0.clientSettings.eventLog = memory
            $0.link = SimulatedLink(seed: 3)
            $0.link.loss = 0.02
        }
        try pair.transfer(.upload, bytes: 1_000_003)
        let trace = try #require(memory.all.first)
        #expect(memory.all.count == 1)
        let log = try QlogReader(trace.bytes)
        let lost = log.packets("recovery:packet_lost")
        #expect(Set(lost).isSubset(of: log.packets("transport:packet_sent")))
        #expect(UInt64(lost.count) >= pair.client.pathMetrics().streamPacketsLost ?? 1)
        #expect(!lost.isEmpty)
    }
}
