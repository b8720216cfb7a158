internal import Glibc
internal import QrateMeasurement

/// Where qrate keeps what it must remember: `$XDG_STATE_HOME/qrate`, or `~/.local/state/qrate`.
package enum StateDirectory {
    /// - Throws: When there is neither a usable variable nor a home directory.
    package static func path() throws(SecurityError) -> String {
        try path { name in getenv(name).map { String(cString: $0) } }
    }

    /// - Parameter variable: Looks up an environment variable.
    static func path(variable: (String) -> String?) throws(SecurityError) -> String {
        // A relative path is to be ignored (XDG base directory specification).
        if let state = variable("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/qrate" }
        if let home = variable("HOME"), home.hasPrefix("/") { return home + "/.local/state/qrate" }
        throw SecurityError(
            .badInput, "there is no directory to keep certificates in: set XDG_STATE_HOME or HOME to an absolute path")
    }

    /// The file for ``KnownServers`` in a state directory.
    package static func knownServers(in directory: String) -> String { directory + "/known_servers" }
}
