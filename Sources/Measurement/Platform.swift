/// The program and the machine at one end of a test: what must be alike, or known to differ, where two figures are compared.
/// nil is "not known".
public struct Platform: Sendable, Hashable {
    /// How the program was compiled: `debug` or `release`.
    public var build: String?
    /// The libraries that run, not those it was compiled with.
    public var ngtcp2: String?
    public var gnutls: String?
    /// Name and release of the kernel, as in `Linux 6.1.0-18-amd64`.
    public var kernel: String?
    /// As the kernel names it: `x86_64`, `aarch64`.
    public var architecture: String?
    /// The processors' model, as they call themselves.
    public var processor: String?
    /// How many of them the process may run on.
    public var processorCount: Int?
    /// Whether a hypervisor is under the kernel.
    public var isVirtualMachine: Bool?
    /// Whether the process runs in a container. Never false: a container needn't show.
    public var isContainer: Bool?

    public init() {}
}
