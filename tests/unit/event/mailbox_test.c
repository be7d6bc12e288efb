#undef NDEBUG
#include "event/loop.h"
#include "event/mailbox.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LIMIT = 8, THREADS = 4, MAILS_PER_THREAD = 20000 };

/* A reader that notes its mail and stops its loop at the mail of type STOP. */
enum { STOP = 100 };

struct reader {
    struct loop *loop;
    struct mailbox *box;
    uint64_t numbers[64];
    size_t length;
    size_t wakes;
};

static void
on_mail(void *arg, const struct mail *mails, size_t length)
{
    struct reader *r = arg;
    assert_true(length > 0);
    r->wakes++;
    for (size_t i = 0; i < length; i++) {
        if (mails[i].type == STOP) {
            loop_stop(r->loop);
        } else {
            r->numbers[r->length++] = mails[i].number;
        }
    }
}

static int
setup(void **state)
{
    struct reader *r = calloc(1, sizeof *r);
    *state = r;
    r->loop = loop_new("reader");
    r->box = mailbox_new(r->loop, LIMIT, on_mail, r);
    return r->loop == NULL || r->box == NULL;
}

static int
teardown(void **state)
{
    struct reader *r = *state;
    mailbox_free(r->box);
    loop_free(r->loop);
    free(r);
    return 0;
}

static int
post(struct reader *r, uint64_t first_number, size_t length)
{
    struct mail mails[LIMIT + 1] = {0};
    for (size_t i = 0; i < length; i++) {
        mails[i].number = first_number + i;
    }
    return mailbox_post(r->box, mails, length);
}

static void
read_all(struct reader *r)
{
    struct mail stop = {.type = STOP};
    assert_int_equal(mailbox_post_urgent(r->box, &stop), 0);
    assert_int_equal(loop_run(r->loop), 0);
}

static void
assert_read(const struct reader *r, size_t length)
{
    assert_int_equal(r->length, length);
    for (size_t i = 0; i < length; i++) {
        assert_int_equal(r->numbers[i], i);
    }
}

static void
test_mailbox_gives_all_mail_at_once_and_in_order(void **state)
{
    struct reader *r = *state;
    assert_int_equal(post(r, 0, 3), 0);
    assert_int_equal(post(r, 3, 0), 0);
    assert_int_equal(post(r, 3, 2), 0);
    read_all(r);
    assert_read(r, 5);
    assert_int_equal(r->wakes, 1);
}

static void
test_mailbox_around_its_limit(void **state)
{
    struct reader *r = *state;
    assert_int_equal(post(r, 0, LIMIT - 1), 0);
    assert_int_equal(post(r, LIMIT - 1, 1), 0);
    assert_int_equal(post(r, LIMIT, 1), MAILBOX_E_FULL);
    read_all(r);
    assert_read(r, LIMIT);
    assert_int_equal(post(r, LIMIT, 1), 0);
    read_all(r);
    assert_read(r, LIMIT + 1);
}

static void
test_mailbox_takes_a_batch_whole_or_not_at_all(void **state)
{
    struct reader *r = *state;
    assert_int_equal(post(r, 0, LIMIT + 1), MAILBOX_E_FULL);
    assert_int_equal(post(r, 0, 2), 0);
    assert_int_equal(post(r, 2, LIMIT - 1), MAILBOX_E_FULL);
    assert_int_equal(post(r, 2, LIMIT - 2), 0);
    read_all(r);
    assert_read(r, LIMIT);
}

/* One mail that keeps so many bytes. */
static int
post_bytes(struct reader *r, uint64_t number, size_t bytes)
{
    struct mail mail = {.number = number, .bytes = bytes};
    return mailbox_post(r->box, &mail, 1);
}

static void
test_mailbox_around_its_limit_on_bytes(void **state)
{
    struct reader *r = *state;
    struct mail urgent = {.number = 3, .bytes = 1};
    mailbox_set_limits(r->box, LIMIT, 100);
    assert_int_equal(post_bytes(r, 0, 99), 0);
    assert_int_equal(post_bytes(r, 1, 2), MAILBOX_E_FULL);
    assert_int_equal(post_bytes(r, 1, 1), 0);
    assert_int_equal(post_bytes(r, 2, 1), MAILBOX_E_FULL);
    assert_int_equal(post_bytes(r, 2, 0), 0);
    assert_int_equal(mailbox_post_urgent(r->box, &urgent), 0);
    assert_int_equal(post_bytes(r, 4, 0), MAILBOX_E_FULL);
    read_all(r);
    assert_read(r, 4);
    assert_int_equal(post_bytes(r, 4, 100), 0);
    read_all(r);
    assert_read(r, 5);
}

static void
test_mailbox_takes_what_is_larger_than_its_limit_where_no_bytes_wait(void **state)
{
    struct reader *r = *state;
    mailbox_set_limits(r->box, LIMIT, 100);
    assert_int_equal(post_bytes(r, 0, 0), 0);
    assert_int_equal(post_bytes(r, 1, 101), 0);
    assert_int_equal(post_bytes(r, 2, 1), MAILBOX_E_FULL);
    read_all(r);
    assert_read(r, 2);
    assert_int_equal(post_bytes(r, 2, SIZE_MAX), 0);
    assert_int_equal(post_bytes(r, 3, 1), MAILBOX_E_FULL);
    read_all(r);
    assert_read(r, 3);
}

static void
test_mailbox_batch_counts_the_bytes_of_all_its_mails(void **state)
{
    struct reader *r = *state;
    struct mail mails[] = {{.number = 1, .bytes = 50}, {.number = 2, .bytes = 51}};
    mailbox_set_limits(r->box, LIMIT, 101);
    assert_int_equal(post_bytes(r, 0, 1), 0);
    assert_int_equal(mailbox_post(r->box, mails, 2), MAILBOX_E_FULL);
    mailbox_set_limits(r->box, LIMIT, 102);
    assert_int_equal(mailbox_post(r->box, mails, 2), 0);
    read_all(r);
    assert_read(r, 3);
}

static void
test_mailbox_urgent_mail_goes_beyond_the_limit(void **state)
{
    struct reader *r = *state;
    struct mail urgent = {.number = LIMIT};
    assert_int_equal(post(r, 0, LIMIT), 0);
    assert_int_equal(mailbox_post_urgent(r->box, &urgent), 0);
    assert_int_equal(post(r, LIMIT + 1, 1), MAILBOX_E_FULL);
    read_all(r);
    assert_read(r, LIMIT + 1);
}

static void
test_mailbox_free_hands_out_what_was_never_read(void **state)
{
    struct reader *r = *state;
    struct mailbox *box = mailbox_new(r->loop, LIMIT, on_mail, r);
    struct mail mail = {.number = 0};
    assert_non_null(box);
    assert_int_equal(mailbox_post(box, &mail, 1), 0);
    mailbox_free(box);
    assert_read(r, 1);
    mailbox_free(NULL);
}

static void
on_mail_answer(void *arg, const struct mail *mails, size_t length)
{
    struct reader *r = arg;
    for (size_t i = 0; i < length; i++) {
        struct mail answer = {.number = mails[i].number + 1, .type = STOP * (mails[i].number == 9)};
        r->wakes++;
        if (mails[i].type == STOP) {
            loop_stop(r->loop);
        } else {
            assert_int_equal(mailbox_post(r->box, &answer, 1), 0);
        }
    }
}

static void
test_mailbox_mail_posted_by_its_reader_wakes_it_again(void **state)
{
    struct reader *r = *state;
    mailbox_free(r->box);
    r->box = mailbox_new(r->loop, LIMIT, on_mail_answer, r);
    assert_int_equal(post(r, 0, 1), 0);
    assert_int_equal(loop_run(r->loop), 0);
    assert_int_equal(r->wakes, 11);
}

/* Across threads: every writer's mail arrives whole and in its order. */
struct crowd {
    struct loop *loop;
    struct mailbox *box;
    uint64_t next[THREADS]; /* the number that each writer's next mail must have */
    size_t finished;
    size_t largest;
};

struct writer {
    struct crowd *crowd;
    uint32_t index;
    pthread_t thread;
};

static void
on_crowd_mail(void *arg, const struct mail *mails, size_t length)
{
    struct crowd *c = arg;
    assert_true(length > 0);
    c->largest = length > c->largest ? length : c->largest;
    for (size_t i = 0; i < length; i++) {
        uint64_t number = (*(const uint64_t *)mails[i].object);
        assert_int_equal(number, mails[i].number);
        assert_int_equal(number, c->next[mails[i].type]++);
        free(mails[i].object);
        c->finished += number == MAILS_PER_THREAD - 1;
    }
    if (c->finished == THREADS) {
        loop_stop(c->loop);
    }
}

static void *
write_many(void *arg)
{
    struct writer *w = arg;
    for (uint64_t number = 0; number < MAILS_PER_THREAD; number++) {
        uint64_t *object = malloc(sizeof *object);
        *object = number;
        struct mail mail = {.type = w->index, .object = object, .number = number};
        while (mailbox_post(w->crowd->box, &mail, 1) == MAILBOX_E_FULL) {
            sched_yield();
        }
    }
    return NULL;
}

static void
test_mailbox_written_by_many_threads_loses_and_reorders_nothing(void **state)
{
    struct crowd c = {.loop = loop_new("crowd")};
    struct writer writers[THREADS];
    (void)state;
    c.box = mailbox_new(c.loop, LIMIT, on_crowd_mail, &c);
    assert_non_null(c.box);
    for (uint32_t i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){.crowd = &c, .index = i};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_many, &writers[i]), 0);
    }
    assert_int_equal(loop_run(c.loop), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        assert_int_equal(c.next[i], MAILS_PER_THREAD);
    }
    assert_true(c.largest <= LIMIT);
    mailbox_free(c.box);
    loop_free(c.loop);
}

/* Two loops that answer one another: every mail crosses threads and wakes a loop that waits. */
struct player {
    struct loop *loop;
    struct mailbox *box;
    struct player *other;
    pthread_t thread;
};

enum { RALLY = 5000 };

static void
on_ball(void *arg, const struct mail *mails, size_t length)
{
    struct player *p = arg;
    assert_int_equal(length, 1);
    struct mail ball = {.number = mails[0].number + 1};
    if (mails[0].number <= RALLY) {
        assert_int_equal(mailbox_post(p->other->box, &ball, 1), 0);
    }
    if (mails[0].number >= RALLY) {
        loop_stop(p->loop);
    }
}

static void *
run_player(void *arg)
{
    struct player *p = arg;
    assert_int_equal(loop_run(p->loop), 0);
    return NULL;
}

static void
test_mailbox_between_two_loops_carries_every_answer(void **state)
{
    struct player players[2];
    struct mail ball = {.number = 0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        players[i] = (struct player){.loop = loop_new("player"), .other = &players[1 - i]};
        players[i].box = mailbox_new(players[i].loop, 1, on_ball, &players[i]);
        assert_non_null(players[i].box);
    }
    assert_int_equal(mailbox_post(players[0].box, &ball, 1), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&players[i].thread, NULL, run_player, &players[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(players[i].thread, NULL), 0);
    }
    for (int i = 0; i < 2; i++) {
        mailbox_free(players[i].box);
        loop_free(players[i].loop);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mailbox_gives_all_mail_at_once_and_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_mailbox_around_its_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mailbox_takes_a_batch_whole_or_not_at_all, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_mailbox_around_its_limit_on_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_mailbox_takes_what_is_larger_than_its_limit_where_no_bytes_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mailbox_batch_counts_the_bytes_of_all_its_mails, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_mailbox_urgent_mail_goes_beyond_the_limit, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_mailbox_free_hands_out_what_was_never_read, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_mailbox_mail_posted_by_its_reader_wakes_it_again,
                                        setup, teardown),
        cmocka_unit_test(test_mailbox_written_by_many_threads_loses_and_reorders_nothing),
        cmocka_unit_test(test_mailbox_between_two_loops_carries_every_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
