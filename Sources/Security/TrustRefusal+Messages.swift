internal import Glibc

extension TrustRefusal {
    static func noCertificate(_ endpoint: String) -> Self {
        Self(.noCertificate, "\(endpoint) presents no certificate")
    }

    static func pinMismatch(_ endpoint: String, _ fingerprint: Fingerprint, pin: Fingerprint) -> Self {
        Self(
            .pinMismatch,
            "\(endpoint) presents another certificate than the pinned \(pin): if it was replaced on purpose, use --pin "
                + fingerprint.pin)
    }

    static func changedFingerprint(
        _ endpoint: String, _ fingerprint: Fingerprint, recorded: Fingerprint, _ known: KnownServers.Record?
    ) -> Self {
        Self(
            .changedFingerprint,
            "\(endpoint) presents another certificate than \(since(known)): \(fingerprint), not \(recorded). Somebody may "
                + "be in between. If it was replaced on purpose, \(remove(known)) or use --pin \(fingerprint.pin); xfr "
                + "makes a new one at every start and needs --insecure")
    }

    static func selfSignedWhereAuthorityRecorded(
        _ endpoint: String, _ fingerprint: Fingerprint, _ known: KnownServers.Record?
    ) -> Self {
        Self(
            .selfSignedWhereAuthorityRecorded,
            "\(endpoint) presents a self-signed certificate (\(fingerprint)), but an authority vouched for it on "
                + "\(known?.since ?? "an earlier day"). Somebody may be in between. If the change was made on purpose, "
                + "\(remove(known)) or use --pin \(fingerprint.pin)")
    }

    static func notOfControl(_ endpoint: String, _ fingerprint: Fingerprint) -> Self {
        Self(
            .notOfControl,
            "\(endpoint) presents another certificate (\(fingerprint)) on a data connection than on the control connection: "
                + "somebody may be in between, or several servers share that address; if it was replaced just now, try again"
        )
    }

    static func tooLong(_ endpoint: String, _ count: Int) -> Self {
        Self(
            .invalid,
            "\(endpoint) presents \(count) certificates; a chain may have \(CertificateChain.countLimit)")
    }

    static func invalid(_ endpoint: String, _ fingerprint: Fingerprint, _ reason: String) -> Self {
        Self(
            .invalid,
            "the certificate of \(endpoint) is not valid: \(reason); --pin \(fingerprint.pin) accepts it nevertheless")
    }

    /// The one of several faults that the user has to hear of first: who signed it, then when, then for whom.
    static func faults(
        _ faults: CertificateFaults, of chain: borrowing CertificateChain, _ endpoint: String,
        _ fingerprint: Fingerprint, serverName: String? = nil, authorities: TrustStore? = nil
    ) -> Self {
        let certificate = "the certificate of \(endpoint)"
        let nevertheless = "--pin \(fingerprint.pin) accepts it nevertheless"
        if faults.isUntrusted {
            // Also a wrong signature: an authority that was made anew has its old name and another key.
            return Self(
                .unknownAuthority,
                "\(certificate) is not signed by any authority of \(place(authorities)): give its authority's "
                    + "certificate with --ca FILE; \(nevertheless)")
        }
        if faults.contains(.expired) {
            let what = chain.expiry(of: certificate, from: endpoint, now: time(nil))
            return Self(.expired, "\(what): renew it on the server; \(nevertheless)")
        }
        if faults.contains(.notYetValid) {
            let what = chain.activation(of: certificate, from: endpoint, now: time(nil))
            return Self(.notYetValid, "\(what): set the clock; \(nevertheless)")
        }
        if faults.contains(.wrongName) {
            return Self(
                .wrongName,
                "\(certificate) is made for \(names(in: chain)), not for \(serverName ?? endpoint): say which name to expect "
                    + "with --server-name; \(nevertheless)")
        }
        if faults.contains(.wrongPurpose) { return invalid(endpoint, fingerprint, "it is not made for servers") }
        if faults.contains(.insecureAlgorithm) {
            return invalid(endpoint, fingerprint, "it is signed with an insecure algorithm or a key that is too short")
        }
        return invalid(endpoint, fingerprint, "it breaks a rule of its authority or was revoked")
    }

    private static func names(in chain: borrowing CertificateChain) -> String {
        let names = chain.names
        return names.isEmpty ? "no name" : names.joined(separator: ", ")
    }

    private static func since(_ known: KnownServers.Record?) -> String {
        known.map { "on \($0.since)" } ?? "before"
    }

    private static func remove(_ known: KnownServers.Record?) -> String {
        guard let place = known?.place else { return "remove its line from known_servers" }
        return "remove line \(place.line) of \(place.file)"
    }

    private static func place(_ authorities: TrustStore?) -> String {
        guard let authorities else { return "this client" }
        if let file = authorities.file { return file }
        return authorities.count == 0
            ? "this system, which has none (install ca-certificates)" : "this system"
    }
}
