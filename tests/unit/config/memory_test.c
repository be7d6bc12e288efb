#undef NDEBUG
/* Every allocation of the room fails once: nothing leaks, nothing is half made. */

#include "parsing.h"

static size_t left; /* allocations until one fails; SIZE_MAX: none does */

void *__real_malloc(size_t size); /* the linker's names */
void *__real_calloc(size_t length, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t length, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t length, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t length, size_t size);

/* Fails once and then no more: what comes after a failure must be as careful as what was before. */
static bool
fails(void)
{
    if (left == SIZE_MAX) {
        return false;
    }
    return left-- == 0;
}

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t length, size_t size)
{
    return fails() ? NULL : __real_calloc(length, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t length, size_t size)
{
    return fails() ? NULL : __real_reallocarray(old, length, size);
}

/* The secret: a file with a line, wherever the test runs. */
static const char good[] =
    "http: {listen: \"${RUNNEL_TEST_NONE:-8080}\", cors_origins: [\"*\"]}\n"
    "replay: {store: redis, url: \"redis://u:p@[::1]/1\"}\n"
    "sources:\n"
    "  a: {type: mqtt, url: mqtts://u@h, ca_file: /dev/null, password_file: /proc/self/comm}\n"
    "  b: {type: http, token: x}\n"
    "routes:\n"
    "  - {source: a, topic: t, channel: c, event: e, data: d, when: [{json: /a, in: [1, 2]}, "
    "{capture: "
    "x, gt: 1}]}\n";

/* Returns how many allocations a run without a failure makes; its outcome is `expected`. */
static size_t
fail_each(const char *text, int expected)
{
    size_t n = 0;
    int err;
    do {
        struct problems *problems = problems_new("f");
        struct config *config = NULL;
        assert_non_null(problems);
        left = n++;
        err = config_parse(str_from(text), "f", problems, &config);
        bool has_failed = left == SIZE_MAX;
        left = SIZE_MAX;
        assert_int_equal(err == 0, config != NULL);
        assert_true(!has_failed || err == ERR_MEMORY || err == expected);
        config_free(config);
        problems_free(problems);
        if (!has_failed) {
            break;
        }
    } while (n < 10000);
    assert_int_equal(err, expected);
    return n - 1;
}

static void
test_memory_that_fails_in_a_good_config_fails_it(void **state)
{
    (void)state;
    config_free(parse_good(good));
    assert_in_range(fail_each(good, 0), 50, 500);
}

static void
test_memory_that_fails_in_a_wrong_config_leaves_it_wrong(void **state)
{
    (void)state;
    assert_in_range(
        fail_each("htpp: 1\nsources: {a: {type: redis, url: redis://u:%@h}}\nroutes: [{}]\n",
                  ERR_CONFIG),
        30, 500);
    assert_in_range(fail_each("a: [\n", ERR_CONFIG), 1, 50);
}

static void
test_memory_that_fails_for_the_default_fails_it(void **state)
{
    (void)state;
    int err = ERR_MEMORY;
    size_t n = 0;
    for (; err != 0 && n < 1000; n++) {
        struct config *config = NULL;
        left = n;
        err = config_default(&config);
        left = SIZE_MAX;
        assert_int_equal(err == 0, config != NULL);
        assert_true(err == 0 || err == ERR_MEMORY);
        config_free(config);
    }
    assert_in_range(n, 30, 500);
}

int
main(void)
{
    left = SIZE_MAX;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_that_fails_in_a_good_config_fails_it),
        cmocka_unit_test(test_memory_that_fails_in_a_wrong_config_leaves_it_wrong),
        cmocka_unit_test(test_memory_that_fails_for_the_default_fails_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
