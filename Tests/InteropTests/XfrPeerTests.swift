import QrateTestSupport
import Testing

/// The peer against itself, so that what the other suites find is qrate's.
@Suite("xfr's client against xfr's server, both ours in Python", .fewAtATime) struct XfrPeerTests {
    @Test("every mode and conversation", arguments: XfrPeer.selfTests)
    func peer(name: String) async throws {
        let tests = try await XfrPeer.selfTest(name)
        #expect(tests.status == 0, "\(tests.errors)")
    }

    @Test("the peer's tests are found") func count() { #expect(XfrPeer.selfTests.count > 15) }
}
