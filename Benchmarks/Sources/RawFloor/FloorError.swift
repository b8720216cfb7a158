import CQrateBenchmarksGnuTLS
import Glibc

/// A library or system call that refused, or that isn't there, with the caller's words for what it was about.
enum FloorError: Error, CustomStringConvertible {
    case tls(_ action: String, _ code: CInt)
    case system(_ action: String, errno: CInt)
    case missing(_ library: String)

    var description: String {
        switch self {
        case .tls(let action, let code): "\(action): \(String(cString: gnutls_strerror(code)))"
        case .missing(let library): "\(library) is not there, or wasn't when this was built"
        case .system(let action, let code): "\(action): \(String(cString: strerror(code)))"
        }
    }
}
