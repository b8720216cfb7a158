package import QrateMeasurement

extension ComparisonParameters {
    /// Why this can't be run, with the value and the limit that it breaks; nil when it can.
    package var usageFailure: TestFailure? {
        courseFailure.map { TestFailure(.usage, $0) }
            ?? transports.lazy.compactMap { parameters(for: $0).usageFailure }.first ?? unusedFailure
    }

    private var courseFailure: String? {
        if transports.count < 2 { return "A comparison needs two transports at least (--transports quic,tcp)." }
        if Set(transports).count < transports.count { return "Each transport is compared once: name it once." }
        if !Self.roundLimits.contains(rounds) {
            return "\(rounds) rounds (--rounds) are out of range: \(Self.roundLimits.lowerBound) to "
                + "\(Self.roundLimits.upperBound)."
        }
        if !Self.precisionLimits.contains(precision) { return "A precision (--precision) lies between 0.1% and 100%." }
        if let budget, budget <= .zero { return "A time budget (--budget) must be more than nothing." }
        if test.limit.isEndless {
            return "The tests of a comparison need an end: a time (-t) or a number of bytes (-n)."
        }
        if test.settings.probesPathMTU { return "A search for the path MTU (--probe-mtu) has no rate to compare." }
        return nil
    }

    /// A setting that none of the transports has would be ignored: it is refused as it is by a test.
    private var unusedFailure: TestFailure? {
        let settings = test.settings
        let all = transports.map { parameters(for: $0).settings }
        func unused<Value: Equatable>(_ flag: String, _ setting: KeyPath<TransportSettings, Value>) -> String? {
            let wanted = settings[keyPath: setting]
            guard wanted != TransportSettings()[keyPath: setting] else { return nil }
            return all.contains { $0[keyPath: setting] == wanted } ? nil : flag
        }
        let flags = [
            unused("-l", \.payloadUnit), unused("-C", \.congestionController), unused("--cipher", \.cipher),
            unused("-M", \.maxSegmentSize), unused("-N", \.sendsWithoutDelay), unused("-Z", \.usesZeroCopy),
            unused("--skip-rx-copy", \.skipsReceiveCopy), unused("--mptcp", \.usesMultipath),
            unused("--max-datagram", \.maxDatagram), unused("--connections", \.connections),
            unused("--datagrams", \.usesDatagrams),
        ]
        return flags.compactMap(\.self).first.map {
            TestFailure(.usage, "\($0) applies to none of the transports that are compared.")
        }
    }
}
