#undef NDEBUG
#include "redis/reply.h"
#include "sources/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* --- texts --- */

static void
test_stream_position_texts_come_back(void **state)
{
    static const char *const texts[] = {
        "0-0",
        "5-1",
        "5-1/0",
        "1712345678901-7/42",
        "18446744073709551615-18446744073709551615",
        "18446744073709551615-18446744073709551615/18446744073709551615",
    };
    char text[STREAM_POSITION_SIZE_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct stream_position p;
        assert_int_equal(stream_position_parse(str_from(texts[i]), &p), 0);
        stream_position_format(&p, text);
        assert_string_equal(text, texts[i]);
    }
}

static void
test_stream_position_of_a_bare_id_has_no_sequence(void **state)
{
    struct stream_position p;
    (void)state;
    assert_int_equal(stream_position_parse(STR("17"), &p), 0);
    assert_int_equal(p.id.ms, 17);
    assert_int_equal(p.id.seq, 0);
    assert_false(p.is_counted);
}

static void
test_stream_position_of_garbage_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "-",
                                        "1-",
                                        "-1",
                                        "1-2-3",
                                        "1-2/",
                                        "1-2/x",
                                        "a-1",
                                        "$",
                                        " 1-1",
                                        "1-1 ",
                                        "+1-1",
                                        "/",
                                        "1/2/3",
                                        "18446744073709551616-0",
                                        "0-18446744073709551616"};
    struct stream_position p = {.count = 77};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(stream_position_parse(str_from(texts[i]), &p), ERR_SYNTAX);
    }
    assert_int_equal(p.count, 77);
}

static void
test_stream_id_order_is_of_two_numbers(void **state)
{
    const struct stream_id a = {9, 9};
    const struct stream_id b = {10, 0};
    const struct stream_id c = {10, 1};
    (void)state;
    assert_true(stream_id_is_later(b, a));
    assert_true(stream_id_is_later(c, b));
    assert_false(stream_id_is_later(b, c));
    assert_false(stream_id_is_later(b, b));
}

/* --- the names of marks --- */

static void
test_stream_mark_name_belongs_to_one_source(void **state)
{
    struct stream s;
    (void)state;
    assert_int_equal(stream_init(&s, NULL, "a/b", "c:d"), 0);
    struct str name = str_from(s.mark_name);
    assert_true(str_equal(stream_key_of_mark("a/b", name), STR("c:d")));
    assert_int_equal(stream_key_of_mark("a", name).size, 0);
    assert_int_equal(stream_key_of_mark("a/b/c", name).size, 0);
    stream_fini(&s);
}

/* --- XINFO --- */

#define TEXT_REPLY(t)                                                                              \
    {                                                                                              \
        .type = REDIS_TYPE_STRING, .text = STR(t)                                                  \
    }
#define NUMBER_REPLY(n)                                                                            \
    {                                                                                              \
        .type = REDIS_TYPE_INTEGER, .integer = (n)                                                 \
    }

static void
test_stream_info_of_a_stream_is_read(void **state)
{
    struct redis_reply entry[] = {TEXT_REPLY("5-1"), {.type = REDIS_TYPE_ARRAY}};
    struct redis_reply items[] = {
        TEXT_REPLY("length"),
        NUMBER_REPLY(3),
        TEXT_REPLY("something new"),
        TEXT_REPLY("x"),
        TEXT_REPLY("last-generated-id"),
        TEXT_REPLY("7-2"),
        TEXT_REPLY("entries-added"),
        NUMBER_REPLY(9),
        TEXT_REPLY("first-entry"),
        {.type = REDIS_TYPE_ARRAY, .length = 2, .items = entry},
    };
    const struct redis_reply reply = {.type = REDIS_TYPE_ARRAY, .length = 10, .items = items};
    struct stream_info info;
    (void)state;
    assert_int_equal(stream_info_read(&reply, &info), 0);
    assert_int_equal(info.length, 3);
    assert_int_equal(info.added, 9);
    assert_true(info.is_counted);
    assert_int_equal(info.first.ms, 5);
    assert_int_equal(info.last.seq, 2);
}

static void
read_info_of_first_entry(struct redis_reply *entry, struct stream_info *ret_info)
{
    struct redis_reply items[] = {
        TEXT_REPLY("first-entry"),
        {.type = REDIS_TYPE_ARRAY, .length = 2, .items = entry},
    };
    const struct redis_reply reply = {.type = REDIS_TYPE_ARRAY, .length = 2, .items = items};
    assert_int_equal(stream_info_read(&reply, ret_info), 0);
}

static void
test_stream_info_tells_first_entries_apart(void **state)
{
    struct redis_reply fields[] = {TEXT_REPLY("f"), TEXT_REPLY("1")};
    struct redis_reply entry[] = {TEXT_REPLY("5-1"),
                                  {.type = REDIS_TYPE_ARRAY, .length = 2, .items = fields}};
    struct stream_info one;
    struct stream_info same;
    struct stream_info other;
    (void)state;
    read_info_of_first_entry(entry, &one);
    read_info_of_first_entry(entry, &same);
    fields[1] = (struct redis_reply)TEXT_REPLY("2");
    read_info_of_first_entry(entry, &other);
    assert_true(one.first_print == same.first_print);
    assert_true(one.first_print != other.first_print);
    assert_true(one.is_known);
}

static void
test_stream_info_of_an_old_server_is_not_counted(void **state)
{
    struct redis_reply items[] = {
        TEXT_REPLY("length"), NUMBER_REPLY(0),           TEXT_REPLY("last-generated-id"),
        TEXT_REPLY("7-2"),    TEXT_REPLY("first-entry"), {.type = REDIS_TYPE_NIL},
    };
    const struct redis_reply reply = {.type = REDIS_TYPE_ARRAY, .length = 6, .items = items};
    struct stream_info info;
    (void)state;
    assert_int_equal(stream_info_read(&reply, &info), 0);
    assert_false(info.is_counted);
    assert_int_equal(info.last.ms, 7);
}

static void
test_stream_info_of_garbage_is_refused(void **state)
{
    struct redis_reply items[] = {TEXT_REPLY("length"), TEXT_REPLY("3")};
    struct redis_reply negative[] = {TEXT_REPLY("entries-added"), NUMBER_REPLY(-1)};
    struct redis_reply id[] = {TEXT_REPLY("last-generated-id"), TEXT_REPLY("x")};
    const struct redis_reply replies[] = {
        {.type = REDIS_TYPE_NIL},
        {.type = REDIS_TYPE_ARRAY, .length = 2, .items = items},
        {.type = REDIS_TYPE_ARRAY, .length = 2, .items = negative},
        {.type = REDIS_TYPE_ARRAY, .length = 2, .items = id},
    };
    struct stream_info info;
    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        assert_int_equal(stream_info_read(&replies[i], &info), ERR_PROTOCOL);
    }
}

/* --- the comparison --- */

struct comparison {
    const char *position;
    struct stream_info info;
    enum stream_change change;
    uint64_t lost;
    const char *after;
    struct stream_info seen; /* before */
};

/* The first entry is (id, print); ids have no sequence. */
#define INFO(last, first, length, added, print)                                                    \
    {                                                                                              \
        {last, 0}, {first, 0}, length, added, true, true, print                                    \
    }
#define OLD_INFO(last, first, length, print)                                                       \
    {                                                                                              \
        {last, 0}, {first, 0}, length, 0, false, true, print                                       \
    }
#define UNSEEN                                                                                     \
    {                                                                                              \
        .is_known = false                                                                          \
    }

static const struct comparison comparisons[] = {
    /* At its end. */
    {"5-0/5", INFO(5, 1, 5, 5, 1), STREAM_IS_WHOLE, 0, "5-0/5", UNSEEN},
    {"5-0/5", INFO(5, 0, 0, 5, 0), STREAM_IS_WHOLE, 0, "5-0/5", UNSEEN}, /* all trimmed, all read */
    /* Behind its end: some, or all of what was read is still there. */
    {"3-0/3", INFO(5, 1, 5, 5, 1), STREAM_IS_WHOLE, 0, "3-0/3", UNSEEN},
    {"3-0/3", INFO(5, 3, 3, 5, 3), STREAM_IS_WHOLE, 0, "3-0/3", UNSEEN},
    /* What was read is trimmed and not more. */
    {"3-0/3", INFO(5, 4, 2, 5, 4), STREAM_IS_WHOLE, 0, "3-0/3", UNSEEN},
    /* One more, all of them. */
    {"3-0/3", INFO(5, 5, 1, 5, 5), STREAM_HAS_LOST, 1, "3-0/4", UNSEEN},
    {"3-0/3", INFO(5, 0, 0, 5, 0), STREAM_HAS_LOST, 2, "3-0/5", UNSEEN},
    {"0-0/0", INFO(5, 5, 1, 5, 5), STREAM_HAS_LOST, 4, "0-0/4", UNSEEN},
    /* It shows at the end what was missed on the way. */
    {"5-0/4", INFO(5, 5, 1, 5, 5), STREAM_HAS_LOST, 1, "5-0/5", UNSEEN},
    /* Not counted: counted where that is possible, and nothing is said. */
    {"5-0", INFO(5, 1, 5, 5, 1), STREAM_IS_WHOLE, 0, "5-0/5", UNSEEN},
    {"3-0", INFO(5, 5, 1, 5, 5), STREAM_IS_WHOLE, 0, "3-0/4", UNSEEN},
    {"3-0", INFO(5, 2, 4, 5, 2), STREAM_IS_WHOLE, 0, "3-0", UNSEEN},
    {"9-0", INFO(5, 2, 4, 5, 2), STREAM_IS_WHOLE, 0, "9-0", UNSEEN}, /* begins in the future */
    /* An old server. */
    {"3-0/3", OLD_INFO(5, 5, 1, 5), STREAM_IS_WHOLE, 0, "3-0", UNSEEN},
    {"9-0/3", OLD_INFO(5, 5, 1, 5), STREAM_IS_WHOLE, 0, "9-0", UNSEEN},
    /* Deleted; made anew with lower ids, with higher ids, with both; of fewer entries. */
    {"9-0/3", INFO(0, 0, 0, 0, 0), STREAM_IS_ANOTHER, 0, "0-0/0", UNSEEN},
    {"9-0/3", INFO(5, 2, 2, 2, 2), STREAM_IS_ANOTHER, 0, "0-0/0", UNSEEN},
    {"9-0/3", INFO(5, 2, 2, 7, 2), STREAM_IS_ANOTHER, 0, "0-0/5", UNSEEN},
    {"3-0/3", INFO(9, 8, 2, 2, 8), STREAM_IS_ANOTHER, 0, "0-0/0", UNSEEN},
    {"3-0/3", INFO(9, 1, 2, 2, 1), STREAM_IS_ANOTHER, 0, "0-0/0", UNSEEN},
    {"3-0/3", INFO(3, 3, 1, 1, 3), STREAM_IS_ANOTHER, 0, "0-0/0", UNSEEN},
};

static const struct comparison comparisons_with_seen[] = {
    /* Added to, trimmed, deleted from in the middle: read on. */
    {"5-0/5", INFO(9, 1, 9, 9, 1), STREAM_IS_WHOLE, 0, "5-0/5", INFO(5, 1, 5, 5, 1)},
    {"5-0/5", INFO(9, 3, 7, 9, 3), STREAM_IS_WHOLE, 0, "5-0/5", INFO(5, 1, 5, 5, 1)},
    {"5-0/5", INFO(9, 1, 7, 9, 1), STREAM_IS_WHOLE, 0, "5-0/5", INFO(5, 1, 5, 5, 1)},
    {"5-0/5", INFO(6, 6, 1, 6, 6), STREAM_IS_WHOLE, 0, "5-0/5", INFO(5, 0, 0, 5, 0)},
    {"3-0/3", INFO(9, 6, 4, 9, 6), STREAM_HAS_LOST, 2, "3-0/5", INFO(5, 1, 5, 5, 1)},
    /* Made anew with the same ids, and no fewer: another entry is the first. */
    {"5-0/5", INFO(10, 1, 10, 10, 99), STREAM_IS_ANOTHER, 0, "0-0/0", INFO(5, 1, 5, 5, 1)},
    /* Or the first was gone, and has come back; where there was none, too. */
    {"5-0/5", INFO(10, 1, 10, 10, 99), STREAM_IS_ANOTHER, 0, "0-0/0", INFO(5, 3, 3, 5, 3)},
    {"5-0/5", INFO(10, 4, 10, 10, 99), STREAM_IS_ANOTHER, 0, "0-0/0", INFO(5, 0, 0, 5, 0)},
    /* Or more had been trimmed. */
    {"5-0/5", INFO(10, 4, 10, 10, 99), STREAM_IS_ANOTHER, 0, "0-0/0", INFO(5, 3, 3, 5, 3)},
    /* What was seen of the old one and not read is counted. */
    {"3-0/3", INFO(9, 8, 2, 2, 8), STREAM_IS_ANOTHER, 4, "0-0/0", INFO(7, 1, 7, 7, 1)},
    /* Set back to an older state, and added to since: the first is still the same one. */
    {"9-0/3", INFO(5, 2, 2, 2, 2), STREAM_IS_ANOTHER, 0, "5-0/2", INFO(9, 2, 3, 3, 2)},
    {"3-0/3", INFO(9, 1, 2, 2, 1), STREAM_IS_ANOTHER, 0, "3-0", INFO(3, 1, 3, 3, 1)},
    /* An old server: by the last one, by the first one. */
    {"9-0", OLD_INFO(5, 5, 1, 5), STREAM_IS_ANOTHER, 0, "0-0", OLD_INFO(9, 8, 2, 8)},
    {"5-0", OLD_INFO(9, 1, 9, 99), STREAM_IS_ANOTHER, 0, "0-0", OLD_INFO(5, 1, 5, 1)},
    {"5-0", OLD_INFO(9, 6, 4, 6), STREAM_IS_WHOLE, 0, "5-0", OLD_INFO(5, 1, 5, 1)},
};

static void
compare(const struct comparison *c, size_t number)
{
    char text[STREAM_POSITION_SIZE_MAX];
    struct stream_position p;
    uint64_t lost = 99;
    assert_int_equal(stream_position_parse(str_from(c->position), &p), 0);
    enum stream_change change = stream_position_check(&p, &c->seen, &c->info, &lost);
    stream_position_format(&p, text);
    if (change != c->change || lost != c->lost || strcmp(text, c->after) != 0) {
        fail_msg("case %zu: %d, %llu lost, then at %s", number, (int)change,
                 (unsigned long long)lost, text);
    }
    assert_int_equal(stream_position_check(&p, &c->info, &c->info, &lost),
                     STREAM_IS_WHOLE); /* once */
}

static void
test_stream_position_is_compared_with_the_stream(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        compare(&comparisons[i], i);
    }
}

static void
test_stream_position_is_compared_with_what_was_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof comparisons_with_seen / sizeof comparisons_with_seen[0]; i++) {
        compare(&comparisons_with_seen[i], i);
    }
}

static void
test_stream_place_is_where_the_config_says(void **state)
{
    const struct stream_info info = {
        .last = {9, 1}, .first = {5, 0}, .length = 3, .added = 10, .is_counted = true};
    const struct stream_info old = {.last = {9, 1}, .first = {5, 0}, .length = 3};
    static const struct {
        const char *from;
        const char *counted, *not_counted;
    } cases[] = {
        {"$", "9-1/10", "9-1"},   {"0", "0-0/7", "0-0"}, {"0-0", "0-0/7", "0-0"},
        {"2", "2-0/7", "2-0"},    {"7-0", "7-0", "7-0"}, {"9-1", "9-1/10", "9-1"},
        {"12-5", "12-5", "12-5"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[STREAM_POSITION_SIZE_MAX];
        struct stream_position p = stream_place(&info, cases[i].from);
        stream_position_format(&p, text);
        assert_string_equal(text, cases[i].counted);
        p = stream_place(&old, cases[i].from);
        stream_position_format(&p, text);
        assert_string_equal(text, cases[i].not_counted);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_position_texts_come_back),
        cmocka_unit_test(test_stream_position_of_a_bare_id_has_no_sequence),
        cmocka_unit_test(test_stream_position_of_garbage_is_refused),
        cmocka_unit_test(test_stream_id_order_is_of_two_numbers),
        cmocka_unit_test(test_stream_mark_name_belongs_to_one_source),
        cmocka_unit_test(test_stream_info_of_a_stream_is_read),
        cmocka_unit_test(test_stream_info_tells_first_entries_apart),
        cmocka_unit_test(test_stream_info_of_an_old_server_is_not_counted),
        cmocka_unit_test(test_stream_info_of_garbage_is_refused),
        cmocka_unit_test(test_stream_position_is_compared_with_the_stream),
        cmocka_unit_test(test_stream_position_is_compared_with_what_was_seen),
        cmocka_unit_test(test_stream_place_is_where_the_config_says),
    };
    return cmocka_run_group_tests_name("sources.stream_position", tests, NULL, NULL);
}
