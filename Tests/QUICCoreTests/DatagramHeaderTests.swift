@testable import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("DatagramHeader") struct DatagramHeaderTests {
    private func parse(_ bytes: [UInt8]) -> DatagramHeader { bytes.withUnsafeBytes { DatagramHeader.parse($0) } }

    private func id(_ bytes: [UInt8]) throws -> ConnectionID {
        try #require(bytes.withUnsafeBytes { ConnectionID($0) })
    }

    @Test("a short header has one of our IDs behind its first byte")
    func short() throws {
        let bytes: [UInt8] = [0x5f] + Array(1...8)
        #expect(try parse(bytes) == .short(id(Array(1...8))))
        #expect(try parse(bytes + [9, 9, 9]) == .short(id(Array(1...8))))
        for count in 0...8 { #expect(parse(Array(bytes.prefix(count))) == .notQUIC) }
    }

    @Test("a long header of version 1 has the ID that it gives the length of", arguments: [0, 1, 8, 18, 20])
    func long(length: Int) throws {
        let destination = (0..<length).map { UInt8($0 + 1) }
        let bytes = [0xc0, 0, 0, 0, 1, UInt8(length)] + destination + [2, 7, 7]
        #expect(try parse(bytes) == .long(id(destination)))
        for count in 0..<bytes.count { #expect(parse(Array(bytes.prefix(count))) == .notQUIC) }
    }

    @Test("version 1 has no ID of more than 20 bytes")
    func longID() {
        let bytes: [UInt8] = [0xc0, 0, 0, 0, 1, 21] + [UInt8](repeating: 1, count: 21) + [0]
        #expect(parse(bytes + [UInt8](repeating: 0, count: 1200)) == .notQUIC)
    }

    @Test("an unknown version is told with its IDs, from 1200 bytes on")
    func unknownVersion() {
        let header: [UInt8] = [0x80, 0xfa, 0xce, 0xb0, 0x0c, 3, 1, 2, 3, 2, 8, 9]
        let bytes = header + [UInt8](repeating: 0, count: 1200 - header.count)
        #expect(parse(bytes) == .unsupportedVersion(destination: [1, 2, 3], source: [8, 9]))
        #expect(parse(bytes.dropLast()) == .notQUIC)
    }

    @Test("Version Negotiation, and everything without the fixed bit, isn't for a server")
    func notQUIC() {
        #expect(parse([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]) == .notQUIC)
        for first in 0...0x3f as ClosedRange<UInt8> {
            #expect(parse([first] + [UInt8](repeating: 1, count: 1300)) == .notQUIC)
        }
        #expect(parse([]) == .notQUIC)
    }

    @Test("any bytes get an answer", arguments: 1...20 as ClosedRange<UInt64>)
    func anyBytes(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        for _ in 0..<200 {
            let count = Int.random(in: 0...1400, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            switch parse(bytes) {
            case .short(let id): #expect(id.count == ConnectionID.issuedLength && bytes[0] & 0xc0 == 0x40)
            case .long(let id): #expect(id.count <= ConnectionID.longest && bytes[0] & 0x80 != 0)
            case .unsupportedVersion(let destination, let source):
                #expect(count >= 1200 && destination.count + source.count + 7 <= count)
            case .notQUIC: break
            }
        }
    }
}
