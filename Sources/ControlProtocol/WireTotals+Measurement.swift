package import QrateMeasurement

extension WireTotals {
    /// What a receiver counted. A completeness that isn't known is written as "not complete": the receiver's own
    /// streams always tell.
    package init(_ summary: DirectionSummary) {
        self.init(
            bytesReceived: summary.bytesReceived.bytes, warmUpBytes: summary.warmUpBytes.bytes,
            drainedBytes: summary.drainedBytes.bytes, durationMilliseconds: summary.duration?.milliseconds,
            streams: summary.streams.isEmpty ? nil : summary.streams.map(\.bytes),
            isComplete: summary.isComplete ?? false, datagrams: summary.datagrams.map { WireDatagrams($0) })
        receiveBufferDrops = summary.receiveBufferDrops
        steadyState = summary.steadyState.map { WireSteadyState($0) }
    }

    /// - Parameter bytesSent: The sender's count, which a receiver hasn't got.
    /// - Throws: ``ControlError/invalidField(field:reason:)`` for a duration that is none.
    package func summary(bytesSent: ByteCount? = nil) throws(ControlError) -> DirectionSummary {
        var duration: Duration?
        if let durationMilliseconds {
            duration = try Duration(wireMilliseconds: durationMilliseconds, field: "duration_ms")
        }
        let counted: DatagramReport?
        do { counted = try datagrams?.report() } catch { throw error.inside("datagrams") }
        let steady: SteadyState?
        do { steady = try steadyState?.steadyState() } catch { throw error.inside("steady_state") }
        return DirectionSummary(
            bytesReceived: ByteCount(bytesReceived), duration: duration, drainedBytes: ByteCount(drainedBytes),
            warmUpBytes: ByteCount(warmUpBytes), bytesSent: bytesSent,
            streams: (streams ?? []).map { ByteCount($0) }, isComplete: isComplete, datagrams: counted,
            receiveBufferDrops: receiveBufferDrops, steadyState: steady)
    }

    func check() throws(ControlError) {
        _ = try summary()
        try ControlError.checkStreamCount(streams?.count ?? 0, field: "streams")
    }
}
