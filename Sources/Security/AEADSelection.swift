package import QrateMeasurement

/// Which library's AES-GCM this process uses.
package enum AEADSelection {
    /// How the trial of libipsec-mb went; nil where the processor has no instructions for AES, or the system no such
    /// library. Held once per process, by whoever asks first: not on a thread that has packets waiting.
    package static let trial: ProtectorTrial.Outcome? = {
        guard ProcessorFeatures.hasAES, IPSecMBProtector.isThere else { return nil }
        return ProtectorTrial.run(IPSecMBProtector.self, against: GnuTLSProtector.self)
    }()

    /// What to use for AES-GCM; other suites are GnuTLS's. See ``trial`` for what the first call costs.
    package static func library(for choice: AEADChoice) -> AEADLibrary {
        switch choice {
        case .stock: .gnutls
        case .auto: library(after: trial)
        }
    }

    static func library(after trial: ProtectorTrial.Outcome?) -> AEADLibrary {
        switch trial {
        case .won?: .ipsecMB
        case .slower?, .disagreed?, nil: .gnutls
        }
    }
}
