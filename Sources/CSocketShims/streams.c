#define _GNU_SOURCE
#include "qrate_socket_shims.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>  // the kernel's own: glibc's netinet/tcp.h ends years ago, and the two exclude each other
#include <netinet/in.h>
#include <stddef.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// From linux/mptcp.h, which can't be included beside netinet/in.h everywhere.
enum { MULTIPATH_LEVEL = 284, MULTIPATH_INFO = 1, MULTIPATH_FELL_BACK = 1 };
struct multipath_info {
    uint8_t subflows, additions_signalled, additions_accepted, most_subflows, most_additions_signalled,
        most_additions_accepted;
    uint32_t flags;
};

int qrate_accept(int fd, struct qrate_address *peer) {
    socklen_t length = sizeof peer->bytes;
    int accepted;
    do accepted = accept4(fd, (struct sockaddr *)peer->bytes, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    while (accepted < 0 && errno == EINTR);
    peer->length = length;
    return accepted < 0 ? -errno : accepted;
}

int qrate_disconnect(int fd) {
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    return connect(fd, &nobody, sizeof nobody) < 0 ? -errno : 0;
}

int qrate_unacknowledged(int fd) {
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) < 0 ? -errno : bytes;
}

int qrate_unsent(int fd) {
    int bytes = 0;
    return ioctl(fd, SIOCOUTQNSD, &bytes) < 0 ? -errno : bytes;
}

ssize_t qrate_read(int fd, void *buffer, size_t capacity, int flags) {
    ssize_t count;
    do count = recv(fd, buffer, capacity, flags | MSG_DONTWAIT);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

ssize_t qrate_discard(int fd, size_t most) {
    ssize_t count;
    do count = recv(fd, NULL, most, MSG_TRUNC | MSG_DONTWAIT);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

ssize_t qrate_peek(int fd, void *buffer, size_t capacity) { return qrate_read(fd, buffer, capacity, MSG_PEEK); }

ssize_t qrate_write(int fd, const void *buffer, size_t count) {
    ssize_t sent;
    do sent = send(fd, buffer, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t qrate_send_file(int fd, int file, int64_t offset, size_t count) {
    off_t position = offset;
    ssize_t sent;
    do sent = sendfile(fd, file, &position, count);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int qrate_memory_file(const char *name, const void *bytes, size_t count) {
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0) return -errno;
    size_t done = 0;
    while (done < count) {
        ssize_t written = write(fd, (const char *)bytes + done, count - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            int error = written < 0 ? errno : EIO;
            close(fd);
            return -error;
        }
        done += (size_t)written;
    }
    return fd;
}

int qrate_poll_all(void *pollfds, unsigned count, int64_t nanoseconds) {
    struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int ready = ppoll(pollfds, count, nanoseconds < 0 ? NULL : &limit, NULL);
    if (ready < 0) {
        int error = errno;
        struct pollfd *fds = pollfds;
        for (unsigned i = 0; i < count; i++) fds[i].revents = 0;
        return error == EINTR ? 0 : -error;
    }
    return ready;
}

int qrate_uses_multipath(int fd) {
    struct multipath_info info = {0};
    // The kernel fills in what fits. On a plain TCP socket, and on one that fell back early, it refuses.
    socklen_t length = sizeof info;
    if (getsockopt(fd, MULTIPATH_LEVEL, MULTIPATH_INFO, &info, &length) < 0) return 0;
    return (info.flags & MULTIPATH_FELL_BACK) == 0;
}

int qrate_tcp_info(int fd, struct qrate_tcp_info *target) {
    struct tcp_info info;
    memset(&info, 0, sizeof info);
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return -errno;
#define KNOWN(field) (length >= offsetof(struct tcp_info, field) + sizeof info.field)
#define TAKE(ours, field) target->ours = KNOWN(field) ? (int64_t)info.field : -1
    TAKE(smoothed_rtt_us, tcpi_rtt);
    TAKE(rtt_variation_us, tcpi_rttvar);
    // No sample yet: all bits set.
    target->min_rtt_us = KNOWN(tcpi_min_rtt) && info.tcpi_min_rtt != UINT32_MAX ? (int64_t)info.tcpi_min_rtt : -1;
    TAKE(congestion_window_segments, tcpi_snd_cwnd);
    TAKE(segment_size, tcpi_snd_mss);
    TAKE(retransmitted_segments, tcpi_total_retrans);
    // "No limit" is all bits set, which is -1 here.
    TAKE(pacing_rate, tcpi_pacing_rate);
    TAKE(delivery_rate, tcpi_delivery_rate);
    TAKE(busy_us, tcpi_busy_time);
    TAKE(receive_window_limited_us, tcpi_rwnd_limited);
    TAKE(send_buffer_limited_us, tcpi_sndbuf_limited);
    TAKE(bytes_acknowledged, tcpi_bytes_acked);
    return 0;
}
