#pragma once
/*
 * Filters on their way out: another configuration does not want them, and the broker may still send by them.
 *
 * A message that such a filter and one that stays both match comes as two copies for as long as the broker has
 * both, and as one before and after that; the broker's queue is in order, but which of its messages are from
 * when it does not say. So copies are paired: of two with the same content, one by a filter of each kind and
 * close to each other, the second is not taken. Pure; the caller brings the clock.
 */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mosquitto_message;

enum { MQTT_RETIRING_PAIRS = 64 }; /* chosen: two copies come one behind the other */
/* Chosen: then none of theirs is in the broker's queue any more. */
enum { MQTT_RETIRING_QUIET_MS = 60000 };

struct mqtt_retiring_filter {
    char *text; /* owned */
    uint32_t identifier;
    uint32_t round; /* those of one round were all wanted before it */
    int had_qos;    /* mqtt_filter_has_qos(), when it was wanted */
    bool is_asked;  /* UNSUBSCRIBE was sent on this connection */
    bool is_gone;   /* and confirmed */
};

struct mqtt_retiring {
    struct mqtt_retiring_filter *filters; /* owned; the oldest first */
    size_t length, capacity;
    uint32_t round;
    struct {
        uint64_t hash;
        bool is_retiring, is_used;
    } taken[MQTT_RETIRING_PAIRS]; /* a ring */
    size_t next;
    uint64_t heard_ms; /* when the last copy came by one of them, or the broker confirmed */
};

/* Of topic and payload. */
uint64_t mqtt_retiring_hash(const struct mosquitto_message *message);

void mqtt_retiring_fini(struct mqtt_retiring *r);

/* Room for `length` more, so that mqtt_retiring_add() does not fail. ERR_MEMORY. */
MUST_CHECK int mqtt_retiring_reserve(struct mqtt_retiring *r, size_t length);

/* Another configuration. */
void mqtt_retiring_begin_round(struct mqtt_retiring *r);
/* `text` moves. */
void mqtt_retiring_add(struct mqtt_retiring *r, char *text, uint32_t identifier, int had_qos);

/* It is wanted again. */
void mqtt_retiring_remove(struct mqtt_retiring *r, const char *text);

/*
 * The broker has confirmed the filters that stay. What has come so far had one copy, but what waited in its queue: a
 * message that says the same as one of those is another one.
 */
void mqtt_retiring_forget_taken(struct mqtt_retiring *r);

/* The broker has forgotten them all. */
void mqtt_retiring_clear(struct mqtt_retiring *r);

/* On a new connection UNSUBSCRIBE has to be sent again. */
void mqtt_retiring_restart(struct mqtt_retiring *r);

/* The broker has confirmed that those asked for are gone. */
void mqtt_retiring_confirm(struct mqtt_retiring *r, uint64_t now_ms);

/* Forgets them once they are gone and nothing comes by them any more. */
void mqtt_retiring_tick(struct mqtt_retiring *r, uint64_t now_ms);

/* Whether one of them matches. */
bool mqtt_retiring_matches(const struct mqtt_retiring *r, const char *topic);

/* Whether an older one of the same round has a copy too: what comes by both counts by that one. */
bool mqtt_retiring_is_younger(const struct mqtt_retiring *r,
                              const struct mqtt_retiring_filter *by,
                              const struct mosquitto_message *message);

/* By subscription identifier; NULL where it is none of theirs. */
const struct mqtt_retiring_filter *mqtt_retiring_find(const struct mqtt_retiring *r,
                                                      uint32_t identifier);

/* A message that both kinds match, by one of them: true where its other copy was taken. */
bool mqtt_retiring_is_copy(struct mqtt_retiring *r,
                           bool is_retiring,
                           const struct mosquitto_message *message);
