import Glibc

/// A sockaddr_in on loopback.
struct LoopbackAddress: Equatable {
    let port: UInt16
    let bytes: [UInt8]

    init(port: UInt16) {
        self.port = port
        var raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_port = port.bigEndian
        raw.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        bytes = withUnsafeBytes(of: &raw) { Array($0) }
    }

    init?(_ raw: UnsafeRawBufferPointer) {
        guard raw.count == MemoryLayout<sockaddr_in>.size else { return nil }
        port = UInt16(bigEndian: raw.loadUnaligned(as: sockaddr_in.self).sin_port)
        bytes = Array(raw)
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try bytes.withUnsafeBytes(body)
    }
}
