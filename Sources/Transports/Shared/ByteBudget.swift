package import QrateMeasurement
import Synchronization

/// Payload that several sending threads draw from until it is used up (`-n`).
package final class ByteBudget: Sendable {
    private let remaining: Atomic<UInt64>

    package init(_ budget: ByteCount) { remaining = Atomic(budget.bytes) }

    package var isUsedUp: Bool { remaining.load(ordering: .relaxed) == 0 }

    /// Takes up to `wanted` bytes out; 0 when nothing is left.
    package func take(_ wanted: Int) -> Int {
        var left = remaining.load(ordering: .relaxed)
        while left > 0 {
            let piece = min(UInt64(clamping: wanted), left)
            let (isExchanged, original) = remaining.weakCompareExchange(
                expected: left, desired: left - piece, ordering: .relaxed)
            if isExchanged { return Int(piece) }
            left = original
        }
        return 0
    }

    /// Puts back what was taken and not sent.
    package func giveBack(_ bytes: Int) { remaining.wrappingAdd(UInt64(clamping: bytes), ordering: .relaxed) }
}
