#undef NDEBUG
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool realloc_fails;

void *__real_realloc(void *old, size_t size); /* the linker's names */
void *__wrap_realloc(void *old, size_t size);

void *
__wrap_realloc(void *old, size_t size)
{
    return realloc_fails ? NULL : __real_realloc(old, size);
}

static void
test_str_equal_compares_all_bytes(void **state)
{
    (void)state;
    assert_true(str_equal(STR("a\0b"), STR("a\0b")));
    assert_false(str_equal(STR("a\0b"), STR("a\0c")));
    assert_false(str_equal(STR("a"), STR("ab")));
    assert_true(str_equal(STR_NULL, STR("")));
}

static void
test_str_equal_nocase_folds_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(str_equal_nocase(STR("Last-Event-ID"), STR("last-event-id")));
    assert_true(str_equal_nocase(STR("AZaz09"), STR("azAZ09")));
    assert_false(str_equal_nocase(STR("@["), STR("`{"))); /* the letters' neighbours */
    assert_false(str_equal_nocase(STR("\xC4"), STR("\xE4")));
    assert_false(str_equal_nocase(STR("a"), STR("ab")));
    assert_false(str_equal_nocase(STR("a\0b"), STR("a\0c")));
    assert_true(str_equal_nocase(STR_NULL, STR("")));
}

static void
test_str_starts_with_its_prefixes(void **state)
{
    (void)state;
    assert_true(str_starts_with(STR("/events/a"), STR("/events/")));
    assert_true(str_starts_with(STR("a"), STR_NULL));
    assert_true(str_starts_with(STR_NULL, STR_NULL));
    assert_true(str_starts_with(STR("a"), STR("a")));
    assert_false(str_starts_with(STR("a"), STR("ab")));
    assert_false(str_starts_with(STR("ab"), STR("b")));
}

static void
test_str_compare_orders_by_bytes_then_by_size(void **state)
{
    (void)state;
    assert_true(str_compare(STR("a"), STR("b")) < 0);
    assert_true(str_compare(STR("b"), STR("a")) > 0);
    assert_true(str_compare(STR("a"), STR("aa")) < 0);
    assert_true(str_compare(STR("aa"), STR("a")) > 0);
    assert_true(str_compare(STR("\x7F"), STR("\x80")) < 0);
    assert_int_equal(str_compare(STR("a"), STR("a")), 0);
    assert_int_equal(str_compare(STR_NULL, STR("")), 0);
    assert_true(str_compare(STR_NULL, STR("a")) < 0);
}

static void
test_str_after_past_the_end_is_empty(void **state)
{
    (void)state;
    assert_true(str_equal(str_after(STR("abc"), 1), STR("bc")));
    assert_int_equal(str_after(STR("abc"), 3).size, 0);
    assert_int_equal(str_after(STR("abc"), 4).size, 0);
    assert_int_equal(str_after(STR_NULL, 1).size, 0);
}

static void
test_str_from_null_is_empty(void **state)
{
    (void)state;
    assert_int_equal(str_from(NULL).size, 0);
    assert_true(str_equal(str_from("abc"), STR("abc")));
}

static void
test_str_dup_is_terminated(void **state)
{
    (void)state;
    char *copy = str_dup((struct str){"abcd", 3});
    char *empty = str_dup(STR_NULL);
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    free(empty);
    free(copy);
}

static void
assert_not_a_number(struct str s, uint64_t max)
{
    uint64_t untouched = 42;
    assert_int_equal(str_to_u64(s, max, &untouched), ERR_SYNTAX);
    assert_int_equal(untouched, 42);
}

static void
test_str_to_u64_of_anything_but_digits_is_refused(void **state)
{
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "a", "1e3"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_not_a_number(str_from(bad[i]), UINT64_MAX);
    }
    assert_not_a_number(STR_NULL, UINT64_MAX);
    assert_not_a_number(STR("1\0"), UINT64_MAX);
}

static void
test_str_to_u64_around_its_maximum(void **state)
{
    uint64_t value;
    (void)state;
    assert_int_equal(str_to_u64(STR("99"), 100, &value), 0);
    assert_int_equal(value, 99);
    assert_int_equal(str_to_u64(STR("100"), 100, &value), 0);
    assert_int_equal(value, 100);
    assert_not_a_number(STR("101"), 100);
    assert_int_equal(str_to_u64(STR("0"), 0, &value), 0);
    assert_int_equal(value, 0);
    assert_not_a_number(STR("1"), 0);
}

static void
test_str_to_u64_around_the_types_maximum(void **state)
{
    uint64_t value;
    (void)state;
    assert_int_equal(str_to_u64(STR("18446744073709551614"), UINT64_MAX, &value), 0);
    assert_true(value == UINT64_MAX - 1);
    assert_int_equal(str_to_u64(STR("0018446744073709551615"), UINT64_MAX, &value), 0);
    assert_true(value == UINT64_MAX);
    assert_not_a_number(STR("18446744073709551616"), UINT64_MAX);
    assert_not_a_number(STR("184467440737095516150"), UINT64_MAX);
}

static void
test_buf_append_around_the_limit(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 100);
    char bytes[101] = {0};
    assert_int_equal(buf_append(&b, bytes, 99), 0);
    assert_int_equal(buf_append(&b, bytes, 2), ERR_LIMIT);
    assert_int_equal(b.size, 99);
    assert_int_equal(buf_append_char(&b, 'a'), 0);
    assert_int_equal(buf_append_char(&b, 'a'), ERR_LIMIT);
    assert_int_equal(buf_append(&b, bytes, SIZE_MAX), ERR_LIMIT);
    assert_int_equal(b.size, 100);
    assert_true(b.capacity <= b.limit);
    buf_fini(&b);
}

static void
test_buf_of_limit_zero_takes_nothing_but_nothing(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 0);
    assert_int_equal(buf_append_str(&b, STR_NULL), 0);
    assert_int_equal(buf_append_char(&b, 'a'), ERR_LIMIT);
    assert_int_equal(buf_str(&b).size, 0);
    buf_fini(&b);
}

static void
test_buf_grown_many_times_holds_all_bytes(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, SIZE_MAX);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(buf_append_char(&b, (char)('a' + i % 26)), 0);
    }
    assert_int_equal(b.size, 10000);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(b.data[i], 'a' + i % 26);
    }
    buf_clear(&b);
    assert_int_equal(b.size, 0);
    assert_true(b.capacity >= 10000);
    buf_fini(&b);
}

static void
test_buf_reserve_makes_room_without_growing_the_content(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 1000);
    assert_int_equal(buf_reserve(&b, 1000), 0);
    assert_int_equal(b.size, 0);
    assert_int_equal(b.capacity, 1000);
    const char *data = b.data;
    char bytes[1000] = {0};
    assert_int_equal(buf_append(&b, bytes, sizeof bytes), 0);
    assert_ptr_equal(b.data, data);
    buf_fini(&b);
}

static void
test_buf_without_memory_stays_as_it_was(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 1000);
    assert_int_equal(buf_append_str(&b, STR("abc")), 0);
    realloc_fails = true;
    assert_int_equal(buf_reserve(&b, 500), ERR_MEMORY);
    realloc_fails = false;
    assert_true(str_equal(buf_str(&b), STR("abc")));
    buf_fini(&b);
}

static void
test_str_put_u64_around_every_power_of_ten(void **state)
{
    (void)state;
    uint64_t power = 1;
    for (int digits = 1; digits <= STR_U64_SIZE_MAX; digits++, power *= 10) {
        const uint64_t values[] = {power - 1, power, power + 1, power + power / 2};
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            char text[STR_U64_SIZE_MAX];
            char expected[32];
            size_t size = str_put_u64(text, values[i]);
            (void)snprintf(expected, sizeof expected, "%llu", (unsigned long long)values[i]);
            assert_true(str_equal((struct str){text, size}, str_from(expected)));
        }
    }
}

static void
test_buf_append_u64_writes_decimal(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 100);
    assert_int_equal(buf_append_u64(&b, 0), 0);
    assert_int_equal(buf_append_char(&b, ' '), 0);
    assert_int_equal(buf_append_u64(&b, 10), 0);
    assert_int_equal(buf_append_char(&b, ' '), 0);
    assert_int_equal(buf_append_u64(&b, UINT64_MAX), 0);
    assert_true(str_equal(buf_str(&b), STR("0 10 18446744073709551615")));
    buf_fini(&b);
}

static void
test_buf_printf_around_the_limit(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 10);
    assert_int_equal(buf_printf(&b, "%s-%d", "abcdef", 123), 0);
    assert_true(str_equal(buf_str(&b), STR("abcdef-123")));
    assert_int_equal(buf_printf(&b, "%d", 1), ERR_LIMIT);
    buf_clear(&b);
    assert_int_equal(buf_printf(&b, "%011d", 1), ERR_LIMIT);
    assert_int_equal(b.size, 0);
    assert_int_equal(buf_printf(&b, "%09d", 1), 0);
    assert_true(str_equal(buf_str(&b), STR("000000001")));
    buf_fini(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str_equal_compares_all_bytes),
        cmocka_unit_test(test_str_equal_nocase_folds_ascii_letters_only),
        cmocka_unit_test(test_str_starts_with_its_prefixes),
        cmocka_unit_test(test_str_compare_orders_by_bytes_then_by_size),
        cmocka_unit_test(test_str_after_past_the_end_is_empty),
        cmocka_unit_test(test_str_from_null_is_empty),
        cmocka_unit_test(test_str_dup_is_terminated),
        cmocka_unit_test(test_str_to_u64_of_anything_but_digits_is_refused),
        cmocka_unit_test(test_str_to_u64_around_its_maximum),
        cmocka_unit_test(test_str_to_u64_around_the_types_maximum),
        cmocka_unit_test(test_buf_append_around_the_limit),
        cmocka_unit_test(test_buf_of_limit_zero_takes_nothing_but_nothing),
        cmocka_unit_test(test_buf_grown_many_times_holds_all_bytes),
        cmocka_unit_test(test_buf_reserve_makes_room_without_growing_the_content),
        cmocka_unit_test(test_buf_without_memory_stays_as_it_was),
        cmocka_unit_test(test_str_put_u64_around_every_power_of_ten),
        cmocka_unit_test(test_buf_append_u64_writes_decimal),
        cmocka_unit_test(test_buf_printf_around_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
