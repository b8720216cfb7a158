// A libFuzzer harness; `scripts/fuzz` builds and runs it. No SwiftPM target contains it.

import QrateControlProtocol
import QrateMeasurement

/// Takes one input as a line and as a stream of lines. Anything but a ``ControlError`` is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: data, count: count))
    checkLine(input)
    checkReader(input)
    return 0
}

/// What can be decoded can be used, and written so that it reads the same again.
private func checkLine(_ line: [UInt8]) {
    let message: ControlMessage
    do throws(ControlError) {
        message = try ControlCodec.decode(line)
    } catch {
        return checkText("\(error)")
    }
    use(message)
    do throws(ControlError) {
        let written = try ControlCodec.encode(message)
        precondition(written.count <= LineReader.limit)
        precondition(written.firstIndex(of: UInt8(ascii: "\n")) == written.count - 1)
        let again = try ControlCodec.decode(written)
        precondition(again == message)
    } catch {
        // Numbers and escapes may be written longer than they came, so a long line may not fit any more.
        precondition(error == .lineTooLong(limit: LineReader.limit) && line.count > LineReader.limit / 8, "\(error)")
    }
}

/// Every conversion that an orchestrator applies to what a peer sent. Decoding promised that those which can't be
/// refused for what they ask convert.
private func use(_ message: ControlMessage) {
    do throws(ControlError) {
        switch message {
        case .hello(let hello):
            for role in [Role.client, .server] {
                checkText((try? PeerProtocol.negotiate(hello, as: role))?.software ?? "")
            }
        case .testStart(let start):
            for session: Set<TransportKind> in [[.quic], [.tcp, .udp], [.tls]] {
                guard let parameters = try? start.parameters(over: session) else { continue }
                precondition(TestParameters.streamLimits.contains(parameters.streams))
                precondition(session.contains(parameters.transport) && parameters.targetBitrate?.bitsPerSecond != 0)
                let again = try TestStart(id: start.id, parameters).parameters(over: session)
                precondition(again == parameters)
            }
        case .testAck(let ack):
            checkText(ack.qrate?.settings?.settings.congestionController ?? "")
            precondition(ack.qrate?.probeToken.map { $0.utf8.count == 32 } ?? true)
            precondition(ack.udpToken.map { $0.utf8.count == 32 && ack.dataPorts.isEmpty } ?? true)
        case .interval(let interval):
            _ = try interval.qrate?.upload?.uploadInterval()
            _ = try interval.qrate?.path?.report(observedBy: .server)
        case .result(let result):
            _ = try result.qrate?.upload?.summary().throughput
            _ = try result.qrate?.upload?.summary().fairnessIndex
            _ = try result.qrate?.upload?.summary().datagrams?.lossRatio
            _ = try result.qrate?.path?.report(observedBy: .server)
        case .report(let report):
            _ = try report.elapsed()
            _ = try report.totals?.summary().throughput
        case .error(let error): checkText(error.failure(otherwise: .failed).message, limit: 400)
        case .usage(let usage): _ = usage.processTime
        case .authResponse, .authSuccess, .dataHello, .probeHello, .cancel, .cancelled, .finish, .pause, .resume: break
        }
    } catch {
        preconditionFailure("decoded what can't be used: \(error)")
    }
}

/// A user sees it on one line, whatever the peer wrote.
private func checkText(_ text: String, limit: Int = 256) {
    precondition(text.utf8.count <= limit)
    precondition(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
}

/// The reader agrees with the plainest way to cut lines, however the bytes arrive; the first byte says in which pieces.
private func checkReader(_ input: [UInt8]) {
    guard let first = input.first else { return }
    var expected = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let rest = expected.removeLast()
    let isTooLong = (expected + [rest]).contains { $0.count >= LineReader.limit }

    var reader = LineReader()
    var lines: [[UInt8]] = []
    let size = Int(first) + 1
    do throws(ControlError) {
        for start in stride(from: 0, to: input.count, by: size) {
            reader.append(Array(input[start..<min(start + size, input.count)]))
            while let line = try reader.nextLine() { lines.append(line) }
        }
        precondition(!isTooLong)
        precondition(lines.elementsEqual(expected) { $0.elementsEqual($1) })
        do throws(ControlError) {
            try reader.finish()
            precondition(rest.isEmpty)
        } catch {
            precondition(error == .truncated && !rest.isEmpty)
        }
    } catch {
        precondition(error == .lineTooLong(limit: LineReader.limit) && isTooLong)
    }
}
