#undef NDEBUG
#include "http/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { LINES_MAX = 3 };

/* 10.0.0.0/8 and fd00::/8 are trusted; the peer is 10.0.0.1. */
struct chain {
    const char *lines[LINES_MAX];
    const char *client;
};

static void
assert_client(enum config_forwarded field, const char *name, const struct chain *chain)
{
    struct network trusted[2];
    struct config_http config = {.trusted_proxies = {trusted, 2}, .forwarded = field};
    struct address peer;
    char text[ADDRESS_TEXT_SIZE_MAX];
    assert_int_equal(network_parse(STR("10.0.0.0/8"), &trusted[0]), 0);
    assert_int_equal(network_parse(STR("fd00::/8"), &trusted[1]), 0);
    assert_int_equal(address_parse(STR("10.0.0.1"), &peer), 0);
    struct forwarded f = forwarded_begin(&config, &peer);
    for (size_t i = 0; i < LINES_MAX && chain->lines[i] != NULL; i++) {
        forwarded_add(&f, STR("Accept"), STR("192.0.2.99")); /* not this one */
        forwarded_add(&f, str_from(name), str_from(chain->lines[i]));
    }
    if (strcmp(address_format(&f.client, text), chain->client) != 0) {
        fail_msg("%s of %s", text, chain->lines[0]);
    }
}

static void
test_forwarded_takes_the_rightmost_untrusted_address(void **state)
{
    static const struct chain chains[] = {
        {{NULL}, "10.0.0.1"},
        {{""}, "10.0.0.1"},
        {{"192.0.2.1"}, "192.0.2.1"},
        {{"192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
        {{"203.0.113.5, 192.0.2.1, 10.0.0.3,10.0.0.2"}, "192.0.2.1"},
        {{"10.0.0.9, 192.0.2.1"}, "192.0.2.1"}, /* who claims to be a proxy */
        {{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},   /* nobody outside: the farthest that is known */
        {{"2001:db8::1, fd00::2"}, "2001:db8::1"},
        {{"::ffff:192.0.2.1"}, "192.0.2.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        assert_client(FORWARDED_X_FORWARDED_FOR, "X-Forwarded-For", &chains[i]);
        assert_client(FORWARDED_X_FORWARDED_FOR, "x-forwarded-FOR", &chains[i]);
    }
}

/* haproxy adds a line of its own behind the client's. */
static void
test_forwarded_lines_are_one_list(void **state)
{
    static const struct chain chains[] = {
        {{"203.0.113.5", "192.0.2.1"}, "192.0.2.1"},
        {{"192.0.2.1", "10.0.0.2", "10.0.0.3"}, "192.0.2.1"},
        {{"192.0.2.1, 10.0.0.2", ""}, "192.0.2.1"},
        {{"nonsense", "192.0.2.1"}, "192.0.2.1"},
        {{"192.0.2.1", "nonsense"}, "10.0.0.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        assert_client(FORWARDED_X_FORWARDED_FOR, "X-Forwarded-For", &chains[i]);
    }
}

static void
test_forwarded_ports_and_brackets_are_let_pass(void **state)
{
    static const struct chain chains[] = {
        {{"192.0.2.1:5000"}, "192.0.2.1"},       {{"[2001:db8::1]"}, "2001:db8::1"},
        {{"[2001:db8::1]:5000"}, "2001:db8::1"}, {{" \t192.0.2.1 \t, 10.0.0.2"}, "192.0.2.1"},
        {{",, 192.0.2.1 ,,"}, "192.0.2.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        assert_client(FORWARDED_X_FORWARDED_FOR, "X-Forwarded-For", &chains[i]);
    }
}

/* Who said it is as far as is known: the proxy to its right, else the peer. */
static void
test_forwarded_nonsense_ends_the_chain(void **state)
{
    static const struct chain chains[] = {
        {{"unknown"}, "10.0.0.1"},
        {{"192.0.2.1, unknown, 10.0.0.4, 10.0.0.2"}, "10.0.0.4"},
        {{"192.0.2.1, [2001:db8::1"}, "10.0.0.1"},
        {{"192.0.2.1, 2001:db8::zz"}, "10.0.0.1"},
        {{"192.0.2.1, a b"}, "10.0.0.1"},
        {{"192.0.2.1, 1.2.3.4.5:80"}, "10.0.0.1"},
        {{"192.0.2.1, :80"}, "10.0.0.1"},
        {{"192.0.2.1, ["}, "10.0.0.1"},
        {{"\"192.0.2.7, 192.0.2.1"}, "192.0.2.1"}, /* a quote hides nothing */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        assert_client(FORWARDED_X_FORWARDED_FOR, "X-Forwarded-For", &chains[i]);
    }
}

/* RFC 7239, 4 and 6. */
static void
test_forwarded_standard_field_takes_its_for(void **state)
{
    static const struct chain chains[] = {
        {{"for=192.0.2.60;proto=http;by=203.0.113.43"}, "192.0.2.60"},
        {{"proto=http; For=\"[2001:db8:cafe::17]:4711\""}, "2001:db8:cafe::17"},
        {{"for=\"192.0.2.60:80\", for=10.0.0.2"}, "192.0.2.60"},
        {{"for=203.0.113.1", "for=192.0.2.1"}, "192.0.2.1"},
        {{"for=unknown"}, "10.0.0.1"},
        {{"for=_hidden, for=10.0.0.2"}, "10.0.0.2"},
        {{"for=192.0.2.1, proto=https"}, "10.0.0.1"}, /* says nothing of whom it speaks for */
        {{"192.0.2.1"}, "10.0.0.1"},
        {{"forx=192.0.2.1"}, "10.0.0.1"},
        {{"for=\"evil, for=\"[2001:db8::1]:80\""}, "2001:db8::1"},
        {{"for=\"192.0.2.7, for=192.0.2.1"}, "192.0.2.1"},
        {{"for=\""}, "10.0.0.1"},
        {{"for="}, "10.0.0.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        assert_client(FORWARDED_STANDARD, "Forwarded", &chains[i]);
    }
}

/* The proxy writes one of them; the other one is the client's own invention. */
static void
test_forwarded_other_field_says_nothing(void **state)
{
    (void)state;
    assert_client(FORWARDED_STANDARD, "X-Forwarded-For",
                  &(struct chain){{"for=192.0.2.1"}, "10.0.0.1"});
    assert_client(FORWARDED_X_FORWARDED_FOR, "Forwarded",
                  &(struct chain){{"192.0.2.1"}, "10.0.0.1"});
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forwarded_takes_the_rightmost_untrusted_address),
        cmocka_unit_test(test_forwarded_lines_are_one_list),
        cmocka_unit_test(test_forwarded_ports_and_brackets_are_let_pass),
        cmocka_unit_test(test_forwarded_nonsense_ends_the_chain),
        cmocka_unit_test(test_forwarded_standard_field_takes_its_for),
        cmocka_unit_test(test_forwarded_other_field_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
