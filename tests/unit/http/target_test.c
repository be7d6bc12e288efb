#undef NDEBUG
#include "http/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
assert_split(const char *target, const char *path, const char *query)
{
    struct str found_path;
    struct str found_query;
    assert_int_equal(target_split(str_from(target), &found_path, &found_query), 0);
    assert_true(str_equal(found_path, str_from(path)));
    assert_true(str_equal(found_query, str_from(query)));
}

static void
test_target_split_origin_form(void **state)
{
    (void)state;
    assert_split("/", "/", "");
    assert_split("/events/a", "/events/a", "");
    assert_split("/events?channel=a&b", "/events", "channel=a&b");
    assert_split("/a?b?c", "/a", "b?c");
    assert_split("/a?", "/a", "");
    assert_split("//a", "//a", "");
    assert_split("/http://x/", "/http://x/", "");
    assert_split("*", "*", "");
}

static void
test_target_split_absolute_form(void **state)
{
    (void)state;
    assert_split("http://example.com/a?b", "/a", "b");
    assert_split("HTTPS://example.com:443/a", "/a", "");
    assert_split("http://[::1]:80", "/", "");
    assert_split("http://example.com?x=/y", "/", "x=/y");
}

static void
test_target_split_refuses_everything_else(void **state)
{
    static const char *const targets[] = {
        "",
        "a",
        "events/a",
        "example.com:443",
        "?a",
        "**",
        "ftp://example.com/",
        "http:/a",
        "http://",
        "http:///a",
        "http://a b/",
        "http://user@host/",
        "http://:80/",
        "https//x",
        "\\a",
    };
    struct str path;
    struct str query;
    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        if (target_split(str_from(targets[i]), &path, &query) != ERR_SYNTAX) {
            fail_msg("taken: %s", targets[i]);
        }
    }
}

static void
assert_pair(struct str *rest, const char *name, const char *value)
{
    struct str found_name;
    struct str found_value;
    assert_true(target_next_pair(rest, &found_name, &found_value));
    assert_true(str_equal(found_name, str_from(name)));
    assert_true(str_equal(found_value, str_from(value)));
}

static void
test_target_next_pair_walks_the_query(void **state)
{
    struct str rest = STR("&a=1&&b&=c&d=e=f&g=&");
    struct str name;
    struct str value;
    (void)state;
    assert_pair(&rest, "a", "1");
    assert_pair(&rest, "b", "");
    assert_pair(&rest, "", "c");
    assert_pair(&rest, "d", "e=f");
    assert_pair(&rest, "g", "");
    assert_false(target_next_pair(&rest, &name, &value));
    rest = STR_NULL;
    assert_false(target_next_pair(&rest, &name, &value));
}

static void
assert_decoded(struct str raw, enum target_plus plus, struct str expected)
{
    struct buf out;
    buf_init(&out, raw.size);
    assert_int_equal(target_decode(raw, plus, &out), 0);
    assert_true(str_equal(buf_str(&out), expected));
    buf_fini(&out);
}

static void
test_target_decode_percent_and_plus(void **state)
{
    (void)state;
    assert_decoded(STR(""), TARGET_PLUS_IS_PLUS, STR(""));
    assert_decoded(STR("a%2Fb%2fc"), TARGET_PLUS_IS_PLUS, STR("a/b/c"));
    assert_decoded(STR("k%C3%A4se"), TARGET_PLUS_IS_PLUS, STR("k\xC3\xA4se"));
    assert_decoded(STR("%00%ff%25"), TARGET_PLUS_IS_PLUS, STR("\x00\xFF%"));
    assert_decoded(STR("%2541"), TARGET_PLUS_IS_PLUS, STR("%41")); /* once only */
    assert_decoded(STR("a+b%2B"), TARGET_PLUS_IS_PLUS, STR("a+b+"));
    assert_decoded(STR("a+b%2B"), TARGET_PLUS_IS_BLANK, STR("a b+"));
}

static void
test_target_decode_refuses_half_escapes(void **state)
{
    static const char *const texts[] = {"%",   "a%",  "%4",   "a%4", "%zz",
                                        "%4z", "%z4", "%%41", "% 41"};
    struct buf out;
    (void)state;
    buf_init(&out, 64);
    assert_int_equal(buf_append_str(&out, STR("kept")), 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(target_decode(str_from(texts[i]), TARGET_PLUS_IS_PLUS, &out), ERR_SYNTAX);
        assert_true(str_equal(buf_str(&out), STR("kept")));
    }
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_split_origin_form),
        cmocka_unit_test(test_target_split_absolute_form),
        cmocka_unit_test(test_target_split_refuses_everything_else),
        cmocka_unit_test(test_target_next_pair_walks_the_query),
        cmocka_unit_test(test_target_decode_percent_and_plus),
        cmocka_unit_test(test_target_decode_refuses_half_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
