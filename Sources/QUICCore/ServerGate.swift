internal import CQrateGnuTLS
internal import CQrateNgtcp2

/// What a server does with a datagram that belongs to no connection: take it as the start of one, or answer without
/// keeping anything. No answer is larger than the datagram it answers (RFC 9000 §8.1, §10.3.3).
package struct ServerGate: Sendable {
    /// Makes clients prove their address before a connection costs anything (RFC 9000 §8.1.2).
    package var demandsRetry: Bool
    /// The IDs that are this thread's to issue.
    package var ids = ConnectionIDSpace()
    /// Signs retry tokens and derives stateless reset tokens; lives as long as the process.
    private let secret: [UInt8]

    /// A retry token is good for this long.
    private static let tokenLifetime: UInt64 = 10_000_000_000
    /// RFC 9000 §14.1: an Initial comes in a datagram of at least this size.
    private static let smallestInitial = 1200

    /// No answer needs more: Version Negotiation with two IDs of 255 bytes (RFC 8999 §6).
    package static let largestReply = 1 + 4 + 2 * (1 + 255) + 4

    package init(demandsRetry: Bool = false) {
        self.demandsRetry = demandsRetry
        var secret = [UInt8](repeating: 0, count: 32)
        SecureRandom.fill(&secret)
        self.secret = secret
    }

    package enum Decision: Sendable {
        case accept(AcceptedInitial)
        /// So many bytes were written to the reply buffer: send them back.
        case reply(Int)
        case drop
    }

    /// The first packet of a client that may become a connection.
    package struct AcceptedInitial: Sendable {
        let destination: ngtcp2_cid
        let source: ngtcp2_cid
        let version: UInt32
        let token: [UInt8]
        /// The token of a test's data connection, recognised by ``judge(_:_:remote:reply:isUnderLoad:now:isKnown:)``.
        package let connectionToken: ConnectionToken?
        /// The destination of the client's very first Initial, when this one answers a Retry.
        let originalDestination: ngtcp2_cid?

        /// The ID that the client sends to until it learns ours.
        package var destinationID: ConnectionID? { ConnectionID(destination) }
    }

    /// - Parameters:
    ///   - remote: The sender's sockaddr, which a retry token is bound to.
    ///   - reply: Room for an answer, ``largestReply`` bytes.
    ///   - isUnderLoad: Many handshakes are under way: demand a Retry even where the operator didn't ask for it.
    ///   - isKnown: Whether a connection token was given, not long ago and not to be used up, to a client at `remote`:
    ///     then its address is as good as proven. Any other one is refused.
    package func judge(
        _ datagram: UnsafeRawBufferPointer, _ header: DatagramHeader, remote: UnsafeRawBufferPointer,
        reply: UnsafeMutableRawBufferPointer, isUnderLoad: Bool = false, now: UInt64,
        isKnown: (ConnectionToken) -> Bool = { _ in false }
    ) -> Decision {
        switch header {
        case .notQUIC: return .drop
        case .short(let id): return statelessReset(for: id, datagram.count, reply)
        case .unsupportedVersion(let destination, let source):
            return versionNegotiation(destination, source, datagram.count, reply)
        case .long: return judgeInitial(datagram, remote, reply, demandsRetry || isUnderLoad, now, isKnown)
        }
    }

    private func judgeInitial(
        _ datagram: UnsafeRawBufferPointer, _ remote: UnsafeRawBufferPointer, _ reply: UnsafeMutableRawBufferPointer,
        _ demandsRetry: Bool, _ now: UInt64, _ isKnown: (ConnectionToken) -> Bool
    ) -> Decision {
        var header = ngtcp2_pkt_hd()
        let bytes = datagram.assumingMemoryBound(to: UInt8.self).baseAddress
        // Everything that is no Initial of at least 1200 bytes ends here, a 0-RTT packet without its Initial too.
        guard ngtcp2_accept(&header, bytes, datagram.count) == 0 else { return .drop }
        let token = Array(UnsafeBufferPointer(start: header.token.base, count: header.token.len))
        // Whether or not one is demanded now: a client that was asked for it must see that in the handshake.
        if let original = verify(token, header, remote, now) {
            return .accept(
                AcceptedInitial(
                    destination: header.dcid, source: header.scid, version: header.version, token: token,
                    connectionToken: nil, originalDestination: original))
        }
        // With a token, the library lets a shorter ID pass than RFC 9000 §7.2 allows for a client's own choice.
        guard header.dcid.datalen >= Int(NGTCP2_MIN_INITIAL_DCIDLEN) else { return .drop }
        if let shown = ConnectionToken(token) {
            guard isKnown(shown) else { return refuse(header, .invalidToken, reply) }
            return .accept(
                AcceptedInitial(
                    destination: header.dcid, source: header.scid, version: header.version, token: token,
                    connectionToken: shown, originalDestination: nil))
        }
        if demandsRetry { return token.isEmpty ? retry(header, remote, reply, now) : .drop }
        return .accept(
            AcceptedInitial(
                destination: header.dcid, source: header.scid, version: header.version, token: [],
                connectionToken: nil, originalDestination: nil))
    }

    /// Why a client is turned away before there is a connection (RFC 9000 §20.1).
    private enum Refusal: UInt64 {
        case invalidToken = 0x0b
    }

    /// CONNECTION_CLOSE in an Initial packet, much smaller than what it answers.
    private func refuse(
        _ header: ngtcp2_pkt_hd, _ refusal: Refusal, _ reply: UnsafeMutableRawBufferPointer
    ) -> Decision {
        var header = header
        let written = ngtcp2_crypto_write_connection_close(
            reply.assumingMemoryBound(to: UInt8.self).baseAddress, reply.count, header.version, &header.scid,
            &header.dcid, refusal.rawValue, nil, 0)
        return written > 0 ? .reply(written) : .drop
    }

    private func retry(
        _ header: ngtcp2_pkt_hd, _ remote: UnsafeRawBufferPointer, _ reply: UnsafeMutableRawBufferPointer, _ now: UInt64
    ) -> Decision {
        var header = header
        var source = ids.random().raw  // the client comes back to this thread
        var token = [UInt8](repeating: 0, count: 256)
        let tokenLength = ngtcp2_crypto_generate_retry_token(
            &token, secret, secret.count, header.version,
            remote.assumingMemoryBound(to: ngtcp2_sockaddr.self).baseAddress, ngtcp2_socklen(remote.count), &source,
            &header.dcid, now)
        guard tokenLength > 0 else { return .drop }
        let written = ngtcp2_crypto_write_retry(
            reply.assumingMemoryBound(to: UInt8.self).baseAddress, reply.count, header.version, &header.scid, &source,
            &header.dcid, token, tokenLength)
        return written > 0 ? .reply(written) : .drop
    }

    private func verify(
        _ token: [UInt8], _ header: ngtcp2_pkt_hd, _ remote: UnsafeRawBufferPointer, _ now: UInt64
    ) -> ngtcp2_cid? {
        guard !token.isEmpty else { return nil }
        var destination = header.dcid
        var original = ngtcp2_cid()
        let result = ngtcp2_crypto_verify_retry_token(
            &original, token, token.count, secret, secret.count, header.version,
            remote.assumingMemoryBound(to: ngtcp2_sockaddr.self).baseAddress, ngtcp2_socklen(remote.count),
            &destination, Self.tokenLifetime, now)
        return result == 0 ? original : nil
    }

    private func versionNegotiation(
        _ destination: [UInt8], _ source: [UInt8], _ received: Int, _ reply: UnsafeMutableRawBufferPointer
    ) -> Decision {
        guard received >= Self.smallestInitial else { return .drop }
        var random: [UInt8] = [0]
        SecureRandom.fill(&random)
        let versions = [UInt32(NGTCP2_PROTO_VER_V1)]
        let written = ngtcp2_pkt_write_version_negotiation(
            reply.assumingMemoryBound(to: UInt8.self).baseAddress, reply.count, random[0], source, source.count,
            destination, destination.count, versions, versions.count)
        return written > 0 ? .reply(written) : .drop
    }

    private func statelessReset(
        for id: ConnectionID, _ received: Int, _ reply: UnsafeMutableRawBufferPointer
    ) -> Decision {
        // Shorter than what it answers, or two endpoints could reset each other for ever (RFC 9000 §10.3.3).
        let random = min(received - Int(NGTCP2_STATELESS_RESET_TOKENLEN) - 1, 22)
        guard random >= Int(NGTCP2_MIN_STATELESS_RESET_RANDLEN) else { return .drop }
        var token = [UInt8](repeating: 0, count: Int(NGTCP2_STATELESS_RESET_TOKENLEN))
        guard fillResetToken(&token, for: id) else { return .drop }
        var noise = [UInt8](repeating: 0, count: random)
        SecureRandom.fill(&noise)
        let written = ngtcp2_pkt_write_stateless_reset(
            reply.assumingMemoryBound(to: UInt8.self).baseAddress, reply.count, token, noise, noise.count)
        return written > 0 ? .reply(written) : .drop
    }

    /// The token that belongs to an ID which this process issued (RFC 9000 §10.3.2).
    func fillResetToken(_ token: inout [UInt8], for id: ConnectionID) -> Bool {
        var raw = id.raw
        return ngtcp2_crypto_generate_stateless_reset_token(&token, secret, secret.count, &raw) == 0
    }
}
