import QrateMeasurement

extension SelfTestFinding {
    /// What a user should know of what was found, faults first.
    static func all(in report: SelfTestReport) -> [SelfTestFinding] {
        let found =
            report.loopback.compactMap(fault) + buffers(report.host.buffers) + offloads(report.host.offloads)
            + congestion(report.host.congestion) + clock(report.host.clock) + encryption(report.host.encryption)
            + program(report.host)
        return found.filter { $0.severity == .fault } + found.filter { $0.severity == .hint }
    }

    private static func fault(_ figure: LoopbackFigure) -> SelfTestFinding? {
        let name = figure.transport.displayName
        if let failure = figure.failure {
            return SelfTestFinding(.fault, "loopback_failed", "\(name) on the loopback failed: \(failure.message)")
        }
        guard figure.throughput == nil || figure.throughput?.bitsPerSecond == 0 else { return nil }
        return SelfTestFinding(.fault, "nothing_received", "\(name) on the loopback: nothing was received")
    }

    private static func buffers(_ buffers: SelfTestHost.Buffers?) -> [SelfTestFinding] {
        guard let buffers else {
            return [
                SelfTestFinding(.fault, "no_udp", "no UDP socket can be opened on 127.0.0.1: QUIC and UDP need one")
            ]
        }
        func hint(_ name: String, _ code: String, _ granted: ByteCount, _ setting: String) -> SelfTestFinding? {
            // The kernel doubles what it was asked for, for its own overhead, and says so.
            guard granted.bytes < 2 * buffers.asked.bytes else { return nil }
            return SelfTestFinding(
                .hint, code,
                "the kernel grants UDP sockets a \(name) buffer of \(granted.bytes / 2048) KiB where "
                    + "\(buffers.asked.bytes / 1024) KiB are asked for, and fast QUIC and UDP tests may lose datagrams in "
                    + "it: `sysctl -w \(setting)=\(buffers.asked.bytes)`")
        }
        return [
            hint("receive", "small_receive_buffer", buffers.receive, "net.core.rmem_max"),
            hint("send", "small_send_buffer", buffers.send, "net.core.wmem_max"),
        ].compactMap(\.self)
    }

    private static func offloads(_ offloads: SelfTestHost.Offloads) -> [SelfTestFinding] {
        var found: [SelfTestFinding] = []
        if offloads.segmentation == false {
            found.append(
                SelfTestFinding(
                    .hint, "no_gso",
                    "the kernel cuts no batches into datagrams (UDP_SEGMENT, Linux 4.18): QUIC and UDP cost much more "
                        + "processor time here"))
        }
        if offloads.receive == false {
            found.append(
                SelfTestFinding(
                    .hint, "no_gro",
                    "the kernel merges no datagrams (UDP_GRO, Linux 5.0): receiving QUIC costs more processor time here"
                ))
        }
        return found
    }

    private static func congestion(_ congestion: SelfTestHost.Congestion) -> [SelfTestFinding] {
        guard congestion.canUseCommonController == false else { return [] }
        let name = ComparisonParameters.commonController
        return [
            SelfTestFinding(
                .hint, "no_common_controller",
                "TCP can't use \(name) here, which `qrate compare` uses for QUIC and TCP alike: load it (`modprobe "
                    + "tcp_\(name)`), allow it (net.ipv4.tcp_allowed_congestion_control), or choose another with -C")
        ]
    }

    /// Sources that the kernel falls back to when the processor's own counter can't be trusted.
    private static let slowSources: Set<String> = ["hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies"]
    /// A reading without a system call takes some 20 ns, one with it several hundred.
    private static let slowReading = Duration.nanoseconds(250)

    private static func clock(_ clock: SelfTestHost.Clock) -> [SelfTestFinding] {
        let isSlow = clock.source.map { slowSources.contains($0) } ?? false
        guard isSlow || (clock.reading ?? .zero) > slowReading else { return [] }
        let source = clock.source.map { " (clock source \($0))" } ?? ""
        return [
            SelfTestFinding(
                .hint, "slow_clock",
                "reading the clock takes \((clock.reading ?? .zero).nanoseconds) ns here\(source), which costs paced "
                    + "tests processor time: see /sys/devices/system/clocksource/clocksource0")
        ]
    }

    private static func encryption(_ encryption: SelfTestHost.Encryption) -> [SelfTestFinding] {
        if encryption.disagrees == true {
            return [
                SelfTestFinding(
                    .hint, "aead_disagrees",
                    "libipsec-mb computes something else than GnuTLS on this machine and isn't used: please report it")
            ]
        }
        guard encryption.hasAESInstructions == true else {
            return [
                SelfTestFinding(
                    .hint, "no_aes_instructions",
                    "the processor has no instructions for AES: `--cipher chacha20` may be faster over QUIC and TLS")
            ]
        }
        #if arch(x86_64)
            if encryption.shareOfGnuTLS == nil {
                return [
                    SelfTestFinding(
                        .hint, "no_ipsec_mb",
                        "QUIC and TLS may be faster with libipsec-mb: install libipsec-mb1 (and libipsec-mb-dev where "
                            + "qrate is built)")
                ]
            }
        #endif
        return []
    }

    private static func program(_ host: SelfTestHost) -> [SelfTestFinding] {
        var found: [SelfTestFinding] = []
        if host.platform.processorCount == 1 {
            found.append(
                SelfTestFinding(
                    .hint, "one_processor",
                    "both ends shared one processor here: a test against another machine has it for itself"))
        }
        if host.platform.build == "debug" {
            found.append(
                SelfTestFinding(
                    .hint, "debug_build",
                    "this is a debug build, which is slow: its figures say nothing of this machine"))
        }
        return found
    }
}
