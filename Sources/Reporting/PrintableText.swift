/// Text that is safe to write to a terminal.
///
/// Parts of a report come from the peer. The control protocol strips them too; this is the last door before a terminal,
/// where an escape sequence could rewrite what the user believes was measured.
enum PrintableText {
    /// `text` on one line: white space of any kind becomes a space; control characters, invisible format characters
    /// (among them those that reverse the direction of writing) and code points without a meaning are dropped.
    static func clean(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar.properties.isWhitespace {
                result.append(" ")
                continue
            }
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned: continue
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// The same, and no longer than `limit` characters: a longer one ends in an ellipsis.
    static func clean(_ text: String, limit: Int) -> String {
        // Cut before cleaning, so that the work is bounded too. A scalar is the smallest part of a character.
        let start = String(text.unicodeScalars.prefix(limit * 4))
        let cleaned = clean(start)
        guard cleaned.count > limit || start.unicodeScalars.count < text.unicodeScalars.count else { return cleaned }
        return cleaned.prefix(limit - 1) + "…"
    }
}
