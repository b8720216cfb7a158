import QrateQUICCore

extension Transmit {
    /// Throws unless everything holds that a batch promises. That each datagram begins where the segment size says shows
    /// when the peer can open it: on a link without loss nothing may be lost.
    ///
    /// - Parameters:
    ///   - limit: The most datagrams that were asked for.
    ///   - remote: Where all of it must go; nil where that may change.
    func check(limit: Int, local: LoopbackAddress, remote: LoopbackAddress?) throws {
        try promise(byteCount > 0 && segmentSize > 0, "a batch isn't empty")
        try promise(segmentSize <= byteCount, "a segment is no larger than the batch")
        try promise(datagramCount <= limit, "a batch has no more datagrams than asked for")
        try promise(datagramCount == 1 || byteCount <= QUICConnection.batchBytes, "a batch can be segmented")
        try promise(ecn == 0 || ecn == 2, "datagrams are sent ECT(0) or without a mark")
        try promise(self.local.elementsEqual(local.bytes), "a batch leaves from our address")
        if let remote { try promise(self.remote.elementsEqual(remote.bytes), "a batch goes to the peer's address") }
    }

    private func promise(_ holds: Bool, _ text: String) throws {
        if !holds { throw ConnectionPair.BrokenPromise(promise: "\(text): \(self)") }
    }
}
