#include "qrate_socket_shims.h"
