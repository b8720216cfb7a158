import QrateMeasurement
package import QrateSecurity
import QrateSockets
package import QrateTransportAPI

/// How a client decides whether to believe servers (DESIGN.md section 5), for every transport with certificates.
package struct ClientTrust: Sendable {
    package enum Policy: Sendable {
        /// `--insecure`.
        case insecure
        /// `--pin`.
        case pinned(Fingerprint)
        /// The authorities in a file (`--ca`), or the system's when nil; self-signed servers on first use.
        case verify(authorities: String?)
    }

    package var policy: Policy
    /// The name to ask for and to check, where it isn't the host's (`--server-name`).
    package var serverName: String?
    package var knownServers: KnownServers

    package init(_ policy: Policy, serverName: String? = nil, knownServers: KnownServers) {
        self.policy = policy
        self.serverName = serverName
        self.knownServers = knownServers
    }

    /// The name for TLS's server name indication, which can't hold an address (RFC 6066 §3).
    func serverNameIndication(for endpoint: Endpoint) -> String? {
        let name = serverName ?? endpoint.host
        return HostName.isAddress(name) ? nil : name
    }

    /// Reads what the judgement needs, before the connection's clock runs: the system's roots alone take 25 ms.
    func prepare(for endpoint: Endpoint) async throws(TransportError) -> ServerTrust {
        let spelled = KnownServers.endpoint(host: endpoint.host, port: endpoint.port)
        switch policy {
        case .insecure: return ServerTrust(.insecure, endpoint: spelled)
        case .pinned(let fingerprint): return ServerTrust(.pinned(fingerprint), endpoint: spelled)
        case .verify(let file):
            let name = serverName ?? endpoint.host
            let loaded = await DedicatedThread.run(name: "qrate-trust") { [knownServers] in
                Result { () throws(SecurityError) in
                    let store = try file.map { file throws(SecurityError) in
                        try TrustStore.authorities(inFile: file)
                    }
                    let known = try knownServers.record(for: spelled)
                    return ServerTrust.Policy.verify(store ?? .system(), serverName: name, known: known)
                }
            }
            switch loaded {
            case .success(let policy): return ServerTrust(policy, endpoint: spelled)
            case .failure(let error): throw TransportError(error)
            }
        }
    }

    /// The same, and what this client shows of itself.
    ///
    /// - Parameter identity: Called on a thread that may block.
    func prepare(
        for endpoint: Endpoint, identity: @escaping @Sendable () throws(SecurityError) -> ClientIdentity
    ) async throws(TransportError) -> ClientCredentials {
        let loaded = await DedicatedThread.run(name: "qrate-identity") {
            Result { () throws(SecurityError) in try identity() }
        }
        switch loaded {
        case .success(let identity):
            return ClientCredentials(identity: identity, trust: try await prepare(for: endpoint))
        case .failure(let error): throw TransportError(error)
        }
    }

    /// Remembers a server that was accepted. A first contact that can't be recorded is an error: the next one would be
    /// a first contact again, and a changed server would go unnoticed.
    func accepted(
        _ security: SecurityReport?, for endpoint: Endpoint, closing session: any TransportSession
    ) async throws(TransportError) {
        guard let security, let fingerprint = Fingerprint("sha256:" + security.fingerprint) else { return }
        let spelled = KnownServers.endpoint(host: endpoint.host, port: endpoint.port)
        let saved = await DedicatedThread.run(name: "qrate-trust") { [knownServers] in
            Result { () throws(SecurityError) in
                try knownServers.remember(security.verification, fingerprint, for: spelled)
            }
        }
        guard case .failure(let error) = saved else { return }
        await session.close(.cancelled)
        throw TransportError(error)
    }
}

/// What a handshake needs, read from files before its clock runs.
struct ClientCredentials: Sendable {
    let identity: ClientIdentity
    let trust: ServerTrust
}

extension TransportError {
    package init(_ error: SecurityError) {
        self.init(error.kind, error.message, code: error.cause.map { Int64($0.code) })
    }
}
