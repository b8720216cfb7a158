/// Who seals and opens packets and records at one end. GnuTLS does all handshakes either way.
public enum AEADChoice: String, Sendable, Hashable, CaseIterable {
    /// GnuTLS.
    case stock
    /// libipsec-mb for AES-GCM where the system has it and where, at start-up, it proves right and faster; GnuTLS otherwise.
    case auto
}
