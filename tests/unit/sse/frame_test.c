#undef NDEBUG
#include "base/map.h"
#include "sse/frame.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct event_traits no_traits;

static struct str
body_of(const struct frame *f)
{
    return str_after(frame_wire(f), f->body_offset);
}

static void
test_frame_new_lays_out_channel_id_line_and_body(void **state)
{
    (void)state;
    char body[] = "event: x\ndata: a\n\n";
    char channel[] = "orders/eu";
    event_id id = event_id_make(1764950400000, 7);
    struct frame *f = frame_new(str_from(channel), id, id - 1, str_from(body),
                                (struct event_traits){.slow = 6, .delay_ms = -3});
    memset(body, '-', sizeof(body) - 1); /* a frame copies */
    memset(channel, '-', sizeof(channel) - 1);

    assert_non_null(f);
    assert_true(str_equal(frame_channel(f), STR("orders/eu")));
    assert_true(str_equal(frame_wire(f), STR("id: 1764950400000-7\nevent: x\ndata: a\n\n")));
    assert_true(str_equal(body_of(f), STR("event: x\ndata: a\n\n")));
    assert_true(f->id == id && f->floor == id - 1);
    assert_int_equal(f->traits.slow, 6);
    assert_int_equal(event_received_ms(f->id, f->traits.delay_ms), 1764950400003);
    assert_true(f->channel_hash == map_hash(STR("orders/eu")));
    frame_unref(f);
}

static void
test_frame_new_without_channel_and_body_is_its_id_line(void **state)
{
    (void)state;
    struct frame *f = frame_new(STR_NULL, EVENT_ID_MAX, 0, STR_NULL, no_traits);
    assert_non_null(f);
    assert_int_equal(frame_channel(f).size, 0);
    assert_true(str_equal(frame_wire(f), STR("id: 17592186044415-1048575\n")));
    assert_int_equal(body_of(f).size, 0);
    frame_unref(f);
}

static void
test_frame_new_with_a_large_body_holds_all_of_it(void **state)
{
    (void)state;
    enum { SIZE = 4 << 20 };
    char *body = malloc(SIZE);
    assert_non_null(body);
    memset(body, 'x', SIZE);
    struct frame *f = frame_new(STR("c"), 1, 0, (struct str){body, SIZE}, no_traits);
    assert_non_null(f);
    assert_true(str_equal(body_of(f), (struct str){body, SIZE}));
    frame_unref(f);
    free(body);
}

static void
test_frame_new_with_a_size_that_does_not_fit_fails(void **state)
{
    (void)state;
    /* Only the size is looked at: nothing is read before it is found to be too large. */
    struct str body = {"", (size_t)UINT32_MAX};
    assert_null(frame_new(STR("c"), 1, 0, body, no_traits));
}

static void
test_frame_unref_of_null_does_nothing(void **state)
{
    (void)state;
    frame_unref(NULL);
}

enum { THREADS = 4, ROUNDS = 10000 };

static void *
frame_user_run(void *arg)
{
    struct frame *f = arg;
    for (int i = 0; i < ROUNDS; i++) {
        frame_unref(frame_ref(f));
    }
    frame_unref(f);
    return NULL;
}

/* What is tested is that a sanitizer finds no race, no leak and no use after the free. */
static void
test_frame_unref_by_many_threads_frees_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct frame *f = frame_new(STR("c"), 1, 0, STR("data: a\n\n"), no_traits);
    assert_non_null(f);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, frame_user_run, frame_ref(f)), 0);
    }
    assert_true(str_equal(body_of(f), STR("data: a\n\n")));
    frame_unref(f);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_new_lays_out_channel_id_line_and_body),
        cmocka_unit_test(test_frame_new_without_channel_and_body_is_its_id_line),
        cmocka_unit_test(test_frame_new_with_a_large_body_holds_all_of_it),
        cmocka_unit_test(test_frame_new_with_a_size_that_does_not_fit_fails),
        cmocka_unit_test(test_frame_unref_of_null_does_nothing),
        cmocka_unit_test(test_frame_unref_by_many_threads_frees_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
