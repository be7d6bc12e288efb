#pragma once
/* What the kernel may hold for a stream, how it finds out that a peer is gone, and that it lets the
 * answer acknowledge the request. */

#include "config/config.h"

/*
 * Any thread. Sets the options on a listening socket: the sockets that it accepts inherit them, so
 * a connection costs no call of its own. A kernel that refuses one is no reason not to serve.
 */
void stream_socket_prepare(int listening_fd, const struct config_stream *config);
