@testable import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("ConnectionIDSpace") struct ConnectionIDSpaceTests {
    @Test("each thread knows its IDs and everybody else's by their owner", arguments: [1, 2, 3, 7, 64])
    func owners(count: Int) throws {
        for index in 0..<count {
            let space = try #require(ConnectionIDSpace(index: index, of: count))
            for _ in 0..<500 {
                let id = space.random()
                #expect(id.count == ConnectionID.issuedLength)
                for other in 0..<count {
                    #expect(ConnectionIDSpace(index: other, of: count)?.owner(of: id) == index)
                }
            }
        }
    }

    @Test("all that isn't the owner is left to chance", arguments: [1, 2, 3, 64])
    func randomness(count: Int) throws {
        let space = try #require(ConnectionIDSpace(index: count - 1, of: count))
        let ids = (0..<4000).map { _ in space.random() }
        #expect(Set(ids).count == ids.count)
        let firstBytes = Set(ids.map(\.firstByte))
        #expect(firstBytes.count == (0...255).count { $0 % count == count - 1 }, "every byte that says so comes up")
    }

    @Test("an index that is none, and more threads than a byte can tell apart, make no space")
    func impossible() {
        for (index, count) in [(-1, 2), (2, 2), (0, 0), (0, 65), (0, -1), (64, 64)] {
            #expect(ConnectionIDSpace(index: index, of: count) == nil)
        }
    }

    @Test("an empty ID belongs to the first thread")
    func empty() throws {
        let none = try #require([UInt8]().withUnsafeBytes { ConnectionID($0) })
        #expect(ConnectionIDSpace(index: 2, of: 3)?.owner(of: none) == 0)
    }
}
