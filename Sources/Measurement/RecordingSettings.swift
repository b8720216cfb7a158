/// What an end recorded of its connections beside measuring them. It costs time, or gives the payload away.
public struct RecordingSettings: Sendable, Hashable {
    /// Every packet sent and received went into a qlog (QUIC).
    public var qlog: Bool
    /// The secrets of its connections went into a key log (QUIC, TLS): who has that can read all that was sent.
    public var keyLog: Bool

    /// nil where neither is true.
    public init?(qlog: Bool, keyLog: Bool) {
        guard qlog || keyLog else { return nil }
        self.qlog = qlog
        self.keyLog = keyLog
    }
}
