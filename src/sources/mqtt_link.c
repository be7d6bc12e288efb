#include "sources/mqtt_link.h"

#include "event/loop.h"
#include "sources/mqtt_callbacks.h"
#include "sources/mqtt_gate.h"
#include "sources/mqtt_tls.h"

#include <event2/event.h>
#include <mosquitto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void mqtt_link_on_io(evutil_socket_t fd, short what, void *arg);

enum {
    MQTT_LINK_TICK_MS = 1000,      /* mosquitto.h: loop_misc "around once per second" */
    MQTT_LINK_PACKETS_A_TURN = 64, /* chosen: other sources of the loop get their turn */
    MQTT_LINK_FRESH_MS = 10000,    /* chosen: two that take over from each other do it within */
    MQTT_LINK_FAREWELL_MS = 1000   /* for the broker to read the last PUBACKs */
};

static enum mqtt_stage
mqtt_link_stage(const struct mqtt_link *l)
{
    if (!l->is_connected) {
        return MQTT_STAGE_TCP;
    }
    if (!l->is_open) {
        return MQTT_STAGE_GREETING;
    }
    return loop_now_ms(l->loop) - l->opened_ms < MQTT_LINK_FRESH_MS ? MQTT_STAGE_FRESH
                                                                    : MQTT_STAGE_SETTLED;
}

/* The library's result becomes the reason, unless somebody knew better. */
static void
mqtt_link_explain(struct mqtt_link *l, int result, int errno_then)
{
    if (l->why[0] != '\0') {
        return;
    }
    if (!l->is_connected) {
        l->end = MQTT_LINK_UNREACHABLE;
    } else if (result == MOSQ_ERR_DUPLICATE_PROPERTY) {
        l->end = MQTT_LINK_NO_IDENTIFIERS;
    }
    if (l->settings->tls != NULL && mqtt_tls_why(l->settings->tls)[0] != '\0') {
        (void)snprintf(l->why, sizeof l->why, "%s", mqtt_tls_why(l->settings->tls));
        return;
    }
    mqtt_reason_of_result(l->settings->config, mqtt_link_stage(l), result, errno_then, l->why);
}

static bool
mqtt_link_wants_write(const struct mqtt_link *l)
{
    if (!l->is_connected) {
        return true; /* that is how connect(2) tells that it is done */
    }
    const SSL *ssl = mosquitto_ssl_get(l->client);
    if (ssl != NULL && SSL_in_init(ssl)) {
        /* Not mosquitto_want_write(): 2.0.11's stays true until the handshake is done. */
        return SSL_want_write(ssl);
    }
    return mosquitto_want_write(l->client) && !mqtt_gate_is_closed(l->gate);
}

/* One event, made anew where it changes. */
static void
mqtt_link_watch(struct mqtt_link *l, short what)
{
    if (l->watched == what) {
        return;
    }
    (void)event_del(&l->io);
    (void)event_assign(&l->io, loop_base(l->loop), l->fd, what | EV_PERSIST, mqtt_link_on_io, l);
    if (what != 0) {
        (void)event_add(&l->io, NULL);
    }
    l->watched = what;
}

static void
mqtt_link_arm(struct mqtt_link *l)
{
    bool may_read = !l->is_leaving && !mqtt_gate_is_full(l->gate, loop_now_ms(l->loop));
    bool wants_write = mqtt_link_wants_write(l);
    mqtt_link_watch(l, (short)((may_read ? EV_READ : 0) | (wants_write ? EV_WRITE : 0)));
}

static int
mqtt_link_write(struct mqtt_link *l)
{
    ERR_clear_error();
    l->written_ms = loop_now_ms(l->loop);
    int result = mosquitto_loop_write(l->client, 1);
    if (result == MOSQ_ERR_SUCCESS) {
        l->listener.on_written(l->listener.arg);
    }
    return result;
}

/*
 * To close while there is something to read is a reset: the broker would lose the PUBACKs that it has not read yet,
 * and deliver it all again. So the connection outlives its handle.
 */
static void
mqtt_link_part(struct mqtt_link *l)
{
    int fd = l->fd;
    l->fd = -1;
    mqtt_link_close(l);
    farewell_start(&l->farewell, fd, MQTT_LINK_FAREWELL_MS);
}

/* The PUBACKs and DISCONNECT. Best effort: what a full socket buffer does not take is not sent. */
static void
mqtt_link_say_goodbye(struct mqtt_link *l)
{
    if (mosquitto_disconnect(l->client) == MOSQ_ERR_SUCCESS) {
        (void)mqtt_link_write(l);
    }
    mqtt_link_part(l);
}

/* After each call of the library: it may have lost the connection, or the owner wants it gone. */
static void
mqtt_link_settle(struct mqtt_link *l, int result, int errno_then)
{
    bool is_alive = result == MOSQ_ERR_SUCCESS && mosquitto_socket(l->client) >= 0;
    if (is_alive && !l->is_dropped) {
        if (l->is_leaving && !mqtt_gate_is_closed(l->gate)) {
            mqtt_link_say_goodbye(l);
        } else {
            mqtt_link_arm(l);
        }
        return;
    }
    mqtt_link_explain(l, result, errno_then);
    if (is_alive) {
        mqtt_link_part(l);
    } else {
        mqtt_link_close(l);
    }
    l->listener.on_close(l->listener.arg, l->end, l->why);
}

/* 0, or why connect(2) failed. */
static int
mqtt_link_finish_connect(struct mqtt_link *l)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (l->is_connected) {
        return 0;
    }
    if (getsockopt(mosquitto_socket(l->client), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    l->is_connected = error == 0;
    return error;
}

static bool
mqtt_link_is_shaking_hands(const struct mqtt_link *l)
{
    const SSL *ssl = mosquitto_ssl_get(l->client);
    return ssl != NULL && SSL_in_init(ssl);
}

/* 2.0.11 takes a reset during the handshake for progress, and would be called for ever. */
static bool
mqtt_link_is_stuck(const struct mqtt_link *l)
{
    const SSL *ssl = mosquitto_ssl_get(l->client);
    return mqtt_link_is_shaking_hands(l) && !SSL_want_read(ssl) && !SSL_want_write(ssl);
}

/* A call reads one packet, over TLS all of a record: as much may come through a gate that is full. */
static int
mqtt_link_read(struct mqtt_link *l)
{
    bool was_open = l->is_open;
    for (int i = 0; i < MQTT_LINK_PACKETS_A_TURN; i++) {
        ERR_clear_error(); /* 2.0.11 does not, and reads what others of this thread left there */
        errno = 0;
        int result = mosquitto_loop_read(l->client, 1);
        if (result != MOSQ_ERR_SUCCESS || mosquitto_socket(l->client) < 0) {
            return result;
        }
        if (mqtt_link_is_stuck(l)) {
            return MOSQ_ERR_TLS;
        }
        /* After CONNACK first SUBSCRIBE goes out: messages of the session would close the gate. */
        if (errno == EAGAIN || l->is_dropped || l->is_open != was_open ||
            mqtt_gate_is_full(l->gate, loop_now_ms(l->loop))) {
            return MOSQ_ERR_SUCCESS;
        }
    }
    return MOSQ_ERR_SUCCESS;
}

/* What is queued, where it may be sent. */
static int
mqtt_link_flush(struct mqtt_link *l)
{
    bool may_write = l->is_connected && mosquitto_socket(l->client) >= 0 &&
                     !mqtt_link_is_shaking_hands(l) && mqtt_link_wants_write(l);
    return may_write ? mqtt_link_write(l) : MOSQ_ERR_SUCCESS;
}

static void
mqtt_link_on_io(evutil_socket_t fd, short what, void *arg)
{
    struct mqtt_link *l = arg;
    int error = mqtt_link_finish_connect(l);
    (void)fd;
    if (error != 0) {
        mqtt_link_settle(l, MOSQ_ERR_ERRNO, error);
        return;
    }
    /* First: what is read may close the gate again before those PUBACKs are out. */
    int result = mqtt_link_flush(l);
    /* The library takes a handshake's next step only in loop_read, whatever it waits for. */
    if (result == MOSQ_ERR_SUCCESS && mosquitto_socket(l->client) >= 0 &&
        ((what & EV_READ) != 0 || mqtt_link_is_shaking_hands(l))) {
        result = mqtt_link_read(l);
    }
    if (result == MOSQ_ERR_SUCCESS && !l->is_dropped) {
        result = mqtt_link_flush(l);
    }
    mqtt_link_settle(l, result, errno);
}

static void
mqtt_link_on_tick(void *arg)
{
    struct mqtt_link *l = arg;
    timer_start(&l->tick, MQTT_LINK_TICK_MS);
    int result = mosquitto_loop_misc(l->client);
    int errno_then = errno;
    if (result == MOSQ_ERR_SUCCESS) {
        l->listener.on_tick(l->listener.arg);
    }
    mqtt_link_settle(l, result, errno_then);
}

void
mqtt_link_init(struct mqtt_link *l,
               struct loop *loop,
               struct mqtt_gate *gate,
               const struct mqtt_client_settings *settings,
               const struct mqtt_link_listener *listener)
{
    *l = (struct mqtt_link){
        .loop = loop, .gate = gate, .settings = settings, .listener = *listener, .fd = -1};
    timer_init(&l->tick, loop, mqtt_link_on_tick, l);
    farewell_init(&l->farewell, loop);
    /* Never added like this: so that it can be deleted before it was assigned a descriptor. */
    (void)event_assign(&l->io, loop_base(loop), -1, 0, mqtt_link_on_io, l);
}

static void
mqtt_link_begin(struct mqtt_link *l)
{
    l->is_connected = false;
    l->is_open = false;
    l->is_leaving = false;
    l->is_dropped = false;
    l->end = MQTT_LINK_BROKEN;
    l->why[0] = '\0';
    l->written_ms = loop_now_ms(l->loop);
    if (l->settings->tls != NULL) {
        mqtt_tls_forget(l->settings->tls);
    }
}

int
mqtt_link_open(struct mqtt_link *l, const struct evutil_addrinfo *address)
{
    assert(mqtt_link_is_gone(l));
    mqtt_link_begin(l);
    l->client = mqtt_client_new(l->settings);
    if (l->client == NULL) {
        mqtt_link_explain(l, MOSQ_ERR_NOMEM, 0);
        return ERR_MEMORY;
    }
    mqtt_callbacks_set(l);
    int result = mqtt_client_connect(l->client, l->settings, address);
    if (result == MOSQ_ERR_SUCCESS) {
        l->fd = fcntl(mosquitto_socket(l->client), F_DUPFD_CLOEXEC, 0);
        result = l->fd < 0 ? MOSQ_ERR_ERRNO : result;
    }
    if (result != MOSQ_ERR_SUCCESS) {
        mqtt_link_explain(l, result, errno);
        mosquitto_destroy(l->client);
        l->client = NULL;
        return ERR_CONNECT;
    }
    timer_start(&l->tick, MQTT_LINK_TICK_MS);
    mqtt_link_arm(l);
    return 0;
}

void
mqtt_link_drop(struct mqtt_link *l, const char *why)
{
    l->is_dropped = true;
    l->end = MQTT_LINK_DROPPED;
    (void)snprintf(l->why, sizeof l->why, "%s", why);
}

void
mqtt_link_close(struct mqtt_link *l)
{
    if (l->client == NULL) {
        return;
    }
    timer_stop(&l->tick);
    (void)event_del(&l->io);
    l->watched = 0;
    mosquitto_destroy(l->client);
    l->client = NULL;
    if (l->fd >= 0) {
        close(l->fd);
        l->fd = -1;
    }
}

void
mqtt_link_fini(struct mqtt_link *l)
{
    mqtt_link_close(l);
    farewell_stop(&l->farewell);
}

void
mqtt_link_leave(struct mqtt_link *l)
{
    if (l->client != NULL && !l->is_open) {
        mqtt_link_close(l);
    }
    l->is_leaving = true;
    mqtt_link_update(l);
}

bool
mqtt_link_is_gone(const struct mqtt_link *l)
{
    return l->client == NULL && farewell_is_over(&l->farewell);
}

void
mqtt_link_update(struct mqtt_link *l)
{
    if (l->client == NULL) {
        return;
    }
    int result = mqtt_link_flush(l);
    mqtt_link_settle(l, result, errno);
}
