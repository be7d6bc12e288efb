#undef NDEBUG
#include "config/document.h"
#include "parsing.h"

#include <string.h>

/* A text that is made piece by piece. */
static void
add(struct buf *text, const char *piece)
{
    assert_int_equal(buf_append_str(text, str_from(piece)), 0);
}

static void
add_times(struct buf *text, const char *piece, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        add(text, piece);
    }
}

/* What is said about a text; the outcome. */
static int
load(struct str text, const char *said)
{
    yaml_document_t document;
    struct problems *problems = problems_new("f");
    int err = document_load(text, problems, &document);
    char *actual = said_of(problems);
    assert_string_equal(actual, said);
    if (err == 0) {
        yaml_document_delete(&document);
    }
    free(actual);
    problems_free(problems);
    return err;
}

/* What is said about a text that never becomes a document; "" where it does. */
static void
assert_document(struct str text, const char *said)
{
    assert_int_equal(load(text, said), said[0] == '\0' ? 0 : ERR_CONFIG);
}

static void
assert_buf_document(struct buf *text, const char *said)
{
    assert_document(buf_str(text), said);
    buf_fini(text);
}

static void
test_document_load_of_plain_yaml_is_good(void **state)
{
    (void)state;
    assert_document(STR(""), "");
    assert_document(STR_NULL, "");
    assert_document(STR("# nothing\n"), "");
    assert_document(STR("a: [b, {c: d}]\n"), "");
    assert_document(STR("%YAML 1.1\n---\na: b\n...\n"), "");
    assert_document(STR("a: &x b\nc: *x\nd: *x\n"), "");
    assert_document(STR("\xef\xbb\xbf"
                        "a: b\n"),
                    "");
}

static void
test_document_load_of_wrong_syntax_says_line_and_column(void **state)
{
    (void)state;
#define HELP " (a text with signs such as { [ * : needs quotes)\n"
    assert_document(STR("a: b\n c: d\n"),
                    "f:2:3: YAML syntax: mapping values are not allowed in this context" HELP);
    assert_document(STR("a: 'b\n"), "f:2:1: YAML syntax: found unexpected end of stream, while "
                                    "scanning a quoted scalar in line 1" HELP);
    assert_document(STR("a: [b\nc: d\n"), "f:2:2: YAML syntax: did not find expected ',' or ']', "
                                          "while parsing a flow sequence in line 1" HELP);
    assert_document(STR("a:\n\tb: c\n"),
                    "f:2:1: YAML syntax: found character that cannot start any "
                    "token, while scanning for the next token in line 2" HELP);
    assert_document(STR("\xc3\xa9\xc3\xa9: }\n"),
                    "f:1:5: YAML syntax: did not find expected node content, while parsing a block "
                    "node in line 1" HELP);
    assert_document(STR("a: *.b\n"),
                    "f:1:5: YAML syntax: did not find expected alphabetic or numeric "
                    "character, while scanning an alias in line 1" HELP);
    assert_document(STR("a: *b\n"), "f:1:4: YAML syntax: found undefined alias" HELP);
    assert_document(STR("a: &b 1\nc: &b 2\n"), "f:2:4: YAML syntax: second occurrence, found "
                                               "duplicate anchor; first occurrence in line 1" HELP);
}

static void
test_document_load_of_a_byte_order_mark_does_not_shift_columns(void **state)
{
    (void)state;
    assert_document(STR("\xef\xbb\xbf"
                        "a: *b\n"),
                    "f:1:4: YAML syntax: found undefined alias" HELP);
}

static void
test_document_load_of_bytes_that_are_not_utf8_says_where(void **state)
{
    (void)state;
    assert_document(STR("a: b\nc: \xc3\xa9\xff\n"), "f:2:5: not UTF-8\n");
    assert_document(STR("\xff\xfe"
                        "a\0:\0"),
                    "f:1:1: not UTF-8\n"); /* UTF-16 */
    assert_document(STR("a: \xc3"), "f:1:4: not UTF-8\n");
    assert_document(STR("a: \xed\xa0\x80"), "f:1:4: not UTF-8\n"); /* a surrogate */
}

static void
test_document_load_of_control_characters_says_where(void **state)
{
    (void)state;
    assert_document(STR("a: b\nc: \x1b[2J\n"),
                    "f:2:4: YAML syntax: control characters are not allowed\n");
    assert_document(STR("a: b\0c\n"), "f:1:5: YAML syntax: control characters are not allowed\n");
}

static void
test_document_load_of_several_documents_is_refused(void **state)
{
    (void)state;
    assert_document(STR("a: b\n---\nc: d\n"), "f:2:1: a second document (expected one)\n");
    assert_document(STR("---\na: b\n"), "");
}

static void
test_document_load_of_tags_names_each_and_goes_on(void **state)
{
    (void)state;
    int err = load(STR("a: !!int 5\nb: !x {}\nc: !!str 5\nd: ! 5\n"),
                   "f:1:4: a YAML tag (expected none: quotes make a text)\n"
                   "f:2:4: a YAML tag (expected none: quotes make a text)\n"
                   "f:3:4: a YAML tag (expected none: quotes make a text)\n"
                   "f:4:4: a YAML tag (expected none: quotes make a text)\n");
    assert_int_equal(err, 0);
}

static void
test_document_load_around_the_size_limit(void **state)
{
    (void)state;
    for (size_t size = DOCUMENT_SIZE_MAX - 1; size <= DOCUMENT_SIZE_MAX + 1; size++) {
        char *text = malloc(size);
        assert_non_null(text);
        memset(text, ' ', size);
        assert_document((struct str){text, size},
                        size <= DOCUMENT_SIZE_MAX ? "" : "f: larger than 8 MiB\n");
        free(text);
    }
}

static void
test_document_load_around_the_depth_limit(void **state)
{
    (void)state;
    static const char *const open[] = {"[", "{a: ", "- "};
    for (size_t form = 0; form < 3; form++) {
        for (size_t depth = DOCUMENT_DEPTH_MAX; depth <= DOCUMENT_DEPTH_MAX + 1; depth++) {
            char said[128] = "";
            struct buf text;
            buf_init(&text, 1 << 20);
            add_times(&text, open[form], depth);
            add(&text, "x");
            add_times(&text, form == 0 ? "]" : form == 1 ? "}" : "", depth);
            if (depth > DOCUMENT_DEPTH_MAX) {
                snprintf(said, sizeof(said),
                         "f:1:%zu: too many values within values (expected at most 32)\n",
                         DOCUMENT_DEPTH_MAX * strlen(open[form]) + 1);
            }
            assert_buf_document(&text, said);
        }
    }
}

/* libyaml's time for these grows with the square, or without bound. */
static void
test_document_load_of_very_deep_nesting_ends_at_the_limit(void **state)
{
    (void)state;
    static const char *const pieces[] = {"[", "[\n", "{", "- ", "? ", "{a: "};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        yaml_document_t document;
        struct problems *problems = problems_new("f");
        struct buf text;
        buf_init(&text, 1 << 22);
        add_times(&text, pieces[i], 200000);
        assert_int_equal(document_load(buf_str(&text), problems, &document), ERR_CONFIG);
        char *said = said_of(problems);
        assert_non_null(strstr(said, "too many values within values"));
        free(said);
        problems_free(problems);
        buf_fini(&text);
    }
}

static void
test_document_load_around_the_values_limit(void **state)
{
    (void)state;
    for (size_t extra = 0; extra <= 1; extra++) {
        struct buf text;
        buf_init(&text, DOCUMENT_SIZE_MAX);
        add(&text, "[x");
        add_times(&text, "\n,x", DOCUMENT_VALUES_MAX - 2 + extra);
        add(&text, "]");
        assert_buf_document(
            &text, extra == 0 ? "" : "f:1000000:2: too many values (expected at most 1000000)\n");
    }
}

static void
test_document_load_around_the_anchors_limit(void **state)
{
    (void)state;
    for (size_t extra = 0; extra <= 1; extra++) {
        struct buf text;
        buf_init(&text, 1 << 20);
        for (size_t i = 0; i < DOCUMENT_ANCHORS_MAX + extra; i++) {
            assert_int_equal(buf_printf(&text, "- &a%zu x\n", i), 0);
        }
        assert_buf_document(&text,
                            extra == 0 ? "" : "f:257:3: too many anchors (expected at most 256)\n");
    }
}

static void
test_document_load_around_the_aliases_limit(void **state)
{
    (void)state;
    for (size_t extra = 0; extra <= 1; extra++) {
        struct buf text;
        buf_init(&text, 1 << 20);
        add(&text, "- &a x\n");
        add_times(&text, "- *a\n", DOCUMENT_ALIASES_MAX + extra);
        assert_buf_document(
            &text, extra == 0 ? "" : "f:100002:3: too many aliases (expected at most 100000)\n");
    }
}

static void
test_document_load_of_an_alias_within_its_anchor_is_refused(void **state)
{
    (void)state;
    assert_document(STR("a: &x [*x]\n"), "f:1:8: an alias within its own anchor\n");
    assert_document(STR("a: &x {b: [c, {d: *x}]}\n"), "f:1:19: an alias within its own anchor\n");
    assert_document(STR("&x a: *x\n"), ""); /* of a key: not within */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document_load_of_plain_yaml_is_good),
        cmocka_unit_test(test_document_load_of_wrong_syntax_says_line_and_column),
        cmocka_unit_test(test_document_load_of_a_byte_order_mark_does_not_shift_columns),
        cmocka_unit_test(test_document_load_of_bytes_that_are_not_utf8_says_where),
        cmocka_unit_test(test_document_load_of_control_characters_says_where),
        cmocka_unit_test(test_document_load_of_several_documents_is_refused),
        cmocka_unit_test(test_document_load_of_tags_names_each_and_goes_on),
        cmocka_unit_test(test_document_load_around_the_size_limit),
        cmocka_unit_test(test_document_load_around_the_depth_limit),
        cmocka_unit_test(test_document_load_of_very_deep_nesting_ends_at_the_limit),
        cmocka_unit_test(test_document_load_around_the_values_limit),
        cmocka_unit_test(test_document_load_around_the_anchors_limit),
        cmocka_unit_test(test_document_load_around_the_aliases_limit),
        cmocka_unit_test(test_document_load_of_an_alias_within_its_anchor_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
