import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI

/// What the server writes: xfr's fields for every client, the `qrate` object beside them.
extension ServerRun {
    func acknowledgement(_ offer: DataOffer, _ platform: Platform?) -> ControlMessage {
        let addition =
            client.speaksQrate
            ? TestAck.Extension(
                settings: WireSettings(lastSample.settings), connectionToken: offer.connectionToken,
                probeToken: offer.probeToken, platform: platform.map { WirePlatform($0) }) : nil
        return .testAck(TestAck(id: test.id, dataPorts: offer.ports, udpToken: offer.token, qrate: addition))
    }

    /// A row of an upload, for a qrate.
    func interval(_ row: ReceivedInterval) -> ControlMessage {
        let length = row.end - row.start
        var message = IntervalMessage(
            id: test.id, elapsedMilliseconds: wholeMilliseconds(row.end), streams: progress(row.streams),
            aggregate: aggregate(row.total, over: length))
        message.qrate = IntervalMessage.Extension(upload: row.wireRow)
        return .interval(message)
    }

    /// What was sent since the last time, and the path as it is now, for a qrate.
    mutating func interval(sent sample: PlaneSample, now: MonotonicTime) -> ControlMessage {
        let total = sample.sent ?? []
        let growth = total.growth(since: sending?.reported ?? [])
        let elapsed = clock.elapsed(now)
        let length = elapsed - (sending?.reportedAt ?? .zero)
        sending?.reported = total
        sending?.reportedAt = elapsed
        var message = IntervalMessage(
            id: test.id, elapsedMilliseconds: wholeMilliseconds(elapsed), streams: progress(growth),
            aggregate: aggregate(growth.reduce(.zero, +), over: length))
        message.qrate = IntervalMessage.Extension(path: sample.path.map { WirePath($0) })
        return .interval(message)
    }

    func result(now: MonotonicTime) -> ControlMessage {
        let elapsed = clock.elapsed(now)
        let totals = receiving?.totals
        let received = totals?.measured ?? []
        let sent = sending == nil ? [] : lastSample.sent ?? []
        // Of an upload, the figure is the receiver's over its own window; else the sender's over its own time.
        let duration = sending == nil ? totals?.duration ?? .zero : elapsed
        let streams = received.sum(with: sent)
        let total = streams.reduce(.zero, +)
        let retransmits = self.retransmits(streams: streams.count)
        var message = ResultMessage(
            id: test.id, bytesTotal: total.bytes, durationMilliseconds: wholeMilliseconds(duration),
            throughputMbps: total.megabitsPerSecond(over: duration),
            streams: streams.numbered.map { index, bytes in
                ResultMessage.StreamResult(
                    id: index, bytes: bytes.bytes, throughputMbps: bytes.megabitsPerSecond(over: duration),
                    retransmits: retransmits)
            })
        message.tcpInfo = lastSample.path.flatMap { ResultMessage.TCPInfo($0.metrics, isSender: sending != nil) }
        message.udpStatistics = totals?.datagrams.map {
            ResultMessage.UDPStatistics($0, size: lastSample.settings.payloadUnit)
        }
        if sending != nil, receiving != nil {
            let upload = received.reduce(.zero, +), download = sent.reduce(.zero, +)
            message.bytesSent = upload.bytes
            message.bytesReceived = download.bytes
            message.sendThroughputMbps = upload.megabitsPerSecond(over: totals?.duration)
            message.receiveThroughputMbps = download.megabitsPerSecond(over: elapsed)
        }
        if client.speaksQrate {
            var upload = totals?.wireTotals
            upload?.receiveBufferDrops = lastSample.receiveBufferDrops
            message.qrate = ResultMessage.Extension(
                upload: upload, bytesSent: sending == nil ? nil : lastSample.totalSent?.bytes,
                path: lastSample.path.map { WirePath($0) }, settings: WireSettings(lastSample.settings),
                cpu: lastSample.cpu.map { WireProcessorUsage($0) }, endedEarly: failure?.kind.rawValue)
            message.qrate?.clockStepMilliseconds = clockStep?.milliseconds
        }
        return .result(message)
    }

    func progress(_ streams: [ByteCount]) -> [IntervalMessage.StreamProgress] {
        streams.numbered.map { IntervalMessage.StreamProgress(id: $0, bytes: $1.bytes) }
    }

    func aggregate(_ bytes: ByteCount, over length: Duration) -> IntervalMessage.Aggregate {
        IntervalMessage.Aggregate(bytes: bytes.bytes, throughputMbps: bytes.megabitsPerSecond(over: length))
    }

    func wholeMilliseconds(_ duration: Duration) -> UInt64 { duration.nanoseconds / 1_000_000 }
}

extension [ByteCount] {
    /// xfr counts streams from 0, in one byte; a test has no more than that.
    var numbered: Zip2Sequence<ClosedRange<UInt8>, [ByteCount]> { zip(UInt8.min ... .max, self) }

    /// What came in addition, per stream.
    func growth(since before: [ByteCount]) -> [ByteCount] {
        enumerated().map { index, count in index < before.count ? count - before[index] : count }
    }

    /// Per stream; a direction that has none adds none.
    func sum(with other: [ByteCount]) -> [ByteCount] {
        (0..<Swift.max(count, other.count)).map { index in
            (index < count ? self[index] : .zero) + (index < other.count ? other[index] : .zero)
        }
    }
}
