import QrateMeasurement

/// Which conditions of a run its reader should know: functions of the finished report alone.
extension TestReport {
    /// At the ends, whatever the direction.
    func doubtsAboutEnds() -> [TestWarning] {
        clockDoubts()
            + [(Role.client, client.settings), (.server, server?.settings)].flatMap { end, settings in
                settings.map { bufferDoubts(end, $0) } ?? []
            }
    }

    /// In one direction's rate and offloads.
    func doubtsAboutCourse(_ direction: Direction) -> [TestWarning] {
        riseDoubts(direction) + (summary(direction)?.steadyState?.twoRates.map { [.bimodal(direction, $0)] } ?? [])
            + offloadDoubts(direction) + windowDoubts(direction)
    }

    private func clockDoubts() -> [TestWarning] {
        [(Role.client, client.clockStep), (.server, server?.clockStep)].compactMap { end, step in
            guard let step, step > Tunables.clockStep || step < .zero - Tunables.clockStep else { return nil }
            return .clockStep(end, step)
        }
    }

    /// Without congestion control there is no slow start: a UDP test is as fast as it was told to be.
    private func riseDoubts(_ direction: Direction) -> [TestWarning] {
        guard parameters.transport != .udp, let summary = summary(direction), let length = summary.duration,
            let state = summary.steadyState
        else { return [] }
        // What the warm-up leaves out isn't in the mean.
        let rising = state.timeTo90Percent - parameters.warmUp
        guard rising.seconds > Tunables.longestRise * length.seconds else { return [] }
        return [.shortTest(direction, rising: rising, of: length)]
    }

    /// A window that was the limit, where a larger one can be had.
    private func windowDoubts(_ direction: Direction) -> [TestWarning] {
        guard let verdict = limitVerdict(direction), verdict.limit == .flowControl, verdict.second == nil,
            let setting = verdict.setting
        else { return [] }
        return [.windowLimited(direction, share: verdict.share, setting)]
    }

    /// What matters at the end that sends, and at the one that receives.
    private func offloadDoubts(_ direction: Direction) -> [TestWarning] {
        guard summary(direction) != nil else { return [] }
        let ends: [Role] = [.client, .server]
        return ends.flatMap { end in
            let fallbacks = (end == .client ? client.settings : server?.settings)?.offloadFallbacks ?? []
            let sends = direction.sends(from: end)
            return fallbacks.filter { ($0 == .receiveUnavailable) != sends }.map {
                TestWarning.offloadFallback(direction, end, $0)
            }
        }
    }

    /// The buffers that an end used for payload, where its kernel cut what was asked for. The kernel accounts twice what it
    /// was asked for, and so much is granted.
    private func bufferDoubts(_ end: Role, _ settings: EffectiveSettings) -> [TestWarning] {
        guard let asked = settings.socketBufferAsked, !parameters.settings.probesPathMTU else { return [] }
        let sends = parameters.direction.sends(from: end)
        let receives = parameters.direction.sends(from: end == .client ? .server : .client)
        let used: [(name: String, granted: ByteCount?)] = [
            ("net.core.rmem_max", receives ? settings.receiveBuffer : nil),
            ("net.core.wmem_max", sends ? settings.sendBuffer : nil),
        ]
        let cut = used.compactMap { name, granted in
            granted.flatMap { $0.bytes / 2 < asked.bytes ? (name: name, granted: ByteCount($0.bytes / 2)) : nil }
        }
        return cut.isEmpty ? [] : [.smallSocketBuffers(end, cut, asked: asked)]
    }
}
