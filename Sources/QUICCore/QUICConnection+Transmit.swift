internal import CQrateNgtcp2
package import QrateMeasurement

/// Datagrams to send in one system call.
package struct Transmit {
    /// Bytes written to the buffer, in datagrams of `segmentSize` each; only the last may be shorter.
    package var byteCount: Int
    package var segmentSize: Int
    /// The TOS or traffic class byte for the IP header: the connection's code point, and QUIC's ECN mark (RFC 3168).
    package var typeOfService: UInt8
    package var ecn: UInt8 { typeOfService & 3 }
    /// Where to send it and from which address: sockaddrs, valid until the connection is used again.
    package var remote: UnsafeRawBufferPointer
    package var local: UnsafeRawBufferPointer

    package var datagramCount: Int { (byteCount + segmentSize - 1) / segmentSize }
}

/// A packet that is already written, but may not be segmented together with those before it.
struct CarriedPacket {
    let count: Int
    let ecn: UInt8
}

extension QUICConnection {
    /// UDP_SEGMENT's limits: 64 segments, and the largest IPv4 or IPv6 datagram together.
    package static let largestBatch = 64
    package static let batchBytes = 65487
    /// What every path carries that QUIC works on (RFC 9000 §14).
    package static let smallestPathMTU = 1200
    /// Room for one packet of any size that this connection sends.
    var carryCapacity: Int { max(settings.maxUDPPayload, 1500) }

    /// Writes the datagrams that may go out now, up to `limit` of them.
    ///
    /// The packets in one result share path, ECN mark and size, so that the kernel can segment them. Payload is not
    /// copied by us: the library copies it once into the packet.
    ///
    /// - Parameter buffer: ``batchBytes`` of room are enough for every batch.
    /// - Returns: nil when nothing may be sent now: window, pacing, flow control, or nothing to say.
    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, limit: Int, now: MonotonicTime) -> Transmit? {
        guard let base = buffer.baseAddress else { return nil }
        if let carried, phase == .open || phase == .closePending {
            return carried.count <= buffer.count ? takeCarried(carried, base) : nil
        }
        switch phase {
        case .closePending: return writeClose(buffer, now.nanoseconds)
        case .closing where repeatsClose: return repeatClose(buffer)
        case .closing, .draining, .ended: return nil
        case .open: break
        }
        prepareBulk(now.nanoseconds)
        state.pointee.tap.pointee.now = now.nanoseconds

        var total = 0
        var segment = 0
        var count = 0
        var mark: UInt8 = 0
        // Handshake datagrams are padded and coalesced one by one: they aren't worth a batch.
        let limit = min(limit, isHandshakeComplete ? Self.largestBatch : 1)
        let room = min(buffer.count, Self.batchBytes)
        // Larger datagrams than every path carries can wait until the peer is known to be there.
        let largest = isHandshakeConfirmed || !settings.ignoresPathMTU ? carryCapacity : Self.smallestPathMTU
        while count < limit {
            let capacity = segment == 0 ? min(room, largest) : segment
            guard room - total >= capacity else { break }
            let (written, ecn) = writePacket(base + total, capacity, now.nanoseconds)
            guard written > 0 else { break }
            if count == 0 {
                segment = written
                mark = ecn
                ngtcp2_path_copy(Self.path(batchPath), Self.path(writePath))
            } else if ecn != mark || ngtcp2_path_eq(Self.path(batchPath), Self.path(writePath)) == 0 {
                carryBuffer.copyMemory(from: base + total, byteCount: written)
                carried = CarriedPacket(count: written, ecn: ecn)
                break
            }
            total += written
            count += 1
            if written < segment { break }
        }
        bulk?.rotate()
        wroteNothing = count == 0
        guard count > 0 else { return nil }
        // Without this call nothing is paced. A handshake isn't: the library would go by a round trip of 333 ms, and hold
        // each flight back by a share of that (RFC 9002 §7.7 allows bursts of the initial window).
        if isHandshakeComplete { ngtcp2_conn_update_pkt_tx_time(state.pointee.conn, now.nanoseconds) }
        return transmit(total, segment, mark, count, path: batchPath)
    }

    // MARK: One packet

    /// Writes one packet: latency probes first, then control, then payload, then whatever the library has to say.
    private func writePacket(_ target: UnsafeMutableRawPointer, _ capacity: Int, _ now: UInt64) -> (Int, UInt8) {
        if !probes.waiting.isEmpty, let result = writeProbes(target, capacity, now) { return result }
        if isHandshakeComplete, isControlOpen, control.hasUnsent {
            let next = control.next
            let (written, taken, ecn) = write(
                target, capacity, stream: Self.controlStream, isLast: next.isLast, next.bytes.baseAddress,
                next.bytes.count, now)
            if taken >= 0 { control.took(taken, withEnd: next.isLast) }
            if written > 0 || written != Int(NGTCP2_ERR_STREAM_DATA_BLOCKED) { return (finish(written, now), ecn) }
        }
        if datagrams != nil {
            if let result = writeDatagram(target, capacity, now) { return result }
        } else if isHandshakeComplete, let result = writePayload(target, capacity, now) {
            return result
        }
        let (written, _, ecn) = write(target, capacity, stream: -1, isLast: false, nil, 0, now)
        return (finish(written, now), ecn)
    }

    /// nil when no stream has anything that may be sent.
    private func writePayload(_ target: UnsafeMutableRawPointer, _ capacity: Int, _ now: UInt64) -> (Int, UInt8)? {
        while let stream = bulk?.nextStream() {
            let ending = bulk?.phase == .ending
            let available = ending ? 0 : min(UInt64(PayloadPattern.period), bulk?.available ?? 0)
            let (written, taken, ecn) = write(
                target, capacity, stream: stream.pointee.id, isLast: ending,
                payload + PayloadPattern.position(of: stream.pointee.offset), Int(available), now)
            if taken >= 0 {
                if ending { bulk?.ended(stream) } else { bulk?.took(UInt64(taken), from: stream) }
            }
            switch Int32(truncatingIfNeeded: written) {
            case NGTCP2_ERR_STREAM_DATA_BLOCKED:
                // By its own flow control. With the connection's credit used up the library writes 0 bytes instead.
                stream.pointee.isBlocked = true
            case NGTCP2_ERR_STREAM_SHUT_WR, NGTCP2_ERR_STREAM_NOT_FOUND:
                streamStopped(stream, now)
            default:
                return (finish(written, now), ecn)
            }
        }
        return nil
    }

    func write(
        _ target: UnsafeMutableRawPointer, _ capacity: Int, stream: Int64, isLast: Bool,
        _ data: UnsafeMutablePointer<UInt8>?, _ count: Int, _ now: UInt64
    ) -> (written: Int, taken: Int, ecn: UInt8) {
        var info = ngtcp2_pkt_info(ecn: 0)
        var taken: ngtcp2_ssize = -1
        var vector = ngtcp2_vec(base: data, len: count)
        let flags = isLast ? UInt32(NGTCP2_WRITE_STREAM_FLAG_FIN) : 0
        let first = state.pointee.tap.pointee.sent.next
        let written = ngtcp2_conn_writev_stream_versioned(
            state.pointee.conn, Self.path(writePath), NGTCP2_PKT_INFO_VERSION, &info,
            target.assumingMemoryBound(to: UInt8.self),
            capacity, &taken, flags, stream, &vector, count > 0 ? 1 : 0, now)
        return (written, taken, mark(info, from: first))
    }

    /// The ECN mark of a datagram that was just written: the library's wish, unless marks are off or don't get through.
    ///
    /// - Parameter first: The number of its first 1-RTT packet.
    func mark(_ info: ngtcp2_pkt_info, from first: UInt64) -> UInt8 {
        let tap = state.pointee.tap
        guard info.ecn != 0, settings.usesECN, !tap.pointee.ecn.hasFailed else { return 0 }
        tap.pointee.marked(from: first)
        return UInt8(truncatingIfNeeded: info.ecn)
    }

    /// Errors end the connection; they write nothing.
    func finish(_ written: Int, _ now: UInt64) -> Int {
        guard written < 0 else { return written }
        if phase == .open { fail(Int32(truncatingIfNeeded: written), "writing a packet", now: now) }
        return 0
    }

    // MARK: Paths and counts

    var writePathPointer: UnsafeMutablePointer<ngtcp2_path> { Self.path(writePath) }

    /// A path storage begins with the path, whose addresses point into it.
    private static func path(_ storage: UnsafeMutablePointer<ngtcp2_path_storage>) -> UnsafeMutablePointer<ngtcp2_path>
    {
        UnsafeMutableRawPointer(storage).assumingMemoryBound(to: ngtcp2_path.self)
    }

    private static func bytes(_ address: ngtcp2_addr) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: address.addr, count: Int(address.addrlen))
    }

    /// The packet lies in `carryBuffer`, and nothing was written since: its path still is the last one written.
    private func takeCarried(_ packet: CarriedPacket, _ base: UnsafeMutableRawPointer) -> Transmit {
        carried = nil
        base.copyMemory(from: carryBuffer, byteCount: packet.count)
        return transmit(packet.count, packet.count, packet.ecn, 1, path: writePath)
    }

    private func transmit(
        _ total: Int, _ segment: Int, _ ecn: UInt8, _ count: Int, path: UnsafeMutablePointer<ngtcp2_path_storage>
    ) -> Transmit {
        counters.datagramsSent &+= UInt64(count)
        counters.unmarkedSince = ecn != 0 ? 0 : counters.unmarkedSince &+ UInt64(count)
        return Transmit(
            byteCount: total, segmentSize: segment, typeOfService: typeOfService & 0xfc | ecn,
            remote: Self.bytes(path.pointee.path.remote),
            local: Self.bytes(path.pointee.path.local))
    }

    // MARK: CONNECTION_CLOSE

    private func writeClose(_ buffer: UnsafeMutableRawBufferPointer, _ now: UInt64) -> Transmit? {
        guard let base = buffer.baseAddress, let cause = closeCause else { return nil }
        var error = ngtcp2_connection_close_error()
        ngtcp2_connection_close_error_default(&error)
        var reason: [UInt8] = []
        switch cause {
        case .application(_, let text): reason = Self.shortened(text)
        case .library, .alert: break
        }
        let written = reason.withUnsafeMutableBufferPointer { text -> Int in
            switch cause {
            case .application where !isHandshakeComplete:
                // The code must not show before the peer is known (RFC 9000 §10.2.3). The library sees to that, but
                // aborts the process when there are no keys at all yet.
                ngtcp2_connection_close_error_set_transport_error(&error, UInt64(NGTCP2_APPLICATION_ERROR), nil, 0)
            case .application(let code, _):
                ngtcp2_connection_close_error_set_application_error(&error, code, text.baseAddress, text.count)
            case .library(let code):
                ngtcp2_connection_close_error_set_transport_error_liberr(&error, code, nil, 0)
            case .alert(let alert):
                ngtcp2_connection_close_error_set_transport_error_tls_alert(&error, alert, nil, 0)
            }
            var info = ngtcp2_pkt_info(ecn: 0)
            return ngtcp2_conn_write_connection_close_versioned(
                state.pointee.conn, Self.path(writePath), NGTCP2_PKT_INFO_VERSION, &info,
                base.assumingMemoryBound(to: UInt8.self),
                min(buffer.count, 1200), &error, now)
        }
        // Nothing can be said yet to a peer whose address isn't verified, or without keys: the connection just goes.
        guard written > 0 else {
            phase = .ended
            return nil
        }
        closingUntil = now &+ closingTime
        phase = .closing
        carryBuffer.copyMemory(from: base, byteCount: written)
        closePacket = written
        return transmit(written, written, 0, 1, path: writePath)
    }

    /// At most 128 bytes of UTF-8, so that a small packet holds it.
    private static func shortened(_ reason: String) -> [UInt8] {
        var text = reason[...]
        while text.utf8.count > 128 { text.removeLast() }
        return Array(text.utf8)
    }

    private func repeatClose(_ buffer: UnsafeMutableRawBufferPointer) -> Transmit? {
        repeatsClose = false
        guard let base = buffer.baseAddress, closePacket > 0, closePacket <= buffer.count else { return nil }
        base.copyMemory(from: carryBuffer, byteCount: closePacket)
        return transmit(closePacket, closePacket, 0, 1, path: writePath)
    }
}
