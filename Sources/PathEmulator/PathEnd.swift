import CQratePathShims
import Glibc
import QratePathEmulation

/// A namespace with a device in it, at one end of the path. Both vanish with the process that made them.
struct PathEnd: Sendable {
    /// The same in both: namespaces have nothing in common.
    static let device = "path0"

    let description: PathEvent.End
    let namespace: Int32
    let descriptor: Int32

    struct Failure: Error, CustomStringConvertible { let description: String }

    /// The two ends. The calling thread is where it was afterwards.
    ///
    /// The addresses are those that are kept for benchmarks (RFC 2544 appendix C.2.2, RFC 5180 section 8): nobody
    /// has them.
    static func pair(mtu: Int) throws(Failure) -> (client: PathEnd, server: PathEnd) {
        let home = qrate_path_current_namespace()
        guard home >= 0 else { throw failure("looking for this network namespace", home) }
        defer { close(home) }
        let client = try make("198.18.0.1", "2001:2::1", mtu)
        let server = try make("198.18.0.2", "2001:2::2", mtu)
        let result = qrate_path_enter_namespace(home)
        guard result == 0 else { throw failure("returning to this network namespace", result) }
        return (client, server)
    }

    private static func make(_ v4: String, _ v6: String, _ mtu: Int) throws(Failure) -> PathEnd {
        var end = qrate_path_end()
        var step: UnsafePointer<CChar>?
        // As many packets as a second at 600 Mbit/s has, should the emulator not get the CPU for so long.
        let result = qrate_path_make_end(device, v4, v6, Int32(mtu), 50_000, &end, &step)
        guard result == 0 else { throw failure(step.map { String(cString: $0) } ?? "making an end", result) }
        return PathEnd(
            description: PathEvent.End(
                namespace: "/proc/\(getpid())/fd/\(end.namespace_fd)", address: v4,
                addressV6: end.has_v6 == 1 ? v6 : nil),
            namespace: end.namespace_fd, descriptor: end.device_fd)
    }

    /// Packets that nobody took from the device in time. Moves the calling thread into the namespace.
    var dropped: UInt64? {
        guard qrate_path_enter_namespace(namespace) == 0 else { return nil }
        return UInt64(exactly: qrate_path_device_drops(Self.device))
    }

    private static func failure(_ step: String, _ code: Int32) -> Failure {
        Failure(description: "\(step): \(String(cString: strerror(-code)))")
    }
}
