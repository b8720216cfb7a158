package import QrateMeasurement
package import QrateSecurity

/// One end of a TLS connection in memory, handshake and what follows.
package final class TLSTestEnd {
    package let handshake: TLSHandshake
    package private(set) var connection: TLSConnection?
    package private(set) var failure: TLSFailure?

    package init(_ handshake: TLSHandshake) { self.handshake = handshake }

    /// Takes bytes from the peer, and gives back what it says to them. Plaintext is left for ``read(_:)``.
    package func exchange(_ bytes: [UInt8], pieces: Int = .max) -> [UInt8] {
        var answer: [UInt8] = []
        var rest = bytes[...]
        repeat {
            let piece = rest.prefix(pieces)
            rest = rest.dropFirst(pieces)
            if let connection {
                feed(connection.reader, Array(piece))
            } else if failure == nil {
                piece.withUnsafeBytes { handshake.receive($0) }
                do throws(TLSFailure) {
                    if case .completed(let connection) = try handshake.advance() { self.connection = connection }
                } catch {
                    failure = error
                }
                answer += handshake.takeOutgoing()
            }
        } while !rest.isEmpty
        return answer
    }

    private func feed(_ reader: TLSReader, _ bytes: [UInt8]) {
        reader.room.copyBytes(from: bytes)
        reader.received(bytes.count)
    }

    /// What the writer makes of these bytes, sent completely.
    package func protect(_ bytes: [UInt8]) throws -> [UInt8] {
        guard let writer = connection?.writer else { return [] }
        var taken = 0
        var records: [UInt8] = []
        while taken < bytes.count {
            taken += try bytes[taken...].withUnsafeBytes { try writer.take($0) }
            records += takePending()
        }
        return records
    }

    package func takePending() -> [UInt8] {
        guard let writer = connection?.writer else { return [] }
        let pending = Array(writer.pending)
        writer.sent(pending.count)
        return pending
    }

    /// Plaintext that came, read in pieces of `size` until there is no more.
    ///
    /// - Returns: The bytes, and whether the peer ended its half.
    package func read(_ size: Int = 50_000) throws(TLSFailure) -> (bytes: [UInt8], hasEnded: Bool) {
        guard let reader = connection?.reader else { return ([], false) }
        var all: [UInt8] = []
        while true {
            var outcome = TLSReader.Outcome.needsInput
            var failure: TLSFailure?
            all += [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                do throws(TLSFailure) {
                    outcome = try reader.read(into: UnsafeMutableRawBufferPointer(buffer))
                } catch let error { failure = error }
                if case .bytes(let read) = outcome { count = read }
            }
            if let failure, all.isEmpty { throw failure }
            if failure != nil { return (all, false) }
            switch outcome {
            case .bytes: continue
            case .needsInput: return (all, false)
            case .ended: return (all, true)
            }
        }
    }
}

/// A client and a server in memory.
package struct TLSPair {
    package let client: TLSTestEnd
    package let server: TLSTestEnd

    package init(
        _ credentials: ServerCredentials, identity: ClientIdentity = ClientIdentity(),
        trust: ServerTrust = ServerTrust(.insecure, endpoint: "test:5201"), serverName: String? = nil,
        clientProtocols: [String] = ["qrate/1"], cipher: CipherSuite? = nil, sessions: SessionMemory? = nil,
        clientAEAD: AEADLibrary = .gnutls, serverAEAD: AEADLibrary = .gnutls, clientKeyLog: KeyLog? = nil,
        serverKeyLog: KeyLog? = nil
    ) throws {
        client = TLSTestEnd(
            try .client(
                identity: identity, trust: trust, serverName: serverName, applicationProtocols: clientProtocols,
                cipher: cipher, aead: clientAEAD, sessions: sessions, keyLog: clientKeyLog))
        server = TLSTestEnd(
            try .server(credentials, applicationProtocols: ["qrate/1"], aead: serverAEAD, keyLog: serverKeyLog))
    }

    /// Lets the handshake go on until nobody has anything to say.
    ///
    /// - Parameter pieces: The most bytes that either end gets at once.
    package func run(pieces: Int = .max) {
        var toServer = client.exchange([])
        while !toServer.isEmpty {
            let toClient = server.exchange(toServer, pieces: pieces)
            toServer = client.exchange(toClient, pieces: pieces)
        }
    }
}
