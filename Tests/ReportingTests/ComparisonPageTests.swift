import Foundation
import QrateMeasurement
import Testing

@testable import QrateReporting

@Suite("the page of a comparison") struct ComparisonPageTests {
    static let names = PageSamples.all.map(\.name)

    private func page(_ name: String) throws -> String {
        ComparisonReportPage.document(try PageSamples.named(name), build: "release")
    }

    @Test("it is well-formed and needs nothing but itself", arguments: names)
    func selfContained(name: String) throws {
        let page = try page(name)
        let elements = try PageElements(page)
        #expect(page.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        let foreign: Set = ["script", "img", "link", "iframe", "object", "embed", "use", "image", "a", "base", "form"]
        #expect(elements.all.allSatisfy { !foreign.contains($0.name) })
        for element in elements.all {
            #expect(
                element.attributes.keys.allSatisfy { !$0.hasPrefix("on") && !["href", "src", "style"].contains($0) })
        }
        // A style sheet could load something, too.
        let style = try #require(elements.named("style").first?.text)
        #expect(!style.contains("url(") && !style.contains("@import") && !style.contains("//"))
        let meta = elements.named("meta").map(\.attributes)
        #expect(meta.contains { $0["name"] == "viewport" && $0["content"]?.contains("width=device-width") == true })
        #expect(meta.contains { $0["content"] == "default-src 'none'; style-src 'unsafe-inline'" })
    }

    @Test("it has no empty section, table or drawing, and every drawing is in words, too", arguments: names)
    func nothingEmpty(name: String) throws {
        let elements = try PageElements(try page(name))
        for drawing in elements.named("svg") {
            #expect(drawing.attributes["role"] == "img")
            #expect((drawing.attributes["aria-label"]?.count ?? 0) > 20)
        }
        #expect(elements.named("svg").count == elements.named("desc").count)
        for name in ["section", "figure", "tbody", "caption", "h2", "p"] {
            #expect(elements.named(name).allSatisfy { $0.text.contains { !$0.isWhitespace } }, "an empty \(name)")
        }
        #expect(elements.named("path").allSatisfy { $0.attributes["d"] != "" })
        // What isn't known is a dash, and no number that computers write.
        let words = Set(elements.lines.flatMap { $0.split { !$0.isLetter } }.map(String.init))
        #expect(words.isDisjoint(with: ["nan", "inf", "nil", "Optional"]))
    }

    @Test("places in drawings have one decimal at most, and lie in them", arguments: names)
    func places(name: String) throws {
        let elements = try PageElements(try page(name))
        let shapes = elements.all.filter { $0.parents.contains("svg") }
        #expect(!shapes.isEmpty || ["unreachable", "nothing"].contains(name))
        for (key, value) in shapes.flatMap({ $0.attributes.map { ($0.key, $0.value) } })
        where ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "d", "width", "height"].contains(key) {
            for number in value.split(whereSeparator: { !"0123456789.-".contains($0) }) {
                #expect(-20...400 ~= (Double(number) ?? .nan), "\(key)=\(value)")
                #expect(
                    (number.split(separator: ".", omittingEmptySubsequences: false).dropFirst().first?.count ?? 0) < 2)
            }
        }
    }

    @Test("a peer's words are words, not elements")
    func hostile() throws {
        let page = try page("hostile")
        let elements = try PageElements(page)
        #expect(!page.contains("<script") && !page.contains("<img") && !page.contains("\u{202E}"))
        let words = "</td></script><script>alert('x')</script>"
        #expect(elements.named("header").first?.text.contains(words) == true, "the host is shown as it is written")
        #expect(elements.named("footer").first?.text.contains("td></script>") == true)
    }

    @Test("text is escaped, and every element closed")
    func markup() {
        let cell = Markup.element("td", ["class": "a\"b", "id": nil], "1 < 2 & 'x'\u{1B}[2J")
        #expect(cell.source == "<td class=\"a&quot;b\">1 &lt; 2 &amp; &#39;x&#39;[2J</td>")
        #expect(Markup.element("meta", ["charset": "utf-8"]).source == "<meta charset=\"utf-8\"/>")
        #expect(Markup.element("td").source == "<td></td>")
    }

    @Test("the verdict comes first, in the words of the text report")
    func verdict() throws {
        let report = PageSamples.fiveRounds
        let elements = try PageElements(try page("five-rounds"))
        #expect(elements.named("h1").map(\.text) == ["QUIC, TLS and TCP compared"])
        #expect(elements.named("h2").first?.text == "Verdict")
        let paragraphs = elements.named("p").filter { $0.attributes["class"] == "verdict" }.map(\.text)
        #expect(paragraphs == report.pairs.map { ComparisonVerdict($0, report).sentence })
        #expect(elements.named("title").first?.text.hasSuffix("2026-11-20 23:18 UTC") == true)
        #expect(elements.named("footer").first?.text.contains("Client qrate 0.1.0, server qrate 0.1.0") == true)
    }

    @Test(
        "every test of every round has a row, in the order in which they ran",
        arguments: ["five-rounds", "hundred-rounds"])
    func rounds(name: String) throws {
        let report = try PageSamples.named(name)
        let page = try page(name)
        let section = try #require(
            page.split(separator: "<section id=\"rounds\">").last?.split(separator: "</section>").first)
        let elements = try PageElements("<section>\(section)</section>")
        let names = elements.named("th").filter { $0.attributes["scope"] == "row" }.map(\.text)
        #expect(names == report.rounds.flatMap(\.tests).map(\.parameters.transport.displayName))
        #expect(elements.named("th").filter { $0.attributes["scope"] == "rowgroup" }.count == report.rounds.count)
        for test in report.rounds.flatMap(\.tests) {
            #expect(section.contains(">\(Figure.rate(test.upload?.throughput))<"))
        }
    }

    @Test(
        "it has the sections that there are figures for, and no others",
        arguments: [
            (
                "five-rounds",
                [
                    "verdict", "warnings", "figures", "handshakes", "course", "round-trips", "windows", "rounds",
                    "settings", "request", "notes",
                ]
            ),
            ("without-paths", ["verdict", "warnings", "figures", "rounds", "settings", "request", "notes"]),
            ("unreachable", ["verdict", "rounds", "request", "notes"]),
            ("nothing", ["verdict", "request", "notes"]),
        ] as [(String, [String])])
    func sections(name: String, ids: [String]) throws {
        #expect(try PageElements(try page(name)).named("section").compactMap { $0.attributes["id"] } == ids)
    }

    @Test("who failed, and why, is said, and charts leave it out")
    func failed() throws {
        let elements = try PageElements(try page("failed-transport"))
        #expect(
            elements.lines.contains { $0.hasPrefix("QUIC failed in 2 rounds: 192.0.2.7:5201 did not answer over UDP") })
        #expect(elements.lines.filter { $0.hasPrefix("failed: 192.0.2.7:5201") }.count == 2)
        let titles = elements.named("title").map(\.text)
        #expect(titles.contains("Throughput over time, TLS") && !titles.contains("Throughput over time, QUIC"))
    }

    @Test("both directions of a bidirectional comparison have their figures, drawings and rounds")
    func bidirectional() throws {
        let elements = try PageElements(try page("bidirectional"))
        let titles = elements.named("title").map(\.text)
        for direction in ["upload", "download"] {
            #expect(titles.contains("Congestion window over time, TCP, \(direction)"))
            #expect(elements.named("caption").contains { $0.text == "In the order in which they ran, \(direction)" })
        }
    }

    @Test("settings that differ between rounds stand beside each other")
    func settings() throws {
        var report = PageSamples.fiveRounds
        let index = try #require(report.rounds[3].tests.firstIndex { $0.parameters.transport == .quic })
        report.rounds[3].tests[index].client.settings.maxUDPPayload = 1200
        let cells = try PageElements(ComparisonReportPage.document(report)).named("td").map(\.text)
        #expect(cells.contains("1444 bytes / 1200 bytes"))
    }
}
