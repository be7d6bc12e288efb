#undef NDEBUG
#include "observability/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool calloc_fails;

void *__real_calloc(size_t length, size_t size); /* the linker's names */
void *__wrap_calloc(size_t length, size_t size);

void *
__wrap_calloc(size_t length, size_t size)
{
    return calloc_fails ? NULL : __real_calloc(length, size);
}

static void
assert_rendered(const struct health *h, const char *expected)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(health_render(h, &out), 0);
    assert_int_equal(buf_append_char(&out, '\0'), 0);
    assert_string_equal(out.data, expected);
    buf_fini(&out);
}

static void
test_health_without_components_is_ready(void **state)
{
    struct health *h = health_new();
    (void)state;
    assert_true(health_is_ready(h));
    assert_rendered(h, "");
    health_free(h);
}

static void
test_health_one_component_down_is_not_ready(void **state)
{
    struct health *h = health_new();
    (void)state;
    health_set(h, "source plant", true, "");
    health_set(h, "replay log", false, "the connection was refused");
    assert_false(health_is_ready(h));
    assert_rendered(h, "ok source plant\ndown replay log: the connection was refused\n");
    health_free(h);
}

static void
test_health_set_again_changes_the_component(void **state)
{
    struct health *h = health_new();
    (void)state;
    health_set(h, "replay log", false, "not connected yet");
    health_set(h, "source plant", true, "");
    health_set(h, "replay log", true, "");
    assert_true(health_is_ready(h));
    assert_rendered(h, "ok replay log\nok source plant\n");
    health_free(h);
}

static void
test_health_draining_is_not_ready_whatever_is_up(void **state)
{
    struct health *h = health_new();
    (void)state;
    health_set(h, "replay log", true, "");
    health_set_draining(h);
    assert_false(health_is_ready(h));
    assert_rendered(h, "down process: draining\nok replay log\n");
    health_free(h);
}

static void
test_health_serves_from_the_first_readiness_until_the_drain(void **state)
{
    struct health *h = health_new();
    (void)state;
    health_set(h, "replay log", false, "not started yet");
    health_set(h, "source plant", true, "");
    assert_false(health_is_serving(h));
    health_set(h, "replay log", true, "");
    assert_true(health_is_serving(h));
    health_set(h, "replay log", false, "the connection was refused");
    assert_false(health_is_ready(h));
    assert_true(health_is_serving(h));
    health_set_draining(h);
    assert_false(health_is_serving(h));
    health_free(h);
}

static void
test_health_copies_name_and_reason(void **state)
{
    struct health *h = health_new();
    char name[] = "source a";
    char why[] = "gone";
    (void)state;
    health_set(h, name, false, why);
    memset(name, 'x', sizeof(name) - 1);
    memset(why, 'x', sizeof(why) - 1);
    assert_rendered(h, "down source a: gone\n");
    health_free(h);
}

static void
test_health_long_reason_is_cut(void **state)
{
    struct health *h = health_new();
    struct buf out;
    char why[2 * HEALTH_WHY_SIZE_MAX];
    (void)state;
    memset(why, 'y', sizeof(why));
    why[sizeof(why) - 1] = '\0';
    health_set(h, "a", false, why);
    buf_init(&out, 4096);
    assert_int_equal(health_render(h, &out), 0);
    assert_int_equal(out.size, strlen("down a: ") + HEALTH_WHY_SIZE_MAX - 1 + 1);
    buf_fini(&out);
    health_free(h);
}

static void
test_health_component_lost_to_memory_is_never_ready(void **state)
{
    struct health *h = health_new();
    (void)state;
    calloc_fails = true;
    health_set(h, "replay log", true, "");
    calloc_fails = false;
    assert_false(health_is_ready(h));
    assert_rendered(h, "down process: out of memory\n");
    health_free(h);
}

static void
test_health_render_says_where_the_buffer_is_full(void **state)
{
    struct health *h = health_new();
    struct buf out;
    (void)state;
    health_set(h, "replay log", true, "");
    buf_init(&out, 5);
    assert_int_equal(health_render(h, &out), ERR_LIMIT);
    buf_fini(&out);
    health_free(h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health_without_components_is_ready),
        cmocka_unit_test(test_health_one_component_down_is_not_ready),
        cmocka_unit_test(test_health_set_again_changes_the_component),
        cmocka_unit_test(test_health_draining_is_not_ready_whatever_is_up),
        cmocka_unit_test(test_health_serves_from_the_first_readiness_until_the_drain),
        cmocka_unit_test(test_health_copies_name_and_reason),
        cmocka_unit_test(test_health_long_reason_is_cut),
        cmocka_unit_test(test_health_component_lost_to_memory_is_never_ready),
        cmocka_unit_test(test_health_render_says_where_the_buffer_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
