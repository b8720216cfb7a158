import QrateMeasurement
import QrateSockets
import Synchronization

/// The payload that senders write again and again: one for the whole process and each kind of content, never changed.
final class PayloadBlock: Sendable {
    /// The largest write.
    static let size = 4 << 20

    static let random = PayloadBlock { bytes in
        // SplitMix64: incompressible is all that is asked of it.
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        for offset in stride(from: 0, to: bytes.count, by: 8) {
            state &+= 0x9e37_79b9_7f4a_7c15
            var word = state
            word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
            bytes.storeBytes(of: word ^ (word >> 31), toByteOffset: offset, as: UInt64.self)
        }
    }

    static let zeros = PayloadBlock { $0.initializeMemory(as: UInt8.self, repeating: 0) }

    static func of(_ content: PayloadContent) -> PayloadBlock {
        switch content {
        case .random: random
        case .zeros: zeros
        }
    }

    /// Never freed and never written to after it was filled: any thread may read it.
    nonisolated(unsafe) private let bytes: UnsafeRawBufferPointer
    private let copy = Mutex<MemoryFile?>(nil)

    private init(_ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.size, alignment: 4096)
        fill(memory)
        bytes = UnsafeRawBufferPointer(memory)
    }

    func prefix(_ count: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes.prefix(count)) }

    /// - Parameter offset: With `count`, at most ``size``.
    func piece(at offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// The same bytes as a file, for sends without a copy. Made at the first use; nil when the system has none.
    var file: MemoryFile? {
        copy.withLock { file in
            if file == nil { file = try? MemoryFile(bytes) }
            return file
        }
    }
}
