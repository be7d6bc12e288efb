#undef NDEBUG
#include "config/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef int (*parse_fn)(struct str text, uint64_t *ret_value);

static void
assert_value(parse_fn parse, const char *text, uint64_t expected)
{
    uint64_t value = 77;
    assert_int_equal(parse(str_from(text), &value), 0);
    assert_true(value == expected);
}

static void
assert_no_value(parse_fn parse, const char *text, int err)
{
    uint64_t value = 77;
    assert_int_equal(parse(str_from(text), &value), err);
    assert_true(value == 77);
}

static void
test_value_number_takes_digits_only(void **state)
{
    (void)state;
    assert_value(value_number, "0", 0);
    assert_value(value_number, "007", 7);
    assert_value(value_number, "18446744073709551615", UINT64_MAX);
    assert_no_value(value_number, "18446744073709551616", VALUE_E_LARGE);
    static const char *const wrong[] = {"",    "-1",   "+1",    " 1",  "1 ", "1.0",
                                        "1e3", "0x10", "1_000", "one", "1K"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_no_value(value_number, wrong[i], ERR_SYNTAX);
    }
}

static void
test_value_size_takes_binary_units(void **state)
{
    (void)state;
    assert_value(value_size, "0", 0);
    assert_value(value_size, "1500", 1500);
    assert_value(value_size, "16K", 16384);
    assert_value(value_size, "1M", 1048576);
    assert_value(value_size, "2G", UINT64_C(2147483648));
    assert_value(value_size, "17179869183G", UINT64_C(17179869183) << 30);
    assert_no_value(value_size, "17179869184G", VALUE_E_LARGE);
    static const char *const wrong[] = {"",     "K",    "16k", "16KB", "16KiB",
                                        "16 K", "1.5M", "-1K", "1T",   "1KK"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_no_value(value_size, wrong[i], ERR_SYNTAX);
    }
}

static void
test_value_duration_needs_a_unit(void **state)
{
    (void)state;
    assert_value(value_duration, "0s", 0);
    assert_value(value_duration, "250ms", 250);
    assert_value(value_duration, "15s", 15000);
    assert_value(value_duration, "2m", 120000);
    assert_value(value_duration, "1h", 3600000);
    assert_value(value_duration, "3d", 259200000);
    assert_value(value_duration, "213503982334d", UINT64_C(213503982334) * 86400000);
    assert_no_value(value_duration, "213503982335d", VALUE_E_LARGE);
    assert_no_value(value_duration, "10", VALUE_E_NO_UNIT);
    assert_no_value(value_duration, "0", VALUE_E_NO_UNIT);
    static const char *const wrong[] = {"",      "s",   "10 s", "1.5s", "1h30m",
                                        "10sec", "10S", "-1s",  "1us",  "1w"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_no_value(value_duration, wrong[i], ERR_SYNTAX);
    }
}

static void
test_value_flag_is_true_or_false_and_nothing_of_yaml_1_1(void **state)
{
    (void)state;
    bool value = false;
    assert_int_equal(value_flag(STR("true"), &value), 0);
    assert_true(value);
    assert_int_equal(value_flag(STR("false"), &value), 0);
    assert_false(value);
    static const char *const wrong[] = {"",     "yes", "no", "on", "off", "True",
                                        "TRUE", "y",   "n",  "1",  "0",   " true"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(value_flag(str_from(wrong[i]), &value), ERR_SYNTAX);
    }
}

static void
test_value_listen_of_every_form_gives_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
    } cases[] = {
        {"8080", "", 8080},
        {":8080", "", 8080},
        {"0", "", 0},
        {"65535", "", 65535},
        {"127.0.0.1:8080", "127.0.0.1", 8080},
        {"0.0.0.0:1", "0.0.0.0", 1},
        {"[::1]:8080", "::1", 8080},
        {"[::]:0", "::", 0},
        {"[2001:db8:1234:5678:9abc:def0:1234:5678]:443", "2001:db8:1234:5678:9abc:def0:1234:5678",
         443},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char host[VALUE_HOST_SIZE_MAX];
        uint16_t port = 7;
        assert_int_equal(value_listen(str_from(cases[i].text), host, &port), 0);
        assert_string_equal(host, cases[i].host);
        assert_int_equal(port, cases[i].port);
    }
}

static void
test_value_listen_of_anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        ":",
        "65536",
        "-1",
        "80a",
        " 80",
        "localhost:80",
        "*:80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0:80",
        "256.0.0.1:80",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[]:80",
        "[127.0.0.1]:80",
        "::1]:80",
        "[::1:80",
        "[fe80::1%lo]:80",
        "127.0.0.1:65536",
        "http://127.0.0.1:80",
        "127.0.0.1:80/",
        "[2001:0db8:1234:5678:9abc:def0:1234:5678:9abc:def0:1234:5678:9abc:def0]:80",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char host[VALUE_HOST_SIZE_MAX] = "kept";
        uint16_t port = 7;
        assert_int_equal(value_listen(str_from(wrong[i]), host, &port), ERR_SYNTAX);
        assert_string_equal(host, "kept");
        assert_int_equal(port, 7);
    }
    char host[VALUE_HOST_SIZE_MAX];
    uint16_t port;
    assert_int_equal(value_listen(STR("127.0.0.1\0:80"), host, &port), ERR_SYNTAX);
    assert_int_equal(value_listen(STR("[::1\0]:80"), host, &port), ERR_SYNTAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_number_takes_digits_only),
        cmocka_unit_test(test_value_size_takes_binary_units),
        cmocka_unit_test(test_value_duration_needs_a_unit),
        cmocka_unit_test(test_value_flag_is_true_or_false_and_nothing_of_yaml_1_1),
        cmocka_unit_test(test_value_listen_of_every_form_gives_host_and_port),
        cmocka_unit_test(test_value_listen_of_anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
