import QrateMeasurement
import QrateOrchestration
import QrateTestSupport
import Testing

@Suite("test ids") struct TestIDTests {
    @Test("are random UUIDs of version 4 in lowercase, as xfr makes them")
    func shape() throws {
        let ids = (0..<100).map { _ in TestID.random() }
        let uuid = try Regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
        #expect(ids.allSatisfy { $0.wholeMatch(of: uuid) != nil })
        #expect(Set(ids).count == 100)
    }
}

@Suite("admission control") struct AdmissionControlTests {
    @Test("places are given back, and never more than were taken")
    func places() {
        var limits = AdmissionControl.Limits()
        limits.tests = 2
        var admission = AdmissionControl(limits)
        let test = TestParameters()
        #expect(admission.admit(test) == nil)
        #expect(admission.admit(test) == nil)
        #expect(admission.admit(test)?.kind == .refused)
        admission.leave(TestParameters())
        #expect(admission.admit(test) == nil)
        for _ in 0..<5 { admission.leave(TestParameters()) }
        #expect(admission.running == 0)
    }

    @Test("by default 64 tests, 128 streams each, an hour each")
    func defaults() {
        var admission = AdmissionControl()
        #expect(admission.admit(TestParameters(streams: 128, limit: .duration(.seconds(3600)))) == nil)
        #expect(admission.admit(TestParameters(streams: 129))?.message.contains("limit of 128") == true)
        #expect(admission.admit(TestParameters(limit: .duration(.seconds(3601))))?.message.contains("3600") == true)
        for _ in 2...64 { #expect(admission.admit(TestParameters()) == nil) }
        #expect(admission.admit(TestParameters())?.message.contains("64") == true)
    }

    @Test("1,024 data threads serve all tests together; QUIC needs none, both directions twice as many")
    func dataThreads() {
        var admission = AdmissionControl()
        let one = TestParameters(transport: .tcp, streams: 128)
        var both = one
        both.transport = .udp
        both.direction = .bidirectional
        for _ in 0..<3 { #expect(admission.admit(both) == nil) }
        #expect(admission.admit(one) == nil)
        #expect(admission.admit(both)?.message.contains("1024, 896 run, and this test needs 256") == true)
        #expect(admission.admit(TestParameters(streams: 128)) == nil)
        #expect(admission.admit(one) == nil)
        #expect(admission.admit(one) != nil)
        admission.leave(one)
        #expect(admission.admit(TestParameters(transport: .tls, streams: 128)) == nil)
    }

    @Test("a refused test takes no place, also of a one-off server")
    func refusedTakesNone() {
        var limits = AdmissionControl.Limits()
        limits.isOneOff = true
        var admission = AdmissionControl(limits)
        #expect(admission.admit(TestParameters(streams: 129)) != nil)
        #expect(admission.admit(TestParameters()) == nil)
        admission.leave(TestParameters())
        #expect(admission.admit(TestParameters())?.message.contains("--one-off") == true)
    }
}
