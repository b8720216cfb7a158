import Glibc

/// The kernel's congestion controllers for TCP.
package enum CongestionControl {
    /// What programs may choose now (net.ipv4.tcp_available_congestion_control), in the kernel's order. Empty when the
    /// system doesn't say.
    package static var available: [String] { SystemFile.words("/proc/sys/net/ipv4/tcp_available_congestion_control") }

    /// Those that programs without privileges may choose.
    package static var allowed: [String] { SystemFile.words("/proc/sys/net/ipv4/tcp_allowed_congestion_control") }

    /// What is used where nobody chooses; nil when the system doesn't say.
    package static var standard: String? { SystemFile.words("/proc/sys/net/ipv4/tcp_congestion_control").first }

    /// The longest name that the kernel takes (TCP_CA_NAME_MAX, its final NUL left out).
    static let longestName = 15

    /// Why a socket can't use this controller; nil when it can. The kernel may load a module for it: it is tried, not
    /// looked up.
    package static func refusal(of name: String) -> SocketError? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .last("opening a TCP socket") }
        defer { close(descriptor) }
        do throws(SocketError) {
            try set(name, on: descriptor)
            return nil
        } catch {
            return error
        }
    }

    static func set(_ name: String, on descriptor: Int32) throws(SocketError) {
        let bytes = Array(name.utf8)
        guard !bytes.isEmpty, bytes.count <= longestName, !bytes.contains(0) else {
            throw SocketError(code: ENOENT, "choosing a congestion controller")
        }
        guard setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, bytes, socklen_t(bytes.count)) == 0 else {
            throw .last("choosing a congestion controller")
        }
    }

    static func current(of descriptor: Int32) -> String? {
        var name = [UInt8](repeating: 0, count: longestName + 1)
        var length = socklen_t(name.count)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, &name, &length) == 0 else { return nil }
        let text = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }
}
