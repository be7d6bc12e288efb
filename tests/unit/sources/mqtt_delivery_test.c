/* When the MQTT source acknowledges: against a broker that sees every packet. */
#undef NDEBUG
#include "fake_broker.h"
#include "observability/metrics.h"
#include "rig.h"
#include "sources/mqtt_gate.h"

#include <event2/bufferevent.h>

#include <stdio.h>
#include <unistd.h>

struct fixture {
    struct rig rig;
    struct fake_broker broker;
    char id[8];
};

static void
fixture_begin(struct fixture *f, bool is_v5)
{
    *f = (struct fixture){.id = "fake"};
    rig_init(&f->rig, 0);
    fake_broker_init(&f->broker, &f->rig, is_v5);
    f->rig.config.mqtt.client_id = f->id;
    rig_subscribe(&f->rig, "a");
}

/* Everything that was sent before has arrived when this one has. */
static void
flush_to_source(struct fixture *f, size_t messages)
{
    RIG_WAIT(&f->rig, f->rig.messages_length == messages);
}

static void
check_order(bool is_v5)
{
    struct fixture f;
    fixture_begin(&f, is_v5);
    rig_up(&f.rig);
    for (uint16_t mid = 1; mid <= 5; mid++) {
        fake_broker_publish(&f.broker, "a", "x", mid, NULL);
    }
    flush_to_source(&f, 5);
    /* All but the last: still none, the library writes all or none. */
    f.rig.source->ops->on_stored(f.rig.source, 4);
    for (int i = 0; i < 20; i++) {
        rig_turn(&f.rig);
    }
    assert_int_equal(f.broker.packets[FAKE_PUBACK], 0);
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, f.broker.acknowledged_length == 5);
    for (uint16_t mid = 1; mid <= 5; mid++) {
        assert_int_equal(f.broker.acknowledged[mid - 1], mid);
    }
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_acknowledges_in_order_and_only_when_stored(void **state)
{
    (void)state;
    check_order(true);
    check_order(false);
}

static void
test_mqtt_stored_inside_of_the_sink_acknowledges(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.rig.stores_at_once = true;
    rig_up(&f.rig);
    for (uint16_t mid = 1; mid <= 3; mid++) {
        fake_broker_publish(&f.broker, "a", "x", mid, NULL);
        RIG_WAIT(&f.rig, f.broker.acknowledged_length == mid);
    }
    fake_broker_end(&f.broker, &f.rig);
}

/* What is read stays bounded while the log does not store, and all of it arrives in the end. */
static void
test_mqtt_burst_is_read_as_the_log_stores(void **state)
{
    const uint16_t burst = 1000;
    struct fixture f;
    size_t stored = 0;
    (void)state;
    fixture_begin(&f, false);
    rig_up(&f.rig);
    for (uint16_t mid = 1; mid <= burst; mid++) {
        fake_broker_publish(&f.broker, "a", "x", mid, NULL);
    }
    while (f.broker.acknowledged_length < burst) {
        size_t before = f.rig.messages_length;
        rig_turn(&f.rig);
        assert_true(f.rig.messages_length - stored <= MQTT_GATE_MESSAGES_MAX);
        if (f.rig.messages_length == before) {
            rig_store(&f.rig);
            stored = before;
        }
    }
    assert_int_equal(f.rig.messages_length, burst);
    for (uint16_t mid = 1; mid <= burst; mid++) {
        assert_int_equal(f.broker.acknowledged[mid - 1], mid);
    }
    assert_int_equal(f.broker.connections, 1);
    fake_broker_end(&f.broker, &f.rig);
}

/* Many messages in one TLS record: what is decrypted already must not wait for the socket. */
static void
test_mqtt_tls_record_of_many_messages_is_read_whole(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, false);
    fake_broker_use_tls(&f.broker, &f.rig);
    f.rig.stores_at_once = true;
    rig_up(&f.rig);
    for (uint16_t mid = 1; mid <= 100; mid++) {
        fake_broker_publish(&f.broker, "a", "x", mid, NULL);
    }
    RIG_WAIT(&f.rig, f.broker.acknowledged_length == 100);
    assert_int_equal(f.rig.messages_length, 100);
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_full_sink_drops_without_acknowledging(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    rig_up(&f.rig);
    fake_broker_publish(&f.broker, "a", "taken", 1, NULL);
    flush_to_source(&f, 1);
    f.rig.is_full = true;
    fake_broker_publish(&f.broker, "a", "refused", 2, NULL);
    fake_broker_publish(&f.broker, "a", "behind it", 3, NULL);
    RIG_WAIT(&f.rig, f.rig.refusals == 1 && !rig_is_up(&f.rig));
    /* Not back before the log has what was taken: the broker would send that again. */
    RIG_WAIT(&f.rig, rig_says(&f.rig, "waiting for it before connecting again"));
    assert_int_equal(f.broker.connections, 1);
    f.rig.is_full = false;
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    assert_int_equal(f.broker.connections, 2);
    assert_false(f.broker.is_clean);
    assert_int_equal(f.broker.packets[FAKE_PUBACK], 0);
    assert_int_equal(f.broker.packets[FAKE_DISCONNECT], 0);
    assert_int_equal(f.rig.messages_length, 1);
    fake_broker_end(&f.broker, &f.rig);
}

/* keepalive 5 s: a hold of 2.5 s is the bound. */
/* A queue smaller than the gate: each round gets further, and nothing is stored twice. */
static void
test_mqtt_what_comes_again_is_acknowledged_and_not_taken_again(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    rig_up(&f.rig);
    fake_broker_publish(&f.broker, "a", "taken", 1, NULL);
    flush_to_source(&f, 1);
    f.rig.is_full = true;
    fake_broker_publish(&f.broker, "a", "refused", 2, NULL);
    RIG_WAIT(&f.rig, f.rig.refusals == 1 && !rig_is_up(&f.rig));
    f.broker.connack = FAKE_BYTES("\x20\x03\x01\0\0"); /* session present */
    f.rig.is_full = false;
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    fake_broker_publish(&f.broker, "a", "taken", 1, NULL);
    fake_broker_publish(&f.broker, "a", "refused", 2, NULL);
    flush_to_source(&f, 2);
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, f.broker.packets[FAKE_PUBACK] == 2);
    /* Its id is free now: the next message of that id is another one. */
    fake_broker_publish(&f.broker, "a", "new", 1, NULL);
    flush_to_source(&f, 3);
    fake_broker_end(&f.broker, &f.rig);
}

static void
store_up_to(struct fixture *f, uint64_t ticket)
{
    f->rig.source->ops->on_stored(f->rig.source, ticket);
}

/* The log has stored meanwhile, and the broker has kept the session. */
static void
reconnect(struct fixture *f)
{
    size_t connections = f->broker.connections;
    f->broker.connack = FAKE_BYTES("\x20\x03\x01\0\0"); /* session present */
    fake_broker_drop(&f->broker);
    RIG_WAIT(&f->rig, !rig_is_up(&f->rig));
    rig_store(&f->rig);
    RIG_WAIT(&f->rig, rig_is_up(&f->rig));
    assert_int_equal(f->broker.connections, connections + 1);
}

/* The log's answer and the next message come in one turn of the loop. */
static void
test_mqtt_acknowledges_before_it_reads_on(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    rig_up(&f.rig);
    for (uint16_t mid = 1; mid <= 5; mid++) {
        fake_broker_publish(&f.broker, "a", "x", mid, NULL);
    }
    flush_to_source(&f, 5);
    const char next[] = "\x32\x07\0\1a\0\6\0y";
    int fd = bufferevent_getfd(f.broker.client);
    assert_int_equal(write(fd, next, sizeof next - 1), sizeof next - 1);
    store_up_to(&f, 5);
    flush_to_source(&f, 6);
    RIG_WAIT(&f.rig, f.broker.acknowledged_length > 0);
    assert_int_equal(f.broker.acknowledged_length, 5);
    fake_broker_end(&f.broker, &f.rig);
}

/* Under a packet id that was acknowledged another message may say the same. */
static void
test_mqtt_what_came_again_and_was_acknowledged_is_forgotten(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    rig_up(&f.rig);
    fake_broker_publish(&f.broker, "a", "x", 7, NULL);
    flush_to_source(&f, 1);
    reconnect(&f);
    fake_broker_publish(&f.broker, "a", "x", 7, NULL);
    RIG_WAIT(&f.rig, f.broker.acknowledged_length == 1);
    assert_int_equal(f.rig.messages_length, 1);
    fake_broker_publish(&f.broker, "a", "y", 8, NULL);
    flush_to_source(&f, 2);
    reconnect(&f);
    fake_broker_publish(&f.broker, "a", "x", 7, NULL);
    flush_to_source(&f, 3);
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_what_never_comes_again_is_forgotten(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    rig_up(&f.rig);
    fake_broker_publish(&f.broker, "a", "expires", 7, NULL);
    flush_to_source(&f, 1);
    reconnect(&f);
    fake_broker_publish(&f.broker, "a", "x", 8, NULL);
    flush_to_source(&f, 2);
    fake_broker_publish(&f.broker, "a", "expires", 7, NULL);
    flush_to_source(&f, 3);
    fake_broker_end(&f.broker, &f.rig);
}

/* The broker has forgotten the session, so what comes under an old packet id is new. */
static void
test_mqtt_nothing_comes_again_in_a_new_session(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    rig_up(&f.rig);
    fake_broker_publish(&f.broker, "a", "taken", 1, NULL);
    flush_to_source(&f, 1);
    f.rig.is_full = true;
    fake_broker_publish(&f.broker, "a", "refused", 2, NULL);
    RIG_WAIT(&f.rig, f.rig.refusals == 1 && !rig_is_up(&f.rig));
    f.rig.is_full = false;
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    fake_broker_publish(&f.broker, "a", "another", 1, NULL);
    flush_to_source(&f, 2);
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_log_away_drops_before_the_broker_gives_up(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.rig.config.mqtt.keepalive_s = 5;
    rig_up(&f.rig);
    fake_broker_publish(&f.broker, "a", "x", 1, NULL);
    flush_to_source(&f, 1);
    RIG_WAIT(&f.rig, !rig_is_up(&f.rig));
    assert_int_equal(f.broker.packets[FAKE_PUBACK], 0);
    assert_int_equal(f.broker.connections, 1);
    RIG_WAIT(&f.rig, rig_says(&f.rig, "the replay log does not store"));
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    assert_int_equal(f.broker.packets[FAKE_PUBACK], 0);
    fake_broker_end(&f.broker, &f.rig);
}

/* The broker would forget everything with the connection: nothing is held. */
static void
test_mqtt_without_a_session_acknowledges_at_once(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.id[0] = '\0';
    rig_up(&f.rig);
    assert_true(f.broker.is_clean);
    fake_broker_publish(&f.broker, "a", "x", 7, NULL);
    RIG_WAIT(&f.rig, f.broker.acknowledged_length == 1);
    assert_int_equal(f.broker.acknowledged[0], 7);
    assert_int_equal(f.rig.messages_length, 1);
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_quiet_connection_is_kept_by_ping(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.rig.config.mqtt.keepalive_s = 5;
    rig_up(&f.rig);
    RIG_WAIT(&f.rig, f.broker.packets[FAKE_PINGREQ] == 1);
    fake_broker_publish(&f.broker, "a", "x", 1, NULL);
    flush_to_source(&f, 1);
    assert_int_equal(f.broker.connections, 1);
    assert_true(rig_is_up(&f.rig));
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_session_messages_before_suback_are_taken(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, false);
    f.broker.on_connect = FAKE_BYTES("\x32\x06\0\1a\0\1x");
    rig_start(&f.rig);
    RIG_WAIT(&f.rig, f.rig.messages_length == 1);
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, rig_is_up(&f.rig) && f.broker.acknowledged_length == 1);
    fake_broker_end(&f.broker, &f.rig);
}

/* By these filters. */
#define BY(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Filters "a", "a/#", "+": copies with their identifiers, and messages that have none. */
static void
test_mqtt_copies_of_overlapping_filters_count_once(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.rig.stores_at_once = true;
    rig_subscribe(&f.rig, "a/#");
    rig_subscribe(&f.rig, "+");
    rig_up(&f.rig);
    assert_int_equal(f.broker.identifiers, 3);
    fake_broker_publish(&f.broker, "a", "1", 1, BY("a"));
    fake_broker_publish(&f.broker, "a", "1", 2, BY("a/#"));
    fake_broker_publish(&f.broker, "a", "1", 3, BY("+"));
    fake_broker_publish(&f.broker, "a/b", "2", 4, BY("a/#"));
    fake_broker_publish(&f.broker, "b", "3", 5, BY("+"));
    fake_broker_publish(&f.broker, "b", "4", 6, BY("a")); /* which it does not match */
    fake_broker_publish(&f.broker, "a", "5", 7, NULL);
    RIG_WAIT(&f.rig, f.broker.acknowledged_length == 7);
    assert_int_equal(f.rig.messages_length, 5);
    assert_int_equal(rig_count(&f.rig, "a", "1"), 1);
    fake_broker_end(&f.broker, &f.rig);
}

/* "#" is an older configuration's. */
static void
test_mqtt_copy_by_an_older_filter_counts_until_another_one_has_brought_something(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.broker.connack = FAKE_BYTES("\x20\x03\1\0\0"); /* Session Present */
    f.rig.stores_at_once = true;
    rig_up(&f.rig);
    fake_broker_publish(&f.broker, "a", "from the queue", 1, BY("#"));
    fake_broker_publish(&f.broker, "a", "x", 2, BY("#"));
    fake_broker_publish(&f.broker, "a", "x", 3, BY("a"));
    fake_broker_publish(&f.broker, "a", "y", 4, BY("#"));
    fake_broker_publish(&f.broker, "a", "y", 5, BY("a"));
    fake_broker_publish(&f.broker, "b", "by nothing else", 6, BY("#"));
    RIG_WAIT(&f.rig, f.broker.acknowledged_length == 6);
    assert_int_equal(rig_count(&f.rig, "a", "from the queue"), 1);
    assert_int_equal(rig_count(&f.rig, "a", "x"), 2);
    assert_int_equal(rig_count(&f.rig, "a", "y"), 1);
    assert_int_equal(rig_count(&f.rig, "b", "by nothing else"), 1);
    fake_broker_end(&f.broker, &f.rig);
}

/* "a" is refused, so that what "+" brings is no copy. */
static void
test_mqtt_copy_for_a_refused_filter_counts(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.rig.stores_at_once = true;
    f.broker.refused = "a";
    rig_subscribe(&f.rig, "+");
    rig_start(&f.rig);
    RIG_WAIT(&f.rig, rig_says(&f.rig, "refused the subscription a: Not authorized"));
    fake_broker_publish(&f.broker, "a", "x", 1, BY("+"));
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a", "x"));
    fake_broker_end(&f.broker, &f.rig);
}

/* Brokers may put all identifiers into one message, which libmosquitto takes for an error. */
static void
test_mqtt_several_identifiers_in_a_message_do_without(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    rig_subscribe(&f.rig, "+");
    rig_up(&f.rig);
    fake_broker_publish(&f.broker, "a", "x", 1, BY("a", "+"));
    RIG_WAIT(&f.rig, f.broker.connections == 2 && rig_is_up(&f.rig));
    assert_int_equal(f.broker.identifiers, 2);
    assert_int_equal(f.broker.filters, 4);
    fake_broker_end(&f.broker, &f.rig);
}

static void
test_mqtt_broker_without_identifiers_gets_none(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, true);
    f.broker.connack =
        FAKE_BYTES("\x20\x05\0\0\2\x29\0"); /* Subscription Identifiers Available: 0 */
    rig_subscribe(&f.rig, "+");
    rig_up(&f.rig);
    assert_int_equal(f.broker.identifiers, 0);
    assert_int_equal(f.broker.packets[FAKE_SUBSCRIBE], 1);
    assert_int_equal(f.broker.filters, 2);
    fake_broker_end(&f.broker, &f.rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mqtt_acknowledges_in_order_and_only_when_stored),
        cmocka_unit_test(test_mqtt_stored_inside_of_the_sink_acknowledges),
        cmocka_unit_test(test_mqtt_burst_is_read_as_the_log_stores),
        cmocka_unit_test(test_mqtt_tls_record_of_many_messages_is_read_whole),
        cmocka_unit_test(test_mqtt_full_sink_drops_without_acknowledging),
        cmocka_unit_test(test_mqtt_what_comes_again_is_acknowledged_and_not_taken_again),
        cmocka_unit_test(test_mqtt_acknowledges_before_it_reads_on),
        cmocka_unit_test(test_mqtt_what_came_again_and_was_acknowledged_is_forgotten),
        cmocka_unit_test(test_mqtt_what_never_comes_again_is_forgotten),
        cmocka_unit_test(test_mqtt_nothing_comes_again_in_a_new_session),
        cmocka_unit_test(test_mqtt_log_away_drops_before_the_broker_gives_up),
        cmocka_unit_test(test_mqtt_without_a_session_acknowledges_at_once),
        cmocka_unit_test(test_mqtt_quiet_connection_is_kept_by_ping),
        cmocka_unit_test(test_mqtt_session_messages_before_suback_are_taken),
        cmocka_unit_test(test_mqtt_copies_of_overlapping_filters_count_once),
        cmocka_unit_test(
            test_mqtt_copy_by_an_older_filter_counts_until_another_one_has_brought_something),
        cmocka_unit_test(test_mqtt_copy_for_a_refused_filter_counts),
        cmocka_unit_test(test_mqtt_several_identifiers_in_a_message_do_without),
        cmocka_unit_test(test_mqtt_broker_without_identifiers_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
