internal import CQrateNgtcp2
internal import QrateSecurity

/// A library call below the QUIC layer failed.
package struct QUICError: Error, Sendable, Hashable {
    /// ngtcp2's or GnuTLS's own code.
    package var code: Int32
    /// What was being done, as in `reading a packet`.
    package var call: String
    /// The library's text for the code.
    package var reason: String

    package init(code: Int32, call: String, reason: String) {
        self.code = code
        self.call = call
        self.reason = reason
    }

    static func ngtcp2(_ code: Int32, _ call: String) -> QUICError {
        QUICError(code: code, call: call, reason: String(cString: ngtcp2_strerror(code)))
    }

    static func check(_ code: Int32, _ call: String) throws(QUICError) {
        if code != 0 { throw .ngtcp2(code, call) }
    }

    init(_ error: TLSError) { self.init(code: error.code, call: error.call, reason: error.reason) }
}

extension QUICError: CustomStringConvertible {
    package var description: String { "\(call): \(reason)" }
}
