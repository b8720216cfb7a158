import CQrateBenchmarksGnuTLS
import Glibc

/// A library or system call that refused, with the caller's words for what it was about.
enum FloorError: Error, CustomStringConvertible {
    case tls(_ action: String, _ code: CInt)
    case system(_ action: String, errno: CInt)

    var description: String {
        switch self {
        case .tls(let action, let code): "\(action): \(String(cString: gnutls_strerror(code)))"
        case .system(let action, let code): "\(action): \(String(cString: strerror(code)))"
        }
    }
}
