import QrateSecurity
import QrateTransports

/// Which servers a client believes.
public enum TrustPolicy: Sendable, Hashable {
    /// A chain to an authority: those in a PEM file, or the system's when nil. A self-signed server is trusted at the
    /// first contact and remembered; a later change is refused.
    case verify(authorities: String? = nil)
    /// This certificate and no other: `sha256:` and the 64 hexadecimal digits of the leaf's fingerprint.
    case pinned(String)
    /// Nothing is checked, and every report says so.
    case insecure

    /// - Throws: `usage` for a pin that is none.
    func clientTrust(serverName: String?, stateDirectory: String?) throws(TestFailure) -> ClientTrust {
        do throws(SecurityError) {
            let directory = try StateDirectory.path(or: stateDirectory)
            let known = KnownServers(file: StateDirectory.knownServers(in: directory))
            switch self {
            case .insecure: return ClientTrust(.insecure, serverName: serverName, knownServers: known)
            case .verify(let file):
                return ClientTrust(.verify(authorities: file), serverName: serverName, knownServers: known)
            case .pinned(let text):
                guard let fingerprint = Fingerprint(text) else {
                    throw SecurityError(
                        .usage, "\"\(text)\" is no pin: it must be sha256: and 64 hexadecimal digits")
                }
                return ClientTrust(.pinned(fingerprint), serverName: serverName, knownServers: known)
            }
        } catch {
            throw error.failure
        }
    }
}

extension StateDirectory {
    /// The directory that was chosen, or the user's own.
    static func path(or chosen: String?) throws(SecurityError) -> String {
        if let chosen { return chosen }
        return try path()
    }
}
