/// A part of the page under a heading. What it would show, it has: there are no empty ones.
struct PageSection {
    /// Names it in links (`#rounds`).
    var id: String
    var title: String
    var content: [Markup]

    var markup: Markup {
        .element("section", ["id": id], [.element("h2", [:], title)] + content + [.newline])
    }
}
