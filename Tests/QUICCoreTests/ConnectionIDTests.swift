@testable import QrateQUICCore
import Testing

@Suite("ConnectionID") struct ConnectionIDTests {
    private func id(_ bytes: [UInt8]) -> ConnectionID? { bytes.withUnsafeBytes { ConnectionID($0) } }

    @Test("it holds 0 to 20 bytes and gives them back", arguments: 0...20)
    func roundTrip(count: Int) throws {
        let bytes = (0..<count).map { UInt8(200 + $0) }
        let value = try #require(id(bytes))
        #expect(value.count == count)
        #expect(value.withBytes { Array($0) } == bytes)
        #expect(ConnectionID(value.raw) == value)
        #expect(id(bytes)?.hashValue == value.hashValue)
    }

    @Test("it holds no more than 20 bytes")
    func tooLong() { #expect(id([UInt8](repeating: 0, count: 21)) == nil) }

    @Test("IDs differ in any byte and in length, also by zeros")
    func equality() {
        #expect(id([]) != id([0]))
        #expect(id([0, 0]) != id([0, 0, 0]))
        for index in 0..<20 {
            var other = [UInt8](repeating: 3, count: 20)
            other[index] = 4
            #expect(id(other) != id([UInt8](repeating: 3, count: 20)))
        }
    }

    @Test("it reads as hexadecimal digits, two for each byte")
    func text() {
        #expect(id([0, 1, 0xab, 0xff])?.description == "0001abff")
        #expect(id([])?.description == "")
    }

    @Test("random IDs have the length asked for, 20 bytes at most, and don't repeat")
    func random() {
        #expect(ConnectionID.random().count == ConnectionID.issuedLength)
        #expect(ConnectionID.random(length: 18).count == 18)
        #expect(ConnectionID.random(length: 99).count == 20)
        #expect(Set((0..<1000).map { _ in ConnectionID.random() }).count == 1000)
    }
}
