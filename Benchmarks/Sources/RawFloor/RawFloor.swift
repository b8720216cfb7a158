import FoundationEssentials
import Glibc

/// Measures what the two things that every QUIC stack on this machine has to do cost by themselves: packet protection
/// with GnuTLS or libipsec-mb, and moving datagrams through the kernel; or what protecting full TLS records costs. Prints one JSON object.
@main struct RawFloor {
    private struct Report: Encodable {
        struct AEAD: Encodable {
            let seal: LoopCost
            let open: LoopCost
        }

        let library: AEADLibrary
        let packetBytes: Int
        let payloadBytes: Int
        let aead: AEAD
        /// Absent of TLS records, which don't travel by UDP.
        let udp: SegmentedUDPLoop.Costs?

        private enum CodingKeys: String, CodingKey {
            case library = "aead_library"
            case packetBytes = "packet_bytes"
            case payloadBytes = "packet_payload_bytes"
            case aead, udp
        }
    }

    private static let usage = """
        usage: raw-floor [--aead gnutls|libipsec-mb] [PACKET-BYTES|records [SECONDS-PER-LOOP]]   (default: gnutls, 1444 1)
        """

    static func main() {
        var arguments = CommandLine.arguments.dropFirst()
        var named: String?
        if arguments.first == "--aead" {
            arguments.removeFirst()
            named = arguments.popFirst() ?? ""
        }
        let kind = arguments.first ?? "1444"
        let isRecord = kind == "records"
        guard arguments.count <= 2, let library = AEADLibrary(rawValue: named ?? AEADLibrary.gnutls.rawValue),
            let packet = isRecord ? Packet.record : Int(kind).flatMap(Packet.init(bytes:)),
            let seconds = Double(arguments.dropFirst().first ?? "1"), seconds > 0, seconds <= 3600
        else { fail(usage, status: 64) }

        do {
            let report = Report(
                library: library, packetBytes: packet.bytes, payloadBytes: packet.payloadBytes,
                aead: try protect(packet, library, for: seconds),
                udp: isRecord ? nil : try SegmentedUDPLoop(packet).run(for: seconds))
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        } catch {
            fail("raw-floor: \(error)", status: 1)
        }
    }

    /// Both ends at once, as in a test with both ends on this machine: two busy processors are slower than one.
    private static func protect(
        _ packet: Packet, _ library: AEADLibrary, for seconds: Double
    ) throws(FloorError) -> Report.AEAD {
        let opening = try RunningLoop.start { () throws(FloorError) in
            try AEADLoop(packet, library).open(for: seconds)
        }
        // Not thrown at once, because the other thread has to be joined either way.
        let sealed = Result { () throws(FloorError) in try AEADLoop(packet, library).seal(for: seconds) }
        let opened = try opening.join()
        return Report.AEAD(seal: try sealed.get(), open: opened)
    }

    private static func fail(_ message: String, status: CInt) -> Never {
        var text = message + "\n"
        _ = text.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        exit(status)
    }
}
