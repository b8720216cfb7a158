import QrateTestSupport
import Testing

/// Every transport in every direction, with one stream and several, ended by time and by a byte budget: what both ends
/// report of the same test must be the same bytes.
@Suite("transport, direction, streams and stop rule", .fewAtATime) struct TransportMatrixTests {
    @Test("both ends account for every byte", arguments: MatrixRow.all)
    func accounting(row: MatrixRow) async throws {
        try await withServer { server in
            let client = try await server.client(row.arguments + ["--json"])
            let result = try client.success()
            try await expectValid(client.output)
            #expect(result.test?.transport == row.transport.rawValue)
            #expect(result.test?.direction == row.direction.rawValue)
            #expect(result.test?.streams == row.streams)
            // A test's handshake is a full one, and bare TCP has none.
            let hasTLS = row.transport == .quic || row.transport == .tls
            #expect(result.handshake?.resumed == (hasTLS ? false : nil))

            let end = try #require(try await server.events("test_finished").first)
            #expect(end.id == result.id)
            #expect(end.transport == row.transport.rawValue)
            #expect(end.direction == row.direction.rawValue)
            #expect(end.streams == row.streams)
            #expect(end.message == nil)

            for way in ["upload", "download"] {
                let atServer = way == "upload" ? end.upload : end.download
                let totals = way == "upload" ? result.summary?.upload : result.summary?.download
                guard row.direction.ways.contains(way) else {
                    #expect(totals == nil && atServer?.bytesReceived == nil)
                    continue
                }
                try row.check(try #require(totals), way, in: result)
                #expect(atServer?.bytesReceived == totals?.bytesReceived)
                #expect(atServer?.datagramsReceived == totals?.datagrams?.received)
                #expect(atServer?.datagramsLost == totals?.datagrams?.lost)
            }
        }
    }
}

struct MatrixRow: Sendable, CustomTestStringConvertible {
    var transport: Transport
    var direction: Direction
    var streams: Int
    var stop: StopRule

    enum Transport: String, Sendable, CaseIterable {
        case quic, tls, tcp, udp

        var flag: String { "--" + rawValue }
    }

    enum Direction: String, Sendable, CaseIterable {
        case upload, download, bidirectional

        var arguments: [String] {
            switch self {
            case .upload: []
            case .download: ["-R"]
            case .bidirectional: ["--bidir"]
            }
        }

        var ways: [String] { self == .bidirectional ? ["upload", "download"] : [rawValue] }
    }

    enum StopRule: String, Sendable, CaseIterable { case time, bytes }

    static let all: [MatrixRow] = Transport.allCases.flatMap { transport in
        Direction.allCases.flatMap { direction in
            [1, 4].flatMap { streams in
                StopRule.allCases.map {
                    MatrixRow(transport: transport, direction: direction, streams: streams, stop: $0)
                }
            }
        }
    }

    var testDescription: String {
        "\(transport.rawValue) \(direction.rawValue), \(streams) \(streams == 1 ? "stream" : "streams"), by \(stop.rawValue)"
    }

    /// Whole datagrams, and no whole number of writes.
    private static let budget: UInt64 = 714 * datagram
    /// Bytes of a datagram over UDP, its header included.
    private static let datagram: UInt64 = 1400
    private static let warmUp = 2

    var arguments: [String] {
        var arguments = direction.arguments + [transport.flag, "-P", "\(streams)"]
        // Fast enough for many datagrams, and slow enough that a busy machine's socket buffers hold them.
        if transport == .udp { arguments += ["-b", "40M", "-l", "\(Self.datagram)"] }
        switch stop {
        case .time: arguments += ["-t", "500ms", "-O", "200ms", "-i", "100ms"]
        case .bytes: arguments += ["-n", "\(Self.budget)"]
        }
        return arguments
    }

    /// Checks one direction of the client's document.
    func check(_ totals: TestResult.Totals, _ way: String, in result: TestResult) throws {
        #expect(totals.complete == true)
        #expect(totals.bytesReceived > 0)

        // The rows: they touch, and add up.
        let rows = try #require(result.intervals).compactMap { row in
            (way == "upload" ? row.upload : row.download).map { (row, $0) }
        }
        #expect(rows.first?.0.startMs == 0)
        for (earlier, later) in zip(rows, rows.dropFirst()) { #expect(earlier.0.endMs == later.0.startMs) }
        #expect(bytes(rows, omitted: false) == totals.bytesReceived)
        #expect(bytes(rows, omitted: true) == totals.warmUpBytes)
        for (_, count) in rows {
            guard let streams = count.streams else { continue }
            #expect(streams.map(\.bytesReceived).reduce(0, +) == count.bytesReceived)
        }

        let streams = try #require(result.streams).filter { $0.direction == way }
        #expect(streams.map(\.index) == Array(1...self.streams))
        #expect(streams.map(\.bytesReceived).reduce(0, +) == totals.bytesReceived)

        switch stop {
        case .time:
            #expect(totals.durationMs == 500)
            #expect(rows.map(\.0.omitted) == (0..<7).map { $0 < Self.warmUp })
        case .bytes:
            #expect(totals.bytesSent == Self.budget)
            #expect(totals.warmUpBytes == 0)
        }
        for (_, count) in rows where transport == .udp {
            let datagrams = try #require(count.datagrams)
            #expect(datagrams.received * Self.datagram == count.bytesReceived)
        }
        let warmUpRows = rows.filter { $0.0.omitted }
        try checkSum(totals, warmUpLost: warmUpRows.compactMap { $0.1.datagrams?.lost }.reduce(0, +))
    }

    /// What was sent came, or is known to be lost.
    ///
    /// - Parameter warmUpLost: Datagrams that were lost before the window.
    private func checkSum(_ totals: TestResult.Totals, warmUpLost: Int64) throws {
        let arrived = totals.bytesReceived + totals.warmUpBytes + totals.drainedBytes
        let sent = try #require(totals.bytesSent)
        guard transport == .udp else {
            #expect(totals.datagrams == nil)
            #expect(arrived == sent)
            if stop == .bytes { #expect(totals.bytesReceived == Self.budget) }
            return
        }
        let datagrams = try #require(totals.datagrams)
        for bytes in [totals.bytesReceived, totals.warmUpBytes, totals.drainedBytes, sent] {
            #expect(bytes.isMultiple(of: Self.datagram), "\(bytes)")
        }
        // The window's datagrams and those that came after it; those of the warm-up are in its rows.
        #expect(datagrams.received * Self.datagram == totals.bytesReceived + totals.drainedBytes)
        #expect(datagrams.duplicates == 0)
        let lost = datagrams.lost + warmUpLost
        #expect(arrived / Self.datagram + UInt64(clamping: lost) == sent / Self.datagram)
    }

    private func bytes(_ rows: [(TestResult.Row, TestResult.Row.Count)], omitted: Bool) -> UInt64 {
        rows.filter { $0.0.omitted == omitted }.map(\.1.bytesReceived).reduce(0, +)
    }
}
