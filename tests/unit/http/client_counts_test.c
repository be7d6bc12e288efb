#undef NDEBUG
#include "http/client_counts.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { THREADS = 4, ROUNDS = 20000, CLIENTS = 3, MANY = 5 * 1024 };

/* Hashes as a good function gives them out (splitmix64). */
static uint64_t
client_of(uint64_t n)
{
    uint64_t z = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void
test_client_counts_of_one_client_go_up_and_down(void **state)
{
    struct client_counts *c = client_counts_new(1);
    uint64_t client = client_of(1);
    (void)state;
    assert_non_null(c);
    for (uint32_t i = 1; i <= 300; i++) {
        assert_int_equal(client_counts_enter(c, client), i);
    }
    for (uint32_t i = 300; i > 0; i--) {
        assert_int_equal(client_counts_get(c, client), i);
        client_counts_leave(c, client);
    }
    assert_int_equal(client_counts_get(c, client), 0);
    client_counts_free(c);
}

/* As many as it was made for: each has its own count, and nobody is left out. */
static void
test_client_counts_tell_as_many_apart_as_promised(void **state)
{
    struct client_counts *c = client_counts_new(MANY);
    size_t left_out = 0;
    (void)state;
    for (uint64_t i = 0; i < MANY; i++) {
        left_out += client_counts_enter(c, client_of(i)) != 1;
    }
    assert_int_equal(left_out, 0);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(client_counts_enter(c, client_of(i)), 2);
        client_counts_leave(c, client_of(i));
        client_counts_leave(c, client_of(i));
    }
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(client_counts_get(c, client_of(i)), 0);
    }
    client_counts_free(c);
}

/* Who is not counted must not leave; all others stay right. */
static void
test_client_counts_full_count_no_more_clients(void **state)
{
    enum { SLOTS = 64 * 8 };
    struct client_counts *c = client_counts_new(1);
    size_t counted = 0;
    (void)state;
    for (uint64_t i = 0; i < 100 * SLOTS; i++) {
        counted += client_counts_enter(c, client_of(i)) == 1;
    }
    assert_int_equal(counted, SLOTS);
    assert_int_equal(client_counts_enter(c, client_of(0)), 2);
    client_counts_free(c);
}

struct runner {
    struct client_counts *counts;
    uint64_t seed;
    uint32_t held[CLIENTS];
};

/* Enters and leaves at random; never leaves where it has not entered. */
static void *
run(void *arg)
{
    struct runner *r = arg;
    for (int i = 0; i < ROUNDS; i++) {
        r->seed = client_of(r->seed);
        size_t n = r->seed % CLIENTS;
        if (r->seed >> 63 != 0 || r->held[n] == 0) {
            r->held[n] += client_counts_enter(r->counts, client_of(n)) > 0;
        } else {
            client_counts_leave(r->counts, client_of(n));
            r->held[n]--;
        }
    }
    return NULL;
}

static void
test_client_counts_of_several_threads_add_up(void **state)
{
    pthread_t threads[THREADS];
    struct runner runners[THREADS];
    struct client_counts *c = client_counts_new(1);
    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        runners[i] = (struct runner){.counts = c, .seed = i};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (size_t n = 0; n < CLIENTS; n++) {
        uint32_t sum = 0;
        for (size_t i = 0; i < THREADS; i++) {
            sum += runners[i].held[n];
        }
        assert_int_equal(client_counts_get(c, client_of(n)), sum);
        for (; sum > 0; sum--) {
            client_counts_leave(c, client_of(n));
        }
        assert_int_equal(client_counts_get(c, client_of(n)), 0);
    }
    client_counts_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_counts_of_one_client_go_up_and_down),
        cmocka_unit_test(test_client_counts_tell_as_many_apart_as_promised),
        cmocka_unit_test(test_client_counts_full_count_no_more_clients),
        cmocka_unit_test(test_client_counts_of_several_threads_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
