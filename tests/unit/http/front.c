#undef NDEBUG
#include "front.h"

#include "event/loop.h"
#include "event/wheel.h"
#include "http/admission.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the double of the hub: keeps what it was given --- */

struct hub hub;

static void
hub_tell_closed(uint64_t ticket)
{
    if (ticket != 0) {
        hub.on_closed(hub.on_closed_arg, ticket);
    }
}

int
hub_open(struct hub *h, const struct hub_stream *stream)
{
    h->opened++;
    if (h->fails_with != 0) {
        close(stream->fd);
        hub_tell_closed(stream->ticket);
        return h->fails_with;
    }
    if (h->fd >= 0) {
        close(h->fd); /* only the last one can be closed by the test */
    }
    h->fd = stream->fd;
    h->is_chunked = stream->is_chunked;
    h->start = stream->start;
    h->ticket = stream->ticket;
    (void)snprintf(h->head, sizeof(h->head), STR_FMT, STR_ARG(stream->head));
    h->channels[0] = '\0';
    for (size_t i = 0; i < stream->channels_length; i++) {
        size_t used = strlen(h->channels);
        (void)snprintf(h->channels + used, sizeof(h->channels) - used, STR_FMT ",",
                       STR_ARG(stream->channels[i]));
    }
    return 0;
}

void
hub_set_on_closed(struct hub *h, void (*on_closed)(void *arg, uint64_t ticket), void *arg)
{
    h->on_closed = on_closed;
    h->on_closed_arg = arg;
}

bool
hub_has_room(const struct hub *h, const struct str *channels, size_t channels_length)
{
    (void)channels;
    (void)channels_length;
    return !h->is_full;
}

void
hub_close_stream(void)
{
    close(hub.fd);
    hub.fd = -1;
    hub_tell_closed(hub.ticket);
}

/* --- send() in small pieces with pauses between, where a test wants that --- */

int send_most;
static bool send_is_full;

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);

ssize_t
__wrap_send(int fd, const void *data, size_t size, int flags)
{
    if (send_most == 0) {
        return __real_send(fd, data, size, flags);
    }
    send_is_full = !send_is_full;
    if (!send_is_full || send_most == SEND_NOTHING) {
        errno = EAGAIN;
        return -1;
    }
    return __real_send(fd, data, size < (size_t)send_most ? size : (size_t)send_most, flags);
}

/* --- a listener's pause that never ends by itself, where a test wants that --- */

bool pauses_are_endless;

void __real_timer_start(struct timer *t, uint64_t ms); /* the linker's names */
void __wrap_timer_start(struct timer *t, uint64_t ms);

void
__wrap_timer_start(struct timer *t, uint64_t ms)
{
    enum { LISTENER_PAUSE_MS = 250 };
    __real_timer_start(t, pauses_are_endless && ms == LISTENER_PAUSE_MS ? LONG_MS : ms);
}

/* --- a wheel that is small, where a test wants that --- */

uint32_t wheel_most_ms;

void
__real_wheel_start(struct wheel *w, struct wheel_node *n, uint32_t ms); /* the linker's names */
void __wrap_wheel_start(struct wheel *w, struct wheel_node *n, uint32_t ms);

void
__wrap_wheel_start(struct wheel *w, struct wheel_node *n, uint32_t ms)
{
    __real_wheel_start(w, n, wheel_most_ms > 0 && ms > wheel_most_ms ? wheel_most_ms : ms);
}

/* --- the fixture: a loop with a server, and clients that are looked after each millisecond --- */

static char loopback[] = "127.0.0.1";

static void
client_pump(struct client *c)
{
    while (!c->is_over) {
        ssize_t size = recv(c->fd, c->in + c->size, sizeof(c->in) - 1 - c->size, MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
            return;
        }
        c->is_over = size <= 0;
        c->is_reset = size < 0;
        c->size += size > 0 ? (size_t)size : 0;
        c->in[c->size] = '\0';
    }
}

static void
fixture_on_tick(void *arg)
{
    struct fixture *f = arg;
    for (size_t i = 0; i < f->clients_length; i++) {
        client_pump(f->clients[i]);
    }
    if (f->is_reached(f) || ++f->ticks > PATIENCE_TICKS) {
        loop_stop(f->loop);
        return;
    }
    timer_start(&f->tick, TICK_MS);
}

/* Runs the loop until the condition holds. */
void
run_until(struct fixture *f, bool (*is_reached)(struct fixture *f))
{
    f->is_reached = is_reached;
    f->ticks = 0;
    timer_start(&f->tick, 0);
    assert_int_equal(loop_run(f->loop), 0);
    assert_true(f->ticks <= PATIENCE_TICKS);
}

static struct fixture *
fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    hub = (struct hub){.fd = -1};
    send_most = 0;
    pauses_are_endless = false;
    wheel_most_ms = 0;
    f->config.http = (struct config_http){
        .listen = {.host = loopback},
        .workers = 1,
        .page = true,
        .head_bytes = 4096,
        .head_timeout_ms = LONG_MS,
        .channels = 10,
        .connections = 1000,
        .ipv6_prefix = 64,
    };
    f->config.stream = (struct config_stream){
        .retry_ms = 2000, .notsent_lowat_bytes = 16384, .peer_timeout_ms = LONG_MS};
    f->loop = loop_new("test");
    f->metrics = metrics_new(2, 0);
    assert_non_null(f->loop);
    assert_non_null(f->metrics);
    timer_init(&f->tick, f->loop, fixture_on_tick, f);
    return f;
}

int
fixture_serve(struct fixture *f, uint16_t port, struct server **ret_server)
{
    struct server_parts parts = {
        .config = &f->config,
        .port = port,
        .loop = f->loop,
        .hub = &hub,
        .metrics = metrics_slot(f->metrics, 0),
        .admission = f->admission,
    };
    return server_new(&parts, ret_server);
}

void
fixture_start(struct fixture *f)
{
    f->admission = admission_new(&f->config.http);
    assert_non_null(f->admission);
    assert_int_equal(fixture_serve(f, 0, &f->server), 0);
}

int
setup(void **state)
{
    struct fixture *f = fixture_new();
    fixture_start(f);
    *state = f;
    return 0;
}

int
setup_not_started(void **state)
{
    *state = fixture_new();
    return 0;
}

int
teardown(void **state)
{
    struct fixture *f = *state;
    server_free(f->server);
    admission_free(f->admission);
    for (size_t i = 0; i < f->clients_length; i++) {
        close(f->clients[i]->fd);
        free(f->clients[i]);
    }
    if (hub.fd >= 0) {
        close(hub.fd);
    }
    timer_stop(&f->tick);
    loop_free(f->loop);
    metrics_free(f->metrics);
    free(f);
    return 0;
}

/* A socket that is not connected yet. */
struct client *
client_new(struct fixture *f)
{
    assert_true(f->clients_length < CLIENTS_MAX);
    struct client *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(c->fd >= 0);
    f->clients[f->clients_length++] = c;
    return c;
}

void
client_connect(struct fixture *f, struct client *c)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(server_port(f->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

void
client_connect_from(struct fixture *f, struct client *c, const char *address)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
    assert_int_equal(bind(c->fd, (struct sockaddr *)&from, sizeof(from)), 0);
    client_connect(f, c);
}

void
client_send(const struct client *c, const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(__real_send(c->fd, text, size, MSG_NOSIGNAL), (ssize_t)size);
}

struct client *
client_ask(struct fixture *f, const char *text)
{
    struct client *c = client_new(f);
    client_connect(f, c);
    client_send(c, text);
    return c;
}

int64_t
count(const struct fixture *f, enum metric metric, size_t label)
{
    return metrics_read(f->metrics, metric, label);
}

/* As the hubs of two workers count them. */
void
set_streams(struct fixture *f, int64_t streams)
{
    metrics_set(metrics_slot(f->metrics, 0), METRIC_STREAMS, 0, 1);
    metrics_set(metrics_slot(f->metrics, 1), METRIC_STREAMS, 0, streams - 1);
}

bool
is_opened(struct fixture *f)
{
    (void)f;
    return hub.opened > 0;
}

bool
is_last_client_over(struct fixture *f)
{
    return f->clients[f->clients_length - 1]->is_over;
}

bool
are_clients_over(struct fixture *f)
{
    for (size_t i = 0; i < f->clients_length; i++) {
        if (!f->clients[i]->is_over) {
            return false;
        }
    }
    return true;
}

bool
has_connection(struct fixture *f)
{
    return count(f, METRIC_HTTP_CONNECTIONS, 0) > 0;
}

bool
has_no_connection(struct fixture *f)
{
    return count(f, METRIC_HTTP_CONNECTIONS, 0) == 0;
}

void
assert_begins(const struct client *c, const char *begin)
{
    if (strncmp(c->in, begin, strlen(begin)) != 0) {
        fail_msg("not %s but %s", begin, c->in);
    }
}

void
assert_holds(const struct client *c, const char *part)
{
    if (strstr(c->in, part) == NULL) {
        fail_msg("no %s in %s", part, c->in);
    }
}
