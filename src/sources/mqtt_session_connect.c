/* The states, and the way to a connection: name, one address after another, pause. */

#include "base/log.h"
#include "sources/mqtt_session_private.h"

#include <assert.h>
#include <stdio.h>

static bool
mqtt_session_state_may_follow(enum mqtt_session_state from, enum mqtt_session_state to)
{
    switch (to) {
    case MQTT_SESSION_STOPPED:
        return true;
    case MQTT_SESSION_WAITING:
        return from != MQTT_SESSION_STOPPED;
    case MQTT_SESSION_RESOLVING:
        return from == MQTT_SESSION_STOPPED || from == MQTT_SESSION_WAITING;
    case MQTT_SESSION_CONNECTING:
        return from == MQTT_SESSION_RESOLVING || from == MQTT_SESSION_CONNECTING;
    case MQTT_SESSION_SUBSCRIBING:
        return from == MQTT_SESSION_CONNECTING || from == MQTT_SESSION_SUBSCRIBING;
    case MQTT_SESSION_UP:
        return from == MQTT_SESSION_SUBSCRIBING || from == MQTT_SESSION_UP;
    }
    return false;
}

void
mqtt_session_set_state(struct mqtt_session *s, enum mqtt_session_state state)
{
    static const char *const names[] = {
        [MQTT_SESSION_STOPPED] = "stopped",         [MQTT_SESSION_WAITING] = "waiting",
        [MQTT_SESSION_RESOLVING] = "resolving",     [MQTT_SESSION_CONNECTING] = "connecting",
        [MQTT_SESSION_SUBSCRIBING] = "subscribing", [MQTT_SESSION_UP] = "up"};
    bool is_legal = mqtt_session_state_may_follow(s->state, state);
    assert(is_legal);
    (void)is_legal;
    log_debug("source.state", LOG_TEXT("source", s->settings->config->name),
              LOG_TEXT("state", names[state]));
    s->state = state;
    timer_stop(&s->timer);
}

void
mqtt_session_set_bounded_state(struct mqtt_session *s, enum mqtt_session_state state)
{
    mqtt_session_set_state(s, state);
    timer_start(&s->timer, s->settings->config->broker.connect_timeout_ms);
}

static void
mqtt_session_wait(struct mqtt_session *s)
{
    mqtt_session_set_state(s, MQTT_SESSION_WAITING);
    timer_start(&s->timer, backoff_next_ms(&s->backoff));
}

static void
mqtt_session_note_end_of_connection(struct mqtt_session *s)
{
    uint64_t lasted_ms = loop_now_ms(s->settings->loop) - s->up_ms;
    if (s->state == MQTT_SESSION_UP && lasted_ms >= s->settings->config->broker.retry_max_ms) {
        backoff_reset(&s->backoff);
    }
}

void
mqtt_session_fail(struct mqtt_session *s, enum status_kind kind, const char *why)
{
    mqtt_session_note_end_of_connection(s);
    if (s->state != MQTT_SESSION_UP) { /* one that only accepts, or refuses us, blocks nobody */
        resolve_skip_tried(&s->resolve);
    }
    resolve_cancel(&s->resolve);
    mqtt_link_close(&s->link);
    status_set(&s->status, kind, why);
    mqtt_session_wait(s);
    mqtt_session_finish_change(s);
}

void
mqtt_session_try_address(struct mqtt_session *s, const char *why)
{
    mqtt_redelivery_break(&s->redelivery);
    const struct evutil_addrinfo *address;
    while ((address = resolve_next(&s->resolve)) != NULL) {
        if (mqtt_link_open(&s->link, address) == 0) {
            mqtt_session_set_bounded_state(s, MQTT_SESSION_CONNECTING);
            return;
        }
        why = s->link.why;
    }
    mqtt_session_fail(s, STATUS_DOWN, why);
}

void
mqtt_session_on_resolved(void *arg, const char *why)
{
    struct mqtt_session *s = arg;
    if (why != NULL) {
        char text[STATUS_TEXT_SIZE_MAX];
        (void)snprintf(text, sizeof text, "%s: %s", err_text(ERR_RESOLVE), why);
        mqtt_session_fail(s, STATUS_DOWN, text);
        return;
    }
    mqtt_session_try_address(s, "");
}

void
mqtt_session_connect(struct mqtt_session *s)
{
    if (!mqtt_link_is_gone(&s->link)) {
        mqtt_session_wait(s);
        return;
    }
    if (mqtt_gate_is_closed(&s->gate)) {
        /* The broker would begin with what waits for the log already: it would be stored twice. */
        status_set(&s->status, STATUS_DOWN,
                   "the replay log does not store: waiting for it before connecting again");
        mqtt_session_wait(s);
        return;
    }
    mqtt_session_set_bounded_state(s, MQTT_SESSION_RESOLVING);
    const struct config_broker *broker = &s->settings->config->broker;
    int err = resolve_start(&s->resolve, broker->host, broker->port);
    if (err != 0) {
        mqtt_session_fail(s, STATUS_DOWN, err_text(err));
    }
}
