package import QrateMeasurement

extension WireRow {
    /// - Parameter received: Payload per stream 1...N.
    package init(
        start: Duration, end: Duration, isWarmUp: Bool, received: [ByteCount], datagrams: DatagramReport? = nil
    ) {
        self.init(
            startMilliseconds: start.milliseconds, endMilliseconds: end.milliseconds, isWarmUp: isWarmUp,
            bytesReceived: received.reduce(.zero, +).bytes, streams: received.isEmpty ? nil : received.map(\.bytes),
            datagrams: datagrams.map { WireDatagrams($0) })
    }

    /// The row as the receiving server counted it.
    ///
    /// - Throws: ``ControlError/invalidField(field:reason:)`` for bounds that are no times, or in the wrong order.
    package func uploadInterval() throws(ControlError) -> IntervalReport {
        let start = try Duration(wireMilliseconds: startMilliseconds, field: "start_ms")
        let end = try Duration(wireMilliseconds: endMilliseconds, field: "end_ms")
        guard start <= end else { throw .invalidField(field: "end_ms", reason: "lies before start_ms") }
        let counted: DatagramReport?
        do { counted = try datagrams?.report() } catch { throw error.inside("datagrams") }
        return IntervalReport(
            .upload, start: start, end: end, isWarmUp: isWarmUp, bytesReceived: ByteCount(bytesReceived),
            streams: (streams ?? []).map { ByteCount($0) }, datagrams: counted)
    }

    func check() throws(ControlError) {
        _ = try uploadInterval()
        try ControlError.checkStreamCount(streams?.count ?? 0, field: "streams")
    }
}

extension ReportMessage {
    /// The time since the client's first payload byte.
    package func elapsed() throws(ControlError) -> Duration {
        try Duration(wireMilliseconds: elapsedMilliseconds, field: "elapsed_ms")
    }

    func check() throws(ControlError) { _ = try elapsed() }
}
