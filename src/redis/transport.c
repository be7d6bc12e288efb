#include "redis/transport.h"

#include "base/log.h"
#include "event/loop.h"
#include "event/resolve.h"
#include "redis/tls.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/util.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

enum {
    PIECE_SIZE = 16 * 1024, /* hiredis moves what it has not parsed: hand it little at a time */
    IO_SIZE = 256 * 1024,   /* of one read or write; chosen */
    WHY_SIZE = 256
};

struct transport {
    struct loop *loop;
    const struct config_broker *broker;
    struct transport_listener listener;
    SSL_CTX *tls; /* owned; NULL: plain TCP */
    struct resolve resolve;
    struct bufferevent *bev; /* owned; NULL: closed */
    struct event *readable;  /* owned; open, without TLS: bev does not read */
    bool is_open;
    char why[WHY_SIZE];
};

static void transport_connect_next(struct transport *t);
static void transport_on_readable(evutil_socket_t fd, short what, void *arg);

static void
transport_drop_bev(struct transport *t)
{
    if (t->readable != NULL) {
        event_free(t->readable);
        t->readable = NULL;
    }
    if (t->bev != NULL) {
        bufferevent_free(t->bev);
        t->bev = NULL;
    }
    t->is_open = false;
}

void
transport_close(struct transport *t)
{
    resolve_cancel(&t->resolve);
    transport_drop_bev(t);
}

void
transport_give_up(struct transport *t)
{
    resolve_skip_tried(&t->resolve);
    transport_close(t);
}

static void
transport_fail(struct transport *t, int status)
{
    transport_close(t);
    t->listener.on_close(t->listener.arg, status, t->why);
}

/*
 * NULL: it was not TLS that failed. A port without TLS answers the handshake in words of its own, or
 * hangs up.
 */
static const char *
transport_tls_error(const struct transport *t, bool is_closed)
{
    long verify = SSL_get_verify_result(bufferevent_openssl_get_ssl(t->bev));
    unsigned long code = bufferevent_get_openssl_error(t->bev);
    if (verify != X509_V_OK) {
        return X509_verify_cert_error_string(verify);
    }
    if (!t->is_open &&
        (code == 0 ? is_closed : ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER)) {
        return "the peer does not answer the handshake; the port may be one without TLS";
    }
    return code != 0 ? ERR_reason_error_string(code) : NULL;
}

/* Keeps the reason in t->why; returns the status that goes with it. */
static int
transport_explain(struct transport *t, short what)
{
    int error = EVUTIL_SOCKET_ERROR();
    bool is_closed = (what & BEV_EVENT_EOF) != 0 || error == 0;
    const char *tls_error = t->tls != NULL ? transport_tls_error(t, is_closed) : NULL;
    if (tls_error != NULL) {
        (void)snprintf(t->why, sizeof t->why, "TLS: %s", tls_error);
        return ERR_TLS;
    }
    if (is_closed) {
        (void)snprintf(t->why, sizeof t->why, "the peer closed the connection");
    } else {
        (void)snprintf(t->why, sizeof t->why, "%s", evutil_socket_error_to_string(error));
    }
    return ERR_CONNECT;
}

static void
transport_set_options(evutil_socket_t fd)
{
    /* Commands are gathered before they are written: Nagle would only add its delay. */
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* A peer that vanished, for owners that send nothing: found within a minute. */
    int idle_s = 30;
    int interval_s = 10;
    int probes = 3;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

/* Without TLS there is nothing to do in between: an event of its own, see transport_on_readable(). */
static int
transport_read_itself(struct transport *t)
{
    t->readable = event_new(loop_base(t->loop), bufferevent_getfd(t->bev), EV_READ | EV_PERSIST,
                            transport_on_readable, t);
    return t->readable != NULL && event_add(t->readable, NULL) == 0 ? 0 : ERR_MEMORY;
}

static void
transport_on_connected(struct transport *t)
{
    transport_set_options(bufferevent_getfd(t->bev));
    resolve_cancel(&t->resolve);
    if (t->tls == NULL && transport_read_itself(t) != 0) {
        (void)snprintf(t->why, sizeof t->why, "%s", err_text(ERR_MEMORY));
        transport_fail(t, ERR_MEMORY);
        return;
    }
    t->is_open = true;
    t->listener.on_open(t->listener.arg);
}

static void
transport_on_event(struct bufferevent *bev, short what, void *arg)
{
    struct transport *t = arg;
    (void)bev;
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        transport_on_connected(t);
        return;
    }
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0) {
        return;
    }
    int status = transport_explain(t, what);
    if (!t->is_open && resolve_has_next(&t->resolve)) {
        transport_connect_next(t);
        return;
    }
    transport_fail(t, status);
}

/*
 * libevent 2.1 would read 4 KiB a turn with two calls of the kernel. This takes a publisher's burst out of Redis
 * before it counts as slow, and one call where there is little.
 */
static void
transport_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct transport *t = arg;
    struct bufferevent *bev = t->bev;
    char piece[PIECE_SIZE];
    size_t taken = 0;
    ssize_t size = PIECE_SIZE;
    (void)what;
    while (t->bev == bev && size == PIECE_SIZE && taken < IO_SIZE) {
        size = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (size > 0) {
            taken += (size_t)size;
            t->listener.on_bytes(t->listener.arg, (struct str){piece, (size_t)size});
        } else if (size == 0) {
            transport_on_event(bev, BEV_EVENT_READING | BEV_EVENT_EOF, t);
        } else if (errno != EAGAIN && errno != EINTR) {
            transport_on_event(bev, BEV_EVENT_READING | BEV_EVENT_ERROR, t);
        }
    }
}

/* Of a connection with TLS. */
static void
transport_on_read(struct bufferevent *bev, void *arg)
{
    struct transport *t = arg;
    struct evbuffer *input = bufferevent_get_input(bev);
    while (t->bev == bev) {
        size_t size = evbuffer_get_contiguous_space(input);
        if (size == 0) {
            break;
        }
        size = size < PIECE_SIZE ? size : PIECE_SIZE;
        const char *data = (const char *)evbuffer_pullup(input, (ssize_t)size);
        t->listener.on_bytes(t->listener.arg, (struct str){data, size});
        (void)evbuffer_drain(input, size);
    }
}

static struct bufferevent *
transport_new_bev(struct transport *t)
{
    struct event_base *base = loop_base(t->loop);
    if (t->tls == NULL) {
        return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    }
    SSL *session = tls_session_new(t->tls, &t->broker->tls, t->broker->host);
    if (session == NULL) {
        return NULL;
    }
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        base, -1, session, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        SSL_free(session);
        return NULL;
    }
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

static bool
transport_connect_one(struct transport *t, const struct evutil_addrinfo *address)
{
    transport_drop_bev(t);
    t->bev = transport_new_bev(t);
    if (t->bev == NULL) {
        (void)snprintf(t->why, sizeof t->why, "%s", err_text(ERR_MEMORY));
        return false;
    }
    bufferevent_setcb(t->bev, transport_on_read, NULL, transport_on_event, t);
    (void)bufferevent_set_max_single_read(t->bev, IO_SIZE);
    (void)bufferevent_set_max_single_write(t->bev, IO_SIZE);
    (void)bufferevent_enable(t->bev, t->tls != NULL ? EV_READ | EV_WRITE : EV_WRITE);
    if (bufferevent_socket_connect(t->bev, address->ai_addr, (int)address->ai_addrlen) != 0) {
        (void)snprintf(t->why, sizeof t->why, "%s",
                       evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
        return false;
    }
    /* A copy in a child would stay in the loop's epoll set when this one is closed. */
    (void)evutil_make_socket_closeonexec(bufferevent_getfd(t->bev));
    return true;
}

static void
transport_connect_next(struct transport *t)
{
    const struct evutil_addrinfo *address;
    while ((address = resolve_next(&t->resolve)) != NULL) {
        if (transport_connect_one(t, address)) {
            return;
        }
    }
    transport_fail(t, ERR_CONNECT);
}

static void
transport_on_resolved(void *arg, const char *why)
{
    struct transport *t = arg;
    if (why != NULL) {
        (void)snprintf(t->why, sizeof t->why, "%s: %s", t->broker->host, why);
        transport_fail(t, ERR_RESOLVE);
        return;
    }
    transport_connect_next(t);
}

void
transport_open(struct transport *t)
{
    assert(t->bev == NULL);
    if (resolve_start(&t->resolve, t->broker->host, t->broker->port) != 0) {
        (void)snprintf(t->why, sizeof t->why, "the resolver cannot be started");
        transport_fail(t, ERR_RESOLVE);
    }
}

size_t
transport_unsent_bytes(const struct transport *t)
{
    return t->bev != NULL ? evbuffer_get_length(bufferevent_get_output(t->bev)) : 0;
}

size_t
transport_untaken_bytes(const struct transport *t)
{
    int queued = 0;
    if (t->bev != NULL) {
        (void)ioctl(bufferevent_getfd(t->bev), SIOCOUTQ, &queued);
    }
    return transport_unsent_bytes(t) + (size_t)queued;
}

/* How much the socket took at once. A failure is libevent's to find, which sends the rest. */
static size_t
transport_send(struct transport *t, struct str bytes)
{
    if (t->tls != NULL || transport_unsent_bytes(t) > 0) {
        return 0;
    }
    ssize_t size =
        send(bufferevent_getfd(t->bev), bytes.data, bytes.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return size > 0 ? (size_t)size : 0;
}

int
transport_write(struct transport *t, struct str bytes)
{
    assert(t->is_open);
    struct str rest = str_after(bytes, transport_send(t, bytes));
    if (rest.size == 0) {
        return 0;
    }
    return bufferevent_write(t->bev, rest.data, rest.size) == 0 ? 0 : ERR_MEMORY;
}

static int
transport_init_tls(struct transport *t)
{
    char text[TLS_TEXT_SIZE];
    if (!t->broker->tls.is_on) {
        return 0;
    }
    int err = tls_context_new(&t->broker->tls, text, &t->tls);
    if (err == ERR_TLS) {
        log_error("tls.unusable", LOG_TEXT("host", t->broker->host),
                  LOG_U64("port", t->broker->port), LOG_TEXT("error", text));
    } else if (err == 0 && !t->broker->tls.is_verified) {
        log_warn("tls.unverified", LOG_TEXT("host", t->broker->host),
                 LOG_U64("port", t->broker->port));
    }
    return err;
}

int
transport_new(struct loop *loop,
              const struct config_broker *broker,
              const struct transport_listener *listener,
              struct transport **ret_transport)
{
    struct transport *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return ERR_MEMORY;
    }
    t->loop = loop;
    t->broker = broker;
    t->listener = *listener;
    resolve_init(&t->resolve, loop, transport_on_resolved, t);
    int err = transport_init_tls(t);
    if (err != 0) {
        free(t);
        return err;
    }
    *ret_transport = t;
    return 0;
}

void
transport_free(struct transport *t)
{
    if (t == NULL) {
        return;
    }
    transport_close(t);
    SSL_CTX_free(t->tls);
    free(t);
}
