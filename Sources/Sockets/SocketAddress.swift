package import Glibc

/// An IPv4 or IPv6 address with a port.
package struct SocketAddress: Sendable {
    package private(set) var storage = sockaddr_storage()
    package private(set) var length: socklen_t = 0

    package init(storage: sockaddr_storage, length: socklen_t) {
        self.storage = storage
        self.length = min(length, socklen_t(MemoryLayout<sockaddr_storage>.size))
    }

    /// Copies what a system call or a resolver returned; nil unless it is an IP address.
    package init?(_ pointer: UnsafePointer<sockaddr>?, length: socklen_t) {
        guard let pointer, Int(length) <= MemoryLayout<sockaddr_storage>.size else { return nil }
        guard [sa_family_t(AF_INET), sa_family_t(AF_INET6)].contains(pointer.pointee.sa_family) else { return nil }
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: Int(length)))
        }
        self.length = length
    }

    /// Copies a sockaddr that lies in memory; nil unless it is an IP address.
    package init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= MemoryLayout<sockaddr_in>.size, let base = bytes.baseAddress else { return nil }
        self.init(base.assumingMemoryBound(to: sockaddr.self), length: socklen_t(bytes.count))
    }

    /// The wildcard address of a family.
    package static func any(_ family: AddressFamily, port: UInt16) -> SocketAddress {
        switch family {
        case .ipv4:
            make(sockaddr_in(), AF_INET) {
                $0.sin_port = port.bigEndian
            } family: {
                $0.sin_family = $1
            }
        case .ipv6:
            make(sockaddr_in6(), AF_INET6) {
                $0.sin6_port = port.bigEndian
            } family: {
                $0.sin6_family = $1
            }
        }
    }

    package static func loopback(_ family: AddressFamily, port: UInt16) -> SocketAddress {
        switch family {
        case .ipv4:
            make(sockaddr_in(), AF_INET) {
                $0.sin_port = port.bigEndian
                $0.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
            } family: {
                $0.sin_family = $1
            }
        case .ipv6:
            make(sockaddr_in6(), AF_INET6) {
                $0.sin6_port = port.bigEndian
                $0.sin6_addr = in6addr_loopback
            } family: {
                $0.sin6_family = $1
            }
        }
    }

    private static func make<Raw>(
        _ raw: Raw, _ number: Int32, _ fill: (inout Raw) -> Void, family: (inout Raw, sa_family_t) -> Void
    ) -> SocketAddress {
        var raw = raw
        family(&raw, sa_family_t(number))
        fill(&raw)
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { target in
            withUnsafeBytes(of: &raw) { target.copyMemory(from: $0) }
        }
        return SocketAddress(storage: storage, length: socklen_t(MemoryLayout<Raw>.size))
    }

    package var family: AddressFamily { Int32(storage.ss_family) == AF_INET6 ? .ipv6 : .ipv4 }

    package var port: UInt16 {
        get {
            withUnsafeBytes(of: storage) { bytes in
                // sin_port and sin6_port lie at the same offset.
                UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            }
        }
        set {
            withUnsafeMutableBytes(of: &storage) {
                $0.storeBytes(of: newValue.bigEndian, toByteOffset: 2, as: UInt16.self)
            }
        }
    }

    /// The raw sockaddr, for calls and libraries that take one.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: storage) { body(UnsafeRawBufferPointer(rebasing: $0.prefix(Int(length)))) }
    }

    package func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// The address as text, without the port. An IPv4 address seen through an IPv6 socket is written as IPv4.
    package var host: String {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let result = withSockaddr { getnameinfo($0, $1, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) }
        guard result == 0 else { return "?" }
        let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return host.hasPrefix("::ffff:") && host.contains(".") ? String(host.dropFirst(7)) : host
    }

    /// An IPv4 address as an IPv6 socket shows it (RFC 4291 section 2.5.5.2).
    package var isIPv4Mapped: Bool {
        family == .ipv6
            && withBytes { bytes in
                // sin6_addr begins behind the family, the port and the flow label.
                bytes.count >= 24 && bytes[8..<18].allSatisfy { $0 == 0 } && bytes[18..<20].allSatisfy { $0 == 0xff }
            }
    }

    package var isLoopback: Bool { host == "::1" || host.hasPrefix("127.") }
}

extension SocketAddress: CustomStringConvertible {
    /// As in `192.0.2.7:5201` or `[2001:db8::7]:5201`.
    package var description: String {
        let host = host
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

package enum AddressFamily: Sendable, Hashable {
    case ipv4
    case ipv6

    package var number: Int32 { self == .ipv4 ? AF_INET : AF_INET6 }
}
