#undef NDEBUG
#include "table_from_yaml.h"

struct render_case {
    const char *template; /* of `data`, as it stands in YAML's single quotes */
    const char *payload;
    const char *data; /* NULL: the extraction fails */
};

/* The topic is "orders.berlin.paid": captures shop = berlin, what-now_2 = paid. */
static const struct render_case cases[] = {
    {"plain", "", "plain"},
    {"{shop}", "", "berlin"},
    {"{what-now_2}", "", "paid"},
    {"<{shop}/{what-now_2}>", "", "<berlin/paid>"},
    {"{shop}{shop}", "", "berlinberlin"},
    {"{topic}", "", "orders.berlin.paid"},
    {"{source}", "", "shop"},
    {"{{", "", "{"},
    {"}}", "", "}"},
    {"{{shop}}", "", "{shop}"},
    {"{{{shop}}}", "", "{berlin}"},
    {"a{{b}}c{{", "", "a{b}c{"},
    {"{json:}", "[1, 2]", "[1, 2]"},
    {"{json:}", " 5 ", "5"},
    {"{json:}", "\"a\\tb\"", "a\tb"},
    {"{json:/a}", "{\"a\":\"x\"}", "x"},
    {"{json:/a}", "{\"a\":\"\"}", ""},
    {"{json:/a}", "{\"a\":\"q\\\"\\\\\\/\\n\"}", "q\"\\/\n"},
    {"{json:/a}", "{\"a\":\"\\u017e\\ud83d\\ude00\"}", "ž😀"},
    {"{json:/a}", "{\"a\":\"ž\"}", "ž"},
    {"{json:/a}", "{\"a\":1.50}", "1.50"},
    {"{json:/a}", "{\"a\":-1E+2}", "-1E+2"},
    {"{json:/a}", "{\"a\":12345678901234567890}", "12345678901234567890"},
    {"{json:/a}", "{\"a\":true}", "true"},
    {"{json:/a}", "{\"a\":false}", "false"},
    {"{json:/a}", "{\"a\":null}", "null"},
    {"{json:/a}", "{\"a\":{ \"b\": [1, \"\\n\"] }}", "{ \"b\": [1, \"\\n\"] }"},
    {"{json:/a}", "{\"a\":[ ]}", "[ ]"},
    {"{json:/a/0/b}", "{\"a\":[{\"b\":7}]}", "7"},
    {"{json:/a~1b}", "{\"a/b\":1}", "1"},
    {"{json:/a}-{json:/b}-{shop}", "{\"b\":2,\"a\":1}", "1-2-berlin"},
    {"{json:/ }", "{\" \":1}", "1"},
    /* what is not there */
    {"{json:/a}", "{}", NULL},
    {"{json:/a}", "[]", NULL},
    {"{json:/a}", "", NULL},
    {"{json:/a}", "no json", NULL},
    {"{json:/a}", "{\"a\":1", NULL},
    {"{json:/a}", "{\"a\":1}}", NULL},
    {"{json:/a}", "{\"a\":\"\xff\"}", NULL},
    {"{json:/a}", "{\"a\":\"\\ud800\"}", NULL},
    {"x{json:/a}", "{\"a\":\"before\\ud800\"}", NULL},
    {"{json:/a}{json:/b}", "{\"a\":1}", NULL},
};

static void
make_table(struct yaml_table *y, const char *template, const char *on_error)
{
    char routes[256];
    snprintf(routes, sizeof(routes),
             "  - source: shop\n"
             "    topic: \"orders.{shop}.{what-now_2}\"\n"
             "    channel: c\n"
             "    on_error: %s\n"
             "    data: '%s'\n",
             on_error, template);
    yaml_table_init(y, routes);
}

static void
test_render_of_each_case_gives_its_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct render_case *c = &cases[i];
        struct yaml_table y;
        struct outcome outcome;
        char wanted[256] = "0 !extract\n";
        if (c->data != NULL) {
            snprintf(wanted, sizeof(wanted), "0 c||%s\n", c->data);
        }
        make_table(&y, c->template, "drop");
        yaml_table_route(&y, SHOP, STR("orders.berlin.paid"), str_from(c->payload), &outcome);
        if (strcmp(outcome.text, wanted) != 0) {
            fail_msg("%s of %s: %s", c->template, c->payload, outcome.text);
        }
        yaml_table_fini(&y);
    }
}

struct lenient_case {
    const char *template;
    const char *payload;
    const char *data;
};

static const struct lenient_case lenient_cases[] = {
    {"{json:/a}", "{}", ""},
    {"<{json:/a}>", "no json", "<>"},
    {"<{json:/a}>", "{\"a\":\"before\\ud800\"}", "<>"}, /* not the half that came out */
    {"{json:/a}-{json:/b}", "{\"b\":2}", "-2"},
    {"{json:/a}", "{\"a\":1}", "1"},
};

static void
test_render_with_on_error_pass_puts_nothing_where_nothing_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lenient_cases) / sizeof(lenient_cases[0]); i++) {
        struct yaml_table y;
        struct outcome outcome;
        char wanted[256];
        snprintf(wanted, sizeof(wanted), "0 c||%s\n", lenient_cases[i].data);
        make_table(&y, lenient_cases[i].template, "pass");
        yaml_table_route(&y, SHOP, STR("orders.a.b"), str_from(lenient_cases[i].payload), &outcome);
        assert_string_equal(outcome.text, wanted);
        yaml_table_fini(&y);
    }
}

struct problem_case {
    const char *template;
    const char *lines[4];
};

static const struct problem_case problem_cases[] = {
    {"{", {"routes[0].data: a { is never closed: write {{ for the brace itself"}},
    {"a{shop", {"a { is never closed"}},
    {"}", {"a } closes nothing: write }} for the brace itself"}},
    {"{shop}}", {"a } closes nothing"}},
    {"{shopp}", {"\"shopp\" is unknown (did you mean {shop}?)"}},
    {"{Topic}", {"\"Topic\" is unknown (did you mean {topic}?)"}},
    {"{ shop }", {"\" shop \" is unknown (did you mean {shop}?)"}},
    {"{xxxxxxxx}",
     {"\"xxxxxxxx\" is unknown: there are {shop}, {what-now_2}, {topic}, {source} and "
      "{json:/pointer}"}},
    {"{}", {"\"\" is unknown"}},
    {"{json:a}", {"\"a\" is no JSON pointer: it begins with a slash"}},
    {"{json:/a~}", {"write ~0 for a tilde"}},
    {"{json:/a{b}", {"a { is never closed", "\"b\" is unknown"}},
    {"{shopp}-{json:a}-}", {"\"shopp\" is unknown", "\"a\" is no JSON pointer", "closes nothing"}},
};

static size_t
count_lines(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

static void
check_problem_case(const struct problem_case *c)
{
    struct yaml_table y;
    size_t lines = 0;
    make_table(&y, c->template, "drop");
    for (; c->lines[lines] != NULL; lines++) {
        if (strstr(y.problems, c->lines[lines]) == NULL) {
            fail_msg("\"%s\" is missing in\n%s", c->lines[lines], y.problems);
        }
    }
    assert_int_equal(count_lines(y.problems), lines);
    yaml_table_fini(&y);
}

static void
test_init_of_each_bad_template_reports_all_its_problems(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(problem_cases) / sizeof(problem_cases[0]); i++) {
        check_problem_case(&problem_cases[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_render_of_each_case_gives_its_text),
        cmocka_unit_test(test_render_with_on_error_pass_puts_nothing_where_nothing_is),
        cmocka_unit_test(test_init_of_each_bad_template_reports_all_its_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
