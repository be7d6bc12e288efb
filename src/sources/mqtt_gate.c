#include "sources/mqtt_gate.h"

bool
mqtt_gate_is_closed(const struct mqtt_gate *g)
{
    return g->last_ticket > g->stored_ticket;
}

void
mqtt_gate_take(struct mqtt_gate *g, uint64_t ticket, uint64_t now_ms)
{
    if (ticket <= g->stored_ticket) {
        return;
    }
    if (!mqtt_gate_is_closed(g)) {
        g->closed_ms = now_ms;
        g->held_count = 0;
    }
    g->held_count++;
    if (ticket > g->last_ticket) {
        g->last_ticket = ticket;
    }
}

void
mqtt_gate_store(struct mqtt_gate *g, uint64_t ticket)
{
    if (ticket > g->stored_ticket) {
        g->stored_ticket = ticket;
    }
}

uint64_t
mqtt_gate_age_ms(const struct mqtt_gate *g, uint64_t now_ms)
{
    return mqtt_gate_is_closed(g) ? now_ms - g->closed_ms : 0;
}

bool
mqtt_gate_is_full(const struct mqtt_gate *g, uint64_t now_ms)
{
    return mqtt_gate_is_closed(g) && (g->held_count >= MQTT_GATE_MESSAGES_MAX ||
                                      mqtt_gate_age_ms(g, now_ms) >= MQTT_GATE_READ_MS);
}
