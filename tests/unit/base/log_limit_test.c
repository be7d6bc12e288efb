#undef NDEBUG
#include "base/log_limit.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Every test has names of its own: the table is the process's. */

static void
test_log_limit_around_the_lines_of_a_second(void **state)
{
    uint32_t suppressed = 1;
    (void)state;
    for (int i = 0; i < LOG_LIMIT_PER_SECOND; i++) {
        assert_true(log_limit_take("around", 10, &suppressed));
        assert_int_equal(suppressed, 0);
    }
    assert_false(log_limit_take("around", 10, &suppressed));
}

static void
test_log_limit_next_line_says_what_was_suppressed_once(void **state)
{
    uint32_t suppressed = 0;
    (void)state;
    for (int i = 0; i < LOG_LIMIT_PER_SECOND + 7; i++) {
        (void)log_limit_take("said", 10, &suppressed);
    }
    assert_true(log_limit_take("said", 11, &suppressed));
    assert_int_equal(suppressed, 7);
    assert_true(log_limit_take("said", 11, &suppressed));
    assert_int_equal(suppressed, 0);
}

static void
test_log_limit_of_one_name_leaves_the_others(void **state)
{
    uint32_t suppressed;
    (void)state;
    for (int i = 0; i < LOG_LIMIT_PER_SECOND + 1; i++) {
        (void)log_limit_take("loud", 10, &suppressed);
    }
    assert_false(log_limit_take("loud", 10, &suppressed));
    assert_true(log_limit_take("quiet", 10, &suppressed));
}

static void
test_log_limit_knows_a_name_by_its_text(void **state)
{
    char copy[] = "text";
    uint32_t suppressed;
    (void)state;
    for (int i = 0; i < LOG_LIMIT_PER_SECOND; i++) {
        (void)log_limit_take("text", 10, &suppressed);
    }
    assert_false(log_limit_take(copy, 10, &suppressed));
}

enum { THREADS = 4, LINES = 1000 };

static _Atomic uint32_t lines_taken;

static void *
take_many(void *arg)
{
    uint32_t suppressed;
    (void)arg;
    for (int i = 0; i < LINES; i++) {
        lines_taken += log_limit_take("shared", 10, &suppressed);
    }
    return NULL;
}

static void
test_log_limit_shared_by_threads_counts_every_line(void **state)
{
    pthread_t threads[THREADS];
    uint32_t suppressed;
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(lines_taken, LOG_LIMIT_PER_SECOND);
    assert_true(log_limit_take("shared", 11, &suppressed));
    assert_int_equal(suppressed, THREADS * LINES - LOG_LIMIT_PER_SECOND);
}

/* Last: it fills the table. */
static void
test_log_limit_of_more_names_than_places_shares_one(void **state)
{
    static char names[LOG_LIMIT_NAMES + LOG_LIMIT_PER_SECOND + 1][16];
    const int length = (int)(sizeof names / sizeof *names);
    uint32_t suppressed;
    int taken = 0;
    (void)state;
    for (int i = 0; i < length; i++) {
        (void)snprintf(names[i], sizeof names[i], "name %d", i);
        taken += log_limit_take(names[i], 20, &suppressed);
    }
    assert_true(taken < length);
    assert_false(log_limit_take(names[length - 1], 20, &suppressed));
    assert_true(log_limit_take(names[0], 20, &suppressed));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_limit_around_the_lines_of_a_second),
        cmocka_unit_test(test_log_limit_next_line_says_what_was_suppressed_once),
        cmocka_unit_test(test_log_limit_of_one_name_leaves_the_others),
        cmocka_unit_test(test_log_limit_knows_a_name_by_its_text),
        cmocka_unit_test(test_log_limit_shared_by_threads_counts_every_line),
        cmocka_unit_test(test_log_limit_of_more_names_than_places_shares_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
