/// Which way the payload goes, seen from the client.
public enum Direction: String, Sendable, Hashable, CaseIterable {
    case upload
    case download
    case bidirectional

    /// Whether the end in this role sends payload.
    public func sends(from role: Role) -> Bool {
        self == .bidirectional || self == (role == .client ? .upload : .download)
    }
}

/// The two ends of the control connection.
public enum Role: String, Sendable, Hashable {
    case client
    case server
}
