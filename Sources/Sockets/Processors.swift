import CQrateSocketShims

/// The machine's processors, as far as they are this process's.
package enum Processors {
    /// How many of them this process may run on: what an operator left it (taskset, cpuset), not what the machine has.
    package static var available: Int { Int(qrate_processors()) }
}
