internal import CQrateGnuTLS
internal import Glibc
internal import QrateMeasurement

/// Makes the certificate of a server whose operator gave none: ECDSA P-256, signed by its own key.
enum SelfMadeCertificate {
    /// 10 years. Nobody renews it by hand, and a client that trusts it knows it by its fingerprint.
    static let validity: time_t = 3652 * 86_400
    /// Clients check the dates, and their clocks may be behind.
    static let backdating: time_t = 86_400

    /// - Parameter names: Host names and IP addresses, for the subject alternative names.
    /// - Returns: Key and certificate in PEM, in one piece, so that they can't be separated.
    static func make(names: [String], now: time_t = time(nil)) throws(SecurityError) -> [UInt8] {
        let key = PrivateKey()
        // GNUTLS_CURVE_TO_BITS, a macro that isn't imported.
        let bits = UInt32(1) << 31 | GNUTLS_ECC_CURVE_SECP256R1.rawValue
        try check("gnutls_x509_privkey_generate", gnutls_x509_privkey_generate(key.handle, GNUTLS_PK_ECDSA, bits, 0))

        var handle: gnutls_x509_crt_t?
        try check("gnutls_x509_crt_init", gnutls_x509_crt_init(&handle))
        let certificate = handle!  // as the call succeeded
        defer { gnutls_x509_crt_deinit(certificate) }

        try check("gnutls_x509_crt_set_version", gnutls_x509_crt_set_version(certificate, 3))
        try setSerial(of: certificate)
        try check("gnutls_x509_crt_set_dn", gnutls_x509_crt_set_dn(certificate, "CN=qrate", nil))
        try check(
            "gnutls_x509_crt_set_activation_time", gnutls_x509_crt_set_activation_time(certificate, now - backdating))
        try check(
            "gnutls_x509_crt_set_expiration_time", gnutls_x509_crt_set_expiration_time(certificate, now + validity))
        for name in names { try add(name, to: certificate) }
        try check("gnutls_x509_crt_set_basic_constraints", gnutls_x509_crt_set_basic_constraints(certificate, 0, -1))
        try check(
            "gnutls_x509_crt_set_key_usage",
            gnutls_x509_crt_set_key_usage(certificate, UInt32(GNUTLS_KEY_DIGITAL_SIGNATURE)))
        try check(
            "gnutls_x509_crt_set_key_purpose_oid",
            gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0))
        try check("gnutls_x509_crt_set_key", gnutls_x509_crt_set_key(certificate, key.handle))
        try check(
            "gnutls_x509_crt_sign2",
            gnutls_x509_crt_sign2(certificate, certificate, key.handle, GNUTLS_DIG_SHA256, 0))

        var keyPEM = gnutls_datum_t()
        try check(
            "gnutls_x509_privkey_export2_pkcs8",
            gnutls_x509_privkey_export2_pkcs8(
                key.handle, GNUTLS_X509_FMT_PEM, nil, UInt32(GNUTLS_PKCS_PLAIN.rawValue), &keyPEM))
        let keyText = keyPEM.takeBytes()
        var certificatePEM = gnutls_datum_t()
        try check(
            "gnutls_x509_crt_export2", gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &certificatePEM))
        return certificatePEM.takeBytes() + keyText
    }

    /// 16 random bytes, positive and without a leading zero in DER (RFC 5280 §4.1.2.2).
    private static func setSerial(of certificate: gnutls_x509_crt_t) throws(SecurityError) {
        var serial = [UInt8](repeating: 0, count: 16)
        try check("gnutls_rnd", gnutls_rnd(GNUTLS_RND_NONCE, &serial, serial.count))
        serial[0] = serial[0] & 0x7f | 0x40
        try check("gnutls_x509_crt_set_serial", gnutls_x509_crt_set_serial(certificate, serial, serial.count))
    }

    private static func add(_ name: String, to certificate: gnutls_x509_crt_t) throws(SecurityError) {
        let (kind, bytes) =
            switch ServerName(name) {
            case .dns(let name): (GNUTLS_SAN_DNSNAME, Array(name.utf8))
            case .address(let bytes): (GNUTLS_SAN_IPADDRESS, bytes)
            }
        try check(
            "gnutls_x509_crt_set_subject_alt_name",
            gnutls_x509_crt_set_subject_alt_name(
                certificate, kind, bytes, UInt32(bytes.count), UInt32(GNUTLS_FSAN_APPEND)))
    }

    private static func check(_ call: String, _ code: CInt) throws(SecurityError) {
        guard code >= 0 else { throw .gnutls("cannot make a certificate", call, code, kind: .failed) }
    }
}
