#undef NDEBUG
/* Which filter of an MQTT source has a copy for sure. "a/#" is the older one, "a/b" the younger. */
#include "sources/mqtt_filters.h"
#include "sources/mqtt_retiring.h"

#include <mosquitto.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NOT_AUTHORIZED = 0x87 };
enum { OLDER, YOUNGER };

struct fixture {
    struct mqtt_filters filters;
    struct mqtt_retiring retiring;
};

static void
adopt(struct fixture *f, const struct source_subscription *list, size_t length)
{
    assert_int_equal(mqtt_filters_plan(&f->filters, list, length), 0);
    assert_int_equal(mqtt_retiring_reserve(&f->retiring, f->filters.length), 0);
    mqtt_filters_adopt(&f->filters, &f->retiring);
}

static void
connect(struct fixture *f, bool is_present, int older, int younger)
{
    mqtt_filters_open(&f->filters, is_present);
    mqtt_filters_answer(&f->filters, OLDER, older);
    mqtt_filters_answer(&f->filters, YOUNGER, younger);
}

static void
begin(struct fixture *f, int older, int younger)
{
    *f = (struct fixture){.filters = {.length = 0}};
    adopt(f, (struct source_subscription[]){{.filter = "a/#"}, {.filter = "a/b"}}, 2);
    connect(f, false, older, younger);
}

static void
end(struct fixture *f)
{
    mqtt_filters_fini(&f->filters);
    mqtt_retiring_fini(&f->retiring);
}

static struct mosquitto_message
message(int qos)
{
    static char topic[] = "a/b";
    return (struct mosquitto_message){.topic = topic, .qos = qos};
}

/* The younger one's copy would be left out. */
static bool
older_has(const struct fixture *f, int qos)
{
    struct mosquitto_message m = message(qos);
    return mqtt_filters_have(&f->filters, YOUNGER, &m);
}

static bool
older_had(const struct fixture *f, int qos)
{
    struct mosquitto_message m = message(qos);
    uint32_t identifier = mqtt_filter_identifier("a/b");
    return mqtt_retiring_is_younger(&f->retiring, mqtt_retiring_find(&f->retiring, identifier), &m);
}

static void
come_by_older(struct fixture *f, int qos)
{
    struct mosquitto_message m = message(qos);
    mqtt_filter_prove(&f->filters.items[OLDER], &m);
}

static void
test_mqtt_filters_granted_in_a_new_session_have_all(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, 1, 1);
    assert_true(older_has(&f, 1));
    connect(&f, true, 1, 1);
    assert_true(older_has(&f, 1));
    end(&f);
}

static void
test_mqtt_filters_unanswered_have_what_they_are_proven_to_have(void **state)
{
    struct fixture f;
    (void)state;
    f = (struct fixture){.filters = {.length = 0}};
    adopt(&f, (struct source_subscription[]){{.filter = "a/#"}, {.filter = "a/b"}}, 2);
    mqtt_filters_open(&f.filters, true);
    assert_false(older_has(&f, 0));
    come_by_older(&f, 0);
    assert_true(older_has(&f, 0));
    assert_false(older_has(&f, 1));
    come_by_older(&f, 1);
    assert_true(older_has(&f, 1));
    assert_true(older_has(&f, 2));
    mqtt_filters_answer(&f.filters, OLDER, 1);
    assert_true(older_has(&f, 1));
    end(&f);
}

/* What came while it was refused waits by the younger one only. */
static void
test_mqtt_filters_granted_again_are_to_be_proven_again(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, 1, 1);
    connect(&f, true, NOT_AUTHORIZED, 1);
    assert_false(older_has(&f, 1));
    come_by_older(&f, 1); /* one from before the refusal */
    connect(&f, true, 1, 1);
    assert_false(older_has(&f, 1));
    come_by_older(&f, 1);
    assert_true(older_has(&f, 1));
    end(&f);
}

static void
test_mqtt_filters_granted_qos_0_do_not_have_what_the_broker_keeps(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, 0, 1);
    assert_true(older_has(&f, 0));
    assert_false(older_has(&f, 1));
    connect(&f, true, 1, 1);
    assert_false(older_has(&f, 1)); /* from before it was granted more */
    come_by_older(&f, 1);
    assert_true(older_has(&f, 1));
    end(&f);
}

static void
check_retired(int older, bool had_qos_0, bool had_qos_1)
{
    struct fixture f;
    begin(&f, older, 1);
    adopt(&f, (struct source_subscription[]){{.filter = "#"}}, 1);
    assert_int_equal(older_had(&f, 0), had_qos_0);
    assert_int_equal(older_had(&f, 1), had_qos_1);
    end(&f);
}

static void
test_mqtt_filters_on_their_way_out_had_what_they_were_granted(void **state)
{
    (void)state;
    check_retired(1, true, true);
    check_retired(0, true, false);
    check_retired(NOT_AUTHORIZED, false, false);
}

static void
test_mqtt_filters_on_their_way_out_had_nothing_unproven(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, NOT_AUTHORIZED, 1);
    connect(&f, true, 1, 1);
    adopt(&f, (struct source_subscription[]){{.filter = "#"}}, 1);
    assert_false(older_had(&f, 0));
    end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mqtt_filters_granted_in_a_new_session_have_all),
        cmocka_unit_test(test_mqtt_filters_unanswered_have_what_they_are_proven_to_have),
        cmocka_unit_test(test_mqtt_filters_granted_again_are_to_be_proven_again),
        cmocka_unit_test(test_mqtt_filters_granted_qos_0_do_not_have_what_the_broker_keeps),
        cmocka_unit_test(test_mqtt_filters_on_their_way_out_had_what_they_were_granted),
        cmocka_unit_test(test_mqtt_filters_on_their_way_out_had_nothing_unproven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
