import Foundation
import FoundationXML
import Testing

/// A page as its elements: reading it succeeds only if it is well-formed.
final class PageElements: NSObject, XMLParserDelegate {
    struct Element {
        var name: String
        var attributes: [String: String]
        /// What is in it, that of inner elements included.
        var text = ""
        var parents: [String]
    }

    private(set) var all: [Element] = []
    private var open: [Int] = []

    init(_ page: String) throws {
        super.init()
        let parser = XMLParser(data: Data(page.utf8))
        parser.delegate = self
        struct Malformed: Error { var line: Int, reason: String }
        guard parser.parse() else {
            throw Malformed(line: parser.lineNumber, reason: "\(String(describing: parser.parserError))")
        }
    }

    func named(_ name: String) -> [Element] { all.filter { $0.name == name } }

    /// The text of all paragraphs, cells and captions, each on a line.
    var lines: [String] {
        all.filter { ["p", "li", "td", "th", "caption", "figcaption", "h1", "h2", "h3"].contains($0.name) }.map(\.text)
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        all.append(Element(name: name, attributes: attributes, parents: open.map { all[$0].name }))
        open.append(all.count - 1)
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        for index in open { all[index].text += text }
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        open.removeLast()
    }
}
