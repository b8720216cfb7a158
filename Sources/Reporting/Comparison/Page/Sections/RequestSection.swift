import QrateMeasurement

/// What was asked for, with the flags that ask for it.
struct RequestSection {
    private let parameters: ComparisonParameters

    init(_ report: ComparisonReport) { parameters = report.parameters }

    var section: PageSection? {
        let rows = (course + settings).compactMap { label, value in
            value.map { [PageTable.Cell(text: label, isHeading: true), PageTable.Cell(text: $0)] }
        }
        return PageSection(
            id: "request", title: "What was run",
            content: [
                PageTable(
                    caption: "What isn't here was left to its default",
                    columns: [.init(title: "", isFigure: false), .init(title: "", isFigure: false)], groups: [rows]
                ).markup
            ])
    }

    private var course: [(String, String?)] {
        let test = parameters.test
        return [
            ("Transports (--transports)", parameters.transports.map(\.rawValue).joined(separator: ",")),
            ("Direction (-R, --bidir)", test.direction.rawValue),
            ("Rounds at most (--rounds)", "\(parameters.rounds)"),
            ("Precision (--precision)", ComparisonText.percent(parameters.precision)),
            ("At the same time, too (--together)", parameters.runsTogether ? "yes" : nil),
            ("Time budget (--budget)", parameters.budget?.secondsWithoutZeros),
            ("Length of a test (-t)", test.limit.duration?.secondsWithoutZeros),
            ("Bytes of a test (-n)", test.limit.byteBudget.map { Figure.size($0) }),
            ("Warm-up (-O)", test.warmUp > .zero ? test.warmUp.secondsWithoutZeros : nil),
            ("Length of a row (-i)", test.interval.secondsWithoutZeros),
            ("Streams (-P)", "\(test.streams)"),
            ("Rate (-b)", test.targetBitrate.map { $0.bitsPerSecond == 0 ? "unlimited" : Figure.rate($0) }),
            ("Payload (--zeros)", test.payload == .zeros ? test.payload.rawValue : nil),
        ]
    }

    private var settings: [(String, String?)] {
        let settings = parameters.test.settings
        func on(_ isOn: Bool) -> String? { isOn ? "on" : nil }
        let maxDatagram: String? =
            switch settings.maxDatagram {
            case .bytes(let bytes): "\(bytes) bytes"
            case .interface: "the interface's"
            case nil: nil
            }
        return [
            ("Connections (--connections)", settings.connections > 1 ? "\(settings.connections)" : nil),
            ("Congestion control (-C)", settings.congestionController),
            ("Cipher (--cipher)", settings.cipher?.rawValue),
            ("Write or datagram size (-l)", settings.payloadUnit.map { Figure.size($0) }),
            ("Buffer or window (-w)", settings.window.map { Figure.size($0) }),
            ("Largest datagram (--max-datagram)", maxDatagram),
            ("Payload in datagrams (--datagrams)", on(settings.usesDatagrams)),
            ("TOS byte (-S, --dscp)", settings.typeOfService.map { "\($0)" }),
            ("Largest segment (-M)", settings.maxSegmentSize.map { "\($0) bytes" }),
            ("No delay (-N)", on(settings.sendsWithoutDelay)),
            ("Zero copy (-Z)", on(settings.usesZeroCopy)),
            ("Received payload not copied (--skip-rx-copy)", on(settings.skipsReceiveCopy)),
            ("Multipath TCP (--mptcp)", on(settings.usesMultipath)),
        ]
    }
}

/// How to read the page, for somebody who has it from a ticket.
struct NotesSection {
    init(_ report: ComparisonReport) {}

    var section: PageSection? {
        let notes = [
            "Throughput is payload that the receiving application got, over the receiver's clock: headers, "
                + "acknowledgements and what was sent twice are not in it.",
            "Each round ran every transport once, each time in another order, so that what changes on the path meets all "
                + "of them. A ratio is that of figures of the same round; the interval is where the mean ratio of many "
                + "more rounds would lie, with 95 % confidence.",
            "The handshake is the time from the client's first packet until data could flow: on QUIC and TLS with "
                + "cryptography, on TCP and UDP the TCP connection's alone.",
            "\(Figure.absent) is what was not measured. It is never a 0.",
        ]
        return PageSection(
            id: "notes", title: "How to read this",
            content: [.element("ul", [:], notes.map { .element("li", [:], $0) })])
    }
}
