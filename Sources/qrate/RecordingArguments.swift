import ArgumentParser
import Glibc
import QrateKit

/// What client and server record beside measuring.
struct RecordingArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "QUIC: write a qlog of every connection into this directory. It slows tests down.", valueName: "dir"),
        completion: .directory)
    var qlog: String?

    var options: RecordingOptions { RecordingOptions(qlogDirectory: qlog, keyLogFile: KeyLogVariable.file) }
}

/// The environment variable that browsers and other TLS programs take, too.
enum KeyLogVariable {
    static let name = "SSLKEYLOGFILE"

    /// nil where it is absent or empty.
    static var file: String? {
        guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { return nil }
        return value
    }
}
