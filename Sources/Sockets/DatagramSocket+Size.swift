import CQrateSocketShims
import Glibc

extension DatagramSocket {
    /// The largest UDP payload that the interface towards `remote` takes, as far as the kernel knows: its MTU, or what a
    /// router on the way said lately, without the IP and UDP headers. Asks nobody; doesn't block.
    package static func largestPayload(to remote: SocketAddress) throws(SocketError) -> Int {
        let descriptor = socket(remote.family.number, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .last("opening a UDP socket") }
        defer { Glibc.close(descriptor) }
        guard remote.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
            throw .last("looking for the way to \(remote)")
        }
        let isIPv6 = remote.family == .ipv6
        var mtu: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let (level, option) = isIPv6 ? (Int32(IPPROTO_IPV6), IPV6_MTU) : (Int32(IPPROTO_IP), IP_MTU)
        guard getsockopt(descriptor, level, option, &mtu, &length) == 0 else { throw .last("asking for the MTU") }
        // An IPv4 peer of an IPv6 socket has the smaller header; a few bytes less are no harm.
        let largest = isIPv6 ? Self.largestIPv6Payload : Self.largestIPv4Payload
        return min(Int(mtu) - (isIPv6 ? 48 : 28), largest)
    }

    /// The IP header's length field ends there.
    private static let largestIPv4Payload = 65_535 - 28
    private static let largestIPv6Payload = 65_535 - 8
}
