#undef NDEBUG
/* The memory log's bounds, and that what they take away is a gap exactly for whom it is one. */

#include "replay/memory_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { NOW_MS = 1000000, BIG = 1 << 30 };

static struct memory_log *
make_log(uint64_t events, uint64_t for_ms, uint64_t bytes, uint64_t channel_bytes)
{
    const struct memory_limits limits = {.keep = {.events = events, .for_ms = for_ms},
                                         .bytes = bytes,
                                         .channel_bytes = channel_bytes};
    struct memory_log *log = memory_log_new(&limits, event_id_make(NOW_MS, 0));
    assert_non_null(log);
    return log;
}

static event_id
append(struct memory_log *log, const char *channel, uint64_t now_ms)
{
    const struct replay_draft draft = {.channel = str_from(channel), .body = STR("data: x\n\n")};
    struct frame *frame = NULL;
    assert_int_equal(memory_log_append(log, &draft, now_ms, &frame), 0);
    return frame->id;
}

static struct replay_page *
read_after(struct memory_log *log, const char *channel, event_id after, uint64_t now_ms)
{
    const struct replay_page_request request = {
        .channel = str_from(channel), .after = after, .limit_events = 1000, .limit_bytes = BIG};
    struct replay_page *page = memory_log_read(log, &request, now_ms);
    assert_non_null(page);
    return page;
}

/* How many events come after `after`, and whether a gap is before them. */
static void
check_read(struct memory_log *log, const char *channel, event_id after, size_t length, bool has_gap)
{
    struct replay_page *page = read_after(log, channel, after, NOW_MS);
    assert_int_equal(page->length, length);
    assert_int_equal(after < page->floor, has_gap);
    replay_page_free(page);
}

static void
test_memory_log_keeps_as_many_events_as_it_should(void **state)
{
    (void)state;
    struct memory_log *log = make_log(3, BIG, BIG, BIG);
    event_id ids[5];
    for (size_t i = 0; i < 5; i++) {
        ids[i] = append(log, "a", NOW_MS);
    }
    check_read(log, "a", ids[0], 3, true);
    check_read(log, "a", ids[1], 3, false);
    check_read(log, "a", ids[2], 2, false);
    check_read(log, "a", ids[4], 0, false);
    memory_log_free(log);
}

static void
test_memory_log_forgets_by_age_and_knows_it(void **state)
{
    (void)state;
    struct memory_log *log = make_log(100, 1000, BIG, BIG);
    event_id old = append(log, "a", NOW_MS);
    event_id kept = append(log, "a", NOW_MS + 1);
    memory_log_expire(log, NOW_MS + 1000);
    struct replay_page *page = read_after(log, "a", 0, NOW_MS + 1000);
    assert_int_equal(page->length, 2); /* as old as it may be */
    replay_page_free(page);
    memory_log_expire(log, NOW_MS + 1001);
    page = read_after(log, "a", 0, NOW_MS + 1001);
    assert_int_equal(page->length, 1);
    assert_int_equal(page->floor, old);
    replay_page_free(page);
    memory_log_expire(log, NOW_MS + 5000);
    page = read_after(log, "a", old, NOW_MS + 5000);
    assert_int_equal(page->length, 0);
    assert_int_equal(page->floor, kept); /* the channel is remembered: exact, whatever the age */
    replay_page_free(page);
    memory_log_free(log);
}

static void
test_memory_log_stays_within_its_bytes_the_oldest_go_first(void **state)
{
    (void)state;
    enum { BYTES = 20000 };
    struct memory_log *log = make_log(100000, BIG, BYTES, BIG);
    event_id first = append(log, "quiet", NOW_MS);
    event_id last = 0;
    for (size_t i = 0; i < 1000; i++) {
        last = append(log, "busy", NOW_MS);
        assert_true(memory_log_bytes(log) <= BYTES);
    }
    check_read(log, "quiet", first, 0, false);
    check_read(log, "quiet", first - 1, 0, true);
    check_read(log, "busy", last, 0, false);
    check_read(log, "busy", last - 1, 1, false);
    memory_log_free(log);
}

static void
test_memory_log_a_channel_stays_within_its_bytes(void **state)
{
    (void)state;
    struct memory_log *log = make_log(100000, BIG, BIG, 2000);
    event_id other = append(log, "b", NOW_MS);
    for (size_t i = 0; i < 1000; i++) {
        append(log, "a", NOW_MS);
    }
    assert_true(memory_log_bytes(log) < 4000);
    check_read(log, "b", other - 1, 1, false);
    memory_log_free(log);
}

/* Names of channels without events are bounded too; when they go, the log vouches for less, never for too much. */
static void
test_memory_log_forgotten_names_move_the_birth(void **state)
{
    (void)state;
    enum { BYTES = 20000 };
    struct memory_log *log = make_log(100, 10, BYTES, BIG);
    event_id first = append(log, "first", NOW_MS);
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "channel %u", i);
        append(log, name, NOW_MS + 100 * i);
        memory_log_expire(log, NOW_MS + 100 * i + 50);
        assert_true(memory_log_bytes(log) <= BYTES);
    }
    struct replay_page *page = read_after(log, "first", first, NOW_MS + 200000);
    assert_true(first < page->floor);
    replay_page_free(page);
    page = read_after(log, "first", memory_log_head(log), NOW_MS + 200000);
    assert_true(memory_log_head(log) >= page->floor);
    replay_page_free(page);
    memory_log_free(log);
}

static void
test_memory_log_a_noted_loss_is_a_gap_for_every_older_cursor(void **state)
{
    (void)state;
    struct memory_log *log = make_log(100, BIG, BIG, BIG);
    event_id before = append(log, "a", NOW_MS);
    event_id loss = memory_log_note_loss(log, NOW_MS);
    assert_true(loss > before);
    event_id after = append(log, "a", NOW_MS);
    check_read(log, "a", before, 1, true);
    check_read(log, "a", loss, 1, false);
    check_read(log, "a", after, 0, false);
    check_read(log, "b", before, 0, true);
    memory_log_free(log);
}

static void
test_memory_log_ids_rise_when_the_clock_steps_back(void **state)
{
    (void)state;
    struct memory_log *log = make_log(100, BIG, BIG, BIG);
    event_id first = append(log, "a", NOW_MS + 500);
    event_id second = append(log, "b", NOW_MS - 500);
    assert_true(second > first);
    memory_log_free(log);
}

/* A log that forgets many short-lived channels still knows everything of the others. */
static void
test_memory_log_a_forgotten_channel_is_no_gap_in_another(void **state)
{
    (void)state;
    struct memory_log *log = make_log(BIG, BIG, 1 << 20, BIG);
    event_id cursor = append(log, "kept", NOW_MS);
    event_id newest = append(log, "kept", NOW_MS);
    for (int i = 0; i < 10000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "short-lived %d", i);
        const struct replay_draft draft = {
            .channel = str_from(name), .body = STR("data: x\n\n"), .keep = {.for_ms = 1}};
        struct frame *frame = NULL;
        assert_int_equal(memory_log_append(log, &draft, NOW_MS + i * 10, &frame), 0);
        memory_log_expire(log, NOW_MS + i * 10);
    }
    check_read(log, "short-lived 0", cursor, 0, true);
    check_read(log, "kept", cursor, 1, false);
    check_read(log, "kept", newest, 0, false);
    memory_log_free(log);
}

/* The next page of a reader: rising ids, one behind the other as far as the log still has them. */
static event_id
read_page(struct memory_log *log, event_id after, uint32_t length)
{
    const struct replay_page_request request = {
        .channel = STR("a"), .after = after, .limit_events = length, .limit_bytes = BIG};
    struct replay_page *page = memory_log_read(log, &request, NOW_MS);
    assert_non_null(page);
    assert_true(page->length == length || page->is_end);
    for (size_t i = 0; i < page->length; i++) {
        event_id floor = page->frames[i]->floor;
        assert_true(page->frames[i]->id > after);
        assert_true(floor == after || page->floor > after);
        after = page->frames[i]->id;
    }
    replay_page_free(page);
    return after;
}

/* Where a page is found depends on the one before it, which may be another reader's, or gone by now. */
static void
test_memory_log_readers_at_different_places_get_their_pages(void **state)
{
    (void)state;
    struct memory_log *log = make_log(100, BIG, BIG, BIG);
    event_id last = 0;
    event_id readers[3] = {0};
    for (int i = 0; i < 100; i++) {
        last = append(log, "a", NOW_MS);
        readers[1] = i == 50 ? last : readers[1];
    }
    readers[2] = last;
    for (int round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < 3; i++) {
            readers[i] = read_page(log, readers[i], 2 + i);
        }
        last = append(log, "a", NOW_MS); /* and the oldest goes */
    }
    for (size_t i = 0; i < 3; i++) {
        while (readers[i] < last) {
            readers[i] = read_page(log, readers[i], 7);
        }
    }
    memory_log_free(log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_log_keeps_as_many_events_as_it_should),
        cmocka_unit_test(test_memory_log_forgets_by_age_and_knows_it),
        cmocka_unit_test(test_memory_log_stays_within_its_bytes_the_oldest_go_first),
        cmocka_unit_test(test_memory_log_a_channel_stays_within_its_bytes),
        cmocka_unit_test(test_memory_log_forgotten_names_move_the_birth),
        cmocka_unit_test(test_memory_log_a_noted_loss_is_a_gap_for_every_older_cursor),
        cmocka_unit_test(test_memory_log_ids_rise_when_the_clock_steps_back),
        cmocka_unit_test(test_memory_log_readers_at_different_places_get_their_pages),
        cmocka_unit_test(test_memory_log_a_forgotten_channel_is_no_gap_in_another),
    };
    return cmocka_run_group_tests_name("replay.memory_log", tests, NULL, NULL);
}
