#undef NDEBUG
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct address
parse(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(str_from(text), &a), 0);
    return a;
}

static void
test_address_is_read_and_written(void **state)
{
    (void)state;
    static const char *const same[] = {"0.0.0.0", "192.0.2.255", "::", "::1", "2001:db8::ff00:42"};
    char text[ADDRESS_TEXT_SIZE_MAX];
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct address a = parse(same[i]);
        assert_string_equal(address_format(&a, text), same[i]);
    }
    struct address longest = parse("2001:db80:1111:2222:3333:4444:5555:6666");
    assert_string_equal(address_format(&longest, text), "2001:db80:1111:2222:3333:4444:5555:6666");
}

static void
test_address_of_v4_is_the_mapped_one(void **state)
{
    (void)state;
    char text[ADDRESS_TEXT_SIZE_MAX];
    struct address v4 = parse("192.0.2.1");
    struct address mapped = parse("::ffff:192.0.2.1");
    assert_memory_equal(&v4, &mapped, sizeof(v4));
    assert_true(address_is_v4(&mapped));
    assert_string_equal(address_format(&mapped, text), "192.0.2.1");
    struct address v6 = parse("::fffe:192.0.2.1");
    assert_false(address_is_v4(&v6));
}

static void
test_address_of_anything_else_is_a_syntax_error(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "01.2.3.4",
                                        "1.2.3.256",
                                        "[::1]",
                                        "1.2.3.4 ",
                                        " ::1",
                                        "::1%lo",
                                        "localhost",
                                        ":::",
                                        "1.2.3.4:8080",
                                        "2001:db80:1111:2222:3333:4444:555:66666666666"};
    struct address a;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(address_parse(str_from(wrong[i]), &a), ERR_SYNTAX);
    }
    assert_int_equal(address_parse(STR("1.2.3.4\0"), &a), ERR_SYNTAX);
}

static void
test_address_of_a_socket_is_the_same_for_both_families(void **state)
{
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = 9};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = 9};
    assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr), 1);
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr), 1);
    struct address a = address_of((const struct sockaddr *)&v4);
    struct address b = address_of((const struct sockaddr *)&v6);
    struct address expected = parse("192.0.2.1");
    assert_memory_equal(&a, &expected, sizeof(a));
    assert_memory_equal(&b, &expected, sizeof(b));
}

static void
test_network_has_what_shares_its_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *network;
        const char *address;
        bool is_in;
    } cases[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "9.255.255.255", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "255.1.2.3", true},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::1", "::1", true},
        {"::1/128", "::2", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct network n;
        struct address a = parse(cases[i].address);
        assert_int_equal(network_parse(str_from(cases[i].network), &n), 0);
        if (network_has(&n, &a) != cases[i].is_in) {
            fail_msg("%s in %s", cases[i].address, cases[i].network);
        }
    }
}

static void
test_network_of_anything_else_is_a_syntax_error(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "/8",
                                        "10.0.0.0/",
                                        "10.0.0.0/33",
                                        "10.0.0.1/8",
                                        "10.0.0/8",
                                        "::/129",
                                        "2001:db8::1/64",
                                        "10.0.0.0/8/8",
                                        "10.0.0.0/-1",
                                        "10.0.0.0/8 ",
                                        "10.0.0.0/255.0.0.0"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct network n;
        if (network_parse(str_from(wrong[i]), &n) != ERR_SYNTAX) {
            fail_msg("%s", wrong[i]);
        }
    }
}

static void
test_networks_have_what_one_of_them_has(void **state)
{
    (void)state;
    struct network items[2];
    struct networks both = {items, 2};
    assert_int_equal(network_parse(STR("10.0.0.0/8"), &items[0]), 0);
    assert_int_equal(network_parse(STR("fd00::/8"), &items[1]), 0);
    struct address v4 = parse("10.1.1.1");
    struct address v6 = parse("fd12::1");
    struct address other = parse("192.0.2.1");
    assert_true(networks_have(&both, &v4));
    assert_true(networks_have(&both, &v6));
    assert_false(networks_have(&both, &other));
    assert_false(networks_have(&(struct networks){NULL, 0}, &v4));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_is_read_and_written),
        cmocka_unit_test(test_address_of_v4_is_the_mapped_one),
        cmocka_unit_test(test_address_of_anything_else_is_a_syntax_error),
        cmocka_unit_test(test_address_of_a_socket_is_the_same_for_both_families),
        cmocka_unit_test(test_network_has_what_shares_its_prefix),
        cmocka_unit_test(test_network_of_anything_else_is_a_syntax_error),
        cmocka_unit_test(test_networks_have_what_one_of_them_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
