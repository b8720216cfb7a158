internal import Glibc
internal import QrateMeasurement

/// Small files that hold keys or trust: read whole, replaced whole, for the owner's eyes only.
enum PrivateFile {
    /// Reads a file of at most `limit` bytes. nil when there is none.
    ///
    /// - Parameter what: Begins the message of an error, as in `the private key`.
    static func read(_ path: String, _ what: String, limit: Int) throws(SecurityError) -> [UInt8]? {
        let raw = retry { open(path, O_RDONLY | O_CLOEXEC) }
        let code = errno
        if raw < 0, code == ENOENT { return nil }
        guard raw >= 0 else {
            throw .system("\(what) in \(path) cannot be read", "open", code, otherwise: .badInput)
        }
        let file = Descriptor(owning: raw)

        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = retry { Glibc.read(file.raw, &chunk, chunk.count) }
            let code = errno
            guard count >= 0 else {
                throw .system("\(what) in \(path) cannot be read", "read", code, otherwise: .badInput)
            }
            if count == 0 { return content }
            content += chunk.prefix(count)
            guard content.count <= limit else {
                throw SecurityError(.badInput, "\(what) in \(path) is larger than \(limit) bytes")
            }
        }
    }

    /// Puts `content` where `path` is, with mode 0600, on the disk when this returns. A reader sees the old file or the
    /// new one, never a part.
    ///
    /// The caller holds the ``FileLock`` of `path`, so the name of the temporary file needs to be no secret.
    static func replace(_ path: String, with content: [UInt8]) throws(SecurityError) {
        let temporary = path + ".new"
        _ = unlink(temporary)  // left by a process that was killed here; a symbolic link put here is not followed
        let raw = retry { open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        var code = errno
        guard raw >= 0 else { throw .system("cannot write \(temporary)", "open", code) }
        do throws(SecurityError) {
            let file = Descriptor(owning: raw)
            var rest = content[...]
            while !rest.isEmpty {
                let count = retry { rest.withUnsafeBytes { write(file.raw, $0.baseAddress, $0.count) } }
                code = errno
                guard count > 0 else { throw .system("cannot write \(temporary)", "write", code) }
                rest = rest.dropFirst(count)
            }
            guard fsync(file.raw) == 0 else { throw .system("cannot write \(temporary)", "fsync", errno) }
            guard rename(temporary, path) == 0 else { throw .system("cannot replace \(path)", "rename", errno) }
        } catch {
            _ = unlink(temporary)
            throw error
        }
        try syncDirectory(of: path)
    }

    /// Makes a directory and those above it that are missing, each with mode 0700 (XDG base directory specification).
    static func makeDirectory(_ path: String) throws(SecurityError) {
        if mkdir(path, 0o700) == 0 { return }
        var code = errno
        if code == ENOENT, let parent = parent(of: path), parent != path {
            try makeDirectory(parent)
            if mkdir(path, 0o700) == 0 { return }
            code = errno
        }
        guard code == EEXIST else { throw .system("cannot make the directory \(path)", "mkdir", code) }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .system("cannot use \(path)", "mkdir", ENOTDIR)
        }
    }

    /// The directory that `path` lies in. nil when it names none, so that the current one is meant.
    static func parent(of path: String) -> String? {
        let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        guard let slash = trimmed.lastIndex(of: "/") else { return nil }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    /// Makes the renaming itself survive a power failure.
    private static func syncDirectory(of path: String) throws(SecurityError) {
        let directory = parent(of: path) ?? "."
        let raw = retry { open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        let code = errno
        guard raw >= 0 else { throw .system("cannot write \(directory)", "open", code) }
        let file = Descriptor(owning: raw)
        // Some file systems can't sync a directory and say EINVAL; there is nothing more to do then.
        guard fsync(file.raw) == 0 || errno == EINVAL else {
            throw .system("cannot write \(directory)", "fsync", errno)
        }
    }
}

/// Keeps other processes, and other threads of this one, from changing a file at the same time.
///
/// It locks a file beside it, which stays: the file itself is renamed over, and a lock on the old one would guard nothing.
struct FileLock: ~Copyable {
    private let file: Descriptor

    /// Blocks while another holds it, which is for the time of a small file's writing.
    init(besides path: String) throws(SecurityError) {
        let name = path + ".lock"
        let raw = retry { open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
        let code = errno
        guard raw >= 0 else { throw .system("cannot lock \(name)", "open", code) }
        let file = Descriptor(owning: raw)
        guard retry({ flock(file.raw, LOCK_EX) }) == 0 else { throw .system("cannot lock \(name)", "flock", errno) }
        self.file = file
    }
}

/// A file descriptor with one owner.
private struct Descriptor: ~Copyable {
    let raw: CInt

    init(owning raw: CInt) { self.raw = raw }
    deinit { close(raw) }
}

/// Repeats a system call that a signal interrupted.
private func retry<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
