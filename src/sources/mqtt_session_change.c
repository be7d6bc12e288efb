/* Other filters while the source runs: when those of before are answered. */

#include "sources/mqtt_session_private.h"

void
mqtt_session_settle_change(struct mqtt_session *s)
{
    s->change = MQTT_CHANGE_NONE;
    mqtt_subscriber_settle(&s->subscriber);
    s->settings->owner.on_resubscribed(s->settings->owner.arg);
}

void
mqtt_session_finish_change(struct mqtt_session *s)
{
    if (s->change == MQTT_CHANGE_WAITS) {
        mqtt_subscriber_adopt(&s->subscriber);
    }
    if (s->change != MQTT_CHANGE_NONE) {
        mqtt_session_settle_change(s);
    }
}

static void
mqtt_session_begin_change(struct mqtt_session *s)
{
    s->change = MQTT_CHANGE_ADDING;
    mqtt_session_set_bounded_state(s, MQTT_SESSION_UP);
    mqtt_subscriber_adopt(&s->subscriber);
    /* Not when the last one is answered: the retained messages of the first ones come before that. */
    s->settings->owner.on_changing(s->settings->owner.arg);
    mqtt_session_follow_subscriber(
        s, mqtt_subscriber_add(&s->subscriber, s->link.client, mqtt_intake_options(&s->intake)));
}

void
mqtt_session_try_change(struct mqtt_session *s)
{
    if (mqtt_subscriber_is_busy(&s->subscriber)) {
        mqtt_session_set_bounded_state(s, MQTT_SESSION_UP);
    } else {
        mqtt_session_begin_change(s);
    }
}

int
mqtt_session_plan(struct mqtt_session *s,
                  const struct source_subscription *subscriptions,
                  size_t length)
{
    return mqtt_subscriber_plan(&s->subscriber, subscriptions, length);
}

void
mqtt_session_resubscribe(struct mqtt_session *s)
{
    s->change = MQTT_CHANGE_WAITS;
    if (s->state == MQTT_SESSION_UP) {
        mqtt_session_try_change(s);
        mqtt_link_update(&s->link);
    } else if (s->state != MQTT_SESSION_SUBSCRIBING) {
        mqtt_session_finish_change(s);
    }
}
