import Testing

@testable import QrateTransports

@Suite("payload cursor") struct PayloadCursorTests {
    @Test("small writes follow one another instead of repeating the same bytes")
    func smallWrites() {
        var cursor = PayloadCursor(unit: 1000)
        var offsets: [Int] = []
        for _ in 0..<66 {
            offsets.append(cursor.offset(for: 1000))
            cursor.took(1000)
        }
        #expect(offsets == (0..<65).map { $0 * 1000 } + [0])
    }

    @Test("a write that found no room is given again from where it began, its rest from where it stopped")
    func againAndRest() {
        var cursor = PayloadCursor(unit: 1000)
        cursor.took(1000)
        #expect(cursor.offset(for: 1000) == 1000)
        #expect(cursor.offset(for: 1000) == 1000)
        cursor.took(400)
        #expect(cursor.offset(for: 1000) == 1400)
    }

    @Test("a large write begins at the start and never reaches past its own size", arguments: [64 << 10, 4 << 20])
    func largeWrites(unit: Int) {
        var cursor = PayloadCursor(unit: unit)
        for taken in [unit, 1, unit - 1, unit / 2, unit] {
            #expect(cursor.offset(for: unit) + unit <= max(unit, 64 << 10))
            cursor.took(taken)
        }
        #expect(PayloadBlock.size >= 4 << 20)
    }
}
