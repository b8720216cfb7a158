#pragma once

// Network namespaces and TUN devices: variadic calls, unions and GNU-only names that Swift can't reach. Linux only.

#include <stdint.h>

/// One end of an emulated path: a network namespace without a name, and a TUN device in it.
struct qrate_path_end {
    /// Keeps the namespace alive while it is open, and is a way into it for other processes: /proc/PID/fd/N.
    int namespace_fd;
    /// Reads what the namespace sends into the device, and writes what it receives. One IP packet a call; doesn't block.
    int device_fd;
    /// Whether the device has an IPv6 address besides.
    int has_v6;
};

/// The calling thread's network namespace. Returns a descriptor, or -errno.
int qrate_path_current_namespace(void);
/// Moves the calling thread. Returns 0 or -errno.
int qrate_path_enter_namespace(int fd);

/// Moves the calling thread into a new network namespace, brings loopback up there and makes a TUN device with these
/// addresses (prefix lengths 24 and 64). Returns 0, or -errno with what was being done in `step`.
int qrate_path_make_end(const char *device, const char *v4, const char *v6, int mtu, int queue_packets,
                        struct qrate_path_end *end, const char **step);

/// Packets that the device dropped because nobody read them in time. Asks the namespace that the thread is in.
/// Returns -1 when it can't be told.
int64_t qrate_path_device_drops(const char *device);

/// Waits for one of SIGTERM, SIGINT, SIGHUP, SIGUSR1, which the process must have blocked before it started threads.
/// Returns the signal, or 0 when `milliseconds` passed.
int qrate_path_wait_signal(int milliseconds);
void qrate_path_block_signals(void);
