import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// What the server writes: xfr's fields for every client, the `qrate` object beside them.
extension ServerRun {
    func acknowledgement(_ offer: DataOffer) -> ControlMessage {
        let settings = client.speaksQrate ? TestAck.Extension(settings: WireSettings(lastSample.settings)) : nil
        return .testAck(TestAck(id: test.id, dataPorts: offer.ports, udpToken: offer.token, qrate: settings))
    }

    /// A row of an upload.
    func interval(_ row: ReceivedInterval) -> ControlMessage {
        let length = row.end - row.start
        var message = IntervalMessage(
            id: test.id, elapsedMilliseconds: wholeMilliseconds(row.end), streams: progress(row.streams),
            aggregate: aggregate(row.total, over: length))
        if client.speaksQrate { message.qrate = IntervalMessage.Extension(upload: row.wireRow) }
        return .interval(message)
    }

    /// What was sent since the last time, and the path as it is now.
    mutating func interval(sent sample: PlaneSample, now: MonotonicTime) -> ControlMessage {
        let total = sample.sent ?? []
        let before = sending?.reported ?? []
        let growth = total.indices.map { total[$0] - ($0 < before.count ? before[$0] : .zero) }
        let length = now - (sending?.reportedAt ?? startedAt)
        sending?.reported = total
        sending?.reportedAt = now
        var message = IntervalMessage(
            id: test.id, elapsedMilliseconds: wholeMilliseconds(now - startedAt), streams: progress(growth),
            aggregate: aggregate(growth.reduce(.zero, +), over: length))
        if client.speaksQrate { message.qrate = IntervalMessage.Extension(path: sample.path.map { WirePath($0) }) }
        return .interval(message)
    }

    func result(now: MonotonicTime) -> ControlMessage {
        let totals = receiving?.totals
        let streams = totals?.measured ?? lastSample.sent ?? []
        let total = streams.reduce(.zero, +)
        let duration = totals == nil ? now - startedAt : totals?.duration ?? .zero
        var message = ResultMessage(
            id: test.id, bytesTotal: total.bytes, durationMilliseconds: wholeMilliseconds(duration),
            throughputMbps: total.megabitsPerSecond(over: duration),
            streams: numbered(streams).map { index, bytes in
                ResultMessage.StreamResult(
                    id: index, bytes: bytes.bytes, throughputMbps: bytes.megabitsPerSecond(over: duration))
            })
        if client.speaksQrate {
            message.qrate = ResultMessage.Extension(
                upload: totals?.wireTotals, bytesSent: sending == nil ? nil : lastSample.totalSent?.bytes,
                path: lastSample.path.map { WirePath($0) }, settings: WireSettings(lastSample.settings),
                endedEarly: failure?.kind.rawValue)
        }
        return .result(message)
    }

    private func progress(_ streams: [ByteCount]) -> [IntervalMessage.StreamProgress] {
        numbered(streams).map { IntervalMessage.StreamProgress(id: $0, bytes: $1.bytes) }
    }

    private func aggregate(_ bytes: ByteCount, over length: Duration) -> IntervalMessage.Aggregate {
        IntervalMessage.Aggregate(bytes: bytes.bytes, throughputMbps: bytes.megabitsPerSecond(over: length))
    }

    /// xfr counts streams from 0, in one byte; a test has no more than that.
    private func numbered(_ streams: [ByteCount]) -> Zip2Sequence<ClosedRange<UInt8>, [ByteCount]> {
        zip(UInt8.min ... .max, streams)
    }

    private func wholeMilliseconds(_ duration: Duration) -> UInt64 { duration.nanoseconds / 1_000_000 }
}
