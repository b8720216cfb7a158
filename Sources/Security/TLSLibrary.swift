internal import CQrateGnuTLS

/// The TLS library that runs, which needn't be the one that this was compiled with.
package enum TLSLibrary {
    /// As in `3.7.9`; nil where it doesn't say.
    package static var version: String? { gnutls_check_version(nil).map { String(cString: $0) } }
}
