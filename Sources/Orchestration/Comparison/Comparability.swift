import QrateMeasurement

/// Whether two tests of a round were made under the same conditions, but for the transport.
enum Comparability {
    /// What differed. Only what both tests tell is compared: what one of them doesn't have, as bare TCP has no cipher, is
    /// the transport itself.
    static func differences(_ test: TestReport, _ other: TestReport, _ direction: Direction)
        -> [ComparabilityDifference]
    {
        let sender = direction.sender(of: test), otherSender = direction.sender(of: other)
        var found: [ComparabilityDifference] = []
        func compare(_ field: ComparabilityDifference.Field, _ one: String?, _ two: String?) {
            if let one, let two, one != two { found.append(ComparabilityDifference(field, one, two)) }
        }
        compare(.congestionController, sender?.congestionController, otherSender?.congestionController)
        compare(.cipher, test.security?.cipher, other.security?.cipher)
        for end in [\TestReport.client.settings.aead, \.serverAEAD] where found.allSatisfy({ $0.field != .aead }) {
            compare(.aead, test[keyPath: end], other[keyPath: end])
        }
        if let one = packetSize(test, sender), let two = packetSize(other, otherSender),
            max(one.bytes, two.bytes) * 10 > min(one.bytes, two.bytes) * 11
        {
            found.append(ComparabilityDifference(.packetSize, "\(one.bytes)", "\(two.bytes)"))
        }
        compare(.connections, "\(flows(test))", "\(flows(other))")
        compare(.zeroCopy, flag(sender?.usesZeroCopy), flag(otherSender?.usesZeroCopy))
        compare(
            .skipsReceiveCopy, flag(direction.receiver(of: test)?.skipsReceiveCopy),
            flag(direction.receiver(of: other)?.skipsReceiveCopy))
        compare(.typeOfService, sender?.typeOfService.map { "\($0)" }, otherSender?.typeOfService.map { "\($0)" })
        compare(.reliability, reliability(test), reliability(other))
        return found
    }

    private static func flag(_ value: Bool?) -> String { value == true ? "yes" : "no" }

    private static func packetSize(_ test: TestReport, _ sender: EffectiveSettings?) -> ByteCount? {
        test.parameters.transport == .udp ? sender?.payloadUnit : sender?.maxUDPPayload ?? sender?.maxSegmentSize
    }

    private static func flows(_ test: TestReport) -> Int {
        test.parameters.transport == .quic ? test.parameters.settings.connections : test.parameters.streams
    }

    private static func reliability(_ test: TestReport) -> String {
        test.parameters.transport == .udp || test.parameters.settings.usesDatagrams ? "datagrams" : "streams"
    }
}

extension TestReport {
    fileprivate var serverAEAD: String? { server?.settings.aead }
}

extension Direction {
    fileprivate func sender(of test: TestReport) -> EffectiveSettings? {
        self == .upload ? test.client.settings : test.server?.settings
    }

    fileprivate func receiver(of test: TestReport) -> EffectiveSettings? {
        self == .upload ? test.server?.settings : test.client.settings
    }
}
