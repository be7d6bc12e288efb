/* The MQTT source against brokers that refuse, break off, stay silent or talk nonsense. */
#undef NDEBUG
#include "event/loop.h"
#include "fake_broker.h"
#include "observability/metrics.h"
#include "rig.h"

struct fixture {
    struct rig rig;
    struct fake_broker broker;
};

static void
fixture_begin(struct fixture *f, bool is_v5)
{
    *f = (struct fixture){0};
    rig_init(&f->rig, 0);
    fake_broker_init(&f->broker, &f->rig, is_v5);
    rig_subscribe(&f->rig, "a");
}

/* It says why, tries again, and works as soon as the broker does. */
static void
check_recovery(struct fixture *f, const char *why)
{
    rig_start(&f->rig);
    RIG_WAIT(&f->rig, rig_says(&f->rig, why));
    RIG_WAIT(&f->rig, f->broker.connections >= 3);
    assert_false(rig_is_up(&f->rig));
    f->broker = (struct fake_broker){.listener = f->broker.listener,
                                     .port = f->broker.port,
                                     .client = f->broker.client,
                                     .is_v5 = f->broker.is_v5,
                                     .suback = 1};
    RIG_WAIT(&f->rig, rig_is_up(&f->rig));
    assert_true(rig_says(&f->rig, "ok source plant\n"));
    fake_broker_end(&f->broker, &f->rig);
}

static void
check_connack(bool is_v5, struct fake_bytes connack, const char *why)
{
    struct fixture f;
    fixture_begin(&f, is_v5);
    f.broker.connack = connack;
    check_recovery(&f, why);
}

static void
test_mqtt_refused_connection_is_said(void **state)
{
    (void)state;
    check_connack(true, FAKE_BYTES("\x20\x03\0\x8a\0"),
                  "down source plant: the broker refused the connection: Banned");
    check_connack(true, FAKE_BYTES("\x20\x03\0\x88\0"),
                  "down source plant: the broker refused the connection: Server unavailable");
    check_connack(false, FAKE_BYTES("\x20\x02\0\x03"),
                  "down source plant: the broker refused the connection: Connection Refused: "
                  "broker unavailable");
}

static void
test_mqtt_broker_of_the_older_version_names_the_key(void **state)
{
    (void)state;
    /* An MQTT 5 broker that has it turned off, and one that has never heard of it. */
    check_connack(true, FAKE_BYTES("\x20\x03\0\x84\0"), "set sources.plant.version to \"3.1.1\"");
    check_connack(true, FAKE_BYTES("\x20\x02\0\x01"), "set sources.plant.version to \"3.1.1\"");
}

static void
test_mqtt_broker_that_closes_on_accept_is_tried_again(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, false);
    f.broker.closes_on_accept = true;
    check_recovery(&f, "down source plant: ");
}

static void
test_mqtt_broker_that_closes_on_connect_is_tried_again(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, false);
    f.broker.closes_on_connect = true;
    check_recovery(&f, "down source plant: the broker closed the connection\n");
    fixture_begin(&f, true);
    f.broker.closes_on_connect = true;
    check_recovery(&f, "before it answered; if it speaks only MQTT 3.1.1, set "
                       "sources.plant.version to \"3.1.1\"");
}

static void
test_mqtt_broker_that_never_answers_connect_times_out(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.rig.config.broker.connect_timeout_ms = 30;
    f.broker.is_silent_on_connect = true;
    check_recovery(&f, "down source plant: the broker did not answer in time");
}

static void
test_mqtt_broker_that_never_answers_subscribe_times_out(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.rig.config.broker.connect_timeout_ms = 30;
    f.broker.is_silent_on_subscribe = true;
    check_recovery(&f, "down source plant: the broker did not answer SUBSCRIBE in time");
}

/* Each filter is a SUBSCRIBE of its own; all together take longer than connect_timeout. */
static void
test_mqtt_broker_that_answers_subscribe_slowly_comes_up(void **state)
{
    enum { FILTERS = 4, STEP_MS = 300 };
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    rig_subscribe(&f.rig, "b");
    rig_subscribe(&f.rig, "c");
    rig_subscribe(&f.rig, "d");
    f.rig.config.broker.connect_timeout_ms = 2 * STEP_MS;
    f.broker.is_silent_on_subscribe = true;
    rig_start(&f.rig);
    RIG_WAIT(&f.rig, f.broker.packets[FAKE_SUBSCRIBE] == FILTERS);
    for (int mid = 1; mid <= FILTERS; mid++) {
        uint64_t begin_ms = loop_now_ms(f.rig.loop);
        RIG_WAIT(&f.rig, loop_now_ms(f.rig.loop) >= begin_ms + STEP_MS);
        const char suback[] = {(char)0x90, 4, 0, (char)mid, 0, 1};
        fake_broker_send(&f.broker, (struct fake_bytes){suback, sizeof suback});
    }
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    assert_int_equal(f.broker.connections, 1);
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_broker_that_talks_nonsense_is_tried_again(void **state)
{
    static const struct fake_bytes nonsense[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28}, /* some other server */
        {"\x20\xff\xff\xff\xff\xff", 6},          /* a length of five bytes */
        {"\x20\x00", 2},                          /* CONNACK without a body */
        {"\x30\x05\0\1axy", 7},                   /* PUBLISH before CONNACK */
        {"\x90\x03\0\1\0", 5},                    /* SUBACK before CONNACK */
        {"\xff\xff\xff\x7f", 4},                  /* type 15, a quarter of a gigabyte */
        {"\0\0\0\0", 4},                          /* type 0 */
        {"\x20\x05\0\0\2\x29\x02", 7},            /* a flag that is neither 0 nor 1 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        struct fixture f;
        fixture_begin(&f, true);
        /* For the one that only promises: 268 million bytes never come. */
        f.rig.config.broker.connect_timeout_ms = 100;
        f.broker.greeting = nonsense[i];
        f.broker.is_silent_on_connect = true;
        check_recovery(&f, "down source plant: ");
    }
}

static void
test_mqtt_nonsense_after_connack_is_tried_again(void **state)
{
    static const struct fake_bytes nonsense[] = {
        {"\x90\x04\x77\x77\0\1", 6},    /* SUBACK of nothing that was asked */
        {"\x90\x03\0\1\0", 5},          /* SUBACK without a code */
        {"\x32\x02\0\1", 4},            /* PUBLISH cut short */
        {"\x32\x06\0\1a\0\0\0", 8},     /* packet identifier 0 */
        {"\x32\x06\0\0\0\1\0x", 8},     /* no topic */
        {"\x32\x07\0\1\xff\0\1\0x", 9}, /* a topic that is no UTF-8 */
        {"\x10\x00", 2},                /* CONNECT, from a broker */
        {"\x20\x03\0\0\0", 5},          /* CONNACK once more */
    };
    (void)state;
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        struct fixture f;
        fixture_begin(&f, true);
        f.broker.on_connect = nonsense[i];
        f.broker.is_silent_on_subscribe = true;
        check_recovery(&f, "down source plant: ");
        assert_int_equal(f.rig.messages_length, 0);
    }
}

static void
check_refused_filter(bool is_v5, const char *why)
{
    struct fixture f;
    fixture_begin(&f, is_v5);
    f.broker.refused = "secret/#";
    f.rig.stores_at_once = true;
    rig_subscribe(&f.rig, "secret/#");
    rig_start(&f.rig);
    RIG_WAIT(&f.rig, rig_says(&f.rig, why));
    assert_false(rig_is_up(&f.rig));
    /* The others are there, on the same connection, and it asks again. */
    fake_broker_publish(&f.broker, "a", "x", 1, NULL);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a", "x"));
    RIG_WAIT(&f.rig, f.broker.filters >= 4);
    f.broker.refused = NULL;
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    assert_int_equal(f.broker.connections, 1);
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_refused_filter_is_said_and_asked_for_again(void **state)
{
    (void)state;
    check_refused_filter(
        true, "down source plant: the broker refused the subscription secret/#: Not authorized");
    check_refused_filter(
        false, "down source plant: the broker refused the subscription secret/#: not allowed");
}

static void
test_mqtt_lower_qos_than_asked_for_is_up(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.broker.suback = 0;
    rig_up(&f.rig);
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_disconnect_of_the_broker_says_why(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    rig_up(&f.rig);
    fake_broker_send(&f.broker, FAKE_BYTES("\xe0\x02\x8b\0"));
    RIG_WAIT(&f.rig, rig_says(&f.rig, "the broker closed the connection: Server shutting down"));
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    fake_broker_send(&f.broker, FAKE_BYTES("\xe0\x02\x8e\0"));
    RIG_WAIT(&f.rig, rig_says(&f.rig, "each process needs its own sources.plant.client_id"));
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    assert_int_equal(rig_metric(&f.rig, METRIC_SOURCE_RECONNECTS), 2);
    fake_broker_end(&f.broker, &f.rig);
}

/* keepalive 5 s: asked after 5, given up after 10. */
static void
test_mqtt_half_open_connection_is_noticed(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.rig.config.mqtt.keepalive_s = 5;
    f.broker.is_silent_on_ping = true;
    rig_up(&f.rig);
    RIG_WAIT(&f.rig, rig_says(&f.rig, "the broker did not answer PINGREQ in time"));
    assert_int_equal(f.broker.packets[FAKE_PINGREQ], 1);
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_nobody_listens_is_said(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    fake_broker_fini(&f.broker);
    rig_start(&f.rig);
    RIG_WAIT(&f.rig, rig_says(&f.rig, "down source plant: Connection refused\n"));
    fake_broker_init(&f.broker, &f.rig, true);
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_stop_in_any_state_ends(void **state)
{
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        struct fixture f;
        fixture_begin(&f, true);
        rig_start(&f.rig);
        for (int i = 0; i < turns / 2; i++) {
            rig_turn(&f.rig);
        }
        f.rig.source->ops->stop(f.rig.source);
        if (turns % 2 == 1) {
            rig_turn(&f.rig);
        }
        fake_broker_end(&f.broker, &f.rig);
    }
}

static void
test_mqtt_unusable_settings_are_refused_at_once(void **state)
{
    struct fixture f;
    char file[] = "/nowhere/ca.pem", id[] = "\xff";
    (void)state;
    fixture_begin(&f, true);
    f.rig.config.broker.tls.is_on = true;
    f.rig.config.broker.tls.ca_file = file;
    rig_start(&f.rig);
    assert_int_equal(f.rig.refused, ERR_TLS);
    f.rig.config.broker.tls.is_on = false;
    f.rig.config.mqtt.client_id = id;
    rig_start(&f.rig);
    assert_int_equal(f.rig.refused, ERR_SYNTAX);
    f.rig.config.mqtt.client_id[0] = 'x';
    rig_subscribe(&f.rig, "a/#/b");
    rig_start(&f.rig);
    assert_int_equal(f.rig.refused, ERR_SYNTAX);
    fake_broker_end(&f.broker, &f.rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mqtt_refused_connection_is_said),
        cmocka_unit_test(test_mqtt_broker_of_the_older_version_names_the_key),
        cmocka_unit_test(test_mqtt_broker_that_closes_on_accept_is_tried_again),
        cmocka_unit_test(test_mqtt_broker_that_closes_on_connect_is_tried_again),
        cmocka_unit_test(test_mqtt_broker_that_never_answers_connect_times_out),
        cmocka_unit_test(test_mqtt_broker_that_never_answers_subscribe_times_out),
        cmocka_unit_test(test_mqtt_broker_that_answers_subscribe_slowly_comes_up),
        cmocka_unit_test(test_mqtt_broker_that_talks_nonsense_is_tried_again),
        cmocka_unit_test(test_mqtt_nonsense_after_connack_is_tried_again),
        cmocka_unit_test(test_mqtt_refused_filter_is_said_and_asked_for_again),
        cmocka_unit_test(test_mqtt_lower_qos_than_asked_for_is_up),
        cmocka_unit_test(test_mqtt_disconnect_of_the_broker_says_why),
        cmocka_unit_test(test_mqtt_half_open_connection_is_noticed),
        cmocka_unit_test(test_mqtt_nobody_listens_is_said),
        cmocka_unit_test(test_mqtt_stop_in_any_state_ends),
        cmocka_unit_test(test_mqtt_unusable_settings_are_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
