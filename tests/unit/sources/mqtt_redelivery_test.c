#undef NDEBUG
#include "sources/mqtt_redelivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct mqtt_redelivery_key
key(int packet_id)
{
    return (struct mqtt_redelivery_key){.hash = 99, .packet_id = (uint16_t)packet_id};
}

static void
test_mqtt_redelivery_what_was_held_when_it_broke_is_known_once(void **state)
{
    struct mqtt_redelivery r = {.held_length = 0};
    (void)state;
    mqtt_redelivery_hold(&r, key(7));
    mqtt_redelivery_hold(&r, key(8));
    mqtt_redelivery_break(&r);
    assert_true(mqtt_redelivery_take(&r, key(7)));
    assert_true(mqtt_redelivery_take(&r, key(8)));
    mqtt_redelivery_release(&r); /* acknowledged: the ids are free for other messages */
    assert_false(mqtt_redelivery_take(&r, key(7)));
    mqtt_redelivery_break(&r);
    assert_false(mqtt_redelivery_take(&r, key(8)));
}

static void
test_mqtt_redelivery_what_was_released_is_not_known(void **state)
{
    struct mqtt_redelivery r = {.held_length = 0};
    (void)state;
    mqtt_redelivery_hold(&r, key(7));
    mqtt_redelivery_release(&r);
    mqtt_redelivery_hold(&r, key(8));
    mqtt_redelivery_hold(&r, key(9));
    mqtt_redelivery_break(&r);
    assert_false(mqtt_redelivery_take(&r, key(7))); /* its PUBACK was lost, and the queue is full */
    mqtt_redelivery_break(&r);
    assert_false(mqtt_redelivery_take(&r, key(7)));
    mqtt_redelivery_hold(&r, key(7));
    assert_true(mqtt_redelivery_take(&r, key(8)));
    assert_true(mqtt_redelivery_take(&r, key(9)));
}

/* However often the broker loses what was written before. */
static void
test_mqtt_redelivery_order_outlives_connections_that_end_early(void **state)
{
    struct mqtt_redelivery r = {.held_length = 0};
    (void)state;
    mqtt_redelivery_hold(&r, key(1));
    mqtt_redelivery_hold(&r, key(2));
    mqtt_redelivery_release(&r);
    mqtt_redelivery_hold(&r, key(3));
    mqtt_redelivery_hold(&r, key(4));
    mqtt_redelivery_break(&r);
    assert_false(mqtt_redelivery_take(&r, key(1)));
    mqtt_redelivery_hold(&r, key(1));
    mqtt_redelivery_break(&r);
    assert_true(mqtt_redelivery_take(&r, key(1)));
    mqtt_redelivery_break(&r);
    for (int id = 1; id <= 4; id++) {
        assert_true(mqtt_redelivery_take(&r, key(id)) == (id != 2));
        if (id == 2) {
            mqtt_redelivery_hold(&r, key(id));
        }
    }
}

/* It expired in the broker, say: a message behind it tells that it does not come again. */
static void
test_mqtt_redelivery_is_over_with_the_first_message_that_is_new(void **state)
{
    struct mqtt_redelivery r = {.held_length = 0};
    struct mqtt_redelivery_key retained = {.hash = 1, .packet_id = 3, .is_retained = true};
    (void)state;
    mqtt_redelivery_hold(&r, key(7));
    mqtt_redelivery_hold(&r, key(8));
    mqtt_redelivery_break(&r);
    assert_false(mqtt_redelivery_take(&r, retained));
    assert_true(mqtt_redelivery_take(&r, key(8)));
    mqtt_redelivery_break(&r);
    mqtt_redelivery_hold(&r, key(9));
    assert_false(mqtt_redelivery_take(&r, key(8)));
}

static void
test_mqtt_redelivery_survives_several_breaks(void **state)
{
    struct mqtt_redelivery r = {.held_length = 0};
    (void)state;
    mqtt_redelivery_hold(&r, key(1));
    mqtt_redelivery_hold(&r, key(2));
    mqtt_redelivery_break(&r);
    assert_true(mqtt_redelivery_take(&r, key(1))); /* again, and again not acknowledged */
    mqtt_redelivery_break(&r);
    assert_true(mqtt_redelivery_take(&r, key(1)));
    assert_true(mqtt_redelivery_take(&r, key(2)));
    mqtt_redelivery_hold(&r, key(3));
    mqtt_redelivery_break(&r);
    for (int id = 1; id <= 3; id++) {
        assert_true(mqtt_redelivery_take(&r, key(id)));
    }
}

static void
test_mqtt_redelivery_a_new_session_knows_nothing(void **state)
{
    struct mqtt_redelivery r = {.held_length = 0};
    (void)state;
    mqtt_redelivery_hold(&r, key(7));
    mqtt_redelivery_break(&r);
    mqtt_redelivery_forget(&r);
    assert_false(mqtt_redelivery_take(&r, key(7)));
}

/* A broker that was killed and has an older state again gives its packet ids to other messages. */
static void
test_mqtt_redelivery_another_message_under_the_id_is_new(void **state)
{
    struct mqtt_redelivery r = {.held_length = 0};
    struct mqtt_redelivery_key other = {.hash = 1, .packet_id = 7};
    (void)state;
    mqtt_redelivery_hold(&r, key(7));
    mqtt_redelivery_hold(&r, key(8));
    mqtt_redelivery_break(&r);
    assert_false(mqtt_redelivery_take(&r, other));
    assert_true(mqtt_redelivery_take(&r, key(8)));
    assert_false(mqtt_redelivery_take(&r, key(7))); /* the id is the other's now */
}

static void
test_mqtt_redelivery_is_bounded(void **state)
{
    struct mqtt_redelivery r = {.held_length = 0};
    (void)state;
    for (int id = 1; id <= MQTT_REDELIVERY_MAX + 1; id++) {
        mqtt_redelivery_hold(&r, key(id));
    }
    mqtt_redelivery_break(&r);
    assert_true(mqtt_redelivery_take(&r, key(MQTT_REDELIVERY_MAX)));
    assert_false(mqtt_redelivery_take(&r, key(MQTT_REDELIVERY_MAX + 1)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mqtt_redelivery_what_was_held_when_it_broke_is_known_once),
        cmocka_unit_test(test_mqtt_redelivery_what_was_released_is_not_known),
        cmocka_unit_test(test_mqtt_redelivery_order_outlives_connections_that_end_early),
        cmocka_unit_test(test_mqtt_redelivery_is_over_with_the_first_message_that_is_new),
        cmocka_unit_test(test_mqtt_redelivery_survives_several_breaks),
        cmocka_unit_test(test_mqtt_redelivery_a_new_session_knows_nothing),
        cmocka_unit_test(test_mqtt_redelivery_another_message_under_the_id_is_new),
        cmocka_unit_test(test_mqtt_redelivery_is_bounded),
    };
    return cmocka_run_group_tests_name("sources.mqtt_redelivery", tests, NULL, NULL);
}
