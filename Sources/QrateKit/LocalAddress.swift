import QrateSockets
import QrateTransports

/// Where a client's sockets begin, on every transport. nil leaves the choice to the system.
public struct LocalAddress: Sendable, Hashable {
    /// Use this IP version only, also to look up the server's name.
    public var ipVersion: IPVersion?
    /// An address of this host, as a literal; a link-local one with its zone (`fe80::1%eth0`).
    public var address: String?
    /// The port of the first data socket, 1 to 65535; further ones take the numbers that follow. QUIC has one such socket,
    /// the others one per stream. Control connections over TCP take any.
    public var port: UInt16?

    public init(ipVersion: IPVersion? = nil, address: String? = nil, port: UInt16? = nil) {
        self.ipVersion = ipVersion
        self.address = address
        self.port = port
    }

    /// - Parameter sockets: How many data sockets the test has.
    /// - Throws: `usage`, with the value and what is wrong with it.
    func validate(sockets: Int) throws(TestFailure) {
        if let address {
            guard let literal = SocketAddress(literal: address) else {
                throw TestFailure(
                    .usage, "\"\(address)\" (-B) is no IP address, or names an interface that this host doesn't have")
            }
            if let ipVersion, ipVersion.family != literal.family {
                throw TestFailure(.usage, "\"\(address)\" (-B) is no \(ipVersion) address, which is what was asked for")
            }
        }
        guard let port else { return }
        guard port > 0 else { throw TestFailure(.usage, "local port 0 (--cport) is none: 1 to 65535") }
        guard Int(port) + max(sockets, 1) - 1 <= Int(UInt16.max) else {
            throw TestFailure(
                .usage, "local port \(port) (--cport) leaves no room for \(sockets) sockets: the last port is 65535")
        }
    }

    var localEnd: LocalEnd {
        var end = LocalEnd()
        end.family = ipVersion?.family
        end.host = address
        end.port = port
        return end
    }
}

public enum IPVersion: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case v4
    case v6

    public var description: String { self == .v4 ? "IPv4" : "IPv6" }

    var family: AddressFamily { self == .v4 ? .ipv4 : .ipv6 }
}
