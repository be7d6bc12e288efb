#undef NDEBUG
#include "config/difference.h"
#include "parsing.h"

#include <unistd.h>

enum { DIFFERING_MAX = 8 };

struct differing {
    const struct key *keys[DIFFERING_MAX];
    size_t length;
};

static void
on_key(void *arg, const struct key *k)
{
    struct differing *d = arg;
    assert_in_range(d->length, 0, DIFFERING_MAX - 1);
    d->keys[d->length++] = k;
}

static struct differing
differing(const char *left, const char *right)
{
    struct differing d = {.length = 0};
    struct config *a = parse_good(left);
    struct config *b = parse_good(right);
    difference_each_key(a, b, on_key, &d);
    config_free(a);
    config_free(b);
    return d;
}

/* Exactly one key. */
static void
assert_differs_in(const char *left, const char *right, const char *path, bool needs_restart)
{
    struct differing d = differing(left, right);
    assert_int_equal(d.length, 1);
    assert_string_equal(d.keys[0]->path, path);
    assert_int_equal((d.keys[0]->flags & KEY_RESTART) != 0, needs_restart);
}

static void
test_difference_of_the_same_values_is_none(void **state)
{
    (void)state;
    assert_int_equal(differing("", "").length, 0);
    assert_int_equal(differing("http: {channels: 100}\nstream: {heartbeat: 15s}",
                               "# moved\n\n\nstream: {heartbeat: 15000ms}")
                         .length,
                     0);
}

static void
test_difference_names_each_key(void **state)
{
    (void)state;
    assert_differs_in("", "http: {channels: 7}", "http.channels", false);
    assert_differs_in("", "stream: {slow: skip}", "stream.slow", false);
    assert_differs_in("", "http: {page: false}", "http.page", false);
    assert_differs_in("", "replay: {keep: {for: 7h}}", "replay.keep.for", false);
    assert_differs_in("", "log: {level: debug}", "log.level", false);
    assert_differs_in("http: {cors_origins: ['https://a.example']}",
                      "http: {cors_origins: ['https://b.example']}", "http.cors_origins", false);
    assert_differs_in("http: {cors_origins: ['https://a.example']}",
                      "http: {cors_origins: ['https://a.example', 'https://b.example']}",
                      "http.cors_origins", false);
}

static void
test_difference_that_needs_a_restart_is_marked(void **state)
{
    (void)state;
    assert_differs_in("", "http: {listen: ':8088'}", "http.listen", true);
    assert_differs_in("", "http: {listen: '127.0.0.1:8080'}", "http.listen", true);
    assert_differs_in("http: {workers: 2}", "http: {workers: 3}", "http.workers", true);
    assert_differs_in("", "admin: {listen: off}", "admin.listen", true);
    assert_differs_in("", "admin: {listen: '127.0.0.1:9'}", "admin.listen", true);
    assert_differs_in("replay: {store: redis, url: 'redis://a'}",
                      "replay: {store: redis, url: 'redis://b'}", "replay.url", true);
    assert_differs_in("replay: {store: redis, url: 'redis://a'}",
                      "replay: {store: redis, url: 'redis://a', password: x}", "replay.password",
                      true);
    assert_differs_in("replay: {store: redis, url: 'redis://a'}",
                      "replay: {store: redis, url: 'redis://a', prefix: x}", "replay.prefix", true);
}

/* The first source of each. */
static bool
is_same_source(const char *left, const char *right)
{
    struct config *a = parse_good(left);
    struct config *b = parse_good(right);
    bool is_same = difference_is_same_source(&a->sources[0], &b->sources[0]);
    config_free(a);
    config_free(b);
    return is_same;
}

static void
test_difference_of_sources_is_in_name_type_and_keys(void **state)
{
    (void)state;
    const char *shop = "sources: {shop: {type: redis, url: 'redis://u:p@h:1/2'}}";
    assert_true(is_same_source(shop, shop));
    assert_true(is_same_source(
        shop, "http: {channels: 5}\nsources:\n  shop:\n    username: u\n    password: p\n"
              "    type: redis\n    url: redis://h:1/2\n  other: {type: http}\n"));
    const char *const others[] = {
        "sources: {shop2: {type: redis, url: 'redis://u:p@h:1/2'}}",
        "sources: {shop: {type: redis-stream, url: 'redis://u:p@h:1/2'}}",
        "sources: {shop: {type: redis, url: 'redis://u:p@g:1/2'}}",
        "sources: {shop: {type: redis, url: 'redis://u:p@h:2/2'}}",
        "sources: {shop: {type: redis, url: 'redis://u:p@h:1/3'}}",
        "sources: {shop: {type: redis, url: 'rediss://u:p@h:1/2'}}",
        "sources: {shop: {type: redis, url: 'redis://v:p@h:1/2'}}",
        "sources: {shop: {type: redis, url: 'redis://u:q@h:1/2'}}",
        "sources: {shop: {type: redis, url: 'redis://u:p@h:1/2', idle_timeout: 7s}}",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(is_same_source(shop, others[i]));
    }
}

static void
test_difference_of_mqtt_sources_is_in_their_own_keys(void **state)
{
    (void)state;
    const char *plant = "sources: {p: {type: mqtt, url: 'mqtt://h', client_id: a}}";
    assert_true(is_same_source(plant, plant));
    assert_false(is_same_source(plant, "sources: {p: {type: mqtt, url: 'mqtt://h'}}"));
    assert_false(is_same_source(
        plant, "sources: {p: {type: mqtt, url: 'mqtt://h', client_id: a, version: 3.1.1}}"));
    assert_false(
        is_same_source(plant, "sources: {p: {type: mqtt, url: 'mqtt://h', client_id: a, qos: 0}}"));
}

static void
write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void
test_difference_of_a_renewed_certificate_is_found(void **state)
{
    char path[] = "/tmp/runnel-difference-XXXXXX";
    char text[128];
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    (void)snprintf(text, sizeof text,
                   "sources: {s: {type: redis, url: 'rediss://h', ca_file: '%s'}}", path);
    write_file(path, "one");
    struct config *a = parse_good(text);
    struct config *b = parse_good(text);
    write_file(path, "two");
    struct config *c = parse_good(text);
    assert_true(difference_is_same_source(&a->sources[0], &b->sources[0]));
    assert_false(difference_is_same_source(&a->sources[0], &c->sources[0]));
    config_free(a);
    config_free(b);
    config_free(c);
    assert_int_equal(unlink(path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_difference_of_the_same_values_is_none),
        cmocka_unit_test(test_difference_names_each_key),
        cmocka_unit_test(test_difference_that_needs_a_restart_is_marked),
        cmocka_unit_test(test_difference_of_sources_is_in_name_type_and_keys),
        cmocka_unit_test(test_difference_of_mqtt_sources_is_in_their_own_keys),
        cmocka_unit_test(test_difference_of_a_renewed_certificate_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
