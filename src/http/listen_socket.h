#pragma once
/* Listening TCP sockets, IPv4 and IPv6. Says in the log why one cannot be had and what to do about
 * it. */

#include "base/err.h"
#include "config/config.h"

#include <stdbool.h>
#include <stdint.h>

enum listen_socket_sharing {
    LISTEN_SOCKET_ALONE,
    LISTEN_SOCKET_FIRST, /* of several with SO_REUSEPORT: nobody else may have the port */
    LISTEN_SOCKET_NEXT
};

/*
 * Binds and listens, non-blocking. An empty host is every address of both families. `port` instead
 * of the config's; 0: the kernel picks one. `name` is for the log. ERR_ADDRESS, ERR_SYSTEM.
 */
MUST_CHECK int listen_socket_open(const struct config_listen *listen,
                                  uint16_t port,
                                  enum listen_socket_sharing sharing,
                                  const char *name,
                                  int *ret_fd);

uint16_t listen_socket_port(int fd);
