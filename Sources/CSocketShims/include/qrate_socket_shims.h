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
    /// Buffers that the socket has dropped since it was opened, for want of room; -1 when these datagrams don't say.
    int64_t dropped;
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

/// Leaves fragmenting to the kernel: datagrams may be larger than the path's MTU. Returns 0 or -errno.
int qrate_allow_fragments(int fd, int family);
/// Has received datagrams tell what the socket had to drop before them. Returns 0 or -errno.
int qrate_enable_drop_count(int fd);
/// The same counter as it is now; -1 when the kernel doesn't tell.
int64_t qrate_dropped(int fd);
/// Marks what is sent, on both IP versions where the socket has both. Returns 0 or -errno.
int qrate_set_tos(int fd, int family, int tos);

/// Lets sockets of this user share the port with this one. Before bind(2). Returns 0 or -errno.
int qrate_share_port(int fd);
/// Of the sockets that share a port and aren't connected, the one that was bound first gets everything. After bind(2).
/// Returns 0 or -errno.
int qrate_prefer_first_socket(int fd);

/// Of the sockets that share a port and aren't connected, the first `count` get QUIC packets by the first byte of their
/// destination connection ID, divided by `count`: the remainder is the socket's place. Everything else goes to the first.
/// Takes the place of `qrate_prefer_first_socket`. After bind(2). Returns 0 or -errno.
int qrate_steer_by_connection_id(int fd, unsigned count);

/// Asks for a buffer size, past the system's limit where privileges allow. `which` is SO_RCVBUF or SO_SNDBUF.
/// Returns what getsockopt(2) reports afterwards, or -errno.
int qrate_set_buffer(int fd, int which, int bytes, int may_exceed_limit);

int qrate_eventfd(void);
/// Waits until one descriptor is ready or `nanoseconds` passed (negative: for ever). `events` uses poll(2)'s bits, and
/// is replaced by what happened. Returns as ppoll(2), or -errno.
int qrate_poll(int fd, short *events, int wake_fd, short *wake_events, int64_t nanoseconds);

/// How many processors this process may run on (sched_getaffinity(2)); 1 when the system doesn't tell.
int qrate_processors(void);

/// The calling thread, for `qrate_thread_times`.
int qrate_thread_id(void);
/// The processor time that a thread of this process has used in user mode and in the kernel. `thread` 0 is the calling
/// one. Returns 0, or -errno when the thread has ended or the system doesn't tell.
int qrate_thread_times(int thread, int64_t *user_ns, int64_t *system_ns);
/// Whether something keeps the wall clock in step with others: 1, 0, or -errno. In C because struct timex has bit-fields.
int qrate_wall_clock_is_synchronized(void);

void qrate_name_thread(const char *name);
/// Lets timers of the calling thread fire when they are due instead of up to 50 µs later.
void qrate_sharpen_timers(void);

// Streams. Calls that return a count give -errno when they fail, and never block.

/// Takes a waiting connection, not blocking and closed on exec. Returns its descriptor or -errno.
int qrate_accept(int fd, struct qrate_address *peer);
/// Drops a connection at once, with a reset to the peer. The descriptor stays valid; who waits on it is woken.
int qrate_disconnect(int fd);
/// Bytes that were written and that the peer's kernel has not acknowledged yet (SIOCOUTQ).
int qrate_unacknowledged(int fd);
/// Bytes that were written and that the kernel has not put on the wire yet (SIOCOUTQNSD).
int qrate_unsent(int fd);
ssize_t qrate_read(int fd, void *buffer, size_t capacity, int flags);
/// Takes up to `most` received bytes and throws them away without copying them (MSG_TRUNC).
ssize_t qrate_discard(int fd, size_t most);
ssize_t qrate_peek(int fd, void *buffer, size_t capacity);
ssize_t qrate_write(int fd, const void *buffer, size_t count);
ssize_t qrate_send_file(int fd, int file, int64_t offset, size_t count);
/// A file in memory that holds a copy of the bytes.
int qrate_memory_file(const char *name, const void *bytes, size_t count);
/// ppoll(2) over an array of `struct pollfd`; a negative time is for ever. An interruption is nothing ready.
int qrate_poll_all(void *pollfds, unsigned count, int64_t nanoseconds);
/// Whether the connection is an MPTCP one (RFC 8684) that didn't fall back to TCP.
int qrate_uses_multipath(int fd);

/// What TCP_INFO tells, from the kernel's struct. -1 where this kernel doesn't tell.
struct qrate_tcp_info {
    int64_t smoothed_rtt_us, rtt_variation_us, min_rtt_us;
    int64_t congestion_window_segments, segment_size;
    int64_t retransmitted_segments;
    /// Bytes a second.
    int64_t pacing_rate, delivery_rate;
    int64_t busy_us, receive_window_limited_us, send_buffer_limited_us;
    int64_t bytes_acknowledged;
};
int qrate_tcp_info(int fd, struct qrate_tcp_info *info);
