/// What a line must be before the JSON parser sees it.
enum LineCheck {
    /// Our messages nest 4 deep. The parser recurses, so what is far deeper must not reach it on a small stack; the
    /// slack is for fields of later versions that we skip.
    private static let deepestNesting = 32

    static func refuseWhatTheParserShouldNotSee(_ line: [UInt8]) throws(ControlError) {
        guard let first = line.first(where: { !isSpace($0) }) else { throw .blankLine }
        // This also keeps out the byte order marks and the NUL bytes by which the parser would take UTF-16 and UTF-32.
        guard first == UInt8(ascii: "{") else { throw .malformed(reason: "not a JSON object", excerpt: excerpt(line)) }
        guard !line.contains(0) else { throw .malformed(reason: "it has a NUL byte", excerpt: excerpt(line)) }
        guard String(validating: line, as: UTF8.self) != nil else {
            throw .malformed(reason: "not UTF-8", excerpt: excerpt(line))
        }
        guard nesting(line) <= deepestNesting else {
            throw .malformed(reason: "nested deeper than \(deepestNesting) levels", excerpt: excerpt(line))
        }
    }

    /// Enough of the line to quote it.
    static func excerpt(_ line: [UInt8]) -> String { String(decoding: line.prefix(256), as: UTF8.self) }

    /// JSON's white space (RFC 8259 section 2).
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
            || byte == UInt8(ascii: "\n")
    }

    /// How deep brackets are open at once. Exact for valid JSON; for anything else the parser gets no deeper, because
    /// it stops at the first thing that is wrong.
    private static func nesting(_ line: [UInt8]) -> Int {
        var depth = 0
        var deepest = 0
        var isInString = false
        var isEscaped = false
        for byte in line {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return deepest
    }
}
