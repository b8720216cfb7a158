package import QrateSockets

/// Where a client's sockets begin, whatever the transport (`-4`, `-6`, `-B`, `--cport`).
package struct LocalEnd: Sendable, Hashable {
    /// Use this IP version only.
    package var family: AddressFamily?
    /// An address of this host, with its zone where it needs one (`fe80::1%eth0`).
    package var host: String?
    /// The first data socket's port; further ones take the numbers that follow. Control takes any.
    package var port: UInt16?

    package init() {}
}
