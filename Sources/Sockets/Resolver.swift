import Glibc

/// Names to addresses.
package enum Resolver {
    /// All addresses of `host`, in the system's order of preference (RFC 6724). A literal needs no name server; a zone
    /// as in `fe80::1%eth0` is understood.
    ///
    /// Runs on a thread of its own, because getaddrinfo(3) blocks for as long as the name servers let it.
    ///
    /// - Parameter family: Only addresses of this IP version; nil for both.
    package static func resolve(
        _ host: String, port: UInt16, family: AddressFamily? = nil
    ) async throws(ResolverError) -> [SocketAddress] {
        try await DedicatedThread.run(name: "qrate-resolve") { lookUp(host, port: port, family) }.get()
    }

    private static func lookUp(
        _ host: String, port: UInt16, _ family: AddressFamily?
    ) -> Result<[SocketAddress], ResolverError> {
        var hints = addrinfo()
        hints.ai_family = family?.number ?? AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0 else {
            return .failure(ResolverError(code: code, host: host, reason: String(cString: gai_strerror(code))))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = list
        while let current = entry {
            if let address = SocketAddress(current.pointee.ai_addr, length: current.pointee.ai_addrlen) {
                addresses.append(address)
            }
            entry = current.pointee.ai_next
        }
        return .success(addresses)
    }
}

package struct ResolverError: Error, Sendable {
    /// getaddrinfo's code.
    package var code: Int32
    package var host: String
    package var reason: String
}
