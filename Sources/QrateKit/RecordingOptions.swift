/// What an end shall record of its connections beside measuring them. Nothing unless told otherwise.
public struct RecordingOptions: Sendable, Hashable {
    /// QUIC: a directory that gets a qlog of every connection, a file each; it is made where it isn't there. Each packet is
    /// an event in it, which takes processor time: figures are lower than without, and a warning says so.
    public var qlogDirectory: String?
    /// QUIC and TLS: a file that the secrets of all connections are appended to, in NSS key log format. Who has it can read
    /// what a test sent, and a warning says so. TCP and UDP have no secrets: they don't open it. The variable
    /// `SSLKEYLOGFILE` means nothing to the library, it is the program `qrate` that looks there.
    public var keyLogFile: String?

    public init(qlogDirectory: String? = nil, keyLogFile: String? = nil) {
        self.qlogDirectory = qlogDirectory
        self.keyLogFile = keyLogFile
    }
}
