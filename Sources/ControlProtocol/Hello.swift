/// The first message of both ends.
package struct Hello: Sendable, Equatable, Codable {
    package static let protocolVersion = "1.1"

    package var version: String
    /// The software: `client` in a client's hello, `server` in a server's.
    package var client: String?
    package var server: String?
    package var capabilities: [String]?
    package var auth: Challenge?
    package var clientNonce: String?

    package struct Challenge: Sendable, Equatable, Codable {
        package var method: String
        package var nonce: String

        package init(method: String, nonce: String) {
            self.method = method
            self.nonce = nonce
        }
    }

    enum CodingKeys: String, CodingKey {
        case version, client, server, capabilities, auth
        case clientNonce = "client_nonce"
    }

    package init(
        version: String = protocolVersion, client: String? = nil, server: String? = nil, capabilities: [String]? = nil
    ) {
        self.version = version
        self.client = client
        self.server = server
        self.capabilities = capabilities
    }
}

package struct AuthResponse: Sendable, Equatable, Codable {
    package var response: String

    package init(response: String) { self.response = response }
}

package struct AuthSuccess: Sendable, Equatable, Codable {
    package var serverProof: String?

    enum CodingKeys: String, CodingKey { case serverProof = "server_proof" }

    package init(serverProof: String? = nil) { self.serverProof = serverProof }
}
