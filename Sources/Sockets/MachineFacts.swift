import Glibc

/// What the system says of the machine that this process runs on: its files as they are, and what they mean.
package struct MachineFacts: Sendable, Hashable {
    /// As uname(2) names it.
    package var architecture = ""
    /// Of `/proc/cpuinfo`, the first processor's entry at least.
    package var cpuinfo = ""
    /// What the firmware says who made which machine (`sys_vendor`, `product_name`).
    package var maker = ""
    package var product = ""
    /// A hypervisor announces itself in `/sys/hypervisor` or in the device tree.
    package var announcesHypervisor = false
    /// A container's manager left its mark.
    package var hasContainerMark = false
    /// The control groups of process 1.
    package var controlGroups = ""

    package init() {}

    /// Reads them. No call waits for a disk.
    package static func read() -> MachineFacts {
        var facts = MachineFacts()
        facts.architecture = SystemName.current?.machine ?? ""
        facts.cpuinfo = text(of: "/proc/cpuinfo")
        facts.maker = text(of: "/sys/class/dmi/id/sys_vendor")
        facts.product = text(of: "/sys/class/dmi/id/product_name")
        facts.announcesHypervisor = exists("/sys/hypervisor/type") || exists("/proc/device-tree/hypervisor")
        facts.hasContainerMark = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"].contains(where: exists)
        facts.controlGroups = text(of: "/proc/1/cgroup")
        return facts
    }

    /// The processors' model; nil where the kernel doesn't name it. Arm's don't call themselves anything but numbers.
    package var processor: String? {
        if let name = first("model name") ?? first("cpu model") ?? first("cpu") { return name }
        guard let implementer = first("CPU implementer"), let part = first("CPU part") else { return nil }
        return "implementer \(implementer), part \(part)"
    }

    /// Whether a hypervisor is under the kernel; nil where there is no sign of one, and none would have to be.
    package var isVirtualMachine: Bool? {
        if announcesHypervisor { return true }
        // The x86 processors' own bit for it (CPUID leaf 1), which every hypervisor sets.
        if let flags = first("flags") { return flags.split(separator: " ").contains("hypervisor") }
        let firmware = maker + " " + product
        return Self.virtualMachines.contains(where: firmware.contains) ? true : nil
    }

    /// true, or nil for no sign of a container.
    package var isContainer: Bool? {
        hasContainerMark || Self.containerManagers.contains(where: controlGroups.contains) ? true : nil
    }

    /// In the names of emulated machines.
    private static let virtualMachines = ["QEMU", "KVM", "VMware", "Xen", "Virtual Machine", "OpenStack", "Parallels"]
    private static let containerManagers = ["docker", "kubepods", "containerd", "libpod", "/lxc"]

    /// The value of the first line with that name.
    private func first(_ name: String) -> String? {
        for line in cpuinfo.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].trimmed == name else { continue }
            let value = parts[1].trimmed
            if !value.isEmpty { return value }
        }
        return nil
    }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The beginning of a small file; empty where it can't be read.
    private static func text(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

/// How the system calls itself: uname(2).
package struct SystemName: Sendable, Hashable {
    /// As in `Linux`, `6.1.0-18-amd64` and `x86_64`.
    package var system: String
    package var release: String
    package var machine: String

    package static var current: SystemName? {
        var raw = utsname()
        guard uname(&raw) == 0 else { return nil }
        return SystemName(
            system: text(of: &raw.sysname), release: text(of: &raw.release), machine: text(of: &raw.machine))
    }

    /// Of an array of characters that ends with a 0.
    private static func text<Characters>(of field: inout Characters) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension Substring {
    /// Without blanks at its ends.
    fileprivate var trimmed: String {
        let start = drop { $0 == " " || $0 == "\t" }
        return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
