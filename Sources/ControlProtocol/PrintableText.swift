/// Text from a peer, made safe to show: without control and formatting characters, so that no escape sequence, line
/// break or change of writing direction reaches a terminal or a log, and cut to `limit` bytes of UTF-8.
///
/// A cut is marked with `…`, which the limit includes. Private-use and unassigned code points go too: what they look
/// like depends on the terminal.
package func printable(_ text: String, limit: Int) -> String {
    let clean = String(String.UnicodeScalarView(text.unicodeScalars.lazy.filter(\.isPrintable)))
    guard clean.utf8.count > limit else { return clean }
    let mark = "…"
    guard limit >= mark.utf8.count else { return "" }
    // A scalar view's range is rounded down to a whole scalar, so the cut is not within one.
    let cut = clean.utf8.index(clean.startIndex, offsetBy: limit - mark.utf8.count)
    return String(clean.unicodeScalars[..<cut]) + mark
}

extension Unicode.Scalar {
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
