#include "http/server.h"

#include "base/log.h"
#include "event/loop.h"
#include "event/wheel.h"
#include "http/admission.h"
#include "http/conn.h"
#include "http/listen_socket.h"
#include "http/listener.h"
#include "http/refusal.h"
#include "observability/metrics.h"
#include "streaming/hub.h"
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
    int stream_fds_max; /* a descriptor from here on becomes no stream */
    uint16_t port;
};

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

/*
 * The limit holds for all workers together: each counts in its own slot and adds up the slots. Two that
 * accept at the same moment may both take the last place. Requests get some room above the streams, so
 * that a refused one can be told so.
 */
static bool
server_is_full(const struct server *s)
{
    uint64_t streams_max = s->env.config->http.connections;
    int64_t conns = metrics_total(s->env.metrics, METRIC_HTTP_CONNECTIONS, 0) +
                    metrics_total(s->env.metrics, METRIC_STREAMS, 0);
    return (uint64_t)conns >= streams_max + streams_max / 8 + 64;
}

/* Who is not worth an answer; METRIC_REFUSED_COUNT for all others. */
static enum metric_refused
server_refusal(const struct server *s, const struct address *peer)
{
    const struct config_http *config = &s->env.config->http;
    if (server_is_full(s)) {
        return METRIC_REFUSED_FULL;
    }
    bool is_crowded =
        !networks_have(&config->trusted_proxies, peer) &&
        admission_is_crowded(s->env.admission, config, admission_client(config, peer));
    return is_crowded ? METRIC_REFUSED_ADDRESS : METRIC_REFUSED_COUNT;
}

static void
server_on_accept(void *arg, int fd, const struct address *peer, bool is_last)
{
    struct server *s = arg;
    enum metric_refused why = server_refusal(s, peer);
    if (why != METRIC_REFUSED_COUNT) {
        refusal_count(s->env.metrics, peer, why);
        close(fd);
        return;
    }
    if (fd >= s->stream_fds_max && !is_last) {
        log_warn("http.descriptors", LOG_TEXT("problem", "few file descriptors are left"),
                 LOG_TEXT("remedy", "raise LimitNOFILE (ulimit -n), or lower http.connections"));
    }
    int rc = conn_new(&s->env, fd, peer, is_last || fd >= s->stream_fds_max);
    if (rc != 0) {
        refusal_count(s->env.metrics, peer, METRIC_REFUSED_MEMORY);
    }
}

/* A stream, in the hub. */
static void
server_on_stream_closed(void *arg, uint64_t ticket)
{
    admission_leave(arg, ticket);
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
server_new(const struct server_parts *parts, struct server **ret_server)
{
    struct server *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return ERR_MEMORY;
    }
    s->env = (struct conn_env){
        .config = parts->config,
        .loop = parts->loop,
        .hub = parts->hub,
        .metrics = parts->metrics,
        .admission = parts->admission,
        .on_closed = server_on_closed,
        .arg = s,
    };
    list_init(&s->env.conns);
    list_init(&s->env.spares);
    hub_set_on_closed(parts->hub, server_on_stream_closed, parts->admission);
    s->stream_fds_max = server_stream_fds();
    s->env.wheel =
        wheel_new(parts->loop, SERVER_WHEEL_SLOT_MS, CONN_WHEEL_SPAN_MS, conn_on_timeout, NULL);
    int rc = s->env.wheel != NULL ? server_listen(s, parts->config, parts->port) : ERR_MEMORY;
    if (rc != 0) {
        server_free(s);
        return rc;
    }
    *ret_server = s;
    return 0;
}

void
server_set_config(struct server *s, const struct config *config)
{
    s->env.config = config;
    if (!s->env.is_draining) {
        stream_socket_prepare(listener_fd(s->listener), &config->stream);
    }
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
    listener_close(s->listener);
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
