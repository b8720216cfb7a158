/// Why a test ended before its planned end: one line for the user, one kind for a program.
public struct TestFailure: Error, Sendable, Hashable {
    public var kind: Kind
    /// What failed, on what, and what to do. One line.
    public var message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The test failed while it was running.
        case failed
        case usage
        case badInput = "bad_input"
        case unreachable
        /// The server is busy, or one of its limits refused the test.
        case refused
        case protocolError = "protocol"
        case certificate
        case permission
        case interrupted
    }
}

extension TestFailure.Kind {
    /// The process's exit status, after sysexits.h (DESIGN.md section 4).
    public var exitStatus: Int32 {
        switch self {
        case .failed: 1
        case .usage: 64
        case .badInput: 65
        case .unreachable: 69
        case .refused: 75
        case .protocolError: 76
        case .certificate, .permission: 77
        case .interrupted: 130
        }
    }
}
