/* A persistent session of an MQTT source that had other topics when it began, on a real mosquitto. */
#undef NDEBUG
#include "broker.h"
#include "rig.h"

#include <stdio.h>

/* More than the source takes before it has SUBACK; their copies are fewer than the 1,000 that mosquitto keeps. */
enum { AWAY_COUNT = 300 };

struct fixture {
    struct broker broker;
    struct rig rig;
    char client_id[16];
};

static void
start(struct fixture *f, const char *const *filters)
{
    f->rig.subscriptions_length = 0;
    for (size_t i = 0; filters[i] != NULL; i++) {
        rig_subscribe(&f->rig, filters[i]);
    }
    rig_up(&f->rig);
}

/* A process with the filters of before, messages while none is there, and the next process. */
static void
begin(struct fixture *f, const char *const *before, const char *const *after)
{
    broker_init(&f->broker);
    broker_start(&f->broker, "allow_anonymous true\n");
    rig_init(&f->rig, f->broker.port);
    (void)snprintf(f->client_id, sizeof f->client_id, "older");
    f->rig.config.mqtt.client_id = f->client_id;
    f->rig.stores_at_once = true;
    start(f, before);
    rig_end(&f->rig);
    broker_publish_many(&f->broker, "a/b", AWAY_COUNT);
    start(f, after);
    broker_publish(&f->broker, "a/b", "end", 1);
    broker_publish(&f->broker, "a/b", "behind it", 1);
    RIG_WAIT(&f->rig, rig_has_message(&f->rig, "a/b", "behind it"));
}

static void
end(struct fixture *f)
{
    rig_fini(&f->rig);
    broker_fini(&f->broker);
}

static void
assert_has_all(const struct fixture *f)
{
    for (int i = 0; i < AWAY_COUNT; i++) {
        char payload[16];
        (void)snprintf(payload, sizeof payload, "%d", i);
        assert_true(rig_has_message(&f->rig, "a/b", payload));
    }
}

/* Only until something has come by a filter that is still wanted. */
static void
check_left_over(const char *const *before, const char *const *after)
{
    struct fixture f;
    begin(&f, before, after);
    assert_has_all(&f);
    assert_int_equal(rig_count(&f.rig, "a/b", "end"), 1);
    assert_true(f.rig.messages_length <= AWAY_COUNT + 3);
    end(&f);
}

static void
test_mqtt_older_session_does_not_double_what_is_still_wanted(void **state)
{
    (void)state;
    check_left_over((const char *[]){"a/+", "#", NULL}, (const char *[]){"a/+", NULL});
    check_left_over((const char *[]){"a/+", "#", NULL}, (const char *[]){"#", NULL});
    check_left_over((const char *[]){"a/b", "#", "a/+", NULL}, (const char *[]){"a/+", NULL});
}

/* The broker had the messages before it had the new filter: it sends them once, by the old one. */
static void
check_nothing_is_missed(const char *const *before, const char *const *after)
{
    struct fixture f;
    begin(&f, before, after);
    assert_has_all(&f);
    end(&f);
}

static void
test_mqtt_older_session_misses_nothing_that_only_it_had(void **state)
{
    (void)state;
    check_nothing_is_missed((const char *[]){"c", "a/b", NULL},
                            (const char *[]){"a/+", "a/b", NULL});
    check_nothing_is_missed((const char *[]){"a/b", NULL}, (const char *[]){"a/+", NULL});
    check_nothing_is_missed((const char *[]){"c", "a/b", NULL},
                            (const char *[]){"a/#", "a/+", NULL});
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mqtt_older_session_does_not_double_what_is_still_wanted),
        cmocka_unit_test(test_mqtt_older_session_misses_nothing_that_only_it_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
