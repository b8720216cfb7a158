import ArgumentParser

/// What a client prints.
struct OutputArguments: ParsableArguments {
    @Flag(help: "Print one JSON object instead of text, also on failure (docs/result.schema.json).")
    var json = false

    @Flag(name: .shortAndLong, help: "Print no rows and no progress, just the summary.")
    var quiet = false
}
