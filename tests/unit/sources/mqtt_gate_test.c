#undef NDEBUG
#include "sources/mqtt_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_mqtt_gate_closes_until_the_last_is_stored(void **state)
{
    struct mqtt_gate g = {0};
    (void)state;
    assert_false(mqtt_gate_is_closed(&g));
    mqtt_gate_take(&g, 7, 1000);
    mqtt_gate_take(&g, 9, 1001);
    mqtt_gate_store(&g, 8);
    assert_true(mqtt_gate_is_closed(&g));
    mqtt_gate_store(&g, 9);
    assert_false(mqtt_gate_is_closed(&g));
}

/* No route wanted it, or the log was quicker than the sink's return. */
static void
test_mqtt_gate_stored_ticket_leaves_it_open(void **state)
{
    struct mqtt_gate g = {0};
    (void)state;
    mqtt_gate_take(&g, 0, 1000);
    assert_false(mqtt_gate_is_closed(&g));
    mqtt_gate_store(&g, 5);
    mqtt_gate_take(&g, 5, 1000);
    assert_false(mqtt_gate_is_closed(&g));
    mqtt_gate_take(&g, 6, 1000);
    mqtt_gate_store(&g, 4); /* never backwards */
    mqtt_gate_take(&g, 5, 1000);
    assert_true(mqtt_gate_is_closed(&g));
    mqtt_gate_store(&g, 6);
    assert_false(mqtt_gate_is_closed(&g));
}

static void
test_mqtt_gate_is_full_at_its_number(void **state)
{
    struct mqtt_gate g = {0};
    (void)state;
    for (uint64_t ticket = 1; ticket < MQTT_GATE_MESSAGES_MAX; ticket++) {
        mqtt_gate_take(&g, ticket, 1000);
        assert_false(mqtt_gate_is_full(&g, 1000));
    }
    mqtt_gate_take(&g, MQTT_GATE_MESSAGES_MAX, 1000);
    assert_true(mqtt_gate_is_full(&g, 1000));
    mqtt_gate_store(&g, MQTT_GATE_MESSAGES_MAX - 1);
    assert_true(mqtt_gate_is_full(&g, 1000));
    mqtt_gate_store(&g, MQTT_GATE_MESSAGES_MAX);
    assert_false(mqtt_gate_is_full(&g, 1000));
    mqtt_gate_take(&g, MQTT_GATE_MESSAGES_MAX + 1, 1000);
    assert_false(mqtt_gate_is_full(&g, 1000));
}

/* A trickle that always has something new in hand must not hold the acknowledgements for ever. */
static void
test_mqtt_gate_is_full_at_its_age(void **state)
{
    struct mqtt_gate g = {0};
    (void)state;
    mqtt_gate_take(&g, 1, 1000);
    for (uint64_t now_ms = 1001; now_ms < 1000 + MQTT_GATE_READ_MS; now_ms++) {
        uint64_t ticket = now_ms - 999;
        mqtt_gate_take(&g, ticket, now_ms);
        mqtt_gate_store(&g, ticket - 1);
        assert_false(mqtt_gate_is_full(&g, now_ms));
    }
    assert_true(mqtt_gate_is_full(&g, 1000 + MQTT_GATE_READ_MS));
    assert_int_equal(mqtt_gate_age_ms(&g, 1000 + MQTT_GATE_READ_MS), MQTT_GATE_READ_MS);
    mqtt_gate_store(&g, UINT64_MAX);
    assert_int_equal(mqtt_gate_age_ms(&g, 5000), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mqtt_gate_closes_until_the_last_is_stored),
        cmocka_unit_test(test_mqtt_gate_stored_ticket_leaves_it_open),
        cmocka_unit_test(test_mqtt_gate_is_full_at_its_number),
        cmocka_unit_test(test_mqtt_gate_is_full_at_its_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
