#undef NDEBUG
#include "main/tail_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

struct url_case {
    const char *text;
    bool is_tls;
    uint16_t port;
    const char *host;
    const char *authority;
    const char *target;
};

static void
test_tail_url_parse_of_each_case_gives_its_parts(void **state)
{
    (void)state;
    const struct url_case cases[] = {
        {"http://h/events/a", false, 80, "h", "h", "/events/a"},
        {"https://h/events/a", true, 443, "h", "h", "/events/a"},
        {"HTTPS://h", true, 443, "h", "h", "/"},
        {"http://h:80/", false, 80, "h", "h", "/"},
        {"http://h:443/", false, 443, "h", "h:443", "/"},
        {"https://h:443/", true, 443, "h", "h", "/"},
        {"http://h:65535/a", false, 65535, "h", "h:65535", "/a"},
        {"http://h:/a", false, 80, "h", "h", "/a"},
        {"http://h?channel=a&channel=b", false, 80, "h", "h", "/?channel=a&channel=b"},
        {"http://h/a?", false, 80, "h", "h", "/a?"},
        {"http://h/a#b", false, 80, "h", "h", "/a"},
        {"http://h/a?b#c", false, 80, "h", "h", "/a?b"},
        {"http://127.0.0.1:8080/a", false, 8080, "127.0.0.1", "127.0.0.1:8080", "/a"},
        {"http://[::1]:8080/a", false, 8080, "::1", "[::1]:8080", "/a"},
        {"https://[::1]/a", true, 443, "::1", "[::1]", "/a"},
        {"http://h/a b", false, 80, "h", "h", "/a%20b"},
        {"http://h/a%20b%2F", false, 80, "h", "h", "/a%20b%2F"},
        {"http://h/\xc5\xbe", false, 80, "h", "h", "/%C5%BE"},
        {"http://h/a\r\nX: y", false, 80, "h", "h", "/a%0D%0AX:%20y"},
        {"http://h/?a[]=\"{}\"", false, 80, "h", "h", "/?a[]=%22%7B%7D%22"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tail_url u;
        assert_int_equal(tail_url_parse(str_from(cases[i].text), &u), 0);
        assert_int_equal(u.is_tls, cases[i].is_tls);
        assert_int_equal(u.port, cases[i].port);
        assert_string_equal(u.host, cases[i].host);
        assert_string_equal(u.authority, cases[i].authority);
        assert_string_equal(u.target, cases[i].target);
        tail_url_fini(&u);
    }
}

static void
test_tail_url_parse_of_anything_else_fails(void **state)
{
    (void)state;
    const struct str bad[] = {
        STR(""),
        STR("h"),
        STR("/events/a"),
        STR("//h/a"),
        STR("h:80/a"),
        STR("http:"),
        STR("http:h/a"),
        STR("http://"),
        STR("http:///a"),
        STR("http://:80/a"),
        STR("ftp://h/a"),
        STR("httpx://h/a"),
        STR("http://user@h/a"),
        STR("http://user:secret@h/a"),
        STR("http://h:0/a"),
        STR("http://h:65536/a"),
        STR("http://h:99999999999/a"),
        STR("http://h:x/a"),
        STR("http://h:-1/a"),
        STR("http://a b/"),
        STR("http://\xc5\xbe/"),
        STR("http://[::1/a"),
        STR("http://[]/a"),
        STR(" http://h/a"),
        STR("http://h\0.example/a"),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tail_url u;
        if (tail_url_parse(bad[i], &u) != ERR_SYNTAX) {
            fail_msg("taken: \"" STR_FMT "\"", STR_ARG(bad[i]));
        }
    }
}

static void
test_tail_url_parse_of_an_endless_url_fails(void **state)
{
    (void)state;
    struct buf text;
    struct tail_url u;
    buf_init(&text, 1 << 20);
    assert_int_equal(buf_append_str(&text, STR("http://h/")), 0);
    while (buf_append_str(&text, STR("aaaaaaaa")) == 0) {
        /* up to its limit */
    }
    assert_int_equal(tail_url_parse(buf_str(&text), &u), ERR_LIMIT);
    buf_fini(&text);
}

struct resolve_case {
    const char *base;
    const char *reference;
    const char *whole;
};

static void
assert_same_url(struct tail_url *a, struct tail_url *b)
{
    assert_int_equal(a->is_tls, b->is_tls);
    assert_string_equal(a->authority, b->authority);
    assert_string_equal(a->target, b->target);
}

static void
test_tail_url_resolve_of_each_case_gives_its_url(void **state)
{
    (void)state;
    const struct resolve_case cases[] = {
        {"http://h/a/b?c", "http://x/y", "http://x/y"},
        {"http://h/a/b?c", "https://x:1/y?z", "https://x:1/y?z"},
        {"https://h/a/b?c", "//x/y", "https://x/y"},
        {"http://h:81/a/b?c", "/y", "http://h:81/y"},
        {"http://h:81/a/b?c", "/y?z:1", "http://h:81/y?z:1"},
        {"http://h/a/b?c/d", "y", "http://h/a/y"},
        {"http://h/a/b", "y/z?q", "http://h/a/y/z?q"},
        {"http://h/a/", "y", "http://h/a/y"},
        {"http://h", "y", "http://h/y"},
        {"http://h/a/b?c", "?d", "http://h/a/b?d"},
        {"http://h/a/b?c", "#d", "http://h/a/b?c"},
        {"http://h/a/b?c", "", "http://h/a/b?c"},
        {"http://[::1]:81/a", "/b", "http://[::1]:81/b"},
        {"http://h/a", "/b c", "http://h/b%20c"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tail_url base;
        struct tail_url resolved;
        struct tail_url whole;
        assert_int_equal(tail_url_parse(str_from(cases[i].base), &base), 0);
        assert_int_equal(tail_url_parse(str_from(cases[i].whole), &whole), 0);
        assert_int_equal(tail_url_resolve(&base, str_from(cases[i].reference), &resolved), 0);
        assert_same_url(&resolved, &whole);
        tail_url_fini(&base);
        tail_url_fini(&whole);
        tail_url_fini(&resolved);
    }
}

static void
test_tail_url_resolve_to_no_http_url_fails(void **state)
{
    (void)state;
    const char *bad[] = {"ftp://h/a", "mailto:a", "http://", "//", "http:a", "http://u@h/"};
    struct tail_url base;
    struct tail_url resolved;
    assert_int_equal(tail_url_parse(STR("http://h/a"), &base), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(tail_url_resolve(&base, str_from(bad[i]), &resolved), ERR_SYNTAX);
    }
    tail_url_fini(&base);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail_url_parse_of_each_case_gives_its_parts),
        cmocka_unit_test(test_tail_url_parse_of_anything_else_fails),
        cmocka_unit_test(test_tail_url_parse_of_an_endless_url_fails),
        cmocka_unit_test(test_tail_url_resolve_of_each_case_gives_its_url),
        cmocka_unit_test(test_tail_url_resolve_to_no_http_url_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
