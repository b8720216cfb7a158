internal import CQrateGnuTLS
internal import Glibc
internal import QrateMeasurement
import Synchronization

/// A file that gets the secrets of TLS sessions, of QUIC as well, in NSS key log format: what Wireshark needs to decrypt a
/// capture of them.
///
/// Any number of sessions, threads and processes may share a file: each line is one write to its end.
package final class KeyLog: Sendable {
    private let descriptor: Int32
    private let firstError = Atomic<Int32>(0)

    /// Opens the file, and makes it, for its owner's eyes only, where there is none. Blocks on the file system.
    package static func open(_ path: String) throws(SecurityError) -> KeyLog {
        // A pipe that nobody reads fails instead of waiting.
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK
        let raw = Glibc.open(path, flags, 0o600)
        let code = errno
        guard raw >= 0 else {
            throw .system("the key log \(path) cannot be written", "open", code, otherwise: .badInput)
        }
        return KeyLog(raw)
    }

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Why a line isn't in the file, as the system says; nil as long as all are.
    package var failure: String? {
        let code = firstError.load(ordering: .relaxed)
        return code == 0 ? nil : String(cString: strerror(code))
    }

    /// Called by GnuTLS for each secret of a session that is a ``TLSEnd``'s.
    static func record(
        _ session: OpaquePointer?, _ label: UnsafePointer<CChar>?, _ secret: UnsafePointer<gnutls_datum_t>?
    ) {
        guard let log = TLSEnd.of(session).keyLog, let label, let secret = secret?.pointee else { return }
        var clientRandom = gnutls_datum_t()
        gnutls_session_get_random(session, &clientRandom, nil)
        log.write(String(cString: label), clientRandom, secret)
    }

    private func write(_ label: String, _ clientRandom: gnutls_datum_t, _ secret: gnutls_datum_t) {
        var line = Array(label.utf8)
        for part in [clientRandom, secret] {
            line.append(UInt8(ascii: " "))
            for byte in UnsafeBufferPointer(start: part.data, count: Int(part.size)) {
                line.append(Self.digits[Int(byte >> 4)])
                line.append(Self.digits[Int(byte & 15)])
            }
        }
        line.append(UInt8(ascii: "\n"))
        let count = Glibc.write(descriptor, line, line.count)
        let code = errno
        line.erase()
        guard count != line.count else { return }
        // A line that is cut off, too, is of no use.
        _ = firstError.compareExchange(expected: 0, desired: count < 0 ? code : ENOSPC, ordering: .relaxed)
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
