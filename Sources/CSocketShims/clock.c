#define _GNU_SOURCE
#include "qrate_socket_shims.h"

#include <errno.h>
#include <sys/timex.h>

int qrate_wall_clock_is_synchronized(void) {
    struct timex state = {.modes = 0};  // asks, sets nothing
    int result = adjtimex(&state);
    if (result < 0) return -errno;
    return result != TIME_ERROR && !(state.status & STA_UNSYNC);
}
