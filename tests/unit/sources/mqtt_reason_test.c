#undef NDEBUG
#include "sources/mqtt_reason.h"

#include <mosquitto.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char name[] = "plant";
static char none[] = "";
static const struct config_source version_5 = {.name = name,
                                               .mqtt = {.is_v5 = true, .client_id = none}};
static const struct config_source version_3 = {.name = name, .mqtt = {.client_id = none}};

static void
test_mqtt_reason_of_connack_names_the_key_of_the_version(void **state)
{
    char why[MQTT_REASON_SIZE_MAX];
    (void)state;
    mqtt_reason_of_connack(&version_5, 0x84, why);
    assert_non_null(strstr(why, "set sources.plant.version to \"3.1.1\""));
    mqtt_reason_of_connack(&version_5, 1, why);
    assert_non_null(strstr(why, "set sources.plant.version to \"3.1.1\""));
    mqtt_reason_of_connack(&version_3, 1, why);
    assert_null(strstr(why, "sources.plant.version"));
    mqtt_reason_of_connack(&version_5, 0x87, why);
    assert_string_equal(why, "the broker refused the connection: Not authorized");
}

static void
test_mqtt_reason_of_result_hints_at_the_version_only_before_connack(void **state)
{
    char why[MQTT_REASON_SIZE_MAX];
    (void)state;
    mqtt_reason_of_result(&version_5, MQTT_STAGE_GREETING, MOSQ_ERR_CONN_LOST, 0, why);
    assert_non_null(strstr(why, "sources.plant.version"));
    mqtt_reason_of_result(&version_5, MQTT_STAGE_SETTLED, MOSQ_ERR_CONN_LOST, 0, why);
    assert_string_equal(why, "the broker closed the connection");
    mqtt_reason_of_result(&version_3, MQTT_STAGE_GREETING, MOSQ_ERR_CONN_LOST, 0, why);
    assert_string_equal(why, "the broker closed the connection");
    mqtt_reason_of_result(&version_5, MQTT_STAGE_GREETING, MOSQ_ERR_TLS, 0, why);
    assert_string_equal(why, "the TLS connection broke");
    mqtt_reason_of_result(&version_5, MQTT_STAGE_SETTLED, MOSQ_ERR_ERRNO, ECONNREFUSED, why);
    assert_string_equal(why, "Connection refused");
    mqtt_reason_of_result(&version_5, MQTT_STAGE_SETTLED, MOSQ_ERR_ERRNO, EPROTO, why);
    assert_string_equal(why, "the TLS connection broke");
    mqtt_reason_of_result(&version_5, MQTT_STAGE_SETTLED, MOSQ_ERR_KEEPALIVE, 0, why);
    assert_string_equal(why, "the broker did not answer PINGREQ in time");
}

static void
test_mqtt_reason_of_result_hints_at_a_takeover_where_it_may_be_one(void **state)
{
    char why[MQTT_REASON_SIZE_MAX];
    const struct config_source with_id = {.name = name, .mqtt = {.client_id = name}};
    (void)state;
    mqtt_reason_of_result(&with_id, MQTT_STAGE_FRESH, MOSQ_ERR_CONN_LOST, 0, why);
    assert_non_null(strstr(why, "sources.plant.client_id"));
    mqtt_reason_of_result(&with_id, MQTT_STAGE_SETTLED, MOSQ_ERR_CONN_LOST, 0, why);
    assert_string_equal(why, "the broker closed the connection");
    mqtt_reason_of_result(&with_id, MQTT_STAGE_FRESH, MOSQ_ERR_KEEPALIVE, 0, why);
    assert_string_equal(why, "the broker did not answer PINGREQ in time");
    mqtt_reason_of_result(&version_5, MQTT_STAGE_FRESH, MOSQ_ERR_CONN_LOST, 0, why);
    assert_string_equal(why, "the broker closed the connection");
}

static void
test_mqtt_reason_of_disconnect_explains_a_takeover(void **state)
{
    char why[MQTT_REASON_SIZE_MAX];
    (void)state;
    mqtt_reason_of_disconnect(&version_5, 0x8E, why);
    assert_non_null(strstr(why, "sources.plant.client_id"));
    mqtt_reason_of_disconnect(&version_5, 0x8B, why);
    assert_string_equal(why, "the broker closed the connection: Server shutting down");
}

static void
test_mqtt_reason_of_suback_cuts_a_long_filter(void **state)
{
    char why[MQTT_REASON_SIZE_MAX], filter[1000];
    (void)state;
    memset(filter, 'x', sizeof filter - 1);
    filter[sizeof filter - 1] = '\0';
    mqtt_reason_of_suback(&version_5, filter, 0x87, why);
    assert_non_null(strstr(why, "xxx: Not authorized"));
    mqtt_reason_of_suback(&version_3, "a/#", 0x80, why);
    assert_string_equal(why, "the broker refused the subscription a/#: not allowed");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mqtt_reason_of_connack_names_the_key_of_the_version),
        cmocka_unit_test(test_mqtt_reason_of_result_hints_at_the_version_only_before_connack),
        cmocka_unit_test(test_mqtt_reason_of_result_hints_at_a_takeover_where_it_may_be_one),
        cmocka_unit_test(test_mqtt_reason_of_disconnect_explains_a_takeover),
        cmocka_unit_test(test_mqtt_reason_of_suback_cuts_a_long_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
