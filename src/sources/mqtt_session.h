#pragma once
/*
 * The way of an MQTT source through its connections: one at a time, made again for ever.
 *
 *     STOPPED ─> RESOLVING ─> CONNECTING ─> SUBSCRIBING ─> UP
 *                    ^         (each address)                │
 *                    └────────────── WAITING <───────────────┴── from each of them, on failure
 *
 * Each attempt begins with the address behind the last one that came to nothing. Ingest loop.
 */

#include "base/backoff.h"
#include "event/loop.h"
#include "event/resolve.h"
#include "event/timer.h"
#include "sources/mqtt_gate.h"
#include "sources/mqtt_intake.h"
#include "sources/mqtt_link.h"
#include "sources/mqtt_redelivery.h"
#include "sources/mqtt_subscriber.h"
#include "sources/source.h"
#include "sources/status.h"

enum mqtt_session_state {
    MQTT_SESSION_STOPPED,     /* takes nothing; what is taken may still be acknowledged */
    MQTT_SESSION_WAITING,     /* for the next attempt: the timer */
    MQTT_SESSION_RESOLVING,   /* the host's name; the timer bounds it, and the next two */
    MQTT_SESSION_CONNECTING,  /* TCP, TLS and CONNECT to one address */
    MQTT_SESSION_SUBSCRIBING, /* until each filter has its SUBACK */
    MQTT_SESSION_UP           /* the timer runs where a filter was refused: it is asked for again */
};

/* Other filters, source_resubscribe(). */
enum mqtt_session_change {
    MQTT_CHANGE_NONE,
    MQTT_CHANGE_WAITS,  /* until those of before are answered */
    MQTT_CHANGE_ADDING, /* until the new ones are answered; the timer bounds it */
};

/* Fields are private to mqtt_session*.c, but for `link`, which the client's callbacks get. */
struct mqtt_session {
    const struct source_settings *settings;    /* borrowed */
    const struct mqtt_client_settings *client; /* borrowed */
    struct status status;
    enum mqtt_session_state state;
    struct backoff backoff;
    struct timer timer;     /* of the state */
    struct loop_task flush; /* the gate opened */
    struct resolve resolve;
    struct mqtt_link link;
    struct mqtt_gate gate;
    struct mqtt_redelivery redelivery;
    struct mqtt_subscriber subscriber;
    struct mqtt_intake intake;
    enum mqtt_session_change change;
    uint32_t keepalive_s; /* as agreed on this connection */
    uint64_t up_ms;       /* when the state became UP */
    bool has_been_up;
    bool has_no_identifiers; /* the library cannot take this broker's */
};

/* `client->arg` must be &s->link. ERR_MEMORY, ERR_SYNTAX (a topic filter). */
MUST_CHECK int mqtt_session_init(struct mqtt_session *s,
                                 const struct source_settings *settings,
                                 const struct mqtt_client_settings *client);
void mqtt_session_fini(struct mqtt_session *s);

/* Tells its status, and connects. */
void mqtt_session_start(struct mqtt_session *s);

/* As source_plan(), source_resubscribe(). */
MUST_CHECK int mqtt_session_plan(struct mqtt_session *s,
                                 const struct source_subscription *subscriptions,
                                 size_t length);
void mqtt_session_resubscribe(struct mqtt_session *s);

/* Takes nothing more; the connection stays for the acknowledgements, then the session is idle. */
void mqtt_session_stop(struct mqtt_session *s);
bool mqtt_session_is_idle(const struct mqtt_session *s);

/* As source_inherit(). */
void mqtt_session_inherit(struct mqtt_session *s, const struct mqtt_session *from);

/* The log has everything up to `ticket`. Also from inside of the sink's on_message. */
void mqtt_session_on_stored(struct mqtt_session *s, uint64_t ticket);
