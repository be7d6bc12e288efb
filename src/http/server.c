#include "http/server.h"

#include "base/log.h"
#include "event/loop.h"
#include "event/wheel.h"
#include "http/conn.h"
#include "http/listen_socket.h"
#include "http/listener.h"
#include "observability/metrics.h"
#include "streaming/stream_socket.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    SERVER_WHEEL_SLOT_MS = 100,
    /* Descriptors that no stream takes: refusals, the admin port and reconnections need some. */
    SERVER_RESERVE_MAX = 64,
    SERVER_RESERVE_PART = 4, /* of the limit at most */
};

struct server {
    struct conn_env env;
    struct listener *listener;
    uint64_t conns_max; /* streams and connections; those beyond are closed at once */
    int stream_fds_max; /* a descriptor from here on becomes no stream */
    uint16_t port;
};

/*
 * The limits hold for all workers together: each counts in its own slot and adds up the slots. Two that
 * open a stream at the same moment may both take the last place. Requests get some room above the
 * streams, so that a refused one can be told so.
 */
static void
server_init_limits(struct server *s, const struct config_http *config)
{
    s->env.streams_max = config->connections;
    s->conns_max = config->connections + config->connections / 8 + 64;
}

/*
 * The system gives out the lowest number that is free, so a number tells how many are in use. Waiting
 * for the last one would not do: each worker needs a descriptor to refuse with.
 */
static int
server_stream_fds(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX) {
        return INT_MAX;
    }
    int reserve = (int)limit.rlim_cur / SERVER_RESERVE_PART;
    return (int)limit.rlim_cur - (reserve < SERVER_RESERVE_MAX ? reserve : SERVER_RESERVE_MAX);
}

static bool
server_is_full(const struct server *s)
{
    int64_t conns = metrics_total(s->env.metrics, METRIC_HTTP_CONNECTIONS, 0) +
                    metrics_total(s->env.metrics, METRIC_STREAMS, 0);
    return (uint64_t)conns >= s->conns_max;
}

static void
server_on_accept(void *arg, int fd, bool is_last)
{
    struct server *s = arg;
    if (server_is_full(s)) {
        metrics_add(s->env.metrics, METRIC_HTTP_REFUSED, METRIC_REFUSED_FULL, 1);
        close(fd);
        return;
    }
    if (fd >= s->stream_fds_max && !is_last) {
        log_warn("http.descriptors", LOG_TEXT("problem", "few file descriptors are left"),
                 LOG_TEXT("remedy", "raise LimitNOFILE (ulimit -n), or lower http.connections"));
    }
    int rc = conn_new(&s->env, fd, is_last || fd >= s->stream_fds_max);
    if (rc != 0) {
        metrics_add(s->env.metrics, METRIC_HTTP_REFUSED, METRIC_REFUSED_MEMORY, 1);
    }
}

static void
server_on_closed(void *arg)
{
    struct server *s = arg;
    listener_resume(s->listener);
}

static int
server_listen(struct server *s, const struct config *config, uint16_t port)
{
    int fd;
    bool is_first = port == 0;
    int rc = listen_socket_open(&config->http.listen, is_first ? config->http.listen.port : port,
                                is_first ? LISTEN_SOCKET_FIRST : LISTEN_SOCKET_NEXT, "http", &fd);
    if (rc != 0) {
        return rc;
    }
    stream_socket_prepare(fd, &config->stream);
    s->port = listen_socket_port(fd);
    s->listener = listener_new(s->env.loop, fd, server_on_accept, s);
    return s->listener != NULL ? 0 : ERR_MEMORY;
}

int
server_new(const struct config *config,
           uint16_t port,
           struct loop *loop,
           struct hub *hub,
           struct metrics_slot *metrics,
           struct server **ret_server)
{
    struct server *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return ERR_MEMORY;
    }
    s->env = (struct conn_env){
        .config = config,
        .loop = loop,
        .hub = hub,
        .metrics = metrics,
        .on_closed = server_on_closed,
        .arg = s,
    };
    list_init(&s->env.conns);
    server_init_limits(s, &config->http);
    s->stream_fds_max = server_stream_fds();
    s->env.wheel = wheel_new(loop, SERVER_WHEEL_SLOT_MS, conn_timeout_max_ms(&config->http),
                             conn_on_timeout, NULL);
    int rc = s->env.wheel != NULL ? server_listen(s, config, port) : ERR_MEMORY;
    if (rc != 0) {
        server_free(s);
        return rc;
    }
    *ret_server = s;
    return 0;
}

uint16_t
server_port(const struct server *s)
{
    return s->port;
}

void
server_drain(struct server *s)
{
    s->env.is_draining = true;
}

void
server_free(struct server *s)
{
    if (s == NULL) {
        return;
    }
    conn_close_all(&s->env);
    listener_free(s->listener);
    wheel_free(s->env.wheel);
    free(s);
}
