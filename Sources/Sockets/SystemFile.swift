import Glibc

/// The small text files by which the kernel tells of itself (`/proc`, `/sys`).
package enum SystemFile {
    /// The first 4 KiB without white space at the end; nil when there is no such file, or it can't be read.
    package static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { return nil }
        var bytes = buffer.prefix(count)
        while let last = bytes.last, last <= UInt8(ascii: " ") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Words between spaces and ends of lines. Empty when there is no such file.
    package static func words(_ path: String) -> [String] {
        (text(path) ?? "").split { $0 == " " || $0 == "\n" || $0 == "\t" }.map(String.init)
    }
}
