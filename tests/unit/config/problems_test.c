#undef NDEBUG
#include "parsing.h"

#include <string.h>

static void
assert_prints(struct problems *p, const char *expected)
{
    char *said = said_of(p);
    assert_string_equal(said, expected);
    free(said);
    problems_free(p);
}

static void
test_problems_added_in_any_order_print_in_the_files(void **state)
{
    (void)state;
    struct problems *p = problems_new("a.yaml");
    problems_add(p, (struct config_mark){3, 1}, "c", "third");
    problems_add(p, (struct config_mark){1, 9}, "b", "second");
    problems_add(p, (struct config_mark){1, 2}, "a", "first");
    problems_add(p, (struct config_mark){3, 1}, "d", "%s", "fourth");
    problems_add(p, (struct config_mark){0, 0}, "", "of the file");
    assert_int_equal(problems_length(p), 5);
    assert_prints(p, "a.yaml: of the file\n"
                     "a.yaml:1:2: a: first\n"
                     "a.yaml:1:9: b: second\n"
                     "a.yaml:3:1: c: third\n"
                     "a.yaml:3:1: d: fourth\n");
}

static void
test_problems_beyond_what_is_kept_are_counted(void **state)
{
    (void)state;
    struct problems *p = problems_new("f");
    for (unsigned i = 1; i <= PROBLEMS_KEPT_MAX; i++) {
        problems_add(p, (struct config_mark){i, 1}, "", "x");
    }
    char *said = said_of(p);
    assert_null(strstr(said, "more"));
    free(said);
    problems_add(p, (struct config_mark){1, 1}, "", "x");
    problems_add(p, (struct config_mark){1, 1}, "", "x");
    assert_int_equal(problems_length(p), PROBLEMS_KEPT_MAX + 2);
    said = said_of(p);
    assert_non_null(strstr(said, "f:1000:1: x\nf: 2 more problems\n"));
    free(said);
    problems_free(p);
}

static void
test_problems_with_control_characters_show_them_as_hex(void **state)
{
    (void)state;
    struct problems *p = problems_new("f");
    problems_add(p, (struct config_mark){1, 1}, "a\nb",
                 "\x1b[2J\x7f \xc2\x9b \xc3\xa9 \xf0\x9f\x98\x80");
    problems_add(p, (struct config_mark){2, 1}, "", "not UTF-8: \xff\xc2");
    assert_prints(p, "f:1:1: a\\x0ab: \\x1b[2J\\x7f \\xc2\\x9b \xc3\xa9 \xf0\x9f\x98\x80\n"
                     "f:2:1: not UTF-8: \\xff\\xc2\n");
}

static void
test_problems_too_long_are_cut_between_characters(void **state)
{
    (void)state;
    char path[2001];
    char text[3001];
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\xa9", 2);
    }
    text[sizeof(text) - 1] = '\0';
    struct problems *p = problems_new("f");
    problems_add(p, (struct config_mark){1, 1}, path, "%s", text);
    problems_add(p, (struct config_mark){2, 1}, "k", "%s", text);
    char *said = said_of(p);
    assert_null(strstr(said, "\\x")); /* half a character would be shown as hex */
    assert_non_null(strstr(said, "ppp: \xc3\xa9"));
    assert_in_range(strlen(said), 1900, 2100);
    free(said);
    problems_free(p);
}

static void
test_problems_suggest_the_nearest_word_within_a_third(void **state)
{
    (void)state;
    static const char *const known[] = {"listen", "workers", "page", "head_bytes", "head_timeout"};
    static const struct {
        const char *word;
        const char *near;
    } cases[] = {
        {"lisen", "listen"},
        {"lsiten", "listen"},
        {"listen", "listen"},
        {"LISTEN", "listen"},
        {"worker", "workers"},
        {"wrokers", "workers"},
        {"head-bytes", "head_bytes"},
        {"headtimeout", "head_timeout"},
        {"head_timeouts", "head_timeout"},
        {"pge", "page"},
        {"p", NULL},
        {"", NULL},
        {"something", NULL},
        {"lxxxen", NULL},
        {"head", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *near = problems_suggest(str_from(cases[i].word), known, 5);
        if (cases[i].near == NULL) {
            assert_null(near);
        } else {
            assert_non_null(near);
            assert_string_equal(near, cases[i].near);
        }
    }
}

static void
test_problems_suggest_around_the_size_limit(void **state)
{
    (void)state;
    char word[66];
    memset(word, 'a', sizeof(word));
    word[64] = '\0';
    const char *known[] = {word};
    assert_ptr_equal(problems_suggest((struct str){word, 63}, known, 1), word);
    assert_ptr_equal(problems_suggest((struct str){word, 64}, known, 1), word);
    word[64] = 'a';
    word[65] = '\0';
    assert_null(problems_suggest((struct str){word, 64}, known, 1)); /* the known one has 65 */
    assert_null(problems_suggest((struct str){word, 65}, known, 1));
    assert_null(problems_suggest(STR("a"), NULL, 0));
}

static void
assert_excerpt(const char *value, const char *expected)
{
    char text[PROBLEMS_EXCERPT_SIZE];
    assert_string_equal(problems_excerpt(str_from(value), text), expected);
}

static void
test_problems_excerpt_never_shows_user_and_password(void **state)
{
    (void)state;
    assert_excerpt("", "\"\"");
    assert_excerpt("8080", "\"8080\"");
    assert_excerpt("https://a.example/x", "\"https://a.example/x\"");
    assert_excerpt("redis://user:hunter2@host", "\"redis://…\"");
    assert_excerpt("redis://:hunter2@host:6379/0", "\"redis://…\"");
    assert_excerpt("user:hunter2@host", "\"…\"");
    assert_excerpt("a://b@c:hunter2@d", "\"a://…\"");
    assert_excerpt("me@example.org", "\"me@example.org\""); /* no password in front of it */
}

static void
test_problems_excerpt_around_the_size_limit(void **state)
{
    (void)state;
    char value[101];
    char expected[60];
    memset(value, 'x', sizeof(value));
    value[48] = '\0';
    snprintf(expected, sizeof(expected), "\"%.48s\"", value);
    assert_excerpt(value, expected);
    value[48] = 'x';
    value[49] = '\0';
    snprintf(expected, sizeof(expected), "\"%.48s…\"", value);
    assert_excerpt(value, expected);
    memcpy(value + 47, "\xc3\xa9xx", 5); /* the cut would be in the middle of it */
    snprintf(expected, sizeof(expected), "\"%.47s…\"", value);
    assert_excerpt(value, expected);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problems_added_in_any_order_print_in_the_files),
        cmocka_unit_test(test_problems_beyond_what_is_kept_are_counted),
        cmocka_unit_test(test_problems_with_control_characters_show_them_as_hex),
        cmocka_unit_test(test_problems_too_long_are_cut_between_characters),
        cmocka_unit_test(test_problems_suggest_the_nearest_word_within_a_third),
        cmocka_unit_test(test_problems_suggest_around_the_size_limit),
        cmocka_unit_test(test_problems_excerpt_never_shows_user_and_password),
        cmocka_unit_test(test_problems_excerpt_around_the_size_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
