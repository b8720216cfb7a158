import QrateMeasurement

/// Something that a reader of the figures should know.
struct WarningDocument: Encodable {
    var code: String
    var message: String

    init(_ warning: TestWarning) {
        code = PrintableText.clean(warning.code)
        message = PrintableText.clean(warning.message)
    }
}

/// Why the test didn't run to its planned end.
struct ErrorDocument: Encodable {
    var kind: String
    var message: String

    init(_ failure: TestFailure) {
        kind = failure.kind.rawValue
        message = PrintableText.clean(failure.message)
    }
}
