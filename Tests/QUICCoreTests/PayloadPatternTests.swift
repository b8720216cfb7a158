import QrateMeasurement
@testable import QrateQUICCore
import Testing

@Suite("PayloadPattern") struct PayloadPatternTests {
    @Test("the payload at an offset is a whole period, and repeats after it")
    func repeats() {
        let period = PayloadPattern.period
        let block = UnsafeBufferPointer(start: PayloadPattern.block, count: 2 * period)
        #expect(block[..<period].elementsEqual(block[period...]))
        #expect(Set(block).count == 256, "it isn't what a link could compress")
        for offset: UInt64 in [0, 1, 65_535, 65_536, 5 * 65_536 + 17, 1 << 62] {
            #expect(PayloadPattern.position(of: offset) == Int(offset % 65_536))
        }
    }

    @Test("zeros are zeros, from every offset")
    func zeros() {
        let block = UnsafeBufferPointer(start: PayloadPattern.block(of: .zeros), count: 2 * PayloadPattern.period)
        #expect(block.allSatisfy { $0 == 0 })
        #expect(PayloadPattern.block(of: .random) == PayloadPattern.block)
    }
}
