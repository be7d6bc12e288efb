#undef NDEBUG
#include "observability/metrics.h"
#include "rig.h"
#include "sources/mqtt_gate.h"
#include "sources/mqtt_intake.h"
#include "sources/mqtt_redelivery.h"
#include "sources/mqtt_subscriber.h"

#include <mosquitto.h>

#include <mqtt_protocol.h>
#include <string.h>

/* What the sink says, and what it was given. */
struct fixture {
    struct rig rig;
    struct source_settings settings;
    struct mqtt_gate gate;
    struct mqtt_redelivery redelivery;
    struct mqtt_subscriber subscriber;
    struct mqtt_intake intake;
    int result;
    size_t taken, lost;
};

static int
fixture_on_message(void *arg, const struct message *message, uint64_t *ret_ticket)
{
    struct fixture *f = arg;
    assert_true(message->received_ms > 0);
    f->taken += f->result == 0;
    *ret_ticket = 42;
    return f->result;
}

static void
fixture_on_loss(void *arg)
{
    struct fixture *f = arg;
    f->lost++;
}

static void
fixture_begin(struct fixture *f, bool is_persistent)
{
    *f = (struct fixture){0};
    rig_init(&f->rig, 1);
    rig_subscribe(&f->rig, "a/+");
    f->settings = (struct source_settings){
        .config = &f->rig.config,
        .subscriptions = f->rig.subscriptions,
        .subscriptions_length = f->rig.subscriptions_length,
        .loop = f->rig.loop,
        .series = f->rig.series,
        .sink = {.arg = f, .on_message = fixture_on_message, .on_loss = fixture_on_loss},
    };
    assert_int_equal(mqtt_subscriber_init(&f->subscriber, &f->settings), 0);
    f->intake = (struct mqtt_intake){.settings = &f->settings,
                                     .gate = &f->gate,
                                     .redelivery = &f->redelivery,
                                     .subscriber = &f->subscriber,
                                     .is_persistent = is_persistent};
}

static void
fixture_end(struct fixture *f)
{
    mqtt_subscriber_fini(&f->subscriber);
    rig_fini(&f->rig);
}

static int
give(struct fixture *f, int qos, bool is_retained)
{
    char topic[] = "a/b", payload[] = "x";
    const struct mosquitto_message message = {
        .topic = topic, .payload = payload, .payloadlen = 1, .qos = qos, .retain = is_retained};
    return mqtt_intake_message(&f->intake, &message, NULL);
}

static void
test_mqtt_intake_qos_1_closes_the_gate(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    assert_int_equal(give(&f, 0, false), 0);
    assert_false(mqtt_gate_is_closed(&f.gate));
    assert_int_equal(give(&f, 1, false), 0);
    assert_true(mqtt_gate_is_closed(&f.gate));
    assert_int_equal(f.taken, 2);
    assert_int_equal(rig_metric(&f.rig, METRIC_SOURCE_MESSAGES), 2);
    fixture_end(&f);
    fixture_begin(&f, false);
    assert_int_equal(give(&f, 1, false), 0);
    assert_false(mqtt_gate_is_closed(&f.gate));
    fixture_end(&f);
}

static void
check_not_taken(int result)
{
    struct fixture f;
    fixture_begin(&f, true);
    f.result = result;
    assert_int_equal(give(&f, 1, false), MQTT_INTAKE_E_REFUSED);
    assert_int_equal(f.lost, 0);
    assert_int_equal(give(&f, 0, false), 0); /* no broker keeps that */
    assert_int_equal(f.lost, 1);
    f.intake.is_persistent = false;
    assert_int_equal(give(&f, 1, false), 0);
    assert_int_equal(f.lost, 2);
    enum metric_dropped why =
        result == SINK_E_FULL ? METRIC_DROPPED_QUEUE_FULL : METRIC_DROPPED_MEMORY;
    assert_int_equal(metrics_series_read(f.rig.series, METRIC_SOURCE_DROPPED, why), 2);
    assert_int_equal(rig_metric(&f.rig, METRIC_SOURCE_MESSAGES), 0);
    assert_false(mqtt_gate_is_closed(&f.gate));
    fixture_end(&f);
}

static void
test_mqtt_intake_full_sink_refuses_or_counts(void **state)
{
    (void)state;
    check_not_taken(SINK_E_FULL);
    check_not_taken(ERR_MEMORY);
}

/* The message is the cause: to refuse it would bring it back for ever. */
static void
test_mqtt_intake_impossible_message_is_counted(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.result = ERR_LIMIT;
    assert_int_equal(give(&f, 1, false), 0);
    assert_int_equal(f.lost, 1);
    fixture_end(&f);
}

struct policy {
    enum config_retained retained;
    bool is_v5, is_persistent, has_retained;
    bool is_taken;
    int options;
};

static void
test_mqtt_intake_retained_follows_the_policy(void **state)
{
    static const struct policy policies[] = {
        {RETAINED_PASS, true, true, true, true, MQTT_SUB_OPT_SEND_RETAIN_ALWAYS},
        {RETAINED_PASS, false, false, true, true, MQTT_SUB_OPT_SEND_RETAIN_ALWAYS},
        {RETAINED_DROP, true, true, false, false, MQTT_SUB_OPT_SEND_RETAIN_NEVER},
        {RETAINED_DROP, false, false, false, false, MQTT_SUB_OPT_SEND_RETAIN_NEVER},
        /* The broker knows what is new to its session. */
        {RETAINED_NEW, true, true, false, true, MQTT_SUB_OPT_SEND_RETAIN_NEW},
        {RETAINED_NEW, true, true, true, true, MQTT_SUB_OPT_SEND_RETAIN_NEW},
        /* It does not: the first connection's count. */
        {RETAINED_NEW, true, false, false, true, MQTT_SUB_OPT_SEND_RETAIN_ALWAYS},
        {RETAINED_NEW, true, false, true, false, MQTT_SUB_OPT_SEND_RETAIN_NEVER},
        {RETAINED_NEW, false, true, false, true, MQTT_SUB_OPT_SEND_RETAIN_ALWAYS},
        {RETAINED_NEW, false, true, true, false, MQTT_SUB_OPT_SEND_RETAIN_NEVER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        const struct policy *p = &policies[i];
        struct fixture f;
        fixture_begin(&f, p->is_persistent);
        f.rig.config.mqtt.retained = p->retained;
        f.rig.config.mqtt.is_v5 = p->is_v5;
        f.subscriber.filters.items[0].has_retained = p->has_retained;
        assert_int_equal(mqtt_intake_options(&f.intake), p->options);
        assert_int_equal(give(&f, 1, true), 0);
        assert_int_equal(f.taken, p->is_taken);
        assert_int_equal(give(&f, 1, false), 0);
        assert_int_equal(f.taken, 1 + p->is_taken);
        fixture_end(&f);
    }
}

static void
test_mqtt_intake_refused_filter_brings_no_retained_message_again(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, false);
    f.rig.config.mqtt.retained = RETAINED_NEW;
    f.subscriber.filters.items[0].has_retained = false;
    mqtt_filters_answer(&f.subscriber.filters, 0, 0x87);
    assert_int_equal(give(&f, 1, true), 0);
    assert_int_equal(f.taken, 0);
    fixture_end(&f);
}

/* Their PUBACKs wait like others: behind one that closed the gate. */
static void
test_mqtt_intake_knows_again_what_it_stored_at_once_or_left_out(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.gate.stored_ticket = 42;
    f.rig.config.mqtt.retained = RETAINED_DROP;
    assert_int_equal(give(&f, 1, true), 0);
    assert_int_equal(f.taken, 0);
    mqtt_redelivery_break(&f.redelivery);
    f.rig.config.mqtt.retained = RETAINED_PASS;
    assert_int_equal(give(&f, 1, true), 0);
    assert_int_equal(f.taken, 0);
    mqtt_redelivery_release(&f.redelivery);
    assert_int_equal(give(&f, 1, false), 0);
    assert_int_equal(f.taken, 1);
    assert_false(mqtt_gate_is_closed(&f.gate));
    mqtt_redelivery_break(&f.redelivery);
    assert_int_equal(give(&f, 1, false), 0);
    assert_int_equal(f.taken, 1);
    fixture_end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mqtt_intake_qos_1_closes_the_gate),
        cmocka_unit_test(test_mqtt_intake_full_sink_refuses_or_counts),
        cmocka_unit_test(test_mqtt_intake_impossible_message_is_counted),
        cmocka_unit_test(test_mqtt_intake_retained_follows_the_policy),
        cmocka_unit_test(test_mqtt_intake_refused_filter_brings_no_retained_message_again),
        cmocka_unit_test(test_mqtt_intake_knows_again_what_it_stored_at_once_or_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
