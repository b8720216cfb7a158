internal import CQrateGnuTLS

/// A call of the TLS library failed.
package struct TLSError: Error, Sendable, Hashable {
    /// GnuTLS's own code.
    package var code: Int32
    /// What was being done, as in `choosing ciphers`.
    package var call: String
    /// The library's text for the code.
    package var reason: String

    static func gnutls(_ code: Int32, _ call: String) -> TLSError {
        TLSError(code: code, call: call, reason: gnutls_strerror(code).map { String(cString: $0) } ?? "error \(code)")
    }

    static func check(_ code: Int32, _ call: String) throws(TLSError) {
        if code < 0 { throw .gnutls(code, call) }
    }
}

extension TLSError: CustomStringConvertible {
    package var description: String { "\(call): \(reason)" }
}
