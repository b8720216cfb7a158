import CQrateSocketShims
import Glibc

/// How a TCP socket is set up. nil and false leave the kernel's default.
package struct StreamOptions: Sendable, Hashable {
    /// Both socket buffers, in bytes; the kernel accounts twice as much, and grants no more than its limits.
    package var bufferSize: Int?
    package var congestionController: String?
    /// The TOS or traffic class byte.
    package var typeOfService: UInt8?
    /// TCP_MAXSEG.
    package var maxSegmentSize: Int?
    /// TCP_NODELAY.
    package var sendsWithoutDelay = false
    /// SO_MAX_PACING_RATE, in bytes a second.
    package var pacingRate: UInt64?
    /// Multipath TCP (RFC 8684). Falls back to TCP where the kernel has none.
    package var usesMultipath = false

    package init() {}

    /// What has to be set before the handshake: it decides about window scaling, segment sizes and the SYN's marks.
    func apply(to descriptor: Int32, _ family: AddressFamily) throws(SocketError) {
        if let bufferSize {
            let size = Int32(clamping: bufferSize)
            try setOption(descriptor, SOL_SOCKET, SO_SNDBUF, size)
            try setOption(descriptor, SOL_SOCKET, SO_RCVBUF, size)
        }
        if let congestionController { try CongestionControl.set(congestionController, on: descriptor) }
        if let maxSegmentSize {
            try setOption(descriptor, Int32(IPPROTO_TCP), TCP_MAXSEG, Int32(clamping: maxSegmentSize))
        }
        if sendsWithoutDelay { try setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
        if let typeOfService {
            // An IPv6 socket may turn out to carry IPv4, which takes its mark from the other option.
            try setOption(descriptor, Int32(IPPROTO_IP), IP_TOS, Int32(typeOfService))
            if family == .ipv6 { try setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_TCLASS, Int32(typeOfService)) }
        }
        if let pacingRate {
            var rate = pacingRate
            guard
                setsockopt(
                    descriptor, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, socklen_t(MemoryLayout<UInt64>.size)) == 0
            else { throw .last("limiting the pacing rate") }
        }
    }
}
