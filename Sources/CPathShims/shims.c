#define _GNU_SOURCE
#include "qrate_path_shims.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int qrate_path_current_namespace(void) {
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int qrate_path_enter_namespace(int fd) { return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0; }

static struct ifreq request_for(const char *device) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, device, IFNAMSIZ - 1);
    return request;
}

static int bring_up(int fd, const char *device) {
    struct ifreq request = request_for(device);
    if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) return -errno;
    request.ifr_flags |= IFF_UP;
    return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static int set_v4(int fd, const char *device, unsigned long what, const char *address) {
    struct ifreq request = request_for(device);
    struct sockaddr_in name = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, address, &name.sin_addr) != 1) return -EINVAL;
    memcpy(&request.ifr_addr, &name, sizeof name);
    return ioctl(fd, what, &request) < 0 ? -errno : 0;
}

// As in linux/ipv6.h, which can't be included beside netinet/in.h.
struct v6_request {
    struct in6_addr address;
    uint32_t prefix_length;
    int interface;
};

static int set_v6(const char *device, const char *address) {
    struct v6_request request = {.prefix_length = 64, .interface = (int)if_nametoindex(device)};
    if (inet_pton(AF_INET6, address, &request.address) != 1) return -EINVAL;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int result = ioctl(fd, SIOCSIFADDR, &request) < 0 ? -errno : 0;
    close(fd);
    return result;
}

static int configure(int fd, const char *device, const char *v4, const char *v6, int mtu, int queue_packets,
                     struct qrate_path_end *end, const char **step) {
    int result;
    *step = "bringing loopback up";
    if ((result = bring_up(fd, "lo")) < 0) return result;

    struct ifreq request = request_for(device);
    *step = "setting the device's MTU";
    request.ifr_mtu = mtu;
    if (ioctl(fd, SIOCSIFMTU, &request) < 0) return -errno;
    *step = "setting the device's queue";
    request.ifr_qlen = queue_packets;
    if (ioctl(fd, SIOCSIFTXQLEN, &request) < 0) return -errno;
    *step = "giving the device an address";
    if ((result = set_v4(fd, device, SIOCSIFADDR, v4)) < 0) return result;
    if ((result = set_v4(fd, device, SIOCSIFNETMASK, "255.255.255.0")) < 0) return result;
    *step = "bringing the device up";
    if ((result = bring_up(fd, device)) < 0) return result;
    // Not every kernel has IPv6, nor has it below an MTU of 1280 (RFC 8200 section 5).
    end->has_v6 = set_v6(device, v6) == 0;
    return 0;
}

int qrate_path_make_end(const char *device, const char *v4, const char *v6, int mtu, int queue_packets,
                        struct qrate_path_end *end, const char **step) {
    *step = "making a network namespace";
    if (unshare(CLONE_NEWNET) < 0) return -errno;
    end->namespace_fd = qrate_path_current_namespace();
    if (end->namespace_fd < 0) return end->namespace_fd;

    *step = "opening /dev/net/tun";
    end->device_fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (end->device_fd < 0) return -errno;
    *step = "making a TUN device";
    struct ifreq request = request_for(device);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(end->device_fd, TUNSETIFF, &request) < 0) return -errno;

    *step = "opening a socket";
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int result = configure(fd, device, v4, v6, mtu, queue_packets, end, step);
    close(fd);
    return result;
}

int64_t qrate_path_device_drops(const char *device) {
    FILE *table = fopen("/proc/thread-self/net/dev", "re");
    if (table == NULL) return -1;
    char line[512], name[64];
    int64_t drops = -1;
    while (fgets(line, sizeof line, table) != NULL) {
        long long received, sent;
        // Bytes, packets, errors, drops, fifo, frame, compressed, multicast; then the same of what was sent.
        if (sscanf(line, " %63[^:]: %*d %*d %*d %lld %*d %*d %*d %*d %*d %*d %*d %lld", name, &received, &sent) == 3 &&
            strcmp(name, device) == 0)
            drops = sent;
    }
    fclose(table);
    return drops;
}

static sigset_t watched(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    return set;
}

void qrate_path_block_signals(void) {
    sigset_t set = watched();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int qrate_path_wait_signal(int milliseconds) {
    sigset_t set = watched();
    struct timespec limit = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    int signal = sigtimedwait(&set, NULL, &limit);
    return signal < 0 ? 0 : signal;
}
