internal import CQrateGnuTLS
internal import Glibc
package import QrateMeasurement

/// What failed with a certificate, a key or a file that holds trust.
package struct SecurityError: Error, Sendable, Hashable {
    package var kind: TestFailure.Kind
    /// One line: what failed, on what, what to do.
    package var message: String
    /// The library call below it, where there was one.
    package var cause: Cause?

    package init(_ kind: TestFailure.Kind, _ message: String, cause: Cause? = nil) {
        self.kind = kind
        self.message = message.onOneLine
        self.cause = cause
    }

    package var failure: TestFailure { TestFailure(kind, message) }

    package struct Cause: Sendable, Hashable {
        /// As in `open` or `gnutls_x509_crt_import`.
        package var call: String
        /// An errno (positive) or a GnuTLS error code (negative).
        package var code: Int32
        /// What the library says about the code.
        package var text: String
    }
}

extension SecurityError.Cause {
    static func gnutls(_ call: String, _ code: Int32) -> Self {
        Self(call: call, code: code, text: String(cString: gnutls_strerror(code)))
    }

    /// Read `errno` in the statement after the call and pass it in: anything in between may change it.
    static func system(_ call: String, _ code: Int32) -> Self {
        Self(call: call, code: code, text: String(cString: strerror(code)))  // per thread since glibc 2.32
    }
}

extension SecurityError {
    /// A failed system call on a file. The text of the errno is put behind `what`.
    static func system(
        _ what: String, _ call: String, _ code: Int32, otherwise kind: TestFailure.Kind = .failed
    ) -> SecurityError {
        let cause = Cause.system(call, code)
        let isDenied = code == EACCES || code == EPERM || code == EROFS
        return SecurityError(isDenied ? .permission : kind, "\(what): \(cause.text)", cause: cause)
    }

    /// A failed GnuTLS call. The library's text is put behind `what`.
    static func gnutls(
        _ what: String, _ call: String, _ code: Int32, kind: TestFailure.Kind = .badInput
    ) -> SecurityError {
        let cause = Cause.gnutls(call, code)
        return SecurityError(kind, "\(what): \(cause.text)", cause: cause)
    }
}

extension String {
    /// Without control characters, which a file's or a server's name may hold: a message is one line, and must not be
    /// able to move a terminal's cursor.
    var onOneLine: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
