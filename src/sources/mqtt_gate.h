#pragma once
/*
 * When MQTT messages may be acknowledged: only after the log has them. Pure; the caller brings the
 * clock.
 *
 *     message taken, ticket 7 ─> closed ─> log has 5: closed ─> log has 7: open, send PUBACKs
 *
 * libmosquitto writes its PUBACKs all or none, so the gate opens when the log has the last one. New
 * messages would push that moment away for ever: once enough are held, or for long enough, the gate
 * is full and the caller stops reading until it opens.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Chosen: ten times what mosquitto keeps in flight by default, and few enough to come twice after a
 * lost connection. Also the receive maximum that we tell an MQTT 5 broker.
 */
enum { MQTT_GATE_MESSAGES_MAX = 256 };
/* Chosen: above any healthy append, far below a keepalive. */
enum { MQTT_GATE_READ_MS = 100 };

struct mqtt_gate {
    uint64_t last_ticket;   /* the highest of the messages that wait for their PUBACK */
    uint64_t stored_ticket; /* the log has everything up to here */
    uint64_t closed_ms;     /* when it closed */
    size_t held_count;      /* messages taken since it closed */
};

/* The sink took a message that the broker wants acknowledged. */
void mqtt_gate_take(struct mqtt_gate *g, uint64_t ticket, uint64_t now_ms);

/* The log has everything up to `ticket`. */
void mqtt_gate_store(struct mqtt_gate *g, uint64_t ticket);

/* No PUBACK may be written. */
bool mqtt_gate_is_closed(const struct mqtt_gate *g);

/* Nothing more may be read. */
bool mqtt_gate_is_full(const struct mqtt_gate *g, uint64_t now_ms);

/* For how long it has been closed; 0 while open. */
uint64_t mqtt_gate_age_ms(const struct mqtt_gate *g, uint64_t now_ms);
