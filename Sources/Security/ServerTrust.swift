internal import QrateMeasurement

/// How a client judges the server that it is connecting to.
package struct ServerTrust: Sendable {
    package enum Policy: Sendable {
        /// `--insecure`: any certificate will do.
        case insecure
        /// `--pin`: this certificate and no other.
        case pinned(Fingerprint)
        /// A chain to an authority for `serverName` (a host name or an IP address); a self-signed certificate is
        /// trusted on first use. `known` is what ``KnownServers/record(for:)`` said.
        case verify(TrustStore, serverName: String, known: KnownServers.Record?)
        /// A data connection's: the very certificate that was accepted on the test's control connection, so that nobody
        /// answers in the server's place.
        case same(asControl: TrustVerdict)
    }

    package var policy: Policy
    /// How messages call the server: `paris.example.net:5201`.
    package var endpoint: String

    package init(_ policy: Policy, endpoint: String) {
        self.policy = policy
        self.endpoint = endpoint
    }

    /// - Parameter chain: Certificates in DER, the leaf first, as they came from the network. The TLS library has
    ///   verified, or will verify, that the server holds the leaf's private key.
    package func judge(_ chain: [[UInt8]]) -> TrustVerdict {
        guard let leaf = chain.first else { return .refused(.noCertificate(endpoint)) }
        let fingerprint = Fingerprint(ofCertificate: leaf)
        switch policy {
        case .insecure:
            return .accepted(.unverified, fingerprint)
        case .pinned(fingerprint):
            return .accepted(.pinned, fingerprint)
        case .pinned(let pin):
            return .refused(.pinMismatch(endpoint, fingerprint, pin: pin))
        case .verify(let authorities, let serverName, let known):
            return verify(chain, fingerprint, authorities, serverName, known)
        case .same(asControl: .accepted(let verification, let accepted)) where accepted == fingerprint:
            return .accepted(verification, fingerprint)
        case .same:
            return .refused(.notOfControl(endpoint, fingerprint))
        }
    }

    private func verify(
        _ presented: [[UInt8]], _ fingerprint: Fingerprint, _ authorities: TrustStore, _ serverName: String,
        _ known: KnownServers.Record?
    ) -> TrustVerdict {
        guard presented.count <= CertificateChain.countLimit else {
            return .refused(.tooLong(endpoint, presented.count))
        }
        guard let chain = CertificateChain.parse(presented) else {
            return .refused(.invalid(endpoint, fingerprint, "it cannot be parsed"))
        }
        let faults = authorities.faults(of: chain, as: .server(ServerName(serverName)))
        if faults.isEmpty { return .accepted(.certificateAuthority, fingerprint) }

        // Only where no authority vouches for it: one that an authority signed is refused for its other faults.
        if faults.isUntrusted {
            let ownFaults = chain.faultsAsSelfSigned()
            if !ownFaults.isUntrusted { return judgeSelfSigned(chain, fingerprint, ownFaults, known) }
        }
        return .refused(
            .faults(faults, of: chain, endpoint, fingerprint, serverName: serverName, authorities: authorities))
    }

    /// Trust on first use. The name isn't checked: the fingerprint is the identity.
    private func judgeSelfSigned(
        _ chain: borrowing CertificateChain, _ fingerprint: Fingerprint, _ faults: CertificateFaults,
        _ known: KnownServers.Record?
    ) -> TrustVerdict {
        switch known?.identity {
        case .authority?:
            return .refused(.selfSignedWhereAuthorityRecorded(endpoint, fingerprint, known))
        case .fingerprint(let recorded)? where recorded != fingerprint:
            return .refused(.changedFingerprint(endpoint, fingerprint, recorded: recorded, known))
        case .fingerprint?, nil:
            guard faults.isEmpty else { return .refused(.faults(faults, of: chain, endpoint, fingerprint)) }
            if let known { return .accepted(.known(since: known.since), fingerprint) }
            return .accepted(.firstUse, fingerprint)
        }
    }
}
