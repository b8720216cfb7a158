internal import CQrateNgtcp2

/// The QUIC library that runs, which needn't be the one that this was compiled with.
package enum QUICLibrary {
    /// As in `0.12.1`; nil where it doesn't say.
    package static var version: String? {
        guard let text = ngtcp2_version(0)?.pointee.version_str else { return nil }
        return String(cString: text)
    }
}
