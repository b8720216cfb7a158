#define _GNU_SOURCE
#include "qrate_socket_shims.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// From linux/udp.h, which can't be included beside netinet/udp.h.
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

_Static_assert(sizeof(struct sockaddr_storage) == sizeof((struct qrate_address *)0)->bytes, "sockaddr_storage fits");

enum { CONTROL_SPACE = 256 };

static void store(struct qrate_address *target, const void *address, size_t length) {
    memcpy(target->bytes, address, length);
    target->length = (uint32_t)length;
}

ssize_t qrate_receive(int fd, void *buffer, size_t capacity, struct qrate_received *info) {
    union {
        char bytes[CONTROL_SPACE];
        struct cmsghdr align;
    } control;
    struct iovec vector = {buffer, capacity};
    struct msghdr message = {
        .msg_name = info->remote.bytes,
        .msg_namelen = sizeof info->remote.bytes,
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t count;
    do count = recvmsg(fd, &message, MSG_DONTWAIT);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;

    info->remote.length = message.msg_namelen;
    info->local.length = 0;
    info->segment_size = 0;
    info->tos = -1;
    info->truncated = (message.msg_flags & MSG_TRUNC) != 0;
    info->dropped = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            info->segment_size = size;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            uint32_t dropped;
            memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
            info->dropped = dropped;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            info->tos = *CMSG_DATA(c);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            int tos;
            memcpy(&tos, CMSG_DATA(c), sizeof tos);
            info->tos = tos & 0xff;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo packet;
            memcpy(&packet, CMSG_DATA(c), sizeof packet);
            struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr = packet.ipi_addr};
            store(&info->local, &local, sizeof local);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo packet;
            memcpy(&packet, CMSG_DATA(c), sizeof packet);
            struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_addr = packet.ipi6_addr};
            // A link-local address means nothing without its interface.
            if (IN6_IS_ADDR_LINKLOCAL(&packet.ipi6_addr)) local.sin6_scope_id = packet.ipi6_ifindex;
            store(&info->local, &local, sizeof local);
        }
    }
    return count;
}

static struct cmsghdr *append(struct msghdr *message, struct cmsghdr *previous, int level, int type, const void *data,
                              size_t size) {
    message->msg_controllen += CMSG_SPACE(size);
    struct cmsghdr *c = previous == NULL ? CMSG_FIRSTHDR(message) : CMSG_NXTHDR(message, previous);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), data, size);
    return c;
}

ssize_t qrate_send(int fd, const void *buffer, size_t count, uint16_t segment_size, int tos, const void *remote_bytes,
                   uint32_t remote_length, const void *local_bytes) {
    const struct sockaddr *remote = remote_bytes, *local = local_bytes;
    union {
        char bytes[CONTROL_SPACE];
        struct cmsghdr align;
    } control;
    // CMSG_NXTHDR looks at the length of the header that it is about to return: it must not read garbage.
    memset(control.bytes, 0, sizeof control.bytes);
    struct iovec vector = {(void *)buffer, count};
    struct msghdr message = {
        .msg_name = (void *)remote,
        .msg_namelen = remote_length,
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
    };
    struct cmsghdr *last = NULL;
    if (segment_size > 0) last = append(&message, last, IPPROTO_UDP, UDP_SEGMENT, &segment_size, sizeof segment_size);
    int is_v6 = local != NULL ? local->sa_family == AF_INET6 : remote != NULL && remote->sa_family == AF_INET6;
    int is_mapped = is_v6 && remote != NULL && remote->sa_family == AF_INET6 &&
                    IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)remote)->sin6_addr);
    if (tos >= 0) {
        // An IPv4 peer seen through an IPv6 socket still has an IPv4 header.
        last = is_v6 && !is_mapped ? append(&message, last, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos)
                                   : append(&message, last, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    }
    if (local != NULL && local->sa_family == AF_INET) {
        struct in_pktinfo packet = {.ipi_spec_dst = ((const struct sockaddr_in *)local)->sin_addr};
        last = append(&message, last, IPPROTO_IP, IP_PKTINFO, &packet, sizeof packet);
    } else if (local != NULL && local->sa_family == AF_INET6) {
        const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)local;
        struct in6_pktinfo packet = {.ipi6_addr = address->sin6_addr, .ipi6_ifindex = address->sin6_scope_id};
        last = append(&message, last, IPPROTO_IPV6, IPV6_PKTINFO, &packet, sizeof packet);
    }
    if (last == NULL) message.msg_control = NULL;
    ssize_t sent;
    do sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

static int set(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

int qrate_enable_receive_info(int fd, int family) {
    // A dual-stack socket gets IPv4 headers too, and reports their TOS only when asked at the IPv4 level.
    int result = set(fd, IPPROTO_IP, IP_RECVTOS, 1);
    if (family == AF_INET) return result < 0 ? result : set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    result = set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    return result < 0 ? result : set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

int qrate_enable_mtu_probing(int fd, int family) {
    int result = set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    return family == AF_INET ? result : set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
}

int qrate_allow_fragments(int fd, int family) {
    int result = set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT);
    return family == AF_INET ? result : set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT);
}

int qrate_enable_drop_count(int fd) { return set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1); }

int64_t qrate_dropped(int fd) {
    uint32_t values[SK_MEMINFO_VARS];
    socklen_t length = sizeof values;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &length) < 0) return -1;
    return length > SK_MEMINFO_DROPS * sizeof values[0] ? values[SK_MEMINFO_DROPS] : -1;
}

int qrate_set_tos(int fd, int family, int tos) {
    int result = set(fd, IPPROTO_IP, IP_TOS, tos);
    return family == AF_INET ? result : set(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
}

int qrate_share_port(int fd) {
    int result = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return result < 0 ? result : set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

int qrate_prefer_first_socket(int fd) {
    // The program's result is a place in the group, where the first socket has place 0.
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    struct sock_fprog program = {.len = 1, .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) < 0 ? -errno : 0;
}

int qrate_steer_by_connection_id(int fd, unsigned count) {
    // Offsets count from the UDP payload. Reading past its end gives 0, the first socket's place, and ends the program.
    // Long header: flags, version, length of the destination ID, the ID (RFC 8999 §5.1). Short: flags, the ID.
    enum { FLAGS = 0, LONG_ID = 6, SHORT_ID = 1 };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80, 0, 2),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, LONG_ID),
        BPF_STMT(BPF_JMP | BPF_JA, 3),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x40, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SHORT_ID),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) < 0 ? -errno : 0;
}

int qrate_enable_gro(int fd) { return set(fd, IPPROTO_UDP, UDP_GRO, 1); }

int qrate_supports_gso(int fd) {
    int value;
    socklen_t length = sizeof value;
    return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &value, &length) == 0;
}

int qrate_set_buffer(int fd, int which, int bytes, int may_exceed_limit) {
    int forced = which == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
    if (!may_exceed_limit || set(fd, SOL_SOCKET, forced, bytes) < 0) {
        int result = set(fd, SOL_SOCKET, which, bytes);
        if (result < 0) return result;
    }
    int granted = 0;
    socklen_t length = sizeof granted;
    return getsockopt(fd, SOL_SOCKET, which, &granted, &length) < 0 ? -errno : granted;
}

int qrate_eventfd(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int qrate_poll(int fd, short *events, int wake_fd, short *wake_events, int64_t nanoseconds) {
    struct pollfd fds[2] = {{fd, *events, 0}, {wake_fd, *wake_events, 0}};
    struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int ready = ppoll(fds, 2, nanoseconds < 0 ? NULL : &limit, NULL);
    if (ready < 0 && errno != EINTR) return -errno;
    *events = ready > 0 ? fds[0].revents : 0;
    *wake_events = ready > 0 ? fds[1].revents : 0;
    return ready < 0 ? 0 : ready;
}

int qrate_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) < 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

int qrate_thread_id(void) { return (int)syscall(SYS_gettid); }

enum thread_clock { THREAD_PROFILED = 0, THREAD_USER = 1, THREAD_EXACT = 2 };

/// The kernel's clocks of a thread, by the number that pthread_getcpuclockid(3) gives. Unlike that, this takes a thread
/// that may have ended.
static int64_t thread_clock(int thread, enum thread_clock which) {
    struct timespec time;
    clockid_t clock = (clockid_t)(~(unsigned)thread << 3 | 4 | which);
    return clock_gettime(clock, &time) < 0 ? -errno : time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int qrate_thread_times(int thread, int64_t *user_ns, int64_t *system_ns) {
    if (thread == 0) {
        struct rusage usage;
        if (getrusage(RUSAGE_THREAD, &usage) < 0) return -errno;
        *user_ns = usage.ru_utime.tv_sec * INT64_C(1000000000) + usage.ru_utime.tv_usec * INT64_C(1000);
        *system_ns = usage.ru_stime.tv_sec * INT64_C(1000000000) + usage.ru_stime.tv_usec * INT64_C(1000);
        return 0;
    }
    // The exact sum, divided as the sampled times are: what the kernel does for getrusage(2), too.
    int64_t user = thread_clock(thread, THREAD_USER), both = thread_clock(thread, THREAD_PROFILED);
    int64_t exact = thread_clock(thread, THREAD_EXACT);
    if (user < 0 || both < 0 || exact < 0) return -ESRCH;
    double share = both > 0 && user < both ? (double)user / (double)both : 1;
    *user_ns = (int64_t)((double)exact * share);
    *system_ns = exact - *user_ns;
    return 0;
}

void qrate_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void qrate_sharpen_timers(void) { prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }
