import ArgumentParser
import QrateKit
import Testing

@testable import qrate

/// What the program makes of its arguments, in process.
enum Parsing {
    /// The configuration that `qrate 192.0.2.7 <arguments>` would run.
    ///
    /// - Throws: What the parser throws, or the configuration.
    static func configuration(_ arguments: [String]) throws -> TestConfiguration {
        let command = try Qrate.parseAsRoot(["192.0.2.7"] + arguments)
        return try #require(command as? ClientCommand).testConfiguration()
    }

    static func parameters(_ arguments: [String]) throws -> TestParameters { try configuration(arguments).parameters }

    static func settings(_ arguments: [String]) throws -> TransportSettings { try parameters(arguments).settings }

    /// What a user reads when the arguments can't be run; nil when they can.
    static func refusal(_ arguments: [String]) -> String? {
        do {
            try configuration(arguments).validate()
            return nil
        } catch let failure as TestFailure {
            return failure.kind == .usage ? failure.message : nil
        } catch {
            return Qrate.message(for: error)
        }
    }
}
