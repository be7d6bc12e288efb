#include "conformance.h"

#include "base/clock.h"
#include "conformance_marks.h"
#include "event/loop.h"
#include "waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 3000, KILOBYTE = 1000, LARGE_SIZE = 1024 * 1024 };

static const struct conformance *backend;

struct fixture {
    struct loop *loop;
    struct log_rig rig;
    size_t answers; /* of reads that the test makes itself */
    int statuses[4];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct config_replay config = log_rig_config();
    assert_non_null(f);
    *state = f;
    f->loop = loop_new("test");
    backend->prepare(&config);
    log_rig_open(&f->rig, f->loop, backend->new_log, &config);
    log_rig_wait_up(&f->rig);
    log_rig_wait_starts(&f->rig, 1);
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    log_rig_close(&f->rig);
    loop_free(f->loop);
    free(f);
    return 0;
}

struct log_rig *
conformance_rig(void **state)
{
    return &((struct fixture *)*state)->rig;
}

/* --- append and feed --- */

static void
test_log_append_comes_back_by_the_feed(void **state)
{
    struct log_rig *r = conformance_rig(state);
    const struct frame *frame = log_rig_put(r, "a", "one");
    assert_true(str_equal(frame_channel(frame), STR("a")));
    assert_true(str_equal(log_rig_body(frame), STR("data: one\n\n")));
    assert_true(frame->id > r->first_position);
    log_rig_wait_stored(r);
    assert_int_equal(r->stored, 1);
}

static void
test_log_ids_rise_over_all_channels(void **state)
{
    struct log_rig *r = conformance_rig(state);
    log_rig_append(r, "a", "1");
    log_rig_append(r, "b", "2");
    log_rig_append(r, "a", "3");
    log_rig_append(r, "c", "4");
    log_rig_wait_frames(r, 4); /* the rig looks at the order */
    log_rig_expect_texts(&(struct replay_page){.frames = r->frames, .length = 4}, "1 2 3 4");
}

static void
test_log_floor_is_the_previous_event_of_the_channel(void **state)
{
    struct log_rig *r = conformance_rig(state);
    event_id first = log_rig_put(r, "a", "1")->id;
    (void)log_rig_put(r, "b", "2");
    const struct frame *second = log_rig_put(r, "a", "3");
    assert_int_equal(second->floor, first);
}

static void
test_log_first_event_of_a_channel_is_no_gap_for_who_stood_at_the_head(void **state)
{
    struct log_rig *r = conformance_rig(state);
    event_id head = log_rig_put(r, "a", "1")->id;
    assert_true(log_rig_put(r, "b", "2")->floor <= head);
}

static void
test_log_append_of_several_takes_a_ticket_each(void **state)
{
    struct log_rig *r = conformance_rig(state);
    const struct replay_draft drafts[] = {
        {.channel = STR("a"), .body = STR("data: 1\n\n")},
        {.channel = STR("b"), .body = STR("data: 2\n\n")},
        {.channel = STR("a"), .body = STR("data: 3\n\n")},
    };
    assert_int_equal(replay_append(r->log, drafts, 3, &r->ticket), 0);
    assert_int_equal(r->ticket, 3);
    log_rig_wait_stored(r);
    log_rig_wait_frames(r, 3);
    log_rig_append(r, "a", "4"); /* the rig looks at the ticket */
    log_rig_wait_stored(r);
}

static void
expect_traits(const struct frame *frame, uint64_t received_ms, uint32_t slow)
{
    assert_int_equal(log_rig_received_ms(frame), received_ms);
    assert_int_equal(frame->traits.slow, slow);
}

static void
test_log_traits_come_back_by_feed_and_page(void **state)
{
    struct log_rig *r = conformance_rig(state);
    const uint64_t now_ms = clock_wall_ms();
    const struct replay_draft drafts[] = {
        {.channel = STR("a"), .body = STR("data: 1\n\n"), .received_ms = now_ms - 60000, .slow = 7},
        {.channel = STR("a"), .body = STR("data: 2\n\n"), .received_ms = now_ms + 3600000},
        {.channel = STR("a"), .body = STR("data: 3\n\n"), .slow = UINT32_MAX},
    };
    assert_int_equal(replay_append(r->log, drafts, 3, &r->ticket), 0);
    log_rig_wait_frames(r, 3);
    const struct replay_page *page = log_rig_read(r, "a", 0);
    assert_int_equal(page->length, 3);
    struct frame **const all[] = {r->frames, page->frames};
    for (int i = 0; i < 2; i++) {
        expect_traits(all[i][0], now_ms - 60000, 7);
        expect_traits(all[i][1], now_ms + 3600000, 0);
        expect_traits(all[i][2], event_id_ms(all[i][2]->id), UINT32_MAX);
    }
}

static void
test_log_many_events_lose_nothing_and_keep_their_order(void **state)
{
    struct log_rig *r = conformance_rig(state);
    char text[16];
    char channel[16];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        (void)snprintf(channel, sizeof channel, "c%d", i % 7);
        log_rig_append(r, channel, text);
    }
    log_rig_wait_frames(r, MANY);
    log_rig_wait_stored(r);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        assert_true(str_equal(log_rig_text(r->frames[i]), str_from(text)));
    }
    assert_int_equal(r->starts, 1);
}

static void
test_log_queue_is_empty_once_all_is_stored(void **state)
{
    struct log_rig *r = conformance_rig(state);
    uint64_t length = 1;
    uint64_t bytes = 1;
    log_rig_append(r, "a", "1");
    log_rig_wait_stored(r);
    replay_queue(r->log, &length, &bytes);
    assert_int_equal(length, 0);
    assert_int_equal(bytes, 0);
}

static void
test_log_names_and_bodies_of_any_kind_come_back(void **state)
{
    struct log_rig *r = conformance_rig(state);
    static const char *const channels[] = {"a b", "x:y/z.1", "{tag}", "\xc3\xa4\xe2\x82\xac",
                                           "1-1", "*"};
    static const char *const texts[] = {"",        " leading", "id: 5", "\xf0\x9f\x98\x80",
                                        "1 2 3 4", ":"};
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
        const struct frame *frame = log_rig_put(r, channels[i], texts[i]);
        assert_true(str_equal(frame_channel(frame), str_from(channels[i])));
        assert_true(str_equal(log_rig_text(frame), str_from(texts[i])));
        log_rig_expect_texts(log_rig_read(r, channels[i], 0), texts[i]);
    }
}

static void
test_log_large_events_come_back(void **state)
{
    struct log_rig *r = conformance_rig(state);
    char *text = malloc(LARGE_SIZE);
    memset(text, 'x', LARGE_SIZE);
    const struct replay_keep keep = {.events = 0};
    assert_int_equal(log_rig_try_append(r, "a", (struct str){text, LARGE_SIZE}, keep), 0);
    assert_int_equal(log_rig_try_append(r, "a", (struct str){text, LARGE_SIZE}, keep), 0);
    log_rig_wait_frames(r, 2);
    assert_int_equal(log_rig_text(r->frames[1]).size, LARGE_SIZE);
    assert_int_equal(log_rig_read(r, "a", 0)->length, 2);
    free(text);
}

/* --- reading --- */

static void
test_log_read_brings_everything_after_the_cursor_oldest_first(void **state)
{
    struct log_rig *r = conformance_rig(state);
    event_id first = log_rig_put(r, "a", "1")->id;
    (void)log_rig_put(r, "b", "x");
    event_id second = log_rig_put(r, "a", "2")->id;
    event_id third = log_rig_put(r, "a", "3")->id;
    const struct replay_page *page = log_rig_read(r, "a", first);
    log_rig_expect_texts(page, "2 3");
    assert_int_equal(page->after, first);
    assert_int_equal(page->upto, third);
    assert_true(page->is_end);
    assert_int_equal(page->frames[0]->id, second);
    assert_int_equal(page->frames[0]->floor, first);
    assert_true(str_equal(frame_channel(page->frames[0]), STR("a")));
    assert_false(log_rig_has_gap(page, first));
    page = log_rig_read(r, "a", 0);
    log_rig_expect_texts(page, "1 2 3");
}

static void
test_log_read_at_the_head_is_empty_and_no_gap(void **state)
{
    struct log_rig *r = conformance_rig(state);
    (void)log_rig_put(r, "a", "1");
    event_id head = log_rig_put(r, "b", "2")->id;
    const struct replay_page *page = log_rig_read(r, "a", head);
    assert_int_equal(page->length, 0);
    assert_true(page->is_end);
    assert_int_equal(page->upto, head);
    assert_false(log_rig_has_gap(page, head));
}

static void
test_log_read_of_a_quiet_channel_is_no_gap_for_who_saw_the_log_begin(void **state)
{
    struct log_rig *r = conformance_rig(state);
    event_id begin = r->first_position;
    event_id head = log_rig_put(r, "a", "1")->id;
    const struct replay_page *page = log_rig_read(r, "never heard of", begin);
    assert_int_equal(page->length, 0);
    assert_true(page->is_end);
    assert_int_equal(page->upto, head);
    assert_false(log_rig_has_gap(page, begin));
    assert_true(log_rig_has_gap(page, begin - 1)); /* what was before the log nobody knows */
    page = log_rig_read(r, "a", begin);
    assert_false(log_rig_has_gap(page, begin));
    assert_true(log_rig_has_gap(page, begin - 1));
}

static void
test_log_read_of_an_empty_log_ends_at_its_beginning(void **state)
{
    struct log_rig *r = conformance_rig(state);
    const struct replay_page *page = log_rig_read(r, "a", 0);
    assert_int_equal(page->length, 0);
    assert_true(page->is_end);
    assert_int_equal(page->upto, r->first_position);
    assert_true(log_rig_has_gap(page, 1));
    page = log_rig_read_request(r, &(struct replay_page_request){.channel = STR("a"), .newest = 2});
    assert_int_equal(page->length, 0);
    assert_true(page->is_end);
    assert_int_equal(page->upto, r->first_position);
}

static void
test_log_read_from_beyond_the_head_ends_at_the_head(void **state)
{
    struct log_rig *r = conformance_rig(state);
    event_id head = log_rig_put(r, "a", "1")->id;
    const struct replay_page *page = log_rig_read(r, "a", EVENT_ID_MAX);
    assert_int_equal(page->length, 0);
    assert_true(page->is_end);
    assert_int_equal(page->upto, head);
}

static void
test_log_read_in_small_pages_brings_each_event_once(void **state)
{
    struct log_rig *r = conformance_rig(state);
    char text[16];
    int next = 0;
    struct replay_page_request request = {
        .channel = STR("a"), .limit_events = 3, .limit_bytes = 1024 * 1024};
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        log_rig_append(r, "a", text);
    }
    log_rig_wait_frames(r, 100);
    while (true) {
        const struct replay_page *page = log_rig_read_request(r, &request);
        assert_true(page->length <= 3);
        for (size_t i = 0; i < page->length; i++) {
            (void)snprintf(text, sizeof text, "%d", next++);
            assert_true(str_equal(log_rig_text(page->frames[i]), str_from(text)));
        }
        if (page->is_end) {
            break;
        }
        assert_int_equal(page->length, 3);
        assert_int_equal(page->upto, page->frames[2]->id);
        request.after = page->upto;
    }
    assert_int_equal(next, 100);
    assert_int_equal(r->page->upto, r->position);
}

static void
test_log_read_of_exactly_the_limit_is_the_end(void **state)
{
    struct log_rig *r = conformance_rig(state);
    struct replay_page_request request = {
        .channel = STR("a"), .limit_events = 2, .limit_bytes = 1024 * 1024};
    (void)log_rig_put(r, "a", "1");
    (void)log_rig_put(r, "a", "2");
    assert_true(log_rig_read_request(r, &request)->is_end);
    request.limit_events = 1;
    assert_false(log_rig_read_request(r, &request)->is_end);
}

static void
fill(char *text, size_t size)
{
    memset(text, 'x', size);
    text[size] = '\0';
}

static void
test_log_read_is_bounded_in_bytes_but_brings_one_event_always(void **state)
{
    struct log_rig *r = conformance_rig(state);
    struct replay_page_request request = {
        .channel = STR("a"), .limit_events = 1000, .limit_bytes = 10};
    char text[KILOBYTE + 1];
    fill(text, KILOBYTE);
    for (int i = 0; i < 50; i++) {
        log_rig_append(r, "a", text);
    }
    log_rig_wait_frames(r, 50);
    const struct replay_page *page = log_rig_read_request(r, &request);
    assert_int_equal(page->length, 1);
    assert_false(page->is_end);
    request.limit_bytes = 20500;
    page = log_rig_read_request(r, &request);
    assert_in_range(page->length, 18, 20);
    assert_false(page->is_end);
    assert_int_equal(page->upto, page->frames[page->length - 1]->id);
}

static void
test_log_read_of_the_newest_comes_oldest_first(void **state)
{
    struct log_rig *r = conformance_rig(state);
    struct replay_page_request request = {
        .channel = STR("a"), .newest = 2, .limit_events = 100, .limit_bytes = 1024 * 1024};
    (void)log_rig_put(r, "a", "1");
    event_id second = log_rig_put(r, "a", "2")->id;
    (void)log_rig_put(r, "a", "3");
    event_id head = log_rig_put(r, "b", "x")->id;
    const struct replay_page *page = log_rig_read_request(r, &request);
    log_rig_expect_texts(page, "2 3");
    assert_true(page->is_end);
    assert_int_equal(page->upto, head);
    assert_int_equal(page->after, second - 1);
    request.newest = 100;
    log_rig_expect_texts(log_rig_read_request(r, &request), "1 2 3");
    request.newest = 1;
    log_rig_expect_texts(log_rig_read_request(r, &request), "3");
}

/* They are as many as were asked for, if not all in the first page. */
static void
test_log_read_of_the_newest_is_bounded_in_bytes(void **state)
{
    struct log_rig *r = conformance_rig(state);
    struct replay_page_request request = {
        .channel = STR("a"), .newest = 40, .limit_events = 100, .limit_bytes = 20500};
    event_id ids[50];
    char text[KILOBYTE + 1];
    fill(text, KILOBYTE);
    for (size_t i = 0; i < 50; i++) {
        ids[i] = log_rig_put(r, "a", text)->id;
    }
    const struct replay_page *page = log_rig_read_request(r, &request);
    assert_in_range(page->length, 18, 20);
    assert_int_equal(page->after, ids[10] - 1);
    assert_int_equal(page->upto, page->frames[page->length - 1]->id);
    assert_false(page->is_end);
    request.newest = 15;
    page = log_rig_read_request(r, &request);
    assert_int_equal(page->length, 15);
    assert_int_equal(page->after, ids[35] - 1);
    assert_true(page->is_end);
    request.limit_events = 7;
    page = log_rig_read_request(r, &request);
    assert_int_equal(page->length, 7);
    assert_int_equal(page->after, ids[35] - 1);
}

static void
count_answer(void *arg, int status, struct replay_page *page)
{
    struct fixture *f = arg;
    f->statuses[f->answers++] = status;
    replay_page_free(page);
}

static void
test_log_reader_freed_answers_each_read_once(void **state)
{
    struct fixture *f = *state;
    const struct replay_page_request request = {
        .channel = STR("a"), .limit_events = 1, .limit_bytes = 1024};
    struct replay_reader *reader = replay_reader_new(f->rig.log, f->loop);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(replay_reader_read(reader, &request, count_answer, f), 0);
    }
    replay_reader_free(reader);
    assert_int_equal(f->answers, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(f->statuses[i], ERR_CLOSED);
    }
    (void)log_rig_put(&f->rig, "a", "1"); /* turns the loop: nothing comes late */
    assert_int_equal(f->answers, 3);
}

static bool
has_three_answers(void *arg)
{
    const struct fixture *f = arg;
    return f->answers == 3;
}

static void
test_log_reads_at_once_are_all_answered(void **state)
{
    struct fixture *f = *state;
    const struct replay_page_request request = {
        .channel = STR("a"), .limit_events = 1, .limit_bytes = 1024};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(replay_reader_read(f->rig.reader, &request, count_answer, f), 0);
    }
    assert_int_equal(f->answers, 0);
    wait_until(f->loop, has_three_answers, f);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(f->statuses[i], 0);
    }
}

/* --- what is no longer there --- */

static void
test_log_trimmed_by_count_is_a_gap_and_only_for_who_missed_it(void **state)
{
    struct log_rig *r = conformance_rig(state);
    const struct replay_keep keep = {.events = 3};
    for (int i = 1; i <= 5; i++) {
        log_rig_append_kept(r, "a", (const char *const[]){"1", "2", "3", "4", "5"}[i - 1], keep);
    }
    log_rig_wait_frames(r, 5);
    event_id first = r->frames[0]->id;
    event_id second = r->frames[1]->id;
    const struct replay_page *page = log_rig_read(r, "a", first);
    log_rig_expect_texts(page, "3 4 5");
    assert_true(log_rig_has_gap(page, first));
    assert_false(log_rig_has_gap(page, second));
    page = log_rig_read(r, "a", second);
    log_rig_expect_texts(page, "3 4 5");
    assert_false(log_rig_has_gap(page, second));
}

static bool
is_forgotten(void *arg)
{
    struct log_rig *r = arg;
    return r->page->length == 0;
}

/* Reads until the channel is empty: its events became too old. */
static void
wait_forgotten(struct log_rig *r, const char *channel)
{
    do {
        (void)log_rig_read(r, channel, 0);
    } while (!is_forgotten(r));
}

static void
test_log_forgotten_by_age_is_a_gap_and_only_for_who_missed_it(void **state)
{
    struct log_rig *r = conformance_rig(state);
    const struct replay_keep keep = {.for_ms = 30};
    log_rig_append_kept(r, "a", "1", keep);
    log_rig_append_kept(r, "a", "2", keep);
    log_rig_wait_frames(r, 2);
    wait_forgotten(r, "a");
    const struct replay_page *page = log_rig_read(r, "a", r->frames[0]->id);
    assert_true(log_rig_has_gap(page, r->frames[0]->id));
    assert_false(log_rig_has_gap(page, r->frames[1]->id));
    assert_int_equal(page->upto, r->frames[1]->id);
}

static void
test_log_event_after_forgotten_ones_says_so_by_its_floor(void **state)
{
    struct log_rig *r = conformance_rig(state);
    const struct replay_keep keep = {.for_ms = 30};
    log_rig_append_kept(r, "a", "1", keep);
    log_rig_append_kept(r, "a", "2", keep);
    log_rig_wait_frames(r, 2);
    wait_forgotten(r, "a");
    log_rig_append_kept(r, "a", "3", (struct replay_keep){.events = 0});
    log_rig_wait_frames(r, 3);
    assert_true(r->frames[2]->floor > r->frames[0]->id);
    assert_true(r->frames[2]->floor <= r->frames[1]->id);
    const struct replay_page *page = log_rig_read(r, "a", r->frames[0]->id);
    log_rig_expect_texts(page, "3");
    assert_true(log_rig_has_gap(page, r->frames[0]->id));
    assert_false(log_rig_has_gap(page, r->frames[1]->id));
}

static void
test_log_noted_loss_is_a_gap_for_every_older_cursor(void **state)
{
    struct log_rig *r = conformance_rig(state);
    event_id before = log_rig_put(r, "a", "1")->id;
    (void)log_rig_put(r, "quiet", "x");
    event_id head = r->position;
    replay_note_loss(r->log);
    log_rig_append(r, "a", "2");
    log_rig_wait_starts(r, 2); /* live streams are told by the feed's new beginning */
    assert_true(r->position > head);
    log_rig_wait_stored(r);
    const struct replay_page *page = log_rig_read(r, "a", before);
    log_rig_expect_texts(page, "2");
    assert_true(log_rig_has_gap(page, before));
    page = log_rig_read(r, "quiet", head);
    assert_true(log_rig_has_gap(page, head));
    page = log_rig_read(r, "never heard of", head);
    assert_true(log_rig_has_gap(page, head));
    event_id now = page->upto;
    assert_false(log_rig_has_gap(log_rig_read(r, "a", now), now));
    assert_false(log_rig_has_gap(log_rig_read(r, "quiet", now), now));
}

static void
test_log_goes_on_after_a_noted_loss(void **state)
{
    struct log_rig *r = conformance_rig(state);
    (void)log_rig_put(r, "a", "1");
    replay_note_loss(r->log);
    log_rig_append(r, "a", "2");
    log_rig_wait_starts(r, 2);
    log_rig_wait_stored(r);
    size_t frames = r->frames_length;
    log_rig_append(r, "a", "3");
    log_rig_append(r, "b", "4");
    log_rig_wait_stored(r);
    log_rig_wait_frames(r, frames + 2);
    assert_int_equal(r->starts, 2);
    log_rig_expect_texts(log_rig_read(r, "a", 0), "1");
    log_rig_expect_texts(log_rig_read(r, "a", r->page->upto), "2 3");
}

/* It may be the last thing that happens: nobody must wait for another event to hear of it. */
static void
test_log_noted_loss_that_nothing_follows_is_a_gap(void **state)
{
    struct log_rig *r = conformance_rig(state);
    event_id cursor = log_rig_put(r, "a", "1")->id;
    replay_note_loss(r->log);
    log_rig_wait_starts(r, 2);
    assert_true(r->position > cursor);
    const struct replay_page *page = log_rig_read(r, "a", cursor);
    assert_int_equal(page->length, 0);
    assert_true(log_rig_has_gap(page, cursor));
    (void)log_rig_put(r, "a", "2");
    assert_int_equal(r->starts, 2); /* told once */
    log_rig_expect_texts(log_rig_read(r, "a", cursor), "2");
}

/* Also where there was another one since. */
static void
test_log_every_noted_loss_is_a_gap_where_it_was(void **state)
{
    struct log_rig *r = conformance_rig(state);
    event_id cursor = log_rig_put(r, "a", "0")->id;
    log_rig_append(r, "a", "1");
    log_rig_append(r, "a", "2");
    replay_note_loss(r->log); /* in the middle of what may be one batch */
    log_rig_append(r, "a", "3");
    log_rig_wait_stored(r);
    replay_note_loss(r->log);
    log_rig_append(r, "a", "4");
    log_rig_append(r, "a", "5");
    log_rig_wait_stored(r);
    const struct replay_page *page = log_rig_read(r, "a", cursor);
    log_rig_expect_texts(page, "1 2");
    assert_false(log_rig_has_gap(page, cursor));
    cursor = page->upto;
    page = log_rig_read(r, "a", cursor);
    log_rig_expect_texts(page, "3");
    assert_true(log_rig_has_gap(page, cursor));
    cursor = page->upto;
    page = log_rig_read(r, "a", cursor);
    log_rig_expect_texts(page, "4 5");
    assert_true(log_rig_has_gap(page, cursor));
    assert_true(page->is_end);
}

/* Who was away since before the loss gets what is older first, whole, and then the gap. */
static void
test_log_noted_loss_is_a_gap_where_it_was(void **state)
{
    struct log_rig *r = conformance_rig(state);
    event_id cursor = log_rig_put(r, "a", "1")->id;
    (void)log_rig_put(r, "a", "2");
    event_id newest = log_rig_put(r, "a", "3")->id;
    replay_note_loss(r->log);
    const struct replay_page *page;
    log_rig_append(r, "b", "4");
    log_rig_wait_stored(r);
    for (int i = 0; i < 2; i++) {
        page = log_rig_read(r, "a", cursor);
        log_rig_expect_texts(page, "2 3");
        assert_false(log_rig_has_gap(page, cursor));
        assert_int_equal(page->upto, newest);
        assert_false(page->is_end);
        log_rig_append(r, "a", "5"); /* the same with an event behind the loss */
        log_rig_wait_stored(r);
    }
    page = log_rig_read(r, "a", newest);
    log_rig_expect_texts(page, "5 5");
    assert_true(log_rig_has_gap(page, newest));
    assert_true(page->is_end);
}

int
conformance_run(const struct conformance *conformance)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_log_##name, setup, teardown)
        CASE(append_comes_back_by_the_feed),
        CASE(ids_rise_over_all_channels),
        CASE(floor_is_the_previous_event_of_the_channel),
        CASE(first_event_of_a_channel_is_no_gap_for_who_stood_at_the_head),
        CASE(append_of_several_takes_a_ticket_each),
        CASE(traits_come_back_by_feed_and_page),
        CASE(many_events_lose_nothing_and_keep_their_order),
        CASE(queue_is_empty_once_all_is_stored),
        CASE(names_and_bodies_of_any_kind_come_back),
        CASE(large_events_come_back),
        CASE(read_brings_everything_after_the_cursor_oldest_first),
        CASE(read_at_the_head_is_empty_and_no_gap),
        CASE(read_of_a_quiet_channel_is_no_gap_for_who_saw_the_log_begin),
        CASE(read_of_an_empty_log_ends_at_its_beginning),
        CASE(read_from_beyond_the_head_ends_at_the_head),
        CASE(read_in_small_pages_brings_each_event_once),
        CASE(read_of_exactly_the_limit_is_the_end),
        CASE(read_is_bounded_in_bytes_but_brings_one_event_always),
        CASE(read_of_the_newest_comes_oldest_first),
        CASE(read_of_the_newest_is_bounded_in_bytes),
        CASE(reader_freed_answers_each_read_once),
        CASE(reads_at_once_are_all_answered),
        CASE(trimmed_by_count_is_a_gap_and_only_for_who_missed_it),
        CASE(forgotten_by_age_is_a_gap_and_only_for_who_missed_it),
        CASE(event_after_forgotten_ones_says_so_by_its_floor),
        CASE(noted_loss_is_a_gap_for_every_older_cursor),
        CASE(noted_loss_that_nothing_follows_is_a_gap),
        CASE(goes_on_after_a_noted_loss),
        CASE(mark_that_nobody_moved_is_empty),
        CASE(mark_moves_with_its_events),
        CASE(mark_moves_without_events),
        CASE(mark_that_stands_elsewhere_refuses_its_events_and_says_so),
        CASE(mark_refused_says_so_before_its_ticket_is_done),
        CASE(marks_of_several_names_know_nothing_of_each_other),
        CASE(mark_with_the_most_events_and_not_one_more),
        CASE(noted_loss_is_a_gap_where_it_was),
        CASE(every_noted_loss_is_a_gap_where_it_was),
#undef CASE
    };
    backend = conformance;
    return cmocka_run_group_tests_name(conformance->name, tests, NULL, NULL);
}
