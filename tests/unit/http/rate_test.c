#undef NDEBUG
#include "http/rate.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { THREADS = 4, PER_SECOND = 1000 };

static size_t
take_all(struct rate *r, uint32_t per_second, uint64_t now_ms)
{
    size_t taken = 0;
    while (rate_take(r, per_second, now_ms)) {
        taken++;
    }
    return taken;
}

static void
test_rate_allows_a_burst_and_then_its_rate(void **state)
{
    static const uint32_t rates[] = {1, 2, 7, 100};
    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct rate r = {0};
        uint64_t now_ms = 5000;
        assert_int_equal(take_all(&r, rates[i], now_ms), rates[i]);
        size_t taken = 0;
        for (int ms = 0; ms < 10000; ms++) {
            taken += take_all(&r, rates[i], ++now_ms);
        }
        assert_int_equal(taken, 10 * rates[i]);
    }
}

static void
test_rate_refused_ones_cost_nothing(void **state)
{
    struct rate r = {0};
    (void)state;
    assert_int_equal(take_all(&r, 10, 0), 10);
    for (int i = 0; i < 1000; i++) {
        assert_false(rate_take(&r, 10, 99));
    }
    assert_true(rate_take(&r, 10, 100));
}

static void
test_rate_saves_no_more_than_a_second(void **state)
{
    struct rate r = {0};
    (void)state;
    assert_int_equal(take_all(&r, 10, 1000), 10);
    assert_int_equal(take_all(&r, 10, 1000 * 1000), 10);
}

/* As a reload does; what was taken too fast before is forgotten after a second. */
static void
test_rate_may_change(void **state)
{
    struct rate r = {0};
    (void)state;
    assert_int_equal(take_all(&r, 10, 1000), 10);
    assert_int_equal(take_all(&r, 1, 1999), 0);
    assert_int_equal(take_all(&r, 1, 2000), 1);
    assert_int_equal(take_all(&r, 1000000, 3000), 1000000);
}

struct runner {
    struct rate *rate;
    size_t taken;
};

static void *
run(void *arg)
{
    struct runner *r = arg;
    r->taken = take_all(r->rate, PER_SECOND, 1);
    return NULL;
}

static void
test_rate_of_several_threads_is_one(void **state)
{
    struct rate rate = {0};
    pthread_t threads[THREADS];
    struct runner runners[THREADS];
    size_t taken = 0;
    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        runners[i] = (struct runner){.rate = &rate};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        taken += runners[i].taken;
    }
    assert_int_equal(taken, PER_SECOND);
}

static size_t
take_all_of(struct rate_by_client *r, uint64_t client, uint64_t now_ms)
{
    size_t taken = 0;
    while (rate_by_client_take(r, client, 5, now_ms)) {
        taken++;
    }
    return taken;
}

static void
test_rate_by_client_is_each_client_s_own(void **state)
{
    static struct rate_by_client r;
    (void)state;
    for (uint64_t client = 1; client < 50; client++) {
        uint64_t hash = client | client << 32;
        assert_int_equal(take_all_of(&r, hash, 1000), 5);
        assert_int_equal(take_all_of(&r, hash, 1000), 0);
        assert_int_equal(take_all_of(&r, hash, 1200), 1);
    }
}

/* Who shares a cell with an offender in one row only is not slowed down. */
static void
test_rate_by_client_goes_by_the_better_cell(void **state)
{
    static struct rate_by_client r;
    uint64_t offender = UINT64_C(3) << 32 | 7;
    (void)state;
    assert_int_equal(take_all_of(&r, offender, 1000), 5);
    assert_int_equal(take_all_of(&r, UINT64_C(4) << 32 | 7, 1000), 5);
    assert_int_equal(take_all_of(&r, UINT64_C(3) << 32 | 8, 1000), 5);
    assert_int_equal(take_all_of(&r, offender, 1999), 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_allows_a_burst_and_then_its_rate),
        cmocka_unit_test(test_rate_refused_ones_cost_nothing),
        cmocka_unit_test(test_rate_saves_no_more_than_a_second),
        cmocka_unit_test(test_rate_may_change),
        cmocka_unit_test(test_rate_of_several_threads_is_one),
        cmocka_unit_test(test_rate_by_client_is_each_client_s_own),
        cmocka_unit_test(test_rate_by_client_goes_by_the_better_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
