#include "streaming/stream_socket.h"

#include "base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum {
    KEEPALIVE_PROBES = 3,
    KEEPALIVE_IDLE_MAX_S = 32767 /* tcp(7) */
};

static void
socket_set(int fd, int level, int option, const char *name, uint64_t value)
{
    int number = value > INT32_MAX ? INT32_MAX : (int)value;
    if (setsockopt(fd, level, option, &number, sizeof(number)) < 0) {
        log_warn("stream.socket_option", LOG_TEXT("option", name), LOG_U64("value", value),
                 LOG_I64("errno", errno));
    }
}

/* Three unanswered probes within the second half of the timeout end an idle connection. */
static void
socket_set_peer_timeout(int fd, uint64_t timeout_ms)
{
    uint64_t timeout_s = (timeout_ms + 999) / 1000;
    uint64_t idle_s = timeout_s - timeout_s / 2;
    uint64_t interval_s = timeout_s / 2 / KEEPALIVE_PROBES;
    socket_set(fd, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE", 1);
    socket_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE",
               idle_s < KEEPALIVE_IDLE_MAX_S ? idle_s : KEEPALIVE_IDLE_MAX_S);
    socket_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, "TCP_KEEPINTVL", interval_s > 0 ? interval_s : 1);
    socket_set(fd, IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT", KEEPALIVE_PROBES);
    /* RFC 5482: how long sent bytes may stay without an acknowledgement. */
    socket_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT", timeout_ms);
}

/* 0: the kernel's own size, which it adapts; SO_SNDBUF would hold on to the one before. */
static void
socket_set_send_buffer(int fd, uint64_t bytes)
{
    if (bytes > 0) {
        socket_set(fd, SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF", bytes);
    } else {
        socket_set(fd, SOL_SOCKET, SO_BUF_LOCK, "SO_BUF_LOCK", 0);
    }
}

void
stream_socket_prepare(int listening_fd, const struct config_stream *config)
{
    socket_set_send_buffer(listening_fd, config->send_buffer_bytes);
    /* tcp(7): 0 is net.ipv4.tcp_notsent_lowat. */
    socket_set(listening_fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, "TCP_NOTSENT_LOWAT",
               config->notsent_lowat_bytes);
    socket_set_peer_timeout(listening_fd, config->peer_timeout_ms);
    /* The answer acknowledges the request: a packet less for each connection, a tenth of its cost. */
    socket_set(listening_fd, IPPROTO_TCP, TCP_QUICKACK, "TCP_QUICKACK", 0);
}
