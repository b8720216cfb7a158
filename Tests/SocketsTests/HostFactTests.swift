import QrateMeasurement
import QrateSockets
import Testing

@Suite("what the system tells of this host") struct HostFactTests {
    @Test("small files are read without the white space at their end; one that isn't there is nothing")
    func files() throws {
        let text = try #require(SystemFile.text("/proc/sys/kernel/ostype"))
        #expect(text == "Linux")
        #expect(SystemFile.words("/proc/sys/kernel/ostype") == ["Linux"])
        #expect(SystemFile.text("/nonexistent") == nil)
        #expect(SystemFile.text("/") == nil)
        #expect(SystemFile.words("/nonexistent") == [])
        #expect((SystemFile.text("/proc/cpuinfo") ?? "").utf8.count <= 4096)
    }

    @Test("whether the kernel cuts and merges datagrams agrees with what sockets do")
    func offloads() throws {
        let outcome = try OffloadProbe.run()
        let socket = try DatagramSocket.bound(to: .loopback(.ipv4, port: 0), .init())
        #expect(outcome.segmentation == socket.usesSegmentation)
        if outcome.segmentation { #expect(outcome.coalescing == socket.coalescesReceives) }
    }

    @Test("the clock's resolution and cost are more than nothing, and TCP's controllers have names")
    func clockAndControllers() throws {
        #expect(try #require(MonotonicClock.resolution) > .zero)
        #expect(MonotonicClock.costOfReading > .zero)
        #expect(!CongestionControl.available.isEmpty)
        #expect(CongestionControl.standard.map { CongestionControl.available.contains($0) } == true)
        #expect(Set(CongestionControl.allowed).isSubset(of: CongestionControl.available))
    }
}
