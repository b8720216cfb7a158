import Glibc
import QrateKit

/// A file that is written when everything else is done (`--report`): whole, or not at all.
struct ReportFile: Sendable {
    /// Where symbolic links have led to.
    private let path: String
    /// Beside it, so that it can be renamed.
    private var temporary: String { path + ".\(getpid()).part" }

    /// Makes sure that it can be written, before hours go into what shall be in it. A file that is there already stays as it
    /// is until then.
    ///
    /// - Throws: `badInput` or `permission` when it can't.
    init(_ path: String) throws(TestFailure) {
        guard !path.isEmpty, path != "-" else {
            throw TestFailure(.usage, "--report wants the name of a file: standard output is for the result itself")
        }
        self.path = try Self.resolve(path)
        close(try create())
        unlink(temporary)
    }

    /// Puts `text` there. Who reads it meanwhile sees what was there before, or all of it.
    ///
    /// - Returns: Why that couldn't be done, as on a full disk; nil when it was.
    func write(_ text: String) -> TestFailure? {
        do throws(TestFailure) {
            let file = try create()
            defer { close(file) }
            try Self.write(text, to: file, path)
            guard rename(temporary, path) == 0 else { throw Self.failure(path, errno) }
            return nil
        } catch {
            unlink(temporary)
            return error
        }
    }

    private static func write(_ text: String, to file: CInt, _ path: String) throws(TestFailure) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            let code = errno
            if count < 0, code == EINTR { continue }
            guard count > 0 else { throw failure(path, code) }
            bytes = bytes.dropFirst(count)
        }
        guard fsync(file) == 0 else { throw failure(path, errno) }
    }

    /// The temporary file, new and open, with the mode of the one that it replaces.
    private func create() throws(TestFailure) -> CInt {
        var old = stat()
        let mode = stat(path, &old) == 0 ? old.st_mode & 0o777 : 0o666
        unlink(temporary)  // what a process of the same number left behind; a symbolic link put here isn't followed
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        let code = errno
        guard file >= 0 else { throw Self.failure(path, code) }
        return file
    }

    /// What `path` names, links followed: nothing yet, or a file.
    private static func resolve(_ path: String) throws(TestFailure) -> String {
        var link = stat()
        guard lstat(path, &link) == 0 else {
            let code = errno
            guard code == ENOENT, !path.hasSuffix("/") else { throw failure(path, code) }
            return path
        }
        // To replace a device or a pipe would be worse than to refuse it.
        var target = stat()
        guard stat(path, &target) == 0 else { throw failure(path, errno) }
        guard target.st_mode & S_IFMT == S_IFREG else {
            throw TestFailure(.badInput, "the report cannot be written to \(path): it isn't a file")
        }
        guard access(path, W_OK) == 0 else { throw failure(path, errno) }
        guard let resolved = realpath(path, nil) else { throw failure(path, errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func failure(_ path: String, _ code: CInt) -> TestFailure {
        let kind: TestFailure.Kind = [EACCES, EPERM, EROFS].contains(code) ? .permission : .badInput
        return TestFailure(kind, "the report cannot be written to \(path): \(String(cString: strerror(code)))")
    }
}
