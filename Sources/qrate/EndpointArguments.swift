import ArgumentParser
import QrateKit

/// Where the server is, and where a client's sockets begin.
struct EndpointArguments: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("The server's port, for TCP and UDP alike.", valueName: "port"))
    var port = TestConfiguration.defaultPort

    @Option(help: ArgumentHelp("How long the server may take to answer.", valueName: "time"))
    var connectTimeout = TimeArgument(.seconds(10))

    @Flag(name: .customShort("4"), help: "Use IPv4 only.")
    var version4 = false

    @Flag(name: .customShort("6"), help: "Use IPv6 only.")
    var version6 = false

    @Option(
        name: [.customShort("B", allowingJoined: true), .long],
        help: ArgumentHelp(
            "Send from this address of this host, as in 192.0.2.7 or fe80::1%eth0.", valueName: "address"))
    var bind: String?

    @Option(
        help: ArgumentHelp("Send from this port; further sockets take the numbers that follow.", valueName: "port"))
    var cport: UInt16?

    /// - Throws: `usage` for flags that contradict each other.
    var local: LocalAddress {
        get throws(TestFailure) {
            try Exclusive.check([version4 ? "-4" : nil, version6 ? "-6" : nil])
            return LocalAddress(ipVersion: version4 ? .v4 : version6 ? .v6 : nil, address: bind, port: cport)
        }
    }
}
