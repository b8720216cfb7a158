package import QrateMeasurement

/// A comparison as one page that needs nothing but itself: no script, no font, no image, nothing from elsewhere.
///
/// What it says comes first in words; then in drawings, and as tables. On paper and in the dark it is readable too.
package enum ComparisonReportPage {
    /// - Parameter build: How the reporting program was compiled.
    package static func document(_ report: ComparisonReport, build: String = QrateVersion.build) -> String {
        let title = PageTitle(report)
        let body: [Markup] =
            [title.markup] + sections(report).map(\.markup) + [footer(report, build: build)]
        return Markup.document(
            .element(
                "html", ["lang": "en"],
                [
                    .element(
                        "head", [:],
                        [
                            .element("meta", ["charset": "utf-8"]),
                            .element(
                                "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                            // Even what got past the escaping could not load or run anything.
                            .element(
                                "meta",
                                [
                                    "http-equiv": "Content-Security-Policy",
                                    "content": "default-src 'none'; style-src 'unsafe-inline'",
                                ]),
                            .element("title", [:], title.line), .newline, .style(PageStyle.rules), .newline,
                        ]), .newline, .element("body", [:], [.element("main", [:], body)]),
                ]))
    }

    /// In the order of the page. What a report has no figures for is nil.
    private static func sections(_ report: ComparisonReport) -> [PageSection] {
        let course = CourseSections(report)
        return [
            VerdictSection(report).section, WarningsSection(report).section,
            FiguresSection(report).section, LimitsSection(report).section, HandshakesSection(report).section,
            course.throughput,
            course.roundTrips, course.windows, RoundsSection(report).section, SettingsSection(report).section,
            RequestSection(report).section, NotesSection(report).section,
        ].compactMap(\.self)
    }

    private static func footer(_ report: ComparisonReport, build: String) -> Markup {
        var software = ["Client \(report.example.map { HeaderText.software($0.client) } ?? Figure.absent)"]
        if let server = report.example?.server { software.append("server \(HeaderText.software(server))") }
        software.append("page by qrate \(QrateVersion.number)" + (build == "release" ? "" : " (\(build) build)"))
        return .element(
            "footer", [:],
            [
                .element("p", [:], software.joined(separator: ", ") + "."),
                .element(
                    "p", [:], "Comparison \(PrintableText.clean(report.id, limit: 80)), \(PageTitle(report).date)."),
            ])
    }
}

/// What was compared, in which direction, with whom, and when.
private struct PageTitle {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) { self.report = report }

    private var subject: String {
        ComparisonText.list(report.parameters.transports.map(\.displayName)) + " compared"
    }

    private var path: String {
        let (words, preposition) =
            switch report.parameters.test.direction {
            case .upload: ("Upload", "to")
            case .download: ("Download", "from")
            case .bidirectional: ("Both directions at once", "with")
            }
        guard let server = report.example?.server.flatMap(HeaderText.name) else { return words }
        return "\(words) \(preposition) \(server)"
    }

    /// To the minute: `2026-11-20 23:18 UTC`.
    var date: String {
        timestamp.map { $0.prefix(16).replacing("T", with: " ") + " UTC" } ?? "at an unknown time"
    }

    private var timestamp: String? { UTCTimestamp(secondsSince1970: report.startedAt)?.description }

    var line: String { "\(subject). \(path), \(date)" }

    var markup: Markup {
        .element(
            "header", [:],
            [
                .element("h1", [:], subject),
                .element(
                    "p", ["class": "soft"], [.text(path + ", "), .element("time", ["datetime": timestamp], date)]),
            ])
    }
}
