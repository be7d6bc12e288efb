/* The MQTT source against a real mosquitto. */
#undef NDEBUG
#include "broker.h"
#include "observability/metrics.h"
#include "rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char open_broker[] = "allow_anonymous true\n";

/* Session and all survive a restart of the broker. */
static const char lasting_broker[] = "allow_anonymous true\npersistence true\n"
                                     "persistence_location ./\n";

struct fixture {
    struct broker broker;
    struct rig rig;
};

static void
fixture_begin(struct fixture *f, const char *config)
{
    broker_init(&f->broker);
    broker_start(&f->broker, config);
    rig_init(&f->rig, f->broker.port);
}

static void
fixture_end(struct fixture *f)
{
    rig_fini(&f->rig);
    broker_fini(&f->broker);
}

static void
check_delivery(bool is_v5, uint8_t qos, int published_qos)
{
    struct fixture f;
    fixture_begin(&f, open_broker);
    f.rig.config.mqtt.is_v5 = is_v5;
    f.rig.config.mqtt.qos = qos;
    f.rig.stores_at_once = true;
    rig_subscribe(&f.rig, "plant/+/temperature");
    rig_up(&f.rig);
    assert_true(rig_says(&f.rig, "ok source plant\n"));
    broker_publish(&f.broker, "plant/7/temperature", "21.5", published_qos);
    broker_publish(&f.broker, "plant/7/pressure", "1.0", published_qos);
    broker_publish(&f.broker, "plant/8/temperature", "", published_qos);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "plant/8/temperature", ""));
    assert_true(rig_has_message(&f.rig, "plant/7/temperature", "21.5"));
    assert_int_equal(f.rig.messages_length, 2);
    assert_int_equal(rig_metric(&f.rig, METRIC_SOURCE_MESSAGES), 2);
    assert_int_equal(rig_metric(&f.rig, METRIC_SOURCE_RECONNECTS), 0);
    fixture_end(&f);
}

static void
test_mqtt_version_5_qos_1_delivers(void **state)
{
    (void)state;
    check_delivery(true, 1, 1);
}

static void
test_mqtt_version_3_qos_1_delivers(void **state)
{
    (void)state;
    check_delivery(false, 1, 1);
}

static void
test_mqtt_qos_0_delivers(void **state)
{
    (void)state;
    check_delivery(true, 0, 1);
    check_delivery(false, 1, 0);
}

static void
check_redelivery(bool is_v5)
{
    struct fixture f;
    char id[] = "redelivery";
    fixture_begin(&f, open_broker);
    f.rig.config.mqtt.is_v5 = is_v5;
    f.rig.config.mqtt.client_id = id;
    rig_subscribe(&f.rig, "a/#");
    rig_up(&f.rig);
    for (int round = 1; round <= 3; round++) {
        /* Taken and not stored: the broker has no acknowledgement. */
        if (round == 1) {
            broker_publish(&f.broker, "a/b", "kept", 1);
        }
        RIG_WAIT(&f.rig, rig_count(&f.rig, "a/b", "kept") == (size_t)round);
        rig_end(&f.rig);
        rig_up(&f.rig);
    }
    RIG_WAIT(&f.rig, rig_count(&f.rig, "a/b", "kept") == 4);
    /* Stored: the acknowledgement goes out, and the message does not come again. */
    rig_store(&f.rig);
    broker_publish(&f.broker, "a/b", "next", 1);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a/b", "next"));
    rig_store(&f.rig);
    rig_turn(&f.rig);
    rig_end(&f.rig);
    rig_up(&f.rig);
    broker_publish(&f.broker, "a/b", "last", 1);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a/b", "last"));
    assert_int_equal(rig_count(&f.rig, "a/b", "kept"), 4);
    fixture_end(&f);
}

static void
test_mqtt_not_stored_is_delivered_again(void **state)
{
    (void)state;
    check_redelivery(true);
    check_redelivery(false);
}

static void
test_mqtt_full_sink_gets_the_message_again(void **state)
{
    struct fixture f;
    char id[] = "full";
    (void)state;
    fixture_begin(&f, open_broker);
    f.rig.config.mqtt.client_id = id;
    f.rig.stores_at_once = true;
    rig_subscribe(&f.rig, "a/#");
    rig_up(&f.rig);
    f.rig.is_full = true;
    broker_publish(&f.broker, "a/1", "one", 1);
    RIG_WAIT(&f.rig, f.rig.refusals >= 2);
    RIG_WAIT(&f.rig, rig_says(&f.rig, "down source plant: the replay log's queue is full"));
    assert_int_equal(f.rig.losses, 0);
    f.rig.is_full = false;
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a/1", "one") && rig_is_up(&f.rig));
    assert_true(rig_metric(&f.rig, METRIC_SOURCE_RECONNECTS) >= 1);
    assert_int_equal(rig_metric(&f.rig, METRIC_SOURCE_DROPPED), 0);
    fixture_end(&f);
}

/* Nothing brings it back: without a session, and at QoS 0. */
static void
test_mqtt_full_sink_without_a_session_counts_the_loss(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, open_broker);
    rig_subscribe(&f.rig, "a/#");
    rig_up(&f.rig);
    f.rig.is_full = true;
    broker_publish(&f.broker, "a/1", "one", 1);
    broker_publish(&f.broker, "a/2", "two", 0);
    RIG_WAIT(&f.rig, f.rig.losses == 2);
    assert_int_equal(rig_metric(&f.rig, METRIC_SOURCE_DROPPED), 2);
    assert_int_equal(rig_metric(&f.rig, METRIC_SOURCE_MESSAGES), 0);
    assert_true(rig_is_up(&f.rig));
    fixture_end(&f);
}

static void
test_mqtt_broker_restart_reconnects_and_subscribes(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, open_broker);
    f.rig.stores_at_once = true;
    rig_subscribe(&f.rig, "a/#");
    rig_up(&f.rig);
    for (int round = 1; round <= 2; round++) {
        char payload[16];
        broker_stop(&f.broker);
        RIG_WAIT(&f.rig, !rig_is_up(&f.rig));
        RIG_WAIT(&f.rig, rig_says(&f.rig, "down source plant: Connection refused"));
        broker_restart(&f.broker);
        RIG_WAIT(&f.rig, rig_is_up(&f.rig));
        (void)snprintf(payload, sizeof payload, "%d", round);
        broker_publish(&f.broker, "a/b", payload, 1);
        RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a/b", payload));
        assert_int_equal(rig_metric(&f.rig, METRIC_SOURCE_RECONNECTS), round);
    }
    fixture_end(&f);
}

static void
check_session(bool is_v5)
{
    struct fixture f;
    char id[] = "session";
    fixture_begin(&f, lasting_broker);
    f.rig.config.mqtt.is_v5 = is_v5;
    f.rig.config.mqtt.client_id = id;
    f.rig.stores_at_once = true;
    rig_subscribe(&f.rig, "a/#");
    rig_up(&f.rig);
    rig_end(&f.rig);
    broker_publish(&f.broker, "a/b", "while away", 1);
    broker_stop(&f.broker);
    broker_restart(&f.broker);
    rig_start(&f.rig);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a/b", "while away"));
    fixture_end(&f);
}

static void
test_mqtt_session_keeps_messages_while_away(void **state)
{
    (void)state;
    check_session(true);
    check_session(false);
}

static void
test_mqtt_new_filter_of_an_old_session_is_subscribed(void **state)
{
    struct fixture f;
    char id[] = "changed";
    (void)state;
    fixture_begin(&f, open_broker);
    f.rig.config.mqtt.client_id = id;
    f.rig.stores_at_once = true;
    rig_subscribe(&f.rig, "a/#");
    rig_up(&f.rig);
    rig_end(&f.rig);
    rig_subscribe(&f.rig, "b/#");
    rig_up(&f.rig);
    broker_publish(&f.broker, "b/c", "new", 1);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "b/c", "new"));
    fixture_end(&f);
}

static void
test_mqtt_overlapping_filters_deliver_once(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, open_broker);
    f.rig.stores_at_once = true;
    rig_subscribe(&f.rig, "a/+");
    rig_subscribe(&f.rig, "a/#");
    rig_subscribe(&f.rig, "#");
    rig_subscribe(&f.rig, "end");
    rig_up(&f.rig);
    broker_publish(&f.broker, "a/b", "x", 1);
    broker_publish(&f.broker, "a/b/c", "y", 1);
    broker_publish(&f.broker, "other", "z", 1);
    broker_publish(&f.broker, "end", "", 1);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "end", ""));
    assert_int_equal(rig_count(&f.rig, "a/b", "x"), 1);
    assert_int_equal(rig_count(&f.rig, "a/b/c", "y"), 1);
    assert_int_equal(rig_count(&f.rig, "other", "z"), 1);
    fixture_end(&f);
}

/* How often a retained message has come: at first, and after a reconnect. */
static void
check_retained(
    enum config_retained policy, bool is_v5, char *client_id, size_t first, size_t second)
{
    struct fixture f;
    fixture_begin(&f, lasting_broker);
    broker_retain(&f.broker, "a/kept", "old");
    f.rig.config.mqtt.is_v5 = is_v5;
    f.rig.config.mqtt.client_id = client_id;
    f.rig.config.mqtt.retained = policy;
    f.rig.stores_at_once = true;
    rig_subscribe(&f.rig, "a/#");
    rig_up(&f.rig);
    broker_publish(&f.broker, "a/live", "1", 1);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a/live", "1"));
    assert_int_equal(rig_count(&f.rig, "a/kept", "old"), first);
    broker_stop(&f.broker);
    RIG_WAIT(&f.rig, !rig_is_up(&f.rig));
    broker_restart(&f.broker);
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    broker_publish(&f.broker, "a/live", "2", 1);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a/live", "2"));
    assert_int_equal(rig_count(&f.rig, "a/kept", "old"), second);
    fixture_end(&f);
}

static void
test_mqtt_retained_pass_comes_with_each_connection(void **state)
{
    char none[] = "", id[] = "retained";
    (void)state;
    check_retained(RETAINED_PASS, true, none, 1, 2);
    check_retained(RETAINED_PASS, false, id, 1, 2);
}

static void
test_mqtt_retained_drop_never_comes(void **state)
{
    char none[] = "";
    (void)state;
    check_retained(RETAINED_DROP, true, none, 0, 0);
    check_retained(RETAINED_DROP, false, none, 0, 0);
}

static void
test_mqtt_retained_new_comes_once(void **state)
{
    char none[] = "", id[] = "retained";
    (void)state;
    check_retained(RETAINED_NEW, true, none, 1, 1);
    check_retained(RETAINED_NEW, true, id, 1, 1);
    check_retained(RETAINED_NEW, false, none, 1, 1);
    check_retained(RETAINED_NEW, false, id, 1, 1);
}

static void
check_password(bool is_v5, const char *words)
{
    struct fixture f;
    char user[] = "runnel", wrong[] = "wrong", right[] = "right";
    broker_init(&f.broker);
    broker_run(&f.broker, "mosquitto_passwd -b -c users runnel right");
    broker_start(&f.broker, "allow_anonymous false\npassword_file users\n");
    rig_init(&f.rig, f.broker.port);
    f.rig.config.mqtt.is_v5 = is_v5;
    f.rig.config.broker.username = user;
    f.rig.config.broker.password = wrong;
    rig_subscribe(&f.rig, "a");
    rig_start(&f.rig);
    RIG_WAIT(&f.rig, rig_says(&f.rig, words));
    rig_end(&f.rig);
    f.rig.config.broker.password = right;
    rig_up(&f.rig);
    fixture_end(&f);
}

static void
test_mqtt_wrong_password_is_refused_and_said(void **state)
{
    (void)state;
    check_password(true, "down source plant: the broker refused the connection: Not authorized");
    check_password(false, "down source plant: the broker refused the connection: Connection "
                          "Refused: not authorised");
}

static void
check_many_filters(bool is_v5)
{
    static char filters[RIG_SUBSCRIPTIONS_MAX][16];
    struct fixture f;
    fixture_begin(&f, open_broker);
    f.rig.config.mqtt.is_v5 = is_v5;
    f.rig.stores_at_once = true;
    for (int i = 0; i < RIG_SUBSCRIPTIONS_MAX; i++) {
        (void)snprintf(filters[i], sizeof filters[i], "a/%d", i);
        rig_subscribe(&f.rig, filters[i]);
    }
    rig_up(&f.rig);
    broker_publish(&f.broker, "a/0", "first", 1);
    broker_publish(&f.broker, "a/399", "last", 1);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a/399", "last"));
    assert_true(rig_has_message(&f.rig, "a/0", "first"));
    fixture_end(&f);
}

static void
test_mqtt_many_filters_are_all_subscribed(void **state)
{
    (void)state;
    check_many_filters(true);
    check_many_filters(false);
}

static void
test_mqtt_no_filters_is_up(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, open_broker);
    rig_up(&f.rig);
    fixture_end(&f);
}

static void
test_mqtt_descriptor_above_1023_works(void **state)
{
    enum { FILLED = 1100, DESCRIPTORS = 2200 };
    static int filled[FILLED];
    struct rlimit limit;
    struct fixture f;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < DESCRIPTORS) {
        skip();
    }
    limit.rlim_cur = DESCRIPTORS;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    fixture_begin(&f, open_broker);
    f.rig.stores_at_once = true;
    rig_subscribe(&f.rig, "a");
    for (int i = 0; i < FILLED; i++) {
        filled[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(filled[i] >= 0);
    }
    rig_up(&f.rig);
    broker_publish(&f.broker, "a", "1", 1);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a", "1"));
    fixture_end(&f);
    for (int i = 0; i < FILLED; i++) {
        close(filled[i]);
    }
}

static void
test_mqtt_host_name_is_resolved(void **state)
{
    struct fixture f;
    char name[] = "localhost", unknown[] = "no-such-host.invalid";
    (void)state;
    fixture_begin(&f, open_broker);
    f.rig.config.broker.host = name;
    rig_up(&f.rig);
    rig_end(&f.rig);
    f.rig.config.broker.host = unknown;
    f.rig.config.broker.connect_timeout_ms = 200;
    rig_start(&f.rig);
    RIG_WAIT(&f.rig, rig_says(&f.rig, "down source plant: the host name "));
    fixture_end(&f);
}

static void
test_mqtt_client_id_taken_over_comes_back(void **state)
{
    struct fixture f;
    char id[] = "twice";
    (void)state;
    fixture_begin(&f, open_broker);
    f.rig.config.mqtt.client_id = id;
    rig_subscribe(&f.rig, "a");
    rig_up(&f.rig);
    broker_take_over(&f.broker, id);
    RIG_WAIT(&f.rig, !rig_is_up(&f.rig));
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    fixture_end(&f);
}

/* Large, and with every byte that a payload may hold. */
static void
test_mqtt_large_payload_arrives_whole(void **state)
{
    enum { SIZE = 3 * 1024 * 1024 };
    struct fixture f;
    char *payload = malloc(SIZE + 1);
    (void)state;
    assert_non_null(payload);
    memset(payload, 'x', SIZE);
    payload[SIZE] = '\0';
    fixture_begin(&f, open_broker);
    rig_subscribe(&f.rig, "a");
    rig_up(&f.rig);
    broker_publish(&f.broker, "a", payload, 1);
    RIG_WAIT(&f.rig, f.rig.messages_length == 1);
    assert_true(rig_has_message(&f.rig, "a", payload));
    free(payload);
    fixture_end(&f);
}

static void
test_mqtt_stop_acknowledges_what_is_stored_later(void **state)
{
    struct fixture f;
    char id[] = "stop";
    (void)state;
    fixture_begin(&f, open_broker);
    f.rig.config.mqtt.client_id = id;
    rig_subscribe(&f.rig, "a");
    rig_up(&f.rig);
    broker_publish(&f.broker, "a", "before", 1);
    RIG_WAIT(&f.rig, f.rig.messages_length == 1);
    f.rig.source->ops->stop(f.rig.source);
    broker_publish(&f.broker, "a", "after", 1);
    rig_turn(&f.rig);
    assert_int_equal(f.rig.messages_length, 1);
    rig_store(&f.rig);
    rig_turn(&f.rig);
    rig_end(&f.rig);
    rig_up(&f.rig);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a", "after"));
    assert_int_equal(rig_count(&f.rig, "a", "before"), 1);
    fixture_end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mqtt_version_5_qos_1_delivers),
        cmocka_unit_test(test_mqtt_version_3_qos_1_delivers),
        cmocka_unit_test(test_mqtt_qos_0_delivers),
        cmocka_unit_test(test_mqtt_not_stored_is_delivered_again),
        cmocka_unit_test(test_mqtt_full_sink_gets_the_message_again),
        cmocka_unit_test(test_mqtt_full_sink_without_a_session_counts_the_loss),
        cmocka_unit_test(test_mqtt_broker_restart_reconnects_and_subscribes),
        cmocka_unit_test(test_mqtt_session_keeps_messages_while_away),
        cmocka_unit_test(test_mqtt_new_filter_of_an_old_session_is_subscribed),
        cmocka_unit_test(test_mqtt_overlapping_filters_deliver_once),
        cmocka_unit_test(test_mqtt_retained_pass_comes_with_each_connection),
        cmocka_unit_test(test_mqtt_retained_drop_never_comes),
        cmocka_unit_test(test_mqtt_retained_new_comes_once),
        cmocka_unit_test(test_mqtt_wrong_password_is_refused_and_said),
        cmocka_unit_test(test_mqtt_many_filters_are_all_subscribed),
        cmocka_unit_test(test_mqtt_no_filters_is_up),
        cmocka_unit_test(test_mqtt_descriptor_above_1023_works),
        cmocka_unit_test(test_mqtt_host_name_is_resolved),
        cmocka_unit_test(test_mqtt_client_id_taken_over_comes_back),
        cmocka_unit_test(test_mqtt_large_payload_arrives_whole),
        cmocka_unit_test(test_mqtt_stop_acknowledges_what_is_stored_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
