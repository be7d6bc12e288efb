#undef NDEBUG
#include "config/arena.h"
#include "config/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ARENA_SIZE = 1 << 16 };

static void
assert_text(const char *actual, const char *expected)
{
    assert_int_equal(actual == NULL, expected == NULL);
    if (actual != NULL && expected != NULL) {
        assert_string_equal(actual, expected);
    }
}

static void
assert_url(const char *text, const struct url *expected)
{
    struct arena arena;
    struct url url;
    const char *problem = "";
    arena_init(&arena, ARENA_SIZE);
    assert_int_equal(url_parse(str_from(text), &arena, &url, &problem), 0);
    assert_int_equal(url.is_mqtt, expected->is_mqtt);
    assert_int_equal(url.is_tls, expected->is_tls);
    assert_string_equal(url.host, expected->host);
    assert_int_equal(url.port, expected->port);
    assert_int_equal(url.database, expected->database);
    assert_text(url.username, expected->username);
    assert_text(url.password, expected->password);
    arena_fini(&arena);
}

static void
assert_no_url(struct str text, const char *expected)
{
    struct arena arena;
    struct url url;
    const char *problem = "";
    arena_init(&arena, ARENA_SIZE);
    assert_int_equal(url_parse(text, &arena, &url, &problem), ERR_SYNTAX);
    assert_string_equal(problem, expected);
    arena_fini(&arena);
}

static char h[] = "h"; /* a host for where it does not matter */

static void
test_url_parse_of_each_scheme_has_its_port(void **state)
{
    (void)state;
    assert_url("redis://h", &(struct url){.host = h, .port = 6379});
    assert_url("rediss://h", &(struct url){.host = h, .port = 6379, .is_tls = true});
    assert_url("mqtt://h", &(struct url){.host = h, .port = 1883, .is_mqtt = true});
    assert_url("mqtts://h",
               &(struct url){.host = h, .port = 8883, .is_mqtt = true, .is_tls = true});
    assert_url("REDIS://h", &(struct url){.host = h, .port = 6379});
    assert_no_url(STR("http://h"), "has another scheme");
    assert_no_url(STR("redis:/h"), "has no scheme");
    assert_no_url(STR("h:6379"), "has no scheme");
    assert_no_url(STR(""), "has no scheme");
    assert_no_url(STR("redis"), "has no scheme");
}

static void
test_url_parse_of_user_and_password_decodes_them(void **state)
{
    (void)state;
    char user[] = "us:er";
    char password[] = "p@ss/w?rd#%";
    char space[] = " ";
    assert_url("redis://us%3Aer:p%40ss%2fw%3frd%23%25@h",
               &(struct url){.host = h, .port = 6379, .username = user, .password = password});
    assert_url("redis://:%20@h", &(struct url){.host = h, .port = 6379, .password = space});
    assert_url("redis://us%3Aer@h", &(struct url){.host = h, .port = 6379, .username = user});
    assert_url("redis://us%3Aer:@h", &(struct url){.host = h, .port = 6379, .username = user});
    assert_url("redis://@h", &(struct url){.host = h, .port = 6379});
    assert_url("redis://:@h", &(struct url){.host = h, .port = 6379});
    char colons[] = "a:b";
    assert_url("redis://:a:b@h", &(struct url){.host = h, .port = 6379, .password = colons});
}

static void
test_url_parse_of_a_raw_sign_in_a_password_is_refused(void **state)
{
    (void)state;
    assert_no_url(STR("redis://u:a@b@h"), "has more than one @ (in a user or password write %40)");
    static const char reserved[] = "has a /, ? or # in its user or password (write %2F, %3F, %23)";
    assert_no_url(STR("redis://u:a/b@h"), reserved);
    assert_no_url(STR("redis://u:a?b@h"), reserved);
    assert_no_url(STR("redis://u:a#b@h"), reserved);
    assert_no_url(STR("redis://u:a%@h"), "has a % without two hex digits (a % itself is %25)");
    assert_no_url(STR("redis://u:a%2@h"), "has a % without two hex digits (a % itself is %25)");
    assert_no_url(STR("redis://u%g0@h"), "has a % without two hex digits (a % itself is %25)");
    assert_no_url(STR("redis://u:a%00b@h"), "has a NUL character");
    assert_no_url(STR("redis://u:a\0b@h"), "has a NUL character");
}

static void
test_url_parse_of_hosts_names_and_addresses(void **state)
{
    (void)state;
    char name[] = "redis_1.in-ternal.example";
    char v4[] = "10.0.0.1";
    char v6[] = "2001:db8::1";
    assert_url("redis://redis_1.in-ternal.example:7000/",
               &(struct url){.host = name, .port = 7000});
    assert_url("redis://10.0.0.1:1", &(struct url){.host = v4, .port = 1});
    assert_url("redis://[2001:db8::1]", &(struct url){.host = v6, .port = 6379});
    assert_url("redis://u@[2001:db8::1]:65535",
               &(struct url){.host = v6, .port = 65535, .username = (char[]){"u"}});
    assert_no_url(STR("redis://"), "has no host");
    assert_no_url(STR("redis://:6379"), "has no host");
    assert_no_url(STR("redis://u:p@"), "has no host");
    assert_no_url(STR("redis://a b"), "has a host that is neither a name nor an address");
    assert_no_url(STR("redis://h%61"), "has a host that is neither a name nor an address");
    assert_no_url(STR("redis://2001:db8::1"),
                  "has more than one colon in its host (an IPv6 address needs brackets)");
    assert_no_url(STR("redis://[::1"), "has a [ without a ]");
    assert_no_url(STR("redis://[]"), "has no IPv6 address in its brackets");
    assert_no_url(STR("redis://[10.0.0.1]"), "has no IPv6 address in its brackets");
    assert_no_url(STR("redis://[::1\0]"), "has no IPv6 address in its brackets");
}

static void
test_url_parse_of_a_host_around_its_limit(void **state)
{
    (void)state;
    for (size_t size = 252; size <= 254; size++) {
        char text[300] = "redis://";
        char host[300] = "";
        memset(host, 'a', size);
        memcpy(text + 8, host, size + 1);
        if (size < 254) {
            assert_url(text, &(struct url){.host = host, .port = 6379});
        } else {
            assert_no_url(str_from(text), "has a host that is neither a name nor an address");
        }
    }
}

static void
test_url_parse_of_ports_around_their_limits(void **state)
{
    (void)state;
    static const char problem[] = "has a port that is no number from 1 to 65535";
    assert_url("redis://h:1", &(struct url){.host = h, .port = 1});
    assert_url("redis://h:65535", &(struct url){.host = h, .port = 65535});
    assert_no_url(STR("redis://h:0"), problem);
    assert_no_url(STR("redis://h:65536"), problem);
    assert_no_url(STR("redis://h:"), problem);
    assert_no_url(STR("redis://h:port"), problem);
    assert_no_url(STR("redis://[::1]6379"), problem);
}

static void
test_url_parse_of_paths_takes_a_database_for_redis_only(void **state)
{
    (void)state;
    assert_url("redis://h/0", &(struct url){.host = h, .port = 6379});
    assert_url("redis://h/15", &(struct url){.host = h, .port = 6379, .database = 15});
    assert_url("redis://h/65535", &(struct url){.host = h, .port = 6379, .database = 65535});
    assert_no_url(STR("redis://h/65536"), "has a database that is no number from 0 to 65535");
    assert_no_url(STR("redis://h/a"), "has a database that is no number from 0 to 65535");
    assert_no_url(STR("redis://h/1/2"), "has a database that is no number from 0 to 65535");
    assert_no_url(STR("redis://h?db=1"), "has a ? or #, which mean nothing here");
    assert_no_url(STR("redis://h#1"), "has a ? or #, which mean nothing here");
    assert_no_url(STR("redis://h/1?x"), "has a database that is no number from 0 to 65535");
    assert_url("mqtt://h/", &(struct url){.host = h, .port = 1883, .is_mqtt = true});
    assert_no_url(STR("mqtt://h/1"), "has a path, which means nothing here");
}

static void
test_url_parse_without_memory_says_so(void **state)
{
    (void)state;
    struct url url;
    const char *problem = NULL;
    static const char *const texts[] = {"redis://h", "redis://[::1]", "redis://u@h",
                                        "redis://:p@h"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct arena arena;
        arena_init(&arena, 0);
        assert_int_equal(url_parse(str_from(texts[i]), &arena, &url, &problem), ERR_MEMORY);
        assert_true(arena.is_full);
        arena_fini(&arena);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_parse_of_each_scheme_has_its_port),
        cmocka_unit_test(test_url_parse_of_user_and_password_decodes_them),
        cmocka_unit_test(test_url_parse_of_a_raw_sign_in_a_password_is_refused),
        cmocka_unit_test(test_url_parse_of_hosts_names_and_addresses),
        cmocka_unit_test(test_url_parse_of_a_host_around_its_limit),
        cmocka_unit_test(test_url_parse_of_ports_around_their_limits),
        cmocka_unit_test(test_url_parse_of_paths_takes_a_database_for_redis_only),
        cmocka_unit_test(test_url_parse_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
