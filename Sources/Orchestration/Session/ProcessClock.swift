import Glibc
import QrateMeasurement

/// The processor time that this process has used since it began, in user mode and in the kernel, all of its threads together.
/// What the kernel does for its packets in interrupts may be counted elsewhere.
enum ProcessClock {
    static func now() -> Duration { .microseconds(clock() * (1_000_000 / Int(CLOCKS_PER_SEC))) }
}
