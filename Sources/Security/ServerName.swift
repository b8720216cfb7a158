internal import Glibc

/// What a server's certificate must have been made for.
enum ServerName: Hashable {
    case dns(String)
    /// 4 or 16 bytes, in network order.
    case address([UInt8])

    /// - Parameter text: A host name or an IP address, the latter also in brackets or with an interface behind a `%`
    ///   (`fe80::1%eth0`), which no certificate can name.
    init(_ text: String) {
        var host = text[...]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        let literal = host.contains(":") ? String(host.prefix { $0 != "%" }) : String(host)

        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, literal, &v4) == 1 {
            self = .address(withUnsafeBytes(of: v4) { Array($0) })
        } else if inet_pton(AF_INET6, literal, &v6) == 1 {
            self = .address(withUnsafeBytes(of: v6) { Array($0) })
        } else {
            // A dot at the end says that the name is complete; certificates are written without it.
            self = .dns(host.hasSuffix(".") ? String(host.dropLast()) : String(host))
        }
    }

    /// nil unless there are 4 or 16 bytes.
    static func text(ofAddress bytes: some Collection<UInt8>) -> String? {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        return inet_ntop(family, Array(bytes), &text, socklen_t(text.count)).map { String(cString: $0) }
    }
}

/// What a user wrote for a host.
package enum HostName {
    /// Whether `text` is an IP address, in brackets and with a zone or not.
    package static func isAddress(_ text: String) -> Bool {
        if case .address = ServerName(text) { return true }
        return false
    }
}
