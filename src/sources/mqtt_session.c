#include "sources/mqtt_session.h"

#include "base/log.h"
#include "observability/metrics.h"
#include "sources/mqtt_session_private.h"

#include <mosquitto.h>

static void
mqtt_session_note_downgrade(const struct mqtt_session *s)
{
    const char *filter = mqtt_filters_downgraded(&s->subscriber.filters, s->subscriber.qos);
    if (filter != NULL) {
        log_warn("source.qos", LOG_TEXT("source", s->settings->config->name),
                 LOG_TEXT("filter", filter),
                 LOG_TEXT("why", "the broker grants a lower QoS than was asked for: messages are "
                                 "not sent again when they are lost"));
    }
}

/* The filters that it has, it has: others are asked for again and again. */
static void
mqtt_session_note_refusal(struct mqtt_session *s, const char *filter, int code)
{
    char why[MQTT_REASON_SIZE_MAX];
    mqtt_reason_of_suback(s->settings->config, filter, code, why);
    status_set(&s->status, STATUS_REFUSED, why);
    timer_start(&s->timer, s->settings->config->broker.retry_max_ms);
}

/* `why` the broker did not answer; while no PUBACK may be written no SUBSCRIBE is either. */
static void
mqtt_session_bound_subscribing(struct mqtt_session *s)
{
    if (mqtt_gate_is_closed(&s->gate)) {
        mqtt_session_set_bounded_state(s, s->state);
    } else {
        mqtt_session_fail(s, STATUS_DOWN, "the broker did not answer SUBSCRIBE in time");
    }
}

static void mqtt_session_become_up(struct mqtt_session *s);

void
mqtt_session_follow_subscriber(struct mqtt_session *s, int result)
{
    if (result == MQTT_SUBSCRIBER_E_DONE) {
        mqtt_session_become_up(s);
    } else if (result < 0) {
        mqtt_link_drop(&s->link, err_text(result));
    }
}

static void
mqtt_session_note_connection(struct mqtt_session *s)
{
    s->up_ms = loop_now_ms(s->settings->loop);
    if (s->has_been_up) {
        metrics_series_add(s->settings->series, METRIC_SOURCE_RECONNECTS, 0, 1);
    }
    s->has_been_up = true;
    mqtt_session_note_downgrade(s);
}

static void
mqtt_session_note_up(struct mqtt_session *s)
{
    int code = 0;
    const char *filter = mqtt_filters_refused(&s->subscriber.filters, &code);
    if (filter != NULL) {
        mqtt_session_note_refusal(s, filter, code);
    } else {
        status_set(&s->status, STATUS_UP, "");
    }
}

/* Every filter has its answer. */
static void
mqtt_session_become_up(struct mqtt_session *s)
{
    if (s->state == MQTT_SESSION_SUBSCRIBING) {
        mqtt_session_note_connection(s);
    }
    mqtt_session_set_state(s, MQTT_SESSION_UP);
    mqtt_session_note_up(s);
    if (s->change == MQTT_CHANGE_ADDING) {
        mqtt_session_settle_change(s);
    }
    if (mqtt_subscriber_unsubscribe(&s->subscriber, s->link.client) < 0) {
        mqtt_link_drop(&s->link, err_text(ERR_CONNECT));
    } else if (s->change == MQTT_CHANGE_WAITS) {
        mqtt_session_try_change(s);
    }
}

static void
mqtt_session_on_open(void *arg, const struct mqtt_link_session *session)
{
    struct mqtt_session *s = arg;
    if (s->client->is_persistent && s->has_been_up && !session->is_present) {
        log_warn("source.session_lost", LOG_TEXT("source", s->settings->config->name),
                 LOG_TEXT("why", "the broker forgot the session: what it kept for it is lost"));
    }
    if (!session->is_present) {
        mqtt_redelivery_forget(&s->redelivery);
    }
    mqtt_subscriber_open(&s->subscriber, session->is_present);
    s->keepalive_s = session->keepalive_s;
    mqtt_session_set_bounded_state(s, MQTT_SESSION_SUBSCRIBING);
    mqtt_session_follow_subscriber(
        s, mqtt_subscriber_start(&s->subscriber, s->link.client,
                                 session->has_identifiers && !s->has_no_identifiers,
                                 mqtt_intake_options(&s->intake)));
}

static void
mqtt_session_on_suback(void *arg, int mid, int length, const int *codes)
{
    struct mqtt_session *s = arg;
    /* It answers: thousands of filters take their time. */
    if (s->state == MQTT_SESSION_SUBSCRIBING || s->change == MQTT_CHANGE_ADDING) {
        mqtt_session_set_bounded_state(s, s->state);
    }
    mqtt_session_follow_subscriber(
        s, mqtt_subscriber_on_suback(&s->subscriber, s->link.client, mid, length, codes));
}

static void
mqtt_session_on_unsuback(void *arg)
{
    struct mqtt_session *s = arg;
    mqtt_subscriber_on_unsuback(&s->subscriber);
    if (s->change == MQTT_CHANGE_WAITS && s->state == MQTT_SESSION_UP) {
        mqtt_session_try_change(s);
    }
}

static void
mqtt_session_on_message(void *arg,
                        const struct mosquitto_message *message,
                        const struct mqtt5__property *properties)
{
    struct mqtt_session *s = arg;
    if (mqtt_intake_message(&s->intake, message, properties) == MQTT_INTAKE_E_REFUSED) {
        mqtt_link_drop(&s->link, "the replay log's queue is full: the broker keeps what is not "
                                 "acknowledged and sends it again");
    }
}

/*
 * A broker gives a client up after 1.5 keepalives without a packet. PINGREQ waits behind the
 * PUBACKs and was due after one.
 */
static bool
mqtt_session_is_held_for_too_long(const struct mqtt_session *s)
{
    uint64_t keepalive_ms = (uint64_t)s->keepalive_s * 1000;
    uint64_t now_ms = loop_now_ms(s->settings->loop);
    return mqtt_gate_is_closed(&s->gate) &&
           (mqtt_gate_age_ms(&s->gate, now_ms) >= keepalive_ms / 2 ||
            now_ms - s->link.written_ms >= keepalive_ms * 5 / 4);
}

static void
mqtt_session_on_written(void *arg)
{
    struct mqtt_session *s = arg;
    mqtt_redelivery_release(&s->redelivery);
}

static void
mqtt_session_on_tick(void *arg)
{
    struct mqtt_session *s = arg;
    mqtt_retiring_tick(&s->subscriber.retiring, loop_now_ms(s->settings->loop));
    if (s->keepalive_s > 0 && mqtt_session_is_held_for_too_long(s)) {
        mqtt_link_drop(&s->link, "the replay log does not store: the connection was dropped rather "
                                 "than acknowledge, and the broker sends again");
    }
}

static void
mqtt_session_on_close(void *arg, enum mqtt_link_end end, const char *why)
{
    struct mqtt_session *s = arg;
    if (s->state == MQTT_SESSION_STOPPED) {
        return;
    }
    if (end == MQTT_LINK_UNREACHABLE) {
        mqtt_session_try_address(s, why);
        return;
    }
    if (end == MQTT_LINK_NO_IDENTIFIERS) {
        s->has_no_identifiers = true;
    }
    if (s->state == MQTT_SESSION_UP && end != MQTT_LINK_DROPPED) {
        mqtt_filters_note_retained(&s->subscriber.filters);
    }
    mqtt_session_fail(s, end == MQTT_LINK_REFUSED ? STATUS_REFUSED : STATUS_DOWN, why);
}

static void
mqtt_session_retry_refused(struct mqtt_session *s)
{
    if (mqtt_subscriber_retry(&s->subscriber, s->link.client) < 0) {
        mqtt_session_fail(s, STATUS_DOWN, err_text(ERR_CONNECT));
    } else {
        mqtt_link_update(&s->link);
    }
}

static void
mqtt_session_on_timer(void *arg)
{
    struct mqtt_session *s = arg;
    switch (s->state) {
    case MQTT_SESSION_STOPPED:
        break;
    case MQTT_SESSION_WAITING:
        mqtt_session_connect(s);
        break;
    case MQTT_SESSION_RESOLVING:
        mqtt_session_fail(s, STATUS_DOWN, "the host name was not resolved in time");
        break;
    case MQTT_SESSION_CONNECTING:
        mqtt_link_close(&s->link);
        resolve_skip_tried(&s->resolve);
        mqtt_session_try_address(s, "the broker did not answer in time");
        break;
    case MQTT_SESSION_SUBSCRIBING:
        mqtt_session_bound_subscribing(s);
        break;
    case MQTT_SESSION_UP:
        if (s->change != MQTT_CHANGE_NONE) {
            mqtt_session_bound_subscribing(s);
        } else {
            mqtt_session_retry_refused(s);
        }
        break;
    }
}

static void
mqtt_session_on_flush(void *arg)
{
    struct mqtt_session *s = arg;
    mqtt_link_update(&s->link);
}

static void
mqtt_session_init_parts(struct mqtt_session *s)
{
    const struct config_broker *broker = &s->settings->config->broker;
    struct loop *loop = s->settings->loop;
    const struct mqtt_link_listener listener = {.arg = s,
                                                .on_open = mqtt_session_on_open,
                                                .on_message = mqtt_session_on_message,
                                                .on_suback = mqtt_session_on_suback,
                                                .on_unsuback = mqtt_session_on_unsuback,
                                                .on_written = mqtt_session_on_written,
                                                .on_tick = mqtt_session_on_tick,
                                                .on_close = mqtt_session_on_close};
    backoff_init(&s->backoff, (uint32_t)broker->retry_min_ms, (uint32_t)broker->retry_max_ms);
    timer_init(&s->timer, loop, mqtt_session_on_timer, s);
    loop_task_init(&s->flush, mqtt_session_on_flush, s);
    resolve_init(&s->resolve, loop, mqtt_session_on_resolved, s);
    mqtt_link_init(&s->link, loop, &s->gate, s->client, &listener);
    status_init(&s->status, s->settings);
}

int
mqtt_session_init(struct mqtt_session *s,
                  const struct source_settings *settings,
                  const struct mqtt_client_settings *client)
{
    *s = (struct mqtt_session){.settings = settings, .client = client};
    int err = mqtt_subscriber_init(&s->subscriber, settings);
    if (err != 0) {
        mqtt_subscriber_fini(&s->subscriber);
        return err;
    }
    s->intake = (struct mqtt_intake){.settings = settings,
                                     .gate = &s->gate,
                                     .redelivery = &s->redelivery,
                                     .subscriber = &s->subscriber,
                                     .is_persistent = client->is_persistent};
    mqtt_session_init_parts(s);
    return 0;
}

void
mqtt_session_start(struct mqtt_session *s)
{
    status_publish(&s->status);
    mqtt_session_connect(s);
}

void
mqtt_session_stop(struct mqtt_session *s)
{
    mqtt_session_set_state(s, MQTT_SESSION_STOPPED);
    resolve_cancel(&s->resolve);
    mqtt_link_leave(&s->link);
}

bool
mqtt_session_is_idle(const struct mqtt_session *s)
{
    return mqtt_link_is_gone(&s->link) && !mqtt_gate_is_closed(&s->gate);
}

void
mqtt_session_inherit(struct mqtt_session *s, const struct mqtt_session *from)
{
    s->redelivery = from->redelivery;
}

void
mqtt_session_fini(struct mqtt_session *s)
{
    mqtt_session_stop(s);
    loop_task_cancel(&s->flush);
    mqtt_link_fini(&s->link);
    mqtt_subscriber_fini(&s->subscriber);
}

void
mqtt_session_on_stored(struct mqtt_session *s, uint64_t ticket)
{
    bool was_closed = mqtt_gate_is_closed(&s->gate);
    mqtt_gate_store(&s->gate, ticket);
    if (was_closed && !mqtt_gate_is_closed(&s->gate)) {
        /* Not now: this may be inside of the library's call that brought the message. */
        loop_task_schedule(s->settings->loop, &s->flush);
    }
}
