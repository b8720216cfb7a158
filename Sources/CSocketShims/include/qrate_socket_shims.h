#pragma once

// What Swift can't say about sockets: control messages, GNU-only calls and constants that glibc hides. Plain C types
// only, and neither _GNU_SOURCE nor sys/socket.h here: either would give Swift a second shape of the libc module.

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// A sockaddr_storage, as bytes.
struct qrate_address {
    _Alignas(8) uint8_t bytes[128];
    uint32_t length;
};

/// What recvmsg(2) tells besides the bytes.
struct qrate_received {
    struct qrate_address remote;
    /// The local address that the datagram was sent to, without its port; length 0 when the kernel didn't say.
    struct qrate_address local;
    /// Size of the segments that UDP_GRO merged; 0 when there was one datagram.
    int segment_size;
    /// The IP header's TOS or traffic class byte; its low two bits are ECN (RFC 3168). -1 when not known.
    int tos;
    /// Whether the datagram was longer than the buffer.
    int truncated;
};

/// Receives one datagram, or one run of them merged by UDP_GRO. Returns the byte count, or -errno.
ssize_t qrate_receive(int fd, void *buffer, size_t capacity, struct qrate_received *info);

/// Sends `count` bytes, cut by the kernel into segments of `segment_size` when that is above 0 (UDP_SEGMENT).
///
/// `remote`, a sockaddr, may be NULL on a connected socket. `local`, where not NULL, is the source address to use.
/// `tos` is the TOS byte, or -1 for the socket's own. Returns the byte count, or -errno.
ssize_t qrate_send(int fd, const void *buffer, size_t count, uint16_t segment_size, int tos, const void *remote,
                   uint32_t remote_length, const void *local);

/// Turns on what `qrate_receive` reports: TOS, destination address. Returns 0 or -errno.
int qrate_enable_receive_info(int fd, int family);
/// Sets don't-fragment and leaves path MTU to the caller (RFC 8899 §3). Returns 0 or -errno.
int qrate_enable_mtu_probing(int fd, int family);
/// Returns 0 or -errno; refused by kernels before 5.0.
int qrate_enable_gro(int fd);
/// Whether the kernel knows UDP_SEGMENT on this socket.
int qrate_supports_gso(int fd);

/// Asks for a buffer size, past the system's limit where privileges allow. `which` is SO_RCVBUF or SO_SNDBUF.
/// Returns what getsockopt(2) reports afterwards, or -errno.
int qrate_set_buffer(int fd, int which, int bytes, int may_exceed_limit);

int qrate_eventfd(void);
/// Waits until one descriptor is ready or `nanoseconds` passed (negative: for ever). `events` uses poll(2)'s bits, and
/// is replaced by what happened. Returns as ppoll(2), or -errno.
int qrate_poll(int fd, short *events, int wake_fd, short *wake_events, int64_t nanoseconds);

void qrate_name_thread(const char *name);
/// Lets timers of the calling thread fire when they are due instead of up to 50 µs later.
void qrate_sharpen_timers(void);
