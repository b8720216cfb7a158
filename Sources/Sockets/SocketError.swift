import Glibc

/// A system call on a socket failed.
package struct SocketError: Error, Sendable, Hashable {
    /// The raw errno.
    package var code: Int32
    /// What was being done, as in `binding UDP port 5201`.
    package var call: String

    package init(code: Int32, _ call: String) {
        self.code = code
        self.call = call
    }

    /// From the errno of the statement before.
    static func last(_ call: String) -> SocketError { SocketError(code: errno, call) }

    /// Turns the `-errno` convention of the C shims into a thrown error.
    @discardableResult
    static func check(_ result: Int32, _ call: @autoclosure () -> String) throws(SocketError) -> Int32 {
        guard result < 0 else { return result }
        throw SocketError(code: -result, call())
    }

    /// Whether the peer's host, or one on the way, says that there is nobody to talk to.
    package var isPeerUnreachable: Bool { [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(code) }

    /// The system's text for the code.
    package var reason: String { String(cString: strerror(code)) }
}

extension SocketError: CustomStringConvertible {
    package var description: String { "\(call): \(reason)" }
}
