import CQrateSocketShims

/// The machine's processors, as far as they are this process's.
package enum Processors {
    /// How many of them this process may run on: what an operator left it (taskset, cpuset), not what the machine has.
    package static var available: Int { Int(qrate_processors()) }

    /// As it names itself; nil where it doesn't, as most Arm ones.
    package static var model: String? {
        let line = SystemFile.text("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = line?.split(separator: ":", maxSplits: 1).last.map { $0.drop { $0 == " " } }
        return name.flatMap { $0.isEmpty ? nil : String($0) }
    }
}
