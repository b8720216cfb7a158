import QrateMeasurement
import QrateQUICCore
import QrateSecurity
import QrateSockets

extension Platform {
    /// This process's. Read from the system once, when it is first asked for.
    static let current: Platform = {
        var platform = Platform()
        platform.build = QrateVersion.build
        platform.ngtcp2 = QUICLibrary.version
        platform.gnutls = TLSLibrary.version
        if let name = SystemName.current {
            platform.kernel = "\(name.system) \(name.release)"
            platform.architecture = name.machine
        }
        let machine = MachineFacts.read()
        platform.processor = machine.processor
        platform.processorCount = Processors.available
        platform.isVirtualMachine = machine.isVirtualMachine
        platform.isContainer = machine.isContainer
        return platform
    }()
}
