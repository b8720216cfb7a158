import Glibc

extension SocketAddress {
    /// An address as somebody wrote it, like `192.0.2.7`, `2001:db8::7` or `fe80::1%eth0`; nil for a name, and for a zone
    /// that is no interface of this host. Asks no name server, so it doesn't block.
    package init?(literal text: String, port: UInt16 = 0) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(text, "\(port)", &hints, &list) == 0 else { return nil }
        defer { freeaddrinfo(list) }
        guard let first = list?.pointee else { return nil }
        self.init(first.ai_addr, length: first.ai_addrlen)
    }
}
