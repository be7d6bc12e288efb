#include "sources/mqtt_intake.h"

#include "event/loop.h"
#include "observability/metrics.h"
#include "sources/loss.h"
#include "sources/mqtt_gate.h"
#include "sources/mqtt_redelivery.h"
#include "sources/mqtt_subscriber.h"

#include <mosquitto.h>

#include <mqtt_protocol.h>

/* MQTT 5 brokers know what is new to a session they keep; for the rest this process remembers. */
static bool
mqtt_intake_broker_knows_new(const struct mqtt_intake *in)
{
    return in->settings->config->mqtt.is_v5 && in->is_persistent;
}

int
mqtt_intake_options(const struct mqtt_intake *in)
{
    switch (in->settings->config->mqtt.retained) {
    case RETAINED_PASS:
        return MQTT_SUB_OPT_SEND_RETAIN_ALWAYS;
    case RETAINED_DROP:
        return MQTT_SUB_OPT_SEND_RETAIN_NEVER;
    case RETAINED_NEW:
        break;
    }
    if (mqtt_intake_broker_knows_new(in)) {
        return MQTT_SUB_OPT_SEND_RETAIN_NEW;
    }
    return mqtt_filters_lack_retained(&in->subscriber->filters, NULL)
               ? MQTT_SUB_OPT_SEND_RETAIN_ALWAYS
               : MQTT_SUB_OPT_SEND_RETAIN_NEVER;
}

static bool
mqtt_intake_wants_retained(const struct mqtt_intake *in, const char *topic)
{
    switch (in->settings->config->mqtt.retained) {
    case RETAINED_PASS:
        return true;
    case RETAINED_DROP:
        return false;
    case RETAINED_NEW:
        break;
    }
    return mqtt_intake_broker_knows_new(in) ||
           mqtt_filters_lack_retained(&in->subscriber->filters, topic);
}

static struct mqtt_redelivery_key
mqtt_intake_key(const struct mosquitto_message *message)
{
    return (struct mqtt_redelivery_key){
        .hash = mqtt_retiring_hash(message),
        .packet_id = (uint16_t)message->mid,
        .is_retained = message->retain,
    };
}

/* By policy, or because another filter's copy counts. Asked for what comes again too: its other copy may be new. */
static bool
mqtt_intake_leaves_out(const struct mqtt_intake *in,
                       const struct mosquitto_message *message,
                       const struct mqtt5__property *properties)
{
    return (message->retain && !mqtt_intake_wants_retained(in, message->topic)) ||
           mqtt_subscriber_is_spare(in->subscriber, message, properties);
}

static int
mqtt_intake_take(const struct mqtt_intake *in,
                 const struct mosquitto_message *message,
                 bool is_acknowledged)
{
    const struct source_settings *settings = in->settings;
    uint64_t ticket = 0;
    struct message taken = {
        .topic = str_from(message->topic),
        .payload = {message->payload, (size_t)message->payloadlen},
        .received_ms = loop_wall_ms(settings->loop),
    };
    int result = settings->sink.on_message(settings->sink.arg, &taken, &ticket);
    if (result == 0) {
        metrics_series_add(settings->series, METRIC_SOURCE_MESSAGES, 0, 1);
        if (is_acknowledged) {
            mqtt_gate_take(in->gate, ticket, loop_now_ms(settings->loop));
        }
        return 0;
    }
    if (is_acknowledged && sink_may_pass(result)) {
        metrics_series_add(settings->series, METRIC_SOURCE_HELD_BACK, 0, 1);
        return MQTT_INTAKE_E_REFUSED;
    }
    loss_tell(settings, loss_reason(result), 1);
    return 0;
}

int
mqtt_intake_message(struct mqtt_intake *in,
                    const struct mosquitto_message *message,
                    const struct mqtt5__property *properties)
{
    bool is_acknowledged = message->qos > 0 && in->is_persistent;
    bool is_left_out = mqtt_intake_leaves_out(in, message, properties);
    if (!is_acknowledged) {
        return is_left_out ? 0 : mqtt_intake_take(in, message, false);
    }
    struct mqtt_redelivery_key key = mqtt_intake_key(message);
    if (mqtt_redelivery_take(in->redelivery, key)) {
        return 0;
    }
    int result = is_left_out ? 0 : mqtt_intake_take(in, message, true);
    if (result == 0) {
        mqtt_redelivery_hold(in->redelivery, key);
    }
    return result;
}
