/// A piece of a page, well-formed as HTML and as XML.
///
/// Much of a report is a peer's words. So text becomes markup only by being cleaned and escaped, the names of elements and
/// attributes are literals, and an element that is opened is closed: nothing else can be built.
struct Markup: Sendable, Hashable {
    let source: String

    private init(source: String) { self.source = source }

    static func text(_ text: String) -> Markup { Markup(source: escape(text)) }

    /// An element without content where `content` is empty; attributes that are nil are left out.
    static func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:], _ content: [Markup] = []
    ) -> Markup {
        var source = "<\(name)"
        for case (let key, let value?) in attributes { source += " \(key)=\"\(escape(value))\"" }
        guard !voids.contains("\(name)") else { return Markup(source: source + "/>") }
        source += ">"
        for part in content { source += part.source }
        return Markup(source: source + "</\(name)>")
    }

    static func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:], _ text: String
    ) -> Markup {
        element(name, attributes, [.text(text)])
    }

    /// A style sheet, which isn't escaped: it must have neither `<` nor `&` in it.
    static func style(_ rules: StaticString) -> Markup { Markup(source: "<style>\(rules)</style>") }

    /// A whole page around the root element.
    static func document(_ root: Markup) -> String { "<!DOCTYPE html>\n" + root.source + "\n" }

    /// A line's end where the source would otherwise be one line; nothing to a reader of the page.
    static let newline = Markup(source: "\n")

    /// Those that never have content: HTML's own, and the shapes of drawings.
    private static let voids: Set<String> = ["meta", "circle", "line", "path", "rect"]

    private static func escape(_ text: String) -> String {
        // Nearly everything is figures and our own words.
        let isPlain = text.utf8.allSatisfy { byte in
            0x20...0x7E ~= byte && byte != UInt8(ascii: "&") && byte != UInt8(ascii: "<") && byte != UInt8(ascii: ">")
                && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "'")
        }
        guard !isPlain else { return text }
        var escaped = ""
        for scalar in PrintableText.clean(text).unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
