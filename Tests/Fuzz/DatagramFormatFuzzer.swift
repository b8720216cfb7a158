// A libFuzzer harness; `scripts/fuzz` builds and runs it. No SwiftPM target contains it.

import QrateDatagramProtocol

/// Takes one input as a datagram that came on a flow: whatever is understood is written back as it was.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let datagram = UnsafeRawBufferPointer(start: data, count: count)
    if let hello = FlowHello(datagram) { precondition(datagram.elementsEqual(hello.encoded)) }
    if let feedback = FlowFeedback(datagram) {
        // Flags and reserved fields are read over.
        let again = feedback.encoded
        precondition(again.withUnsafeBytes { FlowFeedback($0) } == feedback)
    }
    if let probe = PathProbe(datagram) {
        let again = probe.encoded
        precondition(again.withUnsafeBytes { PathProbe($0) } == probe)
        precondition(probe.kind == .ack || again.count <= datagram.count)
    }
    if let marker = TailMarker(datagram) {
        precondition(datagram.elementsEqual(marker.encoded))
        precondition(!FlowHello.isLike(datagram))
    }
    if let probe = LatencyProbe(datagram) {
        // The reserved field is read over.
        let again = probe.encoded
        precondition(again.withUnsafeBytes { LatencyProbe($0) } == probe)
        precondition(probe.answered(at: .max).encoded.count == datagram.count)
        precondition(TailMarker(datagram) == nil && !FlowHello.isLike(datagram) && datagram[0] < 0x40)
    }
    if let header = DataHeader(datagram) { precondition(header.sequence >> 56 == UInt64(datagram[0])) }
    return 0
}
