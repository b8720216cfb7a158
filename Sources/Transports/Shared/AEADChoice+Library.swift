package import QrateMeasurement
package import QrateSecurity
import QrateSockets

extension AEADChoice {
    /// What it comes to on this machine. The first `auto` of a process finds out, in a few milliseconds.
    package var library: AEADLibrary {
        get async {
            if self == .stock { return .gnutls }
            return await DedicatedThread.run(name: "qrate-aead") { AEADSelection.library(for: self) }
        }
    }
}
