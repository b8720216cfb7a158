import Testing

@testable import QrateSecurity

@Suite("the state directory") struct StateDirectoryTests {
    private func path(_ environment: [String: String]) throws -> String {
        try StateDirectory.path { environment[$0] }
    }

    @Test("XDG_STATE_HOME decides, then the home directory")
    func order() throws {
        #expect(try path(["XDG_STATE_HOME": "/state", "HOME": "/home/a"]) == "/state/qrate")
        #expect(try path(["HOME": "/home/a"]) == "/home/a/.local/state/qrate")
    }

    @Test("a relative or empty path is ignored", arguments: ["", "state", "./state"])
    func relative(state: String) throws {
        #expect(try path(["XDG_STATE_HOME": state, "HOME": "/home/a"]) == "/home/a/.local/state/qrate")
    }

    @Test("without any the error says what to set", arguments: [[:], ["HOME": ""], ["HOME": "home"]])
    func none(environment: [String: String]) throws {
        let error = try #require(throws: SecurityError.self) { try path(environment) }
        #expect(error.message.contains("XDG_STATE_HOME or HOME"))
    }
}

@Suite("the days of certificates") struct CalendarDateTests {
    @Test(
        "a day is that of UTC",
        arguments: [
            (0, "1970-01-01"), (951_782_400, "2000-02-29"), (1_795_132_800 - 1, "2026-11-19"), (-1, "1969-12-31"),
        ])
    func day(seconds: Int, text: String) {
        #expect(CalendarDate.text(secondsSince1970: seconds) == text)
        #expect(CalendarDate.isDate(text))
    }

    @Test("today is a date, and a time beyond every calendar doesn't trap")
    func extremes() {
        #expect(CalendarDate.isDate(CalendarDate.today()))
        #expect(CalendarDate.text(secondsSince1970: .max) == "?")
        #expect(CalendarDate.text(secondsSince1970: .min) == "?")
    }
}
