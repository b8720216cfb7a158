import Glibc

/// How many descriptors this process may have.
package enum DescriptorLimit {
    /// Goes as far as the process may by itself: the usual 1024 is for programs that use select(2), and fewer than a server
    /// with many connections needs. Idempotent.
    package static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max
        else {
            return
        }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)  // else it stays what it was
    }
}
