#undef NDEBUG
#include "generator/json_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What `write` has written must be `expected`. */
static void
assert_written(void (*write)(struct json_writer *w), const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    struct json_writer w;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    json_writer_init(&w, to);
    write(&w);
    fclose(to);
    assert_string_equal(text, expected);
    free(text);
}

static void
write_all_kinds(struct json_writer *w)
{
    json_begin(w, NULL, JSON_OBJECT);
    json_begin(w, "line", JSON_LINE);
    json_write_text(w, NULL, STR("a"));
    json_write_number(w, NULL, 7);
    json_end(w);
    json_begin(w, "empty", JSON_ARRAY);
    json_end(w);
    json_begin_unless_empty(w, "nothing", JSON_OBJECT);
    json_end(w);
    json_begin_unless_empty(w, "something", JSON_LINE);
    json_write_text(w, NULL, STR("b"));
    json_end(w);
    json_begin(w, "list", JSON_ARRAY);
    json_begin(w, NULL, JSON_OBJECT);
    json_write_bool(w, "yes", true);
    json_write_bool(w, "no", false);
    json_end(w);
    json_end(w);
    json_end(w);
}

static void
test_json_writer_puts_commas_names_and_lines(void **state)
{
    (void)state;
    assert_written(write_all_kinds, "{\n"
                                    "  \"line\": [\"a\", 7],\n"
                                    "  \"empty\": [],\n"
                                    "  \"something\": [\"b\"],\n"
                                    "  \"list\": [\n"
                                    "    {\n"
                                    "      \"yes\": true,\n"
                                    "      \"no\": false\n"
                                    "    }\n"
                                    "  ]\n"
                                    "}\n");
}

static void
write_odd_text(struct json_writer *w)
{
    json_begin(w, NULL, JSON_LINE);
    json_write_text(w, NULL, STR("\"\\\n\x1f/\xc3\xa4"));
    json_end(w);
}

static void
test_json_writer_escapes_what_must_be(void **state)
{
    (void)state;
    assert_written(write_odd_text, "[\"\\\"\\\\\\u000a\\u001f/\xc3\xa4\"]\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_writer_puts_commas_names_and_lines),
        cmocka_unit_test(test_json_writer_escapes_what_must_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
