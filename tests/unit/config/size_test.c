#undef NDEBUG
/* Configs that are too large, and those that only just are not. */
#include "config/reader.h"
#include "parsing.h"

#include <string.h>

static void
test_size_values_around_the_limit(void **state)
{
    (void)state;
    for (size_t size = READER_VALUE_MAX; size <= READER_VALUE_MAX + 1; size++) {
        struct buf text;
        buf_init(&text, 1 << 20);
        assert_int_equal(buf_printf(&text, SHOP "routes: [{source: shop, channel: c, topic: "), 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(buf_append_char(&text, 'x'), 0);
        }
        assert_int_equal(buf_printf(&text, "}]\n"), 0);
        struct parsing p = parse_bytes(buf_str(&text));
        assert_string_equal(p.said,
                            size == READER_VALUE_MAX
                                ? ""
                                : "f:2:44: routes[0].topic: too long (expected at most 64 KiB)\n");
        parsing_free(&p);
        buf_fini(&text);
    }
}

static void
add_times(struct buf *text, const char *piece, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        assert_int_equal(buf_append_str(text, str_from(piece)), 0);
    }
}

/* Few bytes that stand for many values, or for much memory. */
static void
test_size_aliases_that_multiply_end_at_a_limit(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 8 << 20);
    add_times(&text,
              SHOP "routes:\n- &r {source: shop, topic: t, channel: c, when: [{json: /a, in: [x",
              1);
    add_times(&text, ",x", 50000);
    add_times(&text, "]}]}\n", 1);
    add_times(&text, "- *r\n", 60000);
    struct parsing many = parse_bytes(buf_str(&text));
    assert_string_equal(many.said,
                        "f: too large with its aliases and variables filled in (expected at "
                        "most 4000000 values and 256 MiB)\n");
    parsing_free(&many);
    buf_clear(&text);
    add_times(&text, SHOP "routes:\n- &r {source: shop, channel: c, topic: ", 1);
    add_times(&text, "x", 60000);
    add_times(&text, "}\n", 1);
    add_times(&text, "- *r\n", 60000);
    struct parsing large = parse_bytes(buf_str(&text));
    assert_string_equal(large.said, "f: too large with its aliases and variables filled in "
                                    "(expected at most 4000000 values and 256 MiB)\n");
    parsing_free(&large);
    buf_fini(&text);
}

static void
test_size_numbers_of_sources_and_routes_around_their_limits(void **state)
{
    (void)state;
    for (size_t extra = 0; extra <= 1; extra++) {
        struct buf text;
        buf_init(&text, 8 << 20);
        add_times(&text, "sources:\n", 1);
        for (size_t i = 0; i < READER_SOURCES_MAX + extra; i++) {
            assert_int_equal(buf_printf(&text, "  s%zu: {type: redis, url: redis://h}\n", i), 0);
        }
        add_times(&text, "routes:\n  - &r {source: s255, topic: t, channel: c}\n", 1);
        add_times(&text, "  - *r\n", READER_ROUTES_MAX - 1 + extra);
        struct parsing p = parse_bytes(buf_str(&text));
        assert_string_equal(p.said, extra == 0
                                        ? ""
                                        : "f:2:3: sources: too many (expected at most 256)\n"
                                          "f:260:3: routes: too many (expected at most 65536)\n");
        parsing_free(&p);
        buf_fini(&text);
    }
}

static void
test_size_keys_without_end_are_all_counted(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(buf_printf(&text, "key%zu: 1\n", i), 0);
    }
    struct parsing p = parse_bytes(buf_str(&text));
    assert_non_null(strstr(p.said, "f:1000:1: key999: unknown key (expected http, "));
    assert_non_null(strstr(p.said, "\nf: 4000 more problems\n"));
    parsing_free(&p);
    buf_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_values_around_the_limit),
        cmocka_unit_test(test_size_aliases_that_multiply_end_at_a_limit),
        cmocka_unit_test(test_size_numbers_of_sources_and_routes_around_their_limits),
        cmocka_unit_test(test_size_keys_without_end_are_all_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
