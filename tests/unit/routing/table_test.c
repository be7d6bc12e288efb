#undef NDEBUG
#include "base/channel_name.h"
#include "table_from_yaml.h"

#define REPEAT_16(text)                                                                            \
    text text text text text text text text text text text text text text text text

static const char five_routes[] =
    "  - { source: shop, topic: \"orders.{shop}.{what}\", channel: \"orders/{shop}\",\n"
    "      event: \"{json:/type}\", when: [ { json: /total, gt: 0 } ] }\n"
    "  - { source: plant, topic: \"plant/{line}/+/temperature\", channel: "
    "\"lines/{line}/temperature\",\n"
    "      event: temperature }\n"
    "  - { source: shop, topic: \"orders.*\", channel: all, data: \"{source} {topic}: "
    "{json:/total}\" }\n"
    "  - { source: hook, topic: \"deploy/{app}\", channel: \"apps/{app}\" }\n"
    "  - { source: shop, topic: orders.eu.paid, channel: all }\n";

struct route_case {
    uint32_t source;
    struct str topic;
    struct str payload;
    int matched;
    const char *outcome;
};

#define S(literal)                                                                                 \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static const struct route_case cases[] = {
    {SHOP, S("orders.eu.paid"), S("{\"type\":\"paid\",\"total\":12}"), 3,
     "0 orders/eu|paid|{\"type\":\"paid\",\"total\":12}\n"
     "2 all||shop orders.eu.paid: 12\n"
     "4 all||{\"type\":\"paid\",\"total\":12}\n"},
    {SHOP, S("orders.us.paid"), S("{\"type\":\"paid\",\"total\":0}"), 2,
     "0 !when\n2 all||shop orders.us.paid: 0\n"},
    {SHOP, S("orders.us.paid"), S("{\"total\":1}"), 2,
     "0 !extract\n2 all||shop orders.us.paid: 1\n"},
    {SHOP, S("orders.us.paid"), S("no json"), 2, "0 !when\n2 !extract\n"},
    {SHOP, S("orders."), S("{\"total\":1}"), 1, "2 all||shop orders.: 1\n"},
    {SHOP, S("invoices.us.paid"), S("{}"), 0, ""},
    {SHOP, S(""), S("{}"), 0, ""},
    {SHOP, {NULL, 0}, {NULL, 0}, 0, ""},
    {SHOP, S("plant/7/oven/temperature"), S("x"), 0, ""},
    {PLANT, S("plant/7/oven/temperature"), S("21.5"), 1,
     "1 lines/7/temperature|temperature|21.5\n"},
    {PLANT, S("plant/7/oven/temperature"), S(""), 1, "1 lines/7/temperature|temperature|\n"},
    {PLANT, S("plant/7/oven/temperature"), {NULL, 0}, 1, "1 lines/7/temperature|temperature|\n"},
    {PLANT, S("orders.eu.paid"), S("{}"), 0, ""},
    {HOOK, S("deploy/web"), S("a\nb"), 1, "3 apps/web||a\nb\n"},
    {HOOK, S("deploy/a/b"), S("x"), 0, ""},
    /* a capture that no channel can be named after */
    {PLANT, S("plant/a\nb/oven/temperature"), S("1"), 1, "1 !channel\n"},
    {PLANT, S("plant/\xff/oven/temperature"), S("1"), 1, "1 !channel\n"},
    {HOOK, S("deploy/\xc2\x85"), S("x"), 1, "3 !channel\n"},
    {HOOK, S("deploy/" REPEAT_16("0123456789abcdef")), S("x"), 1, "3 !channel\n"},
    /* an extraction that no event can be named after */
    {SHOP, S("orders.eu.x"), S("{\"type\":\"a\\nb\",\"total\":1}"), 2,
     "0 !event\n2 all||shop orders.eu.x: 1\n"},
    {SHOP, S("orders.eu.x"), S("{\"type\":\"\\u0000\",\"total\":1}"), 2,
     "0 !event\n2 all||shop orders.eu.x: 1\n"},
    {SHOP, S("orders.eu.x"), S("{\"type\":\"runnel.gap\",\"total\":1}"), 2,
     "0 !event\n2 all||shop orders.eu.x: 1\n"},
    {SHOP, S("orders.eu.x"), S("{\"type\":\"runnel\",\"total\":1}"), 2,
     "0 orders/eu|runnel|{\"type\":\"runnel\",\"total\":1}\n2 all||shop orders.eu.x: 1\n"},
    {SHOP, S("orders.eu.x"), S("{\"type\":\"\",\"total\":1}"), 2,
     "0 orders/eu||{\"type\":\"\",\"total\":1}\n2 all||shop orders.eu.x: 1\n"},
    {SHOP, S("orders.eu.x"), S("{\"total\":1,\"type\":\"" REPEAT_16("0123456789abcdef") "\"}"), 2,
     "0 !event\n2 all||shop orders.eu.x: 1\n"},
};

static void
test_route_of_each_case_visits_its_routes_in_order(void **state)
{
    (void)state;
    struct yaml_table y;
    yaml_table_init(&y, five_routes);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct route_case *c = &cases[i];
        struct outcome outcome;
        yaml_table_route(&y, c->source, c->topic, c->payload, &outcome);
        assert_string_equal(outcome.text, c->outcome);
        assert_int_equal(outcome.matched, c->matched);
    }
    yaml_table_fini(&y);
}

static void
test_route_without_on_miss_visits_events_only(void **state)
{
    (void)state;
    struct yaml_table y;
    struct outcome outcome = {.size = 0};
    const struct table_visitor visitor = {&outcome, outcome_on_event, NULL};
    const struct message message = {
        .source = SHOP, .topic = STR("orders.us.paid"), .payload = STR("{\"total\":1}")};
    yaml_table_init(&y, five_routes);
    assert_int_equal(table_route(y.table, &message, &visitor), 2);
    assert_string_equal(outcome.text, "2 all||shop orders.us.paid: 1\n");
    yaml_table_fini(&y);
}

/* --- bytes that are no UTF-8 ------------------------------------------------------------------ */

static void
test_route_of_bytes_follows_not_utf8(void **state)
{
    (void)state;
    struct yaml_table y;
    struct outcome outcome;
    yaml_table_init(&y, "  - { source: shop, topic: a, channel: c }\n"
                        "  - { source: shop, topic: a, channel: d, not_utf8: base64 }\n"
                        "  - { source: shop, topic: a, channel: e, data: \"{topic}\" }\n"
                        "  - { source: shop, topic: \"b{x}\", channel: f, data: \"{x}\" }\n"
                        "  - { source: shop, topic: \"b{x}\", channel: g, data: \"{x}\",\n"
                        "      not_utf8: base64 }\n");
    yaml_table_route(&y, SHOP, STR("a"), STR("\xff\xfe\xfd"), &outcome);
    assert_string_equal(outcome.text, "0 !utf8\n1 d||//79\n2 e||a\n");
    yaml_table_route(&y, SHOP, STR("a"), STR("ž"), &outcome);
    assert_string_equal(outcome.text, "0 c||ž\n1 d||ž\n2 e||a\n");
    yaml_table_route(&y, SHOP, STR("b\xff"), STR(""), &outcome);
    assert_string_equal(outcome.text, "3 !utf8\n4 g||/w==\n");
    yaml_table_fini(&y);
}

/* --- sizes ------------------------------------------------------------------------------------ */

static void
test_route_of_a_payload_at_max_bytes_makes_an_event_and_beyond_none(void **state)
{
    (void)state;
    struct yaml_table y;
    struct outcome outcome;
    yaml_table_init(
        &y, "  - { source: shop, topic: a, channel: c, max_bytes: 4 }\n"
            "  - { source: shop, topic: a, channel: d, max_bytes: 4, not_utf8: base64 }\n"
            "  - { source: shop, topic: a, channel: e, max_bytes: 4, data: \"{json:}..\" }\n");
    yaml_table_route(&y, SHOP, STR("a"), STR("123"), &outcome);
    assert_string_equal(outcome.text, "0 c||123\n1 d||123\n2 !size\n");
    yaml_table_route(&y, SHOP, STR("a"), STR("12"), &outcome);
    assert_string_equal(outcome.text, "0 c||12\n1 d||12\n2 e||12..\n");
    yaml_table_route(&y, SHOP, STR("a"), STR("\xff\xff\xff\xff"), &outcome);
    assert_string_equal(outcome.text, "0 !utf8\n1 d||/////w==\n2 !extract\n");
    yaml_table_route(&y, SHOP, STR("a"), STR("1234"), &outcome);
    assert_string_equal(outcome.text, "0 c||1234\n1 d||1234\n2 !size\n");
    yaml_table_route(&y, SHOP, STR("a"), STR("12345"), &outcome);
    assert_string_equal(outcome.text, "0 !size\n1 !size\n2 !size\n");
    yaml_table_fini(&y);
}

static void
test_route_of_a_channel_name_at_the_limit_makes_an_event_and_beyond_none(void **state)
{
    (void)state;
    struct yaml_table y;
    char topic[CHANNEL_NAME_SIZE_MAX + 1];
    memset(topic, 'x', sizeof(topic));
    yaml_table_init(&y, "  - { source: hook, topic: \"{x}\", channel: \"{x}\" }\n");
    for (size_t size = CHANNEL_NAME_SIZE_MAX - 1; size <= sizeof(topic); size++) {
        struct outcome outcome;
        yaml_table_route(&y, HOOK, (struct str){topic, size}, STR("p"), &outcome);
        assert_int_equal(strcmp(outcome.text, "0 !channel\n") == 0, size > CHANNEL_NAME_SIZE_MAX);
    }
    yaml_table_fini(&y);
}

/* An oversized payload is not parsed for a condition, a condition is judged before a template. */
static void
test_route_with_several_reasons_tells_the_first(void **state)
{
    (void)state;
    struct yaml_table y;
    struct outcome outcome;
    yaml_table_init(
        &y, "  - { source: hook, topic: \"{x}\", channel: \"{json:/c}\", event: \"{json:/e}\",\n"
            "      max_bytes: 40, when: [ { json: /w, equals: 1 } ], data: \"{json:/d}\" }\n");
    yaml_table_route(&y, HOOK, STR("t"), STR("{\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\":1}"),
                     &outcome);
    assert_string_equal(outcome.text, "0 !size\n");
    yaml_table_route(&y, HOOK, STR("t"), STR("{}"), &outcome);
    assert_string_equal(outcome.text, "0 !when\n");
    yaml_table_route(&y, HOOK, STR("t"), STR("{\"w\":1,\"c\":\"\"}"), &outcome);
    assert_string_equal(outcome.text, "0 !channel\n");
    yaml_table_route(&y, HOOK, STR("t"), STR("{\"w\":1,\"c\":\"c\",\"e\":\"\\n\"}"), &outcome);
    assert_string_equal(outcome.text, "0 !event\n");
    yaml_table_route(&y, HOOK, STR("t"), STR("{\"w\":1,\"c\":\"c\",\"e\":\"e\"}"), &outcome);
    assert_string_equal(outcome.text, "0 !extract\n");
    yaml_table_route(&y, HOOK, STR("t"), STR("{\"w\":1,\"c\":\"c\",\"e\":\"e\",\"d\":2}"),
                     &outcome);
    assert_string_equal(outcome.text, "0 c|e|2\n");
    yaml_table_fini(&y);
}

/* --- subscriptions ---------------------------------------------------------------------------- */

static void
test_subscriptions_of_each_source_are_its_own(void **state)
{
    (void)state;
    struct yaml_table y;
    size_t length;
    yaml_table_init(&y, five_routes);
    const struct table_subscription *list = table_subscriptions(y.table, SHOP, &length);
    assert_int_equal(length, 1);
    assert_string_equal(list[0].filter, "orders.*");
    assert_true(list[0].is_pattern);
    list = table_subscriptions(y.table, PLANT, &length);
    assert_int_equal(length, 1);
    assert_string_equal(list[0].filter, "plant/+/+/temperature");
    assert_false(list[0].is_pattern);
    table_subscriptions(y.table, HOOK, &length);
    assert_int_equal(length, 0);
    yaml_table_fini(&y);
}

static void
test_subscription_is_first_of_overlapping_topics_takes_one_copy(void **state)
{
    (void)state;
    struct yaml_table y;
    size_t length;
    yaml_table_init(&y, "  - { source: plant, topic: \"a/+\", channel: c }\n"
                        "  - { source: plant, topic: \"+/b\", channel: c }\n");
    table_subscriptions(y.table, PLANT, &length);
    assert_int_equal(length, 2);
    assert_true(table_subscription_is_first(y.table, PLANT, 0, STR("a/b")));
    assert_false(table_subscription_is_first(y.table, PLANT, 1, STR("a/b")));
    assert_true(table_subscription_is_first(y.table, PLANT, 1, STR("x/b")));
    yaml_table_fini(&y);
}

/* --- problems --------------------------------------------------------------------------------- */

static void
test_new_of_a_bad_table_reports_all_problems_with_their_marks(void **state)
{
    (void)state;
    struct yaml_table y;
    yaml_table_init(&y, "  - source: shop\n"
                        "    topic: \"orders.{shop\"\n"
                        "    channel: \"{nope}\"\n" /* cannot be judged without the topic */
                        "  - source: plant\n"
                        "    topic: plant/{line}/+\n"
                        "    channel: lines/{lnie}\n"
                        "    event: \"{json:type}\"\n"
                        "    data: \"}\"\n"
                        "    when:\n"
                        "      - { json: total, gt: 0 }\n"
                        "      - { json: /total, gt: many }\n"
                        "      - { json: /total, in: [ 1, 2 ] }\n"
                        "      - { capture: lime, equals: 3 }\n"
                        "  - { source: hook, topic: x, channel: y }\n"
                        "  - { source: hook, topic: x, channel: \"a\\nb\" }\n"
                        "  - { source: hook, topic: x, channel: y, event: runnel.live }\n");
    assert_null(y.table);
    assert_string_equal(
        y.problems,
        "t.yaml:7:12: routes[0].topic: a { is never closed: write {{ for the brace itself\n"
        "t.yaml:11:14: routes[1].channel: \"lnie\" is unknown (did you mean {line}?)\n"
        "t.yaml:12:12: routes[1].event: \"type\" is no JSON pointer: it begins with a slash, as in "
        "/order/total, and is empty for the whole payload\n"
        "t.yaml:13:11: routes[1].data: a } closes nothing: write }} for the brace itself\n"
        "t.yaml:15:17: routes[1].when[0].json: \"total\" is no JSON pointer: it begins with a "
        "slash, "
        "as in /order/total, and is empty for the whole payload\n"
        "t.yaml:16:29: routes[1].when[1].gt: \"many\" is no number\n"
        "t.yaml:18:20: routes[1].when[3].capture: \"lime\" is unknown (did you mean {line}?)\n"
        "t.yaml:20:40: routes[3].channel: is no channel name: 1 to 255 bytes of UTF-8 without "
        "control characters\n"
        "t.yaml:21:50: routes[4].event: is no event name: at most 255 bytes of UTF-8 without line "
        "ends; runnel.* is reserved\n");
    yaml_table_fini(&y);
}

static void
test_new_of_mixed_shared_groups_is_reported(void **state)
{
    (void)state;
    struct yaml_table y;
    yaml_table_init(&y, "  - { source: plant, topic: $share/g/a, channel: c }\n"
                        "  - { source: shop, topic: $share/h/a, channel: c }\n" /* a plain name */
                        "  - { source: plant, topic: $share/g/b, channel: c }\n"
                        "  - { source: plant, topic: $share/h/a, channel: c }\n"
                        "  - { source: plant, topic: a, channel: c }\n");
    assert_null(y.table);
    assert_non_null(strstr(y.problems,
                           "t.yaml:9:29: routes[3].topic: differs from routes[0] in its "
                           "$share group"));
    assert_non_null(strstr(y.problems, "t.yaml:10:29: routes[4].topic: differs from routes[0]"));
    assert_null(strstr(y.problems, "routes[1]"));
    assert_null(strstr(y.problems, "routes[2]"));
    yaml_table_fini(&y);
}

static void
test_new_of_one_shared_group_matches_without_it(void **state)
{
    (void)state;
    struct yaml_table y;
    struct outcome outcome;
    size_t length;
    yaml_table_init(&y, "  - { source: plant, topic: \"$share/g/a/{x}\", channel: \"c/{x}\" }\n");
    const struct table_subscription *list = table_subscriptions(y.table, PLANT, &length);
    assert_int_equal(length, 1);
    assert_string_equal(list[0].filter, "$share/g/a/+");
    yaml_table_route(&y, PLANT, STR("a/1"), STR("p"), &outcome);
    assert_string_equal(outcome.text, "0 c/1||p\n");
    yaml_table_fini(&y);
}

#define YAML_STREAM "sources: {s: {type: redis-stream, url: redis://h}}\nroutes:\n"

static void
test_new_of_stream_topics_takes_names_only(void **state)
{
    (void)state;
    struct yaml_table y;
    yaml_table_init_file(&y, YAML_STREAM "  - { source: s, topic: \"orders:*\", channel: a }\n"
                                         "  - { source: s, topic: \"orders:{x}\", channel: b }\n"
                                         "  - { source: s, topic: orders, channel: c }\n");
    assert_null(y.table);
    assert_non_null(
        strstr(y.problems, "t.yaml:3:25: routes[0].topic: must be the key of one stream"));
    assert_non_null(
        strstr(y.problems, "t.yaml:4:25: routes[1].topic: must be the key of one stream"));
    assert_null(strstr(y.problems, "routes[2]"));
    yaml_table_fini(&y);
}

static void
test_new_of_stream_topics_subscribes_each_key_once(void **state)
{
    (void)state;
    struct yaml_table y;
    struct outcome outcome;
    size_t length;
    yaml_table_init_file(&y, YAML_STREAM "  - { source: s, topic: \"a\\\\*b\", channel: c }\n"
                                         "  - { source: s, topic: orders, channel: d }\n"
                                         "  - { source: s, topic: orders, channel: e }\n");
    const struct table_subscription *list = table_subscriptions(y.table, 0, &length);
    assert_int_equal(length, 2);
    assert_string_equal(list[0].filter, "a*b");
    assert_string_equal(list[1].filter, "orders");
    yaml_table_route(&y, 0, STR("orders"), STR("p"), &outcome);
    assert_string_equal(outcome.text, "1 d||p\n2 e||p\n");
    yaml_table_fini(&y);
}

static void
test_miss_text_has_a_word_for_each_reason(void **state)
{
    (void)state;
    for (int i = 0; i < TABLE_MISS_COUNT; i++) {
        assert_non_null(table_miss_text((enum table_miss)i));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_of_each_case_visits_its_routes_in_order),
        cmocka_unit_test(test_route_without_on_miss_visits_events_only),
        cmocka_unit_test(test_route_of_bytes_follows_not_utf8),
        cmocka_unit_test(test_route_of_a_payload_at_max_bytes_makes_an_event_and_beyond_none),
        cmocka_unit_test(test_route_of_a_channel_name_at_the_limit_makes_an_event_and_beyond_none),
        cmocka_unit_test(test_route_with_several_reasons_tells_the_first),
        cmocka_unit_test(test_subscriptions_of_each_source_are_its_own),
        cmocka_unit_test(test_subscription_is_first_of_overlapping_topics_takes_one_copy),
        cmocka_unit_test(test_new_of_a_bad_table_reports_all_problems_with_their_marks),
        cmocka_unit_test(test_new_of_mixed_shared_groups_is_reported),
        cmocka_unit_test(test_new_of_one_shared_group_matches_without_it),
        cmocka_unit_test(test_new_of_stream_topics_takes_names_only),
        cmocka_unit_test(test_new_of_stream_topics_subscribes_each_key_once),
        cmocka_unit_test(test_miss_text_has_a_word_for_each_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
