/// The largest datagrams that a path carries, found by trying (`--probe-mtu`).
public struct PathMTUReport: Sendable, Hashable {
    public var upload: Result
    public var download: Result

    /// One direction's. nil where no size got through.
    public struct Result: Sendable, Hashable {
        /// The largest UDP payload that arrived.
        public var maxUDPPayload: ByteCount?
        /// That with UDP's and IP's headers: what is usually called the path MTU (RFC 8899 section 2).
        public var pathMTU: ByteCount?

        public init(maxUDPPayload: ByteCount? = nil, pathMTU: ByteCount? = nil) {
            self.maxUDPPayload = maxUDPPayload
            self.pathMTU = pathMTU
        }
    }

    public init(upload: Result = Result(), download: Result = Result()) {
        self.upload = upload
        self.download = download
    }
}
