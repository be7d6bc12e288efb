#pragma once
/*
 * One connection to an MQTT broker: libmosquitto on the loop's events, with PUBACKs held back.
 *
 *     address ─> TCP ─> TLS ─> CONNECT ─> CONNACK: on_open ... on_message, on_suback, on_unsuback ... on_close
 *
 *     readable while the gate is not full    ─> mosquitto_loop_read:  queues PUBACK, on_message
 *     writable while the gate is not closed  ─> mosquitto_loop_write: sends what is queued
 *     once a second                          ─> mosquitto_loop_misc:  queues PINGREQ
 *
 * That PUBACKs only wait where mosquitto_threaded_set() is on is read in the library's source, not
 * promised: tests/unit/sources/mqtt_delivery_test.c holds it. PINGREQ waits behind the PUBACKs, so
 * the owner must not leave the gate closed for long. Ingest loop.
 */

#include "event/farewell.h"
#include "event/timer.h"
#include "sources/mqtt_client.h"
#include "sources/mqtt_reason.h"

#include <event2/event_struct.h>
#include <event2/util.h>

struct loop;
struct mosquitto_message;
struct mqtt5__property;
struct mqtt_gate;

enum mqtt_link_end {
    MQTT_LINK_UNREACHABLE,    /* no TCP connection: another address may do */
    MQTT_LINK_BROKEN,         /* the connection ended */
    MQTT_LINK_REFUSED,        /* the broker said no */
    MQTT_LINK_DROPPED,        /* the owner wanted it */
    MQTT_LINK_NO_IDENTIFIERS, /* several of them in one message: the library gives up */
};

/* What CONNACK said. */
struct mqtt_link_session {
    bool is_present;      /* the broker kept the session */
    bool has_identifiers; /* subscription identifiers may be used */
    uint32_t keepalive_s;
};

struct mqtt_link_listener {
    void *arg;
    void (*on_open)(void *arg, const struct mqtt_link_session *session);
    void (*on_message)(void *arg,
                       const struct mosquitto_message *message,
                       const struct mqtt5__property *properties);
    void (*on_suback)(void *arg, int mid, int length, const int *codes);
    void (*on_unsuback)(void *arg);
    void (*on_written)(void *arg); /* what was queued was sent, all or some of it */
    void (*on_tick)(void *arg);    /* about once a second while there is a connection */
    /* The link is closed by then, and may be opened again from inside. */
    void (*on_close)(void *arg, enum mqtt_link_end end, const char *why);
};

/* Private to mqtt_link.c and mqtt_callbacks.c, but for `client`; the session reads `why`, `written_ms`. */
struct mqtt_link {
    struct loop *loop; /* borrowed, like all of the following */
    struct mqtt_gate *gate;
    const struct mqtt_client_settings *settings;
    struct mqtt_link_listener listener;
    struct mosquitto *client; /* owned; NULL: closed. To subscribe with, from on_open on */
    /* Owned, the library's duplicate, -1: closed. The library closes its own when it likes, and the number may be another
     * thread's before the event is taken off it. */
    int fd;
    struct event io;
    short watched; /* what io is added for: EV_READ, EV_WRITE */
    struct timer tick;
    struct farewell farewell; /* after DISCONNECT, or a drop */
    uint64_t written_ms;      /* when something was sent last */
    uint64_t opened_ms;       /* when CONNACK came */
    bool is_connected;        /* TCP stands */
    bool is_open;             /* CONNACK came */
    bool is_leaving;          /* reads no more */
    bool is_dropped;          /* the owner wants it closed, with `why` */
    enum mqtt_link_end end;
    char why[MQTT_REASON_SIZE_MAX]; /* "" while nothing is wrong */
};

void mqtt_link_init(struct mqtt_link *l,
                    struct loop *loop,
                    struct mqtt_gate *gate,
                    const struct mqtt_client_settings *settings,
                    const struct mqtt_link_listener *listener);

/* Links that are gone only. ERR_CONNECT, ERR_MEMORY, with l->why and without on_close. */
MUST_CHECK int mqtt_link_open(struct mqtt_link *l, const struct evutil_addrinfo *address);

/* From a listener's function: closes once the library has returned, with on_close; sends nothing more. */
void mqtt_link_drop(struct mqtt_link *l, const char *why);

/* At once, without on_close and without sending anything. Not from a listener's function. */
void mqtt_link_close(struct mqtt_link *l);

/* For good. */
void mqtt_link_fini(struct mqtt_link *l);

/*
 * For good: reads no more, sends what is queued and DISCONNECT when the gate opens, and closes. Not
 * from a listener's function.
 */
void mqtt_link_leave(struct mqtt_link *l);

/* Closed, and the broker has had time to read what was sent. */
bool mqtt_link_is_gone(const struct mqtt_link *l);

/* After the gate changed: sends, and reads again. Not from a listener's function. */
void mqtt_link_update(struct mqtt_link *l);
