import Glibc
import QrateSockets

/// A file that a user names, read whole.
package enum InputFile {
    /// What to call it in a message.
    package static func displayName(_ name: String) -> String { name == "-" ? "standard input" : name }

    /// - Parameters:
    ///   - name: `-` is standard input.
    ///   - limit: In bytes.
    /// - Throws: `badInput` for what can't be read or is larger, `permission` for what may not be read; with the name.
    package static func read(_ name: String, limit: Int) async throws(TestFailure) -> [UInt8] {
        // It blocks: on a pipe for as long as its writer takes.
        try await DedicatedThread.run(name: "qrate-input") { result(name, limit) }.get()
    }

    private static func result(_ name: String, _ limit: Int) -> Result<[UInt8], TestFailure> {
        let descriptor = name == "-" ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(failure(name, errno)) }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &block, block.count)
            if count < 0 {
                let code = errno
                if code == EINTR { continue }
                return .failure(failure(name, code))
            }
            guard count > 0 else { return .success(bytes) }
            guard bytes.count + count <= limit else {
                return .failure(
                    TestFailure(.badInput, "\(displayName(name)) has more than \(limit >> 20) MiB, which is the limit"))
            }
            bytes += block.prefix(count)
        }
    }

    private static func failure(_ name: String, _ code: Int32) -> TestFailure {
        TestFailure(
            code == EACCES ? .permission : .badInput,
            "cannot read \(displayName(name)): \(String(cString: strerror(code)))")
    }
}
