import ArgumentParser
import QrateKit

/// Which servers a client believes, and what it shows of itself.
struct CertificateArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp("Trust the authorities in this PEM file instead of the system's.", valueName: "file"),
        completion: .file(extensions: ["pem", "crt"]))
    var ca: String?

    @Option(help: ArgumentHelp("The name that the server's certificate must have, if not <host>.", valueName: "name"))
    var serverName: String?

    @Option(help: ArgumentHelp("Accept this certificate and no other: sha256:<64 hex digits>.", valueName: "pin"))
    var pin: String?

    @Flag(help: "Accept any certificate. Every report says so.")
    var insecure = false

    @Option(
        name: .customLong("client-cert"),
        help: ArgumentHelp(
            "Show this certificate chain, leaf first (PEM), to a server that demands one.", valueName: "file"),
        completion: .file(extensions: ["pem", "crt"]))
    var certificate: String?

    @Option(
        name: .customLong("client-key"),
        help: ArgumentHelp("The private key of --client-cert (PEM).", valueName: "file"),
        completion: .file(extensions: ["pem", "key"]))
    var key: String?

    var trust: TrustPolicy {
        get throws(TestFailure) {
            try Exclusive.check([
                insecure ? "--insecure" : nil, pin == nil ? nil : "--pin", ca == nil ? nil : "--ca",
            ])
            if insecure { return .insecure }
            if let pin { return .pinned(pin) }
            return .verify(authorities: ca)
        }
    }

    var files: CertificateFiles? {
        get throws(TestFailure) { try .given(certificate, key, "--client-cert and --client-key") }
    }
}
