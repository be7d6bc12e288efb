#include "http/conn.h"

#include "event/loop.h"
#include "http/admission.h"
#include "http/conn_private.h"
#include "http/proxy_protocol.h"
#include "http/refusal.h"
#include "observability/metrics.h"

#include <event2/event.h>

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONN_READ_SIZE = 2048,          /* chosen: holds a browser's head */
    CONN_OUT_SIZE_MAX = 256 * 1024, /* the page's largest file, with room */
    CONN_LINGER_MS = 2000,          /* for the peer to see the answer and close */
    CONN_LINGER_READS = 16,         /* in one turn */
    CONN_SPARES_MAX = 64,           /* as many as are accepted in one turn */
};

static void conn_on_readable(evutil_socket_t fd, short what, void *arg);
static void conn_on_writable(evutil_socket_t fd, short what, void *arg);
static void conn_on_lingering(evutil_socket_t fd, short what, void *arg);

/*
 * For the next one, which does not come before this one's callback has returned. So connections that pass
 * leave no holes between the streams that stay.
 */
static void
conn_put_back(struct conn *c)
{
    struct conn_env *env = c->env;
    if (env->spares_length == CONN_SPARES_MAX) {
        loop_reap(env->loop, &c->reap, free, c);
        return;
    }
    list_push_front(&env->spares, &c->node);
    env->spares_length++;
}

static struct conn *
conn_take(struct conn_env *env)
{
    struct list *node = list_pop_front(&env->spares);
    if (node == NULL) {
        return malloc(sizeof(struct conn));
    }
    env->spares_length--;
    return LIST_ITEM(node, struct conn, node);
}

/* Which states may follow, as bits. */
static bool
conn_may_become(enum conn_state from, enum conn_state to)
{
    static const unsigned next[] = {
        [CONN_PROXY] = 1U << CONN_CLOSED,
        [CONN_HEAD] = 1U << CONN_ANSWER | 1U << CONN_LINGER | 1U << CONN_CLOSED,
        [CONN_ANSWER] = 1U << CONN_LINGER | 1U << CONN_CLOSED,
        [CONN_LINGER] = 1U << CONN_CLOSED,
        [CONN_CLOSED] = 0,
    };
    return (next[from] & 1U << to) != 0;
}

static void
conn_enter_closed(struct conn *c)
{
    struct conn_env *env = c->env;
    buf_fini(&c->in);
    buf_fini(&c->out);
    wheel_stop(&c->timeout);
    list_remove(&c->node);
    env->conns_length--;
    metrics_set(env->metrics, METRIC_HTTP_CONNECTIONS, 0, (int64_t)env->conns_length);
    if (c->ticket != 0) {
        admission_leave(env->admission, c->ticket);
    }
    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
        env->on_closed(env->arg);
    }
    conn_put_back(c);
}

/* For the rest of the time, or as much of it as the wheel can. */
static void
conn_start_timeout(struct conn *c)
{
    uint64_t rest_ms = c->deadline_ms - loop_now_ms(c->env->loop);
    wheel_start(c->env->wheel, &c->timeout,
                rest_ms < CONN_WHEEL_SPAN_MS ? (uint32_t)rest_ms : CONN_WHEEL_SPAN_MS);
}

/* Waits for the state's event, for the state's time. */
static void
conn_wait(struct conn *c, short what, event_callback_fn callback, uint64_t timeout_ms)
{
    c->deadline_ms = loop_now_ms(c->env->loop) + timeout_ms;
    conn_start_timeout(c);
    if (event_assign(&c->event, loop_base(c->env->loop), c->fd, what | EV_PERSIST, callback, c) !=
            0 ||
        event_add(&c->event, NULL) != 0) {
        conn_set_state(c, CONN_CLOSED);
    }
}

static void
conn_enter(struct conn *c)
{
    uint64_t timeout_ms = c->env->config->http.head_timeout_ms;
    switch (c->state) {
    case CONN_PROXY:
    case CONN_HEAD:
        conn_wait(c, EV_READ, conn_on_readable, timeout_ms);
        break;
    case CONN_ANSWER:
        conn_wait(c, EV_WRITE, conn_on_writable, timeout_ms);
        break;
    case CONN_LINGER:
        conn_wait(c, EV_READ, conn_on_lingering, CONN_LINGER_MS);
        break;
    case CONN_CLOSED:
        conn_enter_closed(c);
        break;
    }
}

void
conn_set_state(struct conn *c, enum conn_state state)
{
    assert(conn_may_become(c->state, state));
    event_del(&c->event);
    c->state = state;
    conn_enter(c);
}

void
conn_set_address(struct conn *c, const struct address *address)
{
    const struct conn_env *env = c->env;
    const struct config_http *config = &env->config->http;
    c->address = *address;
    c->is_proxy = networks_have(&config->trusted_proxies, address);
    if (!c->is_proxy) {
        c->client = admission_client(config, address);
        bool is_counted = admission_enter(env->admission, config, c->client);
        c->ticket = is_counted ? c->client : 0;
        if (!is_counted && config->connections_per_address > 0) {
            metrics_add(env->metrics, METRIC_HTTP_UNCOUNTED, 0, 1);
        }
    }
}

static void
conn_init_buffers(struct conn *c)
{
    size_t head_bytes = c->env->config->http.head_bytes;
    size_t header_bytes = c->state == CONN_PROXY ? PROXY_PROTOCOL_SIZE_MAX : 0;
    buf_init(&c->in, head_bytes + header_bytes);
    buf_init(&c->out, CONN_OUT_SIZE_MAX);
    request_parser_init(&c->parser, (uint32_t)head_bytes);
}

int
conn_new(struct conn_env *env, int fd, const struct address *peer, bool is_last)
{
    struct conn *c = conn_take(env);
    if (c == NULL) {
        close(fd);
        return ERR_MEMORY;
    }
    *c = (struct conn){.env = env, .fd = fd, .is_last = is_last};
    conn_set_address(c, peer);
    c->state = c->is_proxy && env->config->http.proxy_protocol ? CONN_PROXY : CONN_HEAD;
    wheel_node_init(&c->timeout);
    conn_init_buffers(c);
    list_push_back(&env->conns, &c->node);
    env->conns_length++;
    metrics_set(env->metrics, METRIC_HTTP_CONNECTIONS, 0, (int64_t)env->conns_length);
    /* In a storm the request is there already: then epoll never hears of this conn, only of its stream. */
    event_assign(&c->event, loop_base(env->loop), fd, EV_READ, conn_on_readable, c);
    conn_on_readable(fd, EV_READ, c);
    if (c->state == CONN_PROXY || c->state == CONN_HEAD) {
        conn_enter(c);
    }
    return 0;
}

/*
 * The answer is sent. To close now would be a reset where the peer still sends, and a reset takes
 * the answer away from it: say that no more comes, and wait until it closes.
 */
static void
conn_linger(struct conn *c)
{
    buf_fini(&c->in);
    buf_fini(&c->out);
    conn_set_state(c, shutdown(c->fd, SHUT_WR) == 0 ? CONN_LINGER : CONN_CLOSED);
}

void
conn_write(struct conn *c)
{
    while (c->out_sent < c->out.size) {
        ssize_t sent =
            send(c->fd, c->out.data + c->out_sent, c->out.size - c->out_sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno == EAGAIN) {
            if (c->state != CONN_ANSWER) {
                conn_set_state(c, CONN_ANSWER);
            }
            return;
        }
        if (sent < 0) {
            conn_set_state(c, CONN_CLOSED);
            return;
        }
        c->out_sent += (size_t)sent;
    }
    conn_linger(c);
}

static void
conn_on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    conn_write(arg);
}

/* Not worth an answer. */
static void
conn_drop(struct conn *c, enum metric_refused why)
{
    refusal_count(c->env->metrics, &c->address, why);
    conn_set_state(c, CONN_CLOSED);
}

/* What the listener asks of connections that come without a proxy. */
static bool
conn_is_crowded(const struct conn *c)
{
    const struct conn_env *env = c->env;
    return c->client != 0 && admission_is_crowded(env->admission, &env->config->http, c->client);
}

/* What follows the header is the head, which is waited for in the same way and time. */
static void
conn_parse_proxy(struct conn *c)
{
    struct proxy_protocol header;
    int rc = proxy_protocol_parse(buf_str(&c->in), &header);
    if (rc == PROXY_PROTOCOL_E_REFUSED) {
        conn_drop(c, METRIC_REFUSED_PROXY_HEADER);
    } else if (rc == 0) {
        c->state = CONN_HEAD;
        c->in.size -= header.size;
        memmove(c->in.data, c->in.data + header.size, c->in.size);
        if (header.has_source) {
            conn_set_address(c, &header.source);
        }
        if (conn_is_crowded(c)) {
            conn_drop(c, METRIC_REFUSED_ADDRESS);
        }
    }
}

static void
conn_parse_head(struct conn *c)
{
    switch (request_parser_feed(&c->parser, c->in.data, c->in.size)) {
    case 0:
        conn_on_request(c);
        break;
    case REQUEST_PARSER_E_REFUSED:
        conn_send_problem(c, c->parser.status, c->parser.problem);
        break;
    case REQUEST_PARSER_E_MORE:
        break;
    }
}

static void
conn_parse(struct conn *c)
{
    if (c->state == CONN_PROXY) {
        conn_parse_proxy(c);
    }
    if (c->state == CONN_HEAD) {
        conn_parse_head(c);
    }
}

/*
 * There is no answer yet that could acknowledge this piece (stream_socket_prepare()), and the peer may keep
 * the next one back until it has an acknowledgement (Nagle's algorithm).
 */
static void
conn_acknowledge(const struct conn *c)
{
    int one = 1;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one)); /* else 40 ms later */
}

/* Room for the next piece; the parsers have refused what fills the buffer. */
static int
conn_reserve(struct conn *c)
{
    size_t room = c->in.limit - c->in.size;
    return buf_reserve(&c->in, room < CONN_READ_SIZE ? room : CONN_READ_SIZE);
}

static void
conn_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    (void)what;
    int rc = conn_reserve(c);
    if (rc != 0) {
        conn_fail(c, rc);
        return;
    }
    ssize_t size = recv(fd, c->in.data + c->in.size, c->in.capacity - c->in.size, 0);
    if (size > 0) {
        c->in.size += (size_t)size;
        conn_parse(c);
        if (c->state == CONN_PROXY || c->state == CONN_HEAD) {
            conn_acknowledge(c);
        }
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        conn_set_state(c, CONN_CLOSED);
    } else if (c->in.size == 0) {
        buf_fini(&c->in); /* of the many that may wait to speak, none needs it yet */
    }
}

static void
conn_on_lingering(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    char rest[CONN_READ_SIZE];
    (void)what;
    for (int i = 0; i < CONN_LINGER_READS; i++) {
        ssize_t size = recv(fd, rest, sizeof(rest), 0);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
            conn_set_state(c, CONN_CLOSED);
            return;
        }
        if (size < 0) {
            return;
        }
    }
}

void
conn_on_timeout(void *arg, struct wheel_node *node)
{
    struct conn *c = LIST_ITEM(node, struct conn, timeout);
    (void)arg;
    if (loop_now_ms(c->env->loop) < c->deadline_ms) {
        conn_start_timeout(c);
        return;
    }
    if (c->state == CONN_PROXY && c->in.size > 0) {
        conn_drop(c, METRIC_REFUSED_PROXY_HEADER);
        return;
    }
    /* Browsers open connections in advance: one that never spoke is closed without a word. */
    if (c->state == CONN_HEAD && c->in.size > 0) {
        conn_send_problem(c, METRIC_STATUS_408, "the request head took too long");
    } else {
        conn_set_state(c, CONN_CLOSED);
    }
}

void
conn_close_all(struct conn_env *env)
{
    LIST_FOR_EACH_SAFE (node, following, &env->conns) {
        conn_set_state(LIST_ITEM(node, struct conn, node), CONN_CLOSED);
    }
    while (env->spares_length > 0) {
        free(conn_take(env));
    }
}
