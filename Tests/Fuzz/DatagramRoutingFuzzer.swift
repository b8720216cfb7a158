// A libFuzzer harness; `scripts/fuzz` builds and runs it. No SwiftPM target contains it.

import QrateQUICCore

/// Takes one input as a datagram that came to a server's port, before anything is known about its sender.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let datagram = UnsafeRawBufferPointer(start: data, count: count)
    let header = DatagramHeader.parse(datagram)
    check(header, of: datagram)
    for gate in gates {
        for isUnderLoad in [false, true] {
            for knowsTokens in [false, true] {
                check(gate, datagram, header, isUnderLoad: isUnderLoad, knowsTokens: knowsTokens)
            }
        }
    }
    return 0
}

private let gates = [ServerGate(demandsRetry: false), ServerGate(demandsRetry: true)]

/// 127.0.0.1, port 40000, as a sockaddr_in.
private let address: [UInt8] = [2, 0, 0x9c, 0x40, 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)

/// What a header is said to be agrees with its first byte, and no ID is longer than the datagram.
private func check(_ header: DatagramHeader, of datagram: UnsafeRawBufferPointer) {
    switch header {
    case .short(let id):
        precondition(datagram[0] & 0xc0 == 0x40 && id.count == ConnectionID.issuedLength)
        precondition(id.withBytes { $0.elementsEqual(datagram[1...ConnectionID.issuedLength]) })
    case .long(let id):
        precondition(datagram[0] & 0x80 != 0 && id.count <= ConnectionID.longest)
        precondition(id.withBytes { $0.elementsEqual(datagram[6..<6 + id.count]) })
    case .unsupportedVersion(let destination, let source):
        precondition(datagram[0] & 0x80 != 0 && 7 + destination.count + source.count <= datagram.count)
    case .notQUIC: break
    }
}

/// An answer is never larger than what it answers, and only a large Initial opens the gate.
private func check(
    _ gate: ServerGate, _ datagram: UnsafeRawBufferPointer, _ header: DatagramHeader, isUnderLoad: Bool,
    knowsTokens: Bool
) {
    // Allocated each time, so that the sanitizer sees each byte beyond it.
    let reply = UnsafeMutableRawBufferPointer.allocate(byteCount: ServerGate.largestReply, alignment: 1)
    defer { reply.deallocate() }
    let decision = address.withUnsafeBytes {
        gate.judge(datagram, header, remote: $0, reply: reply, isUnderLoad: isUnderLoad, now: 1_000_000_000) { token in
            precondition(ConnectionToken(token.bytes) == token)
            return knowsTokens
        }
    }
    switch decision {
    case .reply(let count):
        precondition(count > 0 && count <= datagram.count && count <= reply.count)
        precondition(header != .notQUIC)
    case .accept(let initial):
        precondition(datagram.count >= 1200)
        // Nobody has a Retry token of these gates.
        if initial.connectionToken != nil {
            precondition(knowsTokens)
        } else {
            precondition(!gate.demandsRetry && !isUnderLoad)
        }
        guard case .long(let id) = header, id == initial.destinationID, id.count >= 8 else {
            preconditionFailure("accepted \(header)")
        }
    case .drop: break
    }
}
