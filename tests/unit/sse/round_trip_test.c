/* What the encoder writes, the parser reads: the same name and data, and nothing else. */
#undef NDEBUG
#include "base/utf8.h"
#include "sse/encoder.h"
#include "sse/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE_LIMIT = 16 << 20, PROPERTY_ROUNDS = 5000, PROPERTY_DATA_SIZE_MAX = 200 };

#define ID STR("1764950400000-7")

/* CR and CRLF become LF: what the format carries of `data`. */
static void
normalize(struct str data, struct buf *out)
{
    for (size_t i = 0; i < data.size; i++) {
        if (data.data[i] == '\r') {
            assert_int_equal(buf_append_char(out, '\n'), 0);
            i += i + 1 < data.size && data.data[i + 1] == '\n' ? 1 : 0;
        } else {
            assert_int_equal(buf_append_char(out, data.data[i]), 0);
        }
    }
}

struct expected {
    struct str name;
    struct str data;
    int events;
};

static void
expected_on_event(void *arg, const struct sse_event *event)
{
    struct expected *e = arg;
    assert_true(str_equal(event->type, e->name));
    assert_true(str_equal(event->data, e->data));
    assert_true(str_equal(event->last_event_id, ID));
    e->events++;
}

/* Twice in one stream, so that what one leaves behind would show in the other. */
static void
check_stream(struct str wire, struct expected *expected, size_t piece_size)
{
    struct sse_parser *p = sse_parser_new(SIZE_LIMIT, STR_NULL, expected_on_event, expected);
    assert_non_null(p);
    expected->events = 0;
    for (int i = 0; i < 2; i++) {
        for (size_t at = 0; at < wire.size; at += piece_size) {
            size_t left = wire.size - at;
            size_t size = left < piece_size ? left : piece_size;
            assert_int_equal(sse_parser_feed(p, wire.data + at, size), 0);
        }
    }
    assert_int_equal(expected->events, 2);
    assert_true(sse_parser_retry_ms(p, 77) == 77);
    sse_parser_free(p);
}

static void
check_round_trip(struct str name, struct str data)
{
    struct buf wire;
    struct buf normalized;
    buf_init(&wire, SIZE_LIMIT);
    buf_init(&normalized, SIZE_LIMIT);
    assert_int_equal(buf_printf(&wire, "id: " STR_FMT "\n", STR_ARG(ID)), 0);
    size_t body_begin = wire.size;
    assert_int_equal(sse_encode_body(&wire, name, data), 0);
    assert_true(sse_body_is_valid(str_after(buf_str(&wire), body_begin)));

    normalize(data, &normalized);
    struct expected expected = {.name = name.size > 0 ? name : STR("message"),
                                .data = buf_str(&normalized)};
    check_stream(buf_str(&wire), &expected, wire.size);
    check_stream(buf_str(&wire), &expected, 1);
    buf_fini(&wire);
    buf_fini(&normalized);
}

static void
test_round_trip_of_hostile_data_gives_it_back(void **state)
{
    (void)state;
    const struct str hostile[] = {
        STR(""),
        STR("\r"),
        STR("\n"),
        STR("\r\n"),
        STR("\n\r"),
        STR("\n\n\n\n\n\n\n\n"),
        STR("\r\r\r\r"),
        STR("\r\n\r\n\r\n"),
        STR("a\n"),
        STR("a\n\n\n"),
        STR("\n\na"),
        STR("a\rb"),
        STR("a\r\rb\r\n\r\nc\n\nd"),
        STR("\0"),
        STR("a\0b\n\0"),
        STR("\xef\xbb\xbf"),
        STR("\xef\xbb\xbf\n\xef\xbb\xbf"),
        STR("data: a"),
        STR("a\ndata: b\n\ndata: c\n\n"),
        STR("x\nid: 1-1\n\nid: 2-2\n\n"),
        STR("x\rid: 1-1\r\rid: 2-2\r\r"),
        STR("x\r\nevent: admin\r\ndata: y\r\n\r\n"),
        STR("x\nretry: 1\n\nretry: 1\n"),
        STR(": comment\n:"),
        STR(" leading\n  blanks "),
        STR(":\n: \n :"),
        STR("\t"),
        STR("\xe2\x80\xa8\xe2\x80\xa9\xc2\x85"),
        STR("{\"a\":\"\xf0\x9f\x98\x80\"}"),
    };
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        check_round_trip(STR(""), hostile[i]);
        check_round_trip(STR("some name: x"), hostile[i]);
    }
}

static void
check_repeated(struct str unit, size_t size)
{
    struct buf data;
    buf_init(&data, SIZE_LIMIT);
    while (data.size < size) {
        assert_int_equal(buf_append_str(&data, unit), 0);
    }
    check_round_trip(STR("big"), buf_str(&data));
    buf_fini(&data);
}

static void
test_round_trip_of_a_megabyte_gives_it_back(void **state)
{
    (void)state;
    check_repeated(STR("x"), 1 << 20);
    check_repeated(STR("\n"), 1 << 20);
    check_repeated(STR("\r"), 1 << 20);
    check_repeated(STR("id: 1\r\n"), 1 << 20);
}

static uint32_t
next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Pieces that matter to the format, put together at random. */
static void
random_text(uint32_t *seed, size_t size_max, bool is_name, struct buf *out)
{
    const struct str units[] = {
        STR("\n"),   STR("\r"),    STR("\r\n"),     STR("\0"),    STR("\xef\xbb\xbf"),
        STR("data"), STR("event"), STR("id"),       STR("retry"), STR(":"),
        STR(" "),    STR("0"),     STR("\xc2\x85"), STR("😀"),     STR("a"),
    };
    enum { UNITS_NOT_FOR_NAMES = 4 };
    size_t first = is_name ? UNITS_NOT_FOR_NAMES : 0;
    size_t size = next_random(seed) % (size_max + 1);
    while (out->size < size) {
        size_t unit = first + next_random(seed) % (sizeof(units) / sizeof(units[0]) - first);
        assert_int_equal(buf_append_str(out, units[unit]), 0);
    }
}

static void
test_round_trip_of_random_data_gives_it_back(void **state)
{
    (void)state;
    uint32_t seed = 20260101;
    for (int i = 0; i < PROPERTY_ROUNDS; i++) {
        struct buf name;
        struct buf data;
        buf_init(&name, 1024);
        buf_init(&data, 1024);
        random_text(&seed, 12, true, &name);
        random_text(&seed, PROPERTY_DATA_SIZE_MAX, false, &data);
        check_round_trip(buf_str(&name), buf_str(&data));
        buf_fini(&name);
        buf_fini(&data);
    }
}

/* Any bytes: either both sides agree, or the encoder refuses what is not UTF-8. */
static void
test_round_trip_of_random_bytes_gives_them_back_or_refuses_them(void **state)
{
    (void)state;
    uint32_t seed = 20260102;
    for (int i = 0; i < PROPERTY_ROUNDS; i++) {
        char bytes[3];
        struct str data = {bytes, next_random(&seed) % (sizeof(bytes) + 1)};
        for (size_t k = 0; k < data.size; k++) {
            bytes[k] = (char)next_random(&seed);
        }
        struct buf out;
        buf_init(&out, 1024);
        if (utf8_is_valid(data)) {
            check_round_trip(STR("x"), data);
        } else {
            assert_int_equal(sse_encode_body(&out, STR("x"), data), ERR_SYNTAX);
        }
        buf_fini(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_of_hostile_data_gives_it_back),
        cmocka_unit_test(test_round_trip_of_a_megabyte_gives_it_back),
        cmocka_unit_test(test_round_trip_of_random_data_gives_it_back),
        cmocka_unit_test(test_round_trip_of_random_bytes_gives_them_back_or_refuses_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
