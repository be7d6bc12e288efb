#include "http/conn.h"

#include "base/log.h"
#include "event/loop.h"
#include "http/endpoint.h"
#include "http/refusal.h"
#include "http/request_parser.h"
#include "observability/metrics.h"
#include "streaming/hub.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONN_READ_SIZE = 2048,          /* chosen: holds a browser's head */
    CONN_OUT_SIZE_MAX = 256 * 1024, /* the page's largest file, with room */
    CONN_LINGER_MS = 2000,          /* for the peer to see the answer and close */
    CONN_LINGER_READS = 16,         /* in one turn */
};

enum conn_state { CONN_HEAD, CONN_ANSWER, CONN_LINGER, CONN_CLOSED };

struct conn {
    struct conn_env *env;
    struct event event;
    struct list node; /* in env->conns until closed */
    struct wheel_node timeout;
    struct loop_reap reap;
    int fd; /* -1: closed, or the hub has it */
    enum conn_state state;
    bool is_last; /* its descriptor is the listener's spare one */
    struct request_parser parser;
    struct buf in;   /* the head */
    struct buf out;  /* the answer */
    size_t out_sent; /* bytes of it */
};

static void conn_on_readable(evutil_socket_t fd, short what, void *arg);
static void conn_on_writable(evutil_socket_t fd, short what, void *arg);
static void conn_on_lingering(evutil_socket_t fd, short what, void *arg);

uint32_t
conn_timeout_max_ms(const struct config_http *config)
{
    uint64_t ms =
        config->head_timeout_ms > CONN_LINGER_MS ? config->head_timeout_ms : CONN_LINGER_MS;
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static void
conn_free(void *object)
{
    struct conn *c = object;
    buf_fini(&c->in);
    buf_fini(&c->out);
    free(c);
}

/* Which states may follow, as bits. */
static bool
conn_may_become(enum conn_state from, enum conn_state to)
{
    static const unsigned next[] = {
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
    wheel_stop(&c->timeout);
    list_remove(&c->node);
    env->conns_length--;
    metrics_set(env->metrics, METRIC_HTTP_CONNECTIONS, 0, (int64_t)env->conns_length);
    loop_reap(env->loop, &c->reap, conn_free, c);
    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
        env->on_closed(env->arg);
    }
}

static void conn_set_state(struct conn *c, enum conn_state state);

/* Waits for the state's event, for the state's time. */
static void
conn_wait(struct conn *c, short what, event_callback_fn callback, uint64_t timeout_ms)
{
    uint32_t ms = timeout_ms < UINT32_MAX ? (uint32_t)timeout_ms : UINT32_MAX;
    wheel_start(c->env->wheel, &c->timeout, ms);
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

static void
conn_set_state(struct conn *c, enum conn_state state)
{
    assert(conn_may_become(c->state, state));
    event_del(&c->event);
    c->state = state;
    conn_enter(c);
}

int
conn_new(struct conn_env *env, int fd, bool is_last)
{
    struct conn *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        close(fd);
        return ERR_MEMORY;
    }
    uint64_t head_bytes = env->config->http.head_bytes;
    *c = (struct conn){.env = env, .fd = fd, .state = CONN_HEAD, .is_last = is_last};
    wheel_node_init(&c->timeout);
    buf_init(&c->in, head_bytes);
    buf_init(&c->out, CONN_OUT_SIZE_MAX);
    request_parser_init(&c->parser, (uint32_t)head_bytes);
    list_push_back(&env->conns, &c->node);
    env->conns_length++;
    metrics_set(env->metrics, METRIC_HTTP_CONNECTIONS, 0, (int64_t)env->conns_length);
    /* In a storm the request is there already: then epoll never hears of this conn, only of its stream. */
    event_assign(&c->event, loop_base(env->loop), fd, EV_READ, conn_on_readable, c);
    conn_on_readable(fd, EV_READ, c);
    if (c->state == CONN_HEAD) {
        conn_enter(c);
    }
    return 0;
}

static void
conn_fail(struct conn *c, int problem)
{
    log_debug("http.conn_failed", LOG_TEXT("problem", err_text(problem)));
    if (problem == ERR_MEMORY) {
        metrics_add(c->env->metrics, METRIC_HTTP_REFUSED, METRIC_REFUSED_MEMORY, 1);
    }
    conn_set_state(c, CONN_CLOSED);
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

static void
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

static void
conn_send(struct conn *c, const struct response *response)
{
    int rc = response_render(response, &c->out);
    if (rc != 0) {
        conn_fail(c, rc);
        return;
    }
    metrics_add(c->env->metrics, METRIC_HTTP_REQUESTS, response->status, 1);
    conn_write(c);
}

static void
conn_send_problem(struct conn *c, enum metric_status status, const char *problem)
{
    struct endpoint_reply reply;
    endpoint_refuse_head(&reply, status, problem, loop_wall_ms(c->env->loop));
    conn_send(c, &reply.response);
    endpoint_reply_fini(&reply);
}

/* Why no stream can be opened now; METRIC_REFUSED_COUNT where one can. */
static enum metric_refused
conn_refusal(const struct conn *c)
{
    if (c->env->is_draining) {
        return METRIC_REFUSED_DRAINING;
    }
    if (c->is_last) {
        return METRIC_REFUSED_DESCRIPTORS;
    }
    uint64_t streams = (uint64_t)metrics_total(c->env->metrics, METRIC_STREAMS, 0);
    return streams >= c->env->streams_max ? METRIC_REFUSED_FULL : METRIC_REFUSED_COUNT;
}

static void
conn_send_refusal(struct conn *c, const struct response *head, enum metric_refused why)
{
    int rc = refusal_render(head, why, c->env->config->stream.retry_ms, &c->out);
    if (rc != 0) {
        conn_fail(c, rc);
        return;
    }
    metrics_add(c->env->metrics, METRIC_HTTP_REFUSED, why, 1);
    metrics_add(c->env->metrics, METRIC_HTTP_REQUESTS, head->status, 1);
    conn_write(c);
}

/* The socket moves to the hub; this connection ends. */
static void
conn_hand_over(struct conn *c, const struct endpoint_reply *reply)
{
    int rc = response_render(&reply->response, &c->out);
    if (rc != 0) {
        conn_fail(c, rc);
        return;
    }
    struct hub_stream stream = {
        .fd = c->fd,
        .head = buf_str(&c->out),
        .is_chunked = reply->response.framing == RESPONSE_CHUNKED,
        .channels = reply->subscription.channels,
        .channels_length = reply->subscription.channels_length,
        .start = reply->subscription.start,
    };
    event_del(&c->event); /* before the hub may close the descriptor */
    c->fd = -1;
    rc = hub_open(c->env->hub, &stream);
    if (rc == 0) {
        metrics_add(c->env->metrics, METRIC_HTTP_REQUESTS, reply->response.status, 1);
        conn_set_state(c, CONN_CLOSED);
    } else {
        conn_fail(c, rc);
    }
}

static void
conn_answer(struct conn *c, const struct endpoint_reply *reply)
{
    enum metric_refused why = reply->is_stream ? conn_refusal(c) : METRIC_REFUSED_COUNT;
    if (why != METRIC_REFUSED_COUNT) {
        conn_send_refusal(c, &reply->response, why);
    } else if (reply->is_stream) {
        conn_hand_over(c, reply);
    } else {
        conn_send(c, &reply->response);
    }
}

static void
conn_on_request(struct conn *c)
{
    struct request request;
    struct endpoint_reply reply;
    const struct config_http *config = &c->env->config->http;
    request_parser_get(&c->parser, c->in.data, &request);
    int rc = endpoint_decide(&reply, config, &request, loop_wall_ms(c->env->loop));
    if (rc == 0) {
        conn_answer(c, &reply);
    } else {
        conn_fail(c, rc);
    }
    endpoint_reply_fini(&reply);
}

static void
conn_parse(struct conn *c)
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

/* Room for the next piece of the head; the parser has refused a head that fills the buffer. */
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
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        conn_set_state(c, CONN_CLOSED);
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
}
