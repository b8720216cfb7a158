import FoundationEssentials
import Glibc
import Testing

/// The permission bits of a file or directory.
func mode(of path: String) throws -> mode_t {
    var status = stat()
    try #require(stat(path, &status) == 0, "\(path)")
    return status.st_mode & 0o7777
}

func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

func bytes(of path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

func text(of path: String) throws -> String { String(decoding: try bytes(of: path), as: UTF8.self) }

func link(_ path: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
}
