#undef NDEBUG
#include "table_from_yaml.h"

struct holds_case {
    const char *when;
    const char *payload;
    bool holds;
};

/* The topic is "orders.007.x-1": captures number = 007, word = x-1. */
static const struct holds_case cases[] = {
    /* numbers, by value */
    {"json: /n, equals: 5", "{\"n\":5}", true},
    {"json: /n, equals: 5", "{\"n\":5.0}", true},
    {"json: /n, equals: 5", "{\"n\":50e-1}", true},
    {"json: /n, equals: 5.0", "{\"n\":5}", true},
    {"json: /n, equals: -5", "{\"n\":-5}", true},
    {"json: /n, equals: 5", "{\"n\":6}", false},
    {"json: /n, equals: 5", "{\"n\":\"5\"}", false},
    {"json: /n, equals: \"5\"", "{\"n\":\"5\"}", true},
    {"json: /n, equals: \"5\"", "{\"n\":5}", false},
    {"json: /n, equals: 9007199254740993", "{\"n\":9007199254740992}", false},
    {"json: /n, equals: 0", "{\"n\":false}", false},
    {"json: /n, equals: 0", "{\"n\":null}", false},
    {"json: /n, equals: 0", "{\"n\":\"\"}", false},
    /* true, false, null */
    {"json: /b, equals: true", "{\"b\":true}", true},
    {"json: /b, equals: true", "{\"b\":false}", false},
    {"json: /b, equals: true", "{\"b\":\"true\"}", false},
    {"json: /b, equals: \"true\"", "{\"b\":\"true\"}", true},
    {"json: /b, equals: \"true\"", "{\"b\":true}", false},
    {"json: /b, equals: true", "{\"b\":1}", false},
    {"json: /b, equals: false", "{\"b\":false}", true},
    {"json: /b, equals: null", "{\"b\":null}", true},
    {"json: /b, equals: null", "{}", false},
    {"json: /b, equals: null", "{\"b\":0}", false},
    /* strings */
    {"json: /s, equals: paid", "{\"s\":\"paid\"}", true},
    {"json: /s, equals: paid", "{\"s\":\"Paid\"}", false},
    {"json: /s, equals: paid", "{\"s\":\"p\\u0061id\"}", true},
    {"json: /s, equals: \"\"", "{\"s\":\"\"}", true},
    {"json: /s, equals: \"\"", "{}", false},
    {"json: /s, equals: \"a\\nb\"", "{\"s\":\"a\\nb\"}", true},
    {"json: /s, equals: \"ž😀\"", "{\"s\":\"\\u017e\\ud83d\\ude00\"}", true},
    {"json: /s, equals: True", "{\"s\":\"True\"}", true}, /* only JSON's own words are more */
    {"json: /s, equals: 0x10", "{\"s\":\"0x10\"}", true},
    {"json: /s, equals: \"[1]\"", "{\"s\":[1]}", false},
    {"json: /s, equals: \"\"", "{\"s\":\"\\ud800\"}", false},
    /* not_equals: also where there is nothing */
    {"json: /n, not_equals: 5", "{\"n\":6}", true},
    {"json: /n, not_equals: 5", "{\"n\":5.0}", false},
    {"json: /n, not_equals: 5", "{\"n\":\"5\"}", true},
    {"json: /n, not_equals: 5", "{}", true},
    {"json: /n, not_equals: 5", "no json", true},
    {"json: /n, not_equals: null", "{\"n\":null}", false},
    {"json: /n, not_equals: null", "{}", true},
    /* in, not_in */
    {"json: /s, in: [a, b]", "{\"s\":\"b\"}", true},
    {"json: /s, in: [a, b]", "{\"s\":\"c\"}", false},
    {"json: /s, in: [a, 5, null]", "{\"s\":5.0}", true},
    {"json: /s, in: [a, 5, null]", "{\"s\":null}", true},
    {"json: /s, in: [a, 5, null]", "{\"s\":\"5\"}", false},
    {"json: /s, in: [a, b]", "{}", false},
    {"json: /s, not_in: [a, b]", "{\"s\":\"b\"}", false},
    {"json: /s, not_in: [a, b]", "{\"s\":\"c\"}", true},
    {"json: /s, not_in: [a, b]", "{}", true},
    {"json: /s, not_in: [a, b]", "{\"s\":{}}", true},
    /* order */
    {"json: /n, gt: 0", "{\"n\":0.001}", true},
    {"json: /n, gt: 0", "{\"n\":0}", false},
    {"json: /n, gt: 0", "{\"n\":-1}", false},
    {"json: /n, gte: 0", "{\"n\":0}", true},
    {"json: /n, gte: 0", "{\"n\":-0.0}", true},
    {"json: /n, gte: 0", "{\"n\":-1e-9}", false},
    {"json: /n, lt: 10", "{\"n\":9.99}", true},
    {"json: /n, lt: 10", "{\"n\":10}", false},
    {"json: /n, lte: 10", "{\"n\":1e1}", true},
    {"json: /n, lte: 10", "{\"n\":10.1}", false},
    {"json: /n, gt: 0", "{\"n\":\"1\"}", false},
    {"json: /n, gt: 0", "{\"n\":true}", false},
    {"json: /n, lt: 0", "{\"n\":null}", false},
    {"json: /n, lt: 0", "{}", false},
    {"json: /n, lte: 0", "no json", false},
    /* exists */
    {"json: /n, exists: true", "{\"n\":1}", true},
    {"json: /n, exists: true", "{\"n\":null}", true},
    {"json: /n, exists: true", "{\"n\":\"\\ud800\"}", true},
    {"json: /n, exists: true", "{}", false},
    {"json: /n, exists: true", "no json", false},
    {"json: /n, exists: false", "{\"n\":1}", false},
    {"json: /n, exists: false", "{}", true},
    {"json: /n, exists: false", "\xff", true},
    {"json: \"\", exists: true", "[]", true},
    {"json: \"\", exists: true", "", false},
    {"json: \"\", equals: 5", "5", true},
    {"json: /a/1, equals: b", "{\"a\":[\"x\",\"b\"]}", true},
    /* captures */
    {"capture: number, equals: 7", "", true},
    {"capture: number, equals: 007", "", true},
    {"capture: number, equals: 7.0", "", true},
    {"capture: number, equals: \"7\"", "", false},
    {"capture: number, equals: \"007\"", "", true},
    {"capture: number, gt: 6.9", "", true},
    {"capture: number, lt: 7", "", false},
    {"capture: number, in: [6, 7]", "", true},
    {"capture: word, equals: x-1", "", true},
    {"capture: word, not_equals: x-1", "", false},
    {"capture: word, not_equals: 5", "", true},
    {"capture: word, gt: 0", "", false},
    {"capture: word, in: [x-1, x-2]", "", true},
    {"capture: word, not_in: [x-1, x-2]", "", false},
    {"capture: word, exists: true", "", true},
    {"capture: word, exists: false", "", false},
};

static void
check_case(const struct holds_case *c)
{
    char routes[256];
    struct yaml_table y;
    struct outcome outcome;
    snprintf(routes, sizeof(routes),
             "  - { source: shop, topic: \"orders.{number}.{word}\", channel: c, data: \"-\",\n"
             "      when: [ { %s } ] }\n",
             c->when);
    yaml_table_init(&y, routes);
    yaml_table_route(&y, SHOP, STR("orders.007.x-1"), str_from(c->payload), &outcome);
    assert_int_equal(outcome.matched, 1);
    if (strcmp(outcome.text, c->holds ? "0 c||-\n" : "0 !when\n") != 0) {
        fail_msg("%s on %s: %s", c->when, c->payload, outcome.text);
    }
    yaml_table_fini(&y);
}

static void
test_holds_of_each_case_is_as_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_case(&cases[i]);
    }
}

static void
test_holds_of_several_conditions_takes_them_all(void **state)
{
    (void)state;
    struct yaml_table y;
    struct outcome outcome;
    yaml_table_init(&y, "  - source: shop\n"
                        "    topic: a\n"
                        "    channel: c\n"
                        "    when: [ { json: /n, gt: 0 }, { json: /n, lt: 10 } ]\n");
    yaml_table_route(&y, SHOP, STR("a"), STR("{\"n\":5}"), &outcome);
    assert_string_equal(outcome.text, "0 c||{\"n\":5}\n");
    yaml_table_route(&y, SHOP, STR("a"), STR("{\"n\":0}"), &outcome);
    assert_string_equal(outcome.text, "0 !when\n");
    yaml_table_route(&y, SHOP, STR("a"), STR("{\"n\":10}"), &outcome);
    assert_string_equal(outcome.text, "0 !when\n");
    yaml_table_fini(&y);
}

struct problem_case {
    const char *when;
    const char *line;
};

static const struct problem_case problem_cases[] = {
    {"json: n, equals: 5", "routes[0].when[0].json: \"n\" is no JSON pointer"},
    {"capture: wrd, equals: 5",
     "routes[0].when[0].capture: \"wrd\" is unknown (did you mean {word}?)"},
    {"capture: zzzzzz, equals: 5",
     "routes[0].when[0].capture: \"zzzzzz\" is unknown: the topic captures {number}, {word}"},
    {"capture: topic, equals: 5", "routes[0].when[0].capture: \"topic\" is unknown"},
    {"json: /n, gt: abc", "routes[0].when[0].gt: \"abc\" is no number\n"},
    {"json: /n, lte: \"5\"", "routes[0].when[0].lte: \"5\" is no number: leave the quotes out"},
    {"json: /n, gt: true", "routes[0].when[0].gt: \"true\" is no number"},
};

static void
test_init_of_each_bad_condition_reports_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(problem_cases) / sizeof(problem_cases[0]); i++) {
        char routes[256];
        struct yaml_table y;
        snprintf(routes, sizeof(routes),
                 "  - { source: shop, topic: \"orders.{number}.{word}\", channel: c,\n"
                 "      when: [ { %s } ] }\n",
                 problem_cases[i].when);
        yaml_table_init(&y, routes);
        assert_null(y.table);
        if (strstr(y.problems, problem_cases[i].line) == NULL ||
            strstr(y.problems, "t.yaml:7:") == NULL) {
            fail_msg("%s", y.problems);
        }
        yaml_table_fini(&y);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_of_each_case_is_as_documented),
        cmocka_unit_test(test_holds_of_several_conditions_takes_them_all),
        cmocka_unit_test(test_init_of_each_bad_condition_reports_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
