#undef NDEBUG
/* Which copies of a message count while an MQTT source changes its filters. No broker: the test says what it sends. */
#include "rig.h"
#include "sources/mqtt_subscriber.h"

#include <mosquitto.h>

#include <mqtt_protocol.h>
#include <stdio.h>
#include <string.h>

enum { FILTERS_MAX = 4, GRANTED = 1 };

struct fixture {
    struct rig rig;
    struct source_settings settings;
    struct mqtt_subscriber s;
    struct source_subscription list[FILTERS_MAX];
};

static size_t
fill(struct fixture *f, const char *const *filters)
{
    size_t length = 0;
    for (; filters[length] != NULL; length++) {
        assert_true(length < FILTERS_MAX);
        f->list[length] = (struct source_subscription){.filter = filters[length]};
    }
    return length;
}

/* The broker confirms what was asked for. */
static void
grant(struct fixture *f)
{
    for (size_t i = 0; i < f->s.filters.length; i++) {
        mqtt_filters_answer(&f->s.filters, i, GRANTED);
    }
}

static void
begin(struct fixture *f, const char *const *filters)
{
    *f = (struct fixture){0};
    rig_init(&f->rig, 1);
    f->settings = (struct source_settings){.config = &f->rig.config,
                                           .loop = f->rig.loop,
                                           .subscriptions = f->list,
                                           .subscriptions_length = fill(f, filters)};
    assert_int_equal(mqtt_subscriber_init(&f->s, &f->settings), 0);
    mqtt_subscriber_open(&f->s, false);
    f->s.has_identifiers = true;
    grant(f);
}

static void
end(struct fixture *f)
{
    mqtt_subscriber_fini(&f->s);
    rig_fini(&f->rig);
}

static void
change(struct fixture *f, const char *const *filters)
{
    size_t length = fill(f, filters);
    assert_int_equal(mqtt_subscriber_plan(&f->s, f->list, length), 0);
    mqtt_subscriber_adopt(&f->s);
}

/* SUBACK, UNSUBSCRIBE, UNSUBACK. */
static void
finish(struct fixture *f)
{
    grant(f);
    mqtt_subscriber_settle(&f->s);
    for (size_t i = 0; i < f->s.retiring.length; i++) {
        f->s.retiring.filters[i].is_asked = true;
    }
    f->s.unsubscribing = 1;
    mqtt_subscriber_on_unsuback(&f->s);
}

static uint32_t
identifier(const struct fixture *f, const char *filter)
{
    for (size_t i = 0; i < f->s.filters.length; i++) {
        if (strcmp(f->s.filters.items[i].text, filter) == 0) {
            return f->s.filters.items[i].identifier;
        }
    }
    fail();
    return 0;
}

/* A copy of a message of topic "a/b" that came by the filter. */
static bool
counts(struct fixture *f, uint32_t by, const char *text, bool is_retained)
{
    char topic[] = "a/b";
    char payload[32];
    mosquitto_property *properties = NULL;
    (void)snprintf(payload, sizeof payload, "%s", text);
    const struct mosquitto_message message = {
        .topic = topic, .payload = payload, .payloadlen = (int)strlen(text), .retain = is_retained};
    assert_int_equal(
        mosquitto_property_add_varint(&properties, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, by),
        MOSQ_ERR_SUCCESS);
    bool is_spare = mqtt_subscriber_is_spare(&f->s, &message, properties);
    mosquitto_property_free_all(&properties);
    return !is_spare;
}

/* From before the broker knew the second, from when it had both, in both orders, and from afterwards. */
static void
check_copies(const char *const *old, const char *const *new)
{
    struct fixture f;
    begin(&f, old);
    uint32_t first = identifier(&f, old[0]);
    assert_true(counts(&f, first, "1", false));
    change(&f, new);
    uint32_t second = identifier(&f, new[0]);
    assert_int_not_equal(first, second);
    assert_true(counts(&f, first, "2", false));
    assert_true(counts(&f, first, "3", false));
    assert_false(counts(&f, second, "3", false));
    assert_true(counts(&f, second, "4", false));
    assert_false(counts(&f, first, "4", false));
    finish(&f);
    assert_true(counts(&f, second, "5", false));
    assert_true(counts(&f, second, "5", false)); /* another one that says the same */
    end(&f);
}

static void
test_mqtt_change_to_a_wider_filter_takes_each_message_once(void **state)
{
    (void)state;
    check_copies((const char *[]){"a/b", NULL}, (const char *[]){"a/#", NULL});
}

static void
test_mqtt_change_to_a_narrower_filter_takes_each_message_once(void **state)
{
    (void)state;
    check_copies((const char *[]){"#", NULL}, (const char *[]){"a/+", NULL});
}

/* What the broker still had in its queue when it confirmed. */
static void
test_mqtt_change_knows_late_copies(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, (const char *[]){"a/b", NULL});
    uint32_t old = identifier(&f, "a/b");
    change(&f, (const char *[]){"a/#", NULL});
    finish(&f);
    assert_true(counts(&f, old, "only by the old one", false));
    assert_true(counts(&f, identifier(&f, "a/#"), "x", false));
    assert_false(counts(&f, old, "x", false));
    end(&f);
}

static void
test_mqtt_change_is_not_confused_by_the_one_before(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, (const char *[]){"a/b", NULL});
    change(&f, (const char *[]){"#", NULL});
    finish(&f);
    uint32_t wide = identifier(&f, "#");
    change(&f, (const char *[]){"a/+", NULL});
    assert_true(counts(&f, wide, "1", false));
    assert_false(counts(&f, identifier(&f, "a/+"), "1", false));
    end(&f);
}

static void
test_mqtt_change_keeps_the_older_filter_first(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, (const char *[]){"a/+", NULL});
    uint32_t old = identifier(&f, "a/+");
    change(&f, (const char *[]){"+/b", "a/+", NULL});
    finish(&f);
    assert_int_equal(identifier(&f, "a/+"), old);
    assert_true(counts(&f, old, "x", false));
    assert_false(counts(&f, identifier(&f, "+/b"), "x", false));
    end(&f);
}

/* The route that stays has had it. */
static void
test_mqtt_change_leaves_out_retained_messages_that_came_before(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, (const char *[]){"a/b", NULL});
    change(&f, (const char *[]){"a/#", NULL});
    assert_false(counts(&f, identifier(&f, "a/#"), "state", true));
    end(&f);
}

static void
test_mqtt_change_forgets_retired_filters_when_it_is_quiet(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, (const char *[]){"a/b", NULL});
    change(&f, (const char *[]){"c", NULL});
    uint64_t now_ms = f.s.retiring.heard_ms + MQTT_RETIRING_QUIET_MS;
    mqtt_retiring_tick(&f.s.retiring, now_ms);
    assert_int_equal(f.s.retiring.length, 1); /* the broker still has it */
    finish(&f);
    now_ms = f.s.retiring.heard_ms + MQTT_RETIRING_QUIET_MS;
    mqtt_retiring_tick(&f.s.retiring, now_ms - 1);
    assert_int_equal(f.s.retiring.length, 1);
    mqtt_retiring_tick(&f.s.retiring, now_ms);
    assert_int_equal(f.s.retiring.length, 0);
    end(&f);
}

static void
test_mqtt_change_of_a_bad_filter_changes_nothing(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, (const char *[]){"a/b", NULL});
    size_t length = fill(&f, (const char *[]){"a/#/b", NULL});
    assert_int_equal(mqtt_subscriber_plan(&f.s, f.list, length), ERR_SYNTAX);
    assert_true(counts(&f, identifier(&f, "a/b"), "x", false));
    end(&f);
}

static void
test_mqtt_change_gives_each_filter_an_identifier_of_its_own(void **state)
{
    struct fixture f;
    (void)state;
    assert_int_equal(mqtt_filter_identifier("a/9989"), mqtt_filter_identifier("a/13690"));
    begin(&f, (const char *[]){"a/13690", NULL});
    uint32_t old = identifier(&f, "a/13690");
    assert_int_equal(old, mqtt_filter_identifier("a/13690"));
    change(&f, (const char *[]){"a/9989", "a/13690", NULL});
    assert_int_equal(identifier(&f, "a/13690"), old);
    assert_int_equal(identifier(&f, "a/9989"), old + 1);
    assert_string_equal(mqtt_filters_find(&f.s.filters, old)->text, "a/13690");
    assert_string_equal(mqtt_filters_find(&f.s.filters, old + 1)->text, "a/9989");
    assert_null(mqtt_filters_find(&f.s.filters, old + 2));
    end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mqtt_change_to_a_wider_filter_takes_each_message_once),
        cmocka_unit_test(test_mqtt_change_to_a_narrower_filter_takes_each_message_once),
        cmocka_unit_test(test_mqtt_change_knows_late_copies),
        cmocka_unit_test(test_mqtt_change_is_not_confused_by_the_one_before),
        cmocka_unit_test(test_mqtt_change_keeps_the_older_filter_first),
        cmocka_unit_test(test_mqtt_change_leaves_out_retained_messages_that_came_before),
        cmocka_unit_test(test_mqtt_change_forgets_retired_filters_when_it_is_quiet),
        cmocka_unit_test(test_mqtt_change_gives_each_filter_an_identifier_of_its_own),
        cmocka_unit_test(test_mqtt_change_of_a_bad_filter_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
