import QrateMeasurement

/// What a search for the path MTU found, in place of a throughput.
struct PathMTUText {
    private let report: TestReport

    init(_ report: TestReport) { self.report = report }

    var lines: [String] {
        guard let found = report.pathMTU else {
            // A failed test needs no line about what is missing.
            return report.failure == nil ? ["path MTU – (nothing was found out)"] : []
        }
        return [line(.upload, found.upload), line(.download, found.download)]
    }

    private func line(_ direction: Direction, _ result: PathMTUReport.Result) -> String {
        guard let payload = result.maxUDPPayload else { return "\(direction): path MTU – (no datagram got through)" }
        let mtu = result.pathMTU.map { "\($0.bytes) bytes" } ?? Figure.absent
        return "\(direction): path MTU \(mtu) (a UDP payload of \(payload.bytes) bytes and its headers)"
    }
}
