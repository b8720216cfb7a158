internal import CQrateGnuTLS
internal import Glibc

extension TestCertificate {
    /// Signs with the certificate's own key.
    static func sign(_ request: Request, for key: borrowing Key) throws -> [UInt8] {
        let certificate = try Parsed()
        return try sign(request, for: key, certificate, by: certificate, key)
    }

    static func sign(
        _ request: Request, for key: borrowing Key, by issuer: borrowing Parsed, _ issuerKey: borrowing Key
    ) throws -> [UInt8] {
        try sign(request, for: key, try Parsed(), by: issuer, issuerKey)
    }

    private static func sign(
        _ request: Request, for key: borrowing Key, _ unsigned: borrowing Parsed, by issuer: borrowing Parsed,
        _ issuerKey: borrowing Key
    ) throws -> [UInt8] {
        let certificate = unsigned.handle
        var serial = [UInt8](repeating: 0, count: 16)
        try check("gnutls_rnd", gnutls_rnd(GNUTLS_RND_NONCE, &serial, serial.count))
        serial[0] = serial[0] & 0x7f | 0x40
        let now = time(nil)
        try check("gnutls_x509_crt_set_version", gnutls_x509_crt_set_version(certificate, 3))
        try check("gnutls_x509_crt_set_serial", gnutls_x509_crt_set_serial(certificate, serial, serial.count))
        try check("gnutls_x509_crt_set_dn", gnutls_x509_crt_set_dn(certificate, "CN=" + request.commonName, nil))
        try check(
            "gnutls_x509_crt_set_activation_time",
            gnutls_x509_crt_set_activation_time(certificate, now + request.notBefore))
        try check(
            "gnutls_x509_crt_set_expiration_time",
            gnutls_x509_crt_set_expiration_time(certificate, now + request.notAfter))
        try check("gnutls_x509_crt_set_key", gnutls_x509_crt_set_key(certificate, key.handle))
        for name in request.names { try add(name, to: certificate) }
        try check(
            "gnutls_x509_crt_set_basic_constraints",
            gnutls_x509_crt_set_basic_constraints(certificate, request.isAuthority ? 1 : 0, -1))
        let usage = request.isAuthority ? GNUTLS_KEY_KEY_CERT_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE
        try check("gnutls_x509_crt_set_key_usage", gnutls_x509_crt_set_key_usage(certificate, UInt32(usage)))
        if !request.isAuthority {
            let purpose = request.purpose == .server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT
            try check(
                "gnutls_x509_crt_set_key_purpose_oid", gnutls_x509_crt_set_key_purpose_oid(certificate, purpose, 0))
        }
        try check(
            "gnutls_x509_crt_sign2",
            gnutls_x509_crt_sign2(certificate, issuer.handle, issuerKey.handle, digest(for: issuerKey), 0))

        var der = gnutls_datum_t()
        try check("gnutls_x509_crt_export2", gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &der))
        return taken(der)
    }

    static func add(_ name: String, to certificate: gnutls_x509_crt_t) throws {
        var bytes = [UInt8](repeating: 0, count: 16)
        var kind = GNUTLS_SAN_IPADDRESS
        if inet_pton(AF_INET, name, &bytes) == 1 {
            bytes.removeLast(12)
        } else if inet_pton(AF_INET6, name, &bytes) != 1 {
            kind = GNUTLS_SAN_DNSNAME
            bytes = Array(name.utf8)
        }
        try check(
            "gnutls_x509_crt_set_subject_alt_name",
            gnutls_x509_crt_set_subject_alt_name(
                certificate, kind, bytes, UInt32(bytes.count), UInt32(GNUTLS_FSAN_APPEND)))
    }

    struct Parsed: ~Copyable {
        let handle: gnutls_x509_crt_t

        init() throws {
            var handle: gnutls_x509_crt_t?
            try check("gnutls_x509_crt_init", gnutls_x509_crt_init(&handle))
            self.handle = handle!  // as the call succeeded
        }

        deinit { gnutls_x509_crt_deinit(handle) }

        static func parse(_ der: [UInt8]) throws -> Parsed {
            let parsed = try Parsed()
            try check(
                "gnutls_x509_crt_import",
                withDatum(der) { gnutls_x509_crt_import(parsed.handle, &$0, GNUTLS_X509_FMT_DER) })
            return parsed
        }

        var isSelfIssued: Bool { gnutls_x509_crt_check_issuer(handle, handle) != 0 }
    }

    struct Key: ~Copyable {
        let handle: gnutls_x509_privkey_t

        init() throws {
            var handle: gnutls_x509_privkey_t?
            try check("gnutls_x509_privkey_init", gnutls_x509_privkey_init(&handle))
            self.handle = handle!  // as the call succeeded
        }

        deinit { gnutls_x509_privkey_deinit(handle) }

        static func generate(_ type: KeyType) throws -> Key {
            let key = try Key()
            let (algorithm, bits): (gnutls_pk_algorithm_t, UInt32) =
                switch type {
                case .ecdsaP256: (GNUTLS_PK_ECDSA, 1 << 31 | GNUTLS_ECC_CURVE_SECP256R1.rawValue)
                case .ed25519: (GNUTLS_PK_EDDSA_ED25519, 1 << 31 | GNUTLS_ECC_CURVE_ED25519.rawValue)
                case .rsa: (GNUTLS_PK_RSA, 2048)
                case .shortRSA: (GNUTLS_PK_RSA, 1024)
                }
            try check(
                "gnutls_x509_privkey_generate", gnutls_x509_privkey_generate(key.handle, algorithm, bits, 0))
            return key
        }

        static func parse(_ der: [UInt8]) throws -> Key {
            let key = try Key()
            try check(
                "gnutls_x509_privkey_import2",
                withDatum(der) { gnutls_x509_privkey_import2(key.handle, &$0, GNUTLS_X509_FMT_DER, nil, 0) })
            return key
        }

        func exportDER() throws -> [UInt8] { try export(GNUTLS_X509_FMT_DER, password: nil) }

        func exportPEM(password: String) throws -> String {
            String(decoding: try export(GNUTLS_X509_FMT_PEM, password: password), as: UTF8.self)
        }

        private func export(_ format: gnutls_x509_crt_fmt_t, password: String?) throws -> [UInt8] {
            let flags = password == nil ? GNUTLS_PKCS_PLAIN : GNUTLS_PKCS_PBES2_AES_256
            var out = gnutls_datum_t()
            try check(
                "gnutls_x509_privkey_export2_pkcs8",
                gnutls_x509_privkey_export2_pkcs8(handle, format, password, UInt32(flags.rawValue), &out))
            return taken(out)
        }
    }

    /// Ed25519 brings its own hash and accepts no other (RFC 8410).
    static func digest(for key: borrowing Key) -> gnutls_digest_algorithm_t {
        let isEd25519 = gnutls_x509_privkey_get_pk_algorithm(key.handle) == GNUTLS_PK_EDDSA_ED25519.rawValue
        return isEd25519 ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256
    }

    static func pem(_ label: String, _ der: [UInt8]) throws -> String {
        var out = gnutls_datum_t()
        try check("gnutls_pem_base64_encode2", withDatum(der) { gnutls_pem_base64_encode2(label, &$0, &out) })
        return String(decoding: taken(out), as: UTF8.self)
    }

    private static func withDatum<Result>(_ bytes: [UInt8], _ body: (inout gnutls_datum_t) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { buffer in
            var datum = gnutls_datum_t(
                data: UnsafeMutablePointer(mutating: buffer.baseAddress), size: UInt32(buffer.count))
            return body(&datum)
        }
    }

    /// Copies what GnuTLS allocated, and frees it.
    private static func taken(_ datum: gnutls_datum_t) -> [UInt8] {
        defer { free(datum.data) }
        return Array(UnsafeBufferPointer(start: datum.data, count: Int(datum.size)))
    }

    private static func check(_ call: String, _ code: CInt) throws {
        guard code >= 0 else {
            throw TestCertificate.Failure.gnutls(call: call, code: code, text: String(cString: gnutls_strerror(code)))
        }
    }
}
