internal import Glibc

/// What this machine's processor does in hardware.
package enum ProcessorFeatures {
    /// Instructions for AES-GCM: for the cipher and for its authentication. Read from the system once, when it is asked.
    package static let hasAES = hasAES(description: systemDescription())

    /// - Parameter description: What `/proc/cpuinfo` says: `flags` on x86, `Features` on Arm, one line each per processor.
    static func hasAES(description: String) -> Bool {
        let line = description.split(separator: "\n").first { $0.hasPrefix("flags") || $0.hasPrefix("Features") }
        guard let names = line?.split(separator: ":").last?.split(whereSeparator: \.isWhitespace) else { return false }
        let flags = Set(names)
        return flags.contains("aes") && (flags.contains("pclmulqdq") || flags.contains("pmull"))
    }

    private static func systemDescription() -> String {
        guard let file = fopen("/proc/cpuinfo", "r") else { return "" }
        defer { fclose(file) }
        // The first processor's entry; they have all the same.
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
