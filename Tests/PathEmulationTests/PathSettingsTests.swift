import QrateMeasurement
import QratePathEmulation
import Testing

@Suite("settings of an emulated path") struct PathSettingsTests {
    @Test("read as people write them")
    func reading() throws {
        var link = LinkSettings()
        try link.update("delay=20ms,jitter=1.5ms,loss=1%,bursts=0.1%,burst-length=8,rate=100M,queue=500K")
        try link.update("reorder=0.02,hold=250us,duplicate=50%")
        #expect(link.delay == .milliseconds(20))
        #expect(link.jitter == .microseconds(1500))
        #expect(link.loss == 0.01)
        #expect(link.bursts == LinkSettings.Bursts(start: 0.001, meanLength: 8))
        #expect(link.rate == Bitrate(bitsPerSecond: 100_000_000))
        #expect(link.queueLimit == 500_000)
        #expect(link.reordering == 0.02)
        #expect(link.holdBack == .microseconds(250))
        #expect(link.duplication == 0.5)
    }

    @Test("survive the way through the command line")
    func arguments() throws {
        var settings = PathSettings()
        #expect(try PathSettings(arguments: settings.arguments) == settings)
        settings.seed = .max
        settings.mtu = 1280
        settings.dataBytes = 1400
        settings.damagesDataOnly = true
        try settings.upload.update("delay=1ns,jitter=3us,loss=0.123456789,bursts=0.5,burst-length=1.25")
        try settings.download.update("rate=1,queue=0,reorder=1,hold=3600s")
        try settings.download.update("duplicate=1e-7,udp-loss=0.25,udp-rate=20M")
        #expect(try PathSettings(arguments: settings.arguments) == settings)
    }

    @Test("apply to both directions or to one")
    func directions() throws {
        let settings = try PathSettings(arguments: ["--both", "delay=2ms,loss=1%", "--download", "loss=0"])
        #expect(settings.upload.loss == 0.01 && settings.download.loss == 0)
        #expect(settings.upload.delay == .milliseconds(2) && settings.download.delay == .milliseconds(2))
    }

    @Test(
        "that make no sense are refused",
        arguments: [
            ["--both", "delay=20"], ["--both", "delay=-1ms"], ["--both", "delay=nanms"], ["--both", "delay=2h"],
            ["--both", "loss=2"], ["--both", "loss=101%"], ["--both", "loss=-1%"], ["--both", "rate=0"],
            ["--both", "rate=x"], ["--both", "queue=1e99"], ["--both", "burst-length=0.5"], ["--both", "speed=1"],
            ["--both", "delay"], ["--mtu", "67"], ["--mtu", "65536"], ["--seed", "-1"], ["--seed"], ["--wrong", "1"],
            ["--damage-data-only"],
        ])
    func refusals(arguments: [String]) {
        #expect(throws: SettingsError.self) { try PathSettings(arguments: arguments) }
    }
}

@Suite("what a packet shows") struct IPPacketTests {
    private func payload(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBytes { IPPacket.udpPayload($0) } }

    private func v4(protocol number: UInt8 = 17, fragment: (UInt8, UInt8) = (0, 0), words: UInt8 = 5) -> [UInt8] {
        var packet = [UInt8](repeating: 0, count: Int(words) * 4 + 8 + 100)
        packet[0] = 0x40 | words
        packet[6] = fragment.0
        packet[7] = fragment.1
        packet[9] = number
        return packet
    }

    @Test("UDP payload is what follows both headers")
    func udp() {
        #expect(payload(v4()) == 100)
        #expect(payload(v4(words: 7)) == 100)
        #expect(payload(v4(fragment: (0x40, 0))) == 100)  // don't fragment
        var v6 = [UInt8](repeating: 0, count: 148)
        v6[0] = 0x60
        v6[6] = 17
        #expect(payload(v6) == 100)
    }

    @Test("everything else is none")
    func others() {
        #expect(payload([]) == nil)
        #expect(payload(v4(protocol: 6)) == nil)
        #expect(payload(v4(fragment: (0x20, 0))) == nil)  // more fragments
        #expect(payload(v4(fragment: (0, 1))) == nil)
        #expect(payload(v4(words: 4)) == nil)
        #expect(payload(Array(v4().prefix(27))) == nil)
        #expect(payload([0x60]) == nil)
        #expect(payload([0x50] + Array(repeating: 17, count: 99)) == nil)
    }
}
