#undef NDEBUG
#include "http/proxy_protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x34\x01\xbb"
#define V6                                                                                         \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x34" \
    "\x01\xbb"

/* In a block that ends there, so that sanitizers see a read too far. */
static int
parse(struct str data, struct proxy_protocol *ret_header)
{
    char *moved = malloc(data.size > 0 ? data.size : 1);
    assert_non_null(moved);
    memcpy(moved, data.size > 0 ? data.data : "", data.size);
    int rc = proxy_protocol_parse((struct str){moved, data.size}, ret_header);
    free(moved);
    return rc;
}

/* The outcome of the whole, which a byte at a time leads to as well. */
static int
feed(struct str data, struct proxy_protocol *ret_header)
{
    struct proxy_protocol split;
    int whole = parse(data, ret_header);
    int rc = PROXY_PROTOCOL_E_MORE;
    for (size_t size = 0; size <= data.size && rc == PROXY_PROTOCOL_E_MORE; size++) {
        rc = parse((struct str){data.data, size}, &split);
    }
    assert_int_equal(rc, whole);
    if (rc == 0) {
        assert_int_equal(split.size, ret_header->size);
        assert_int_equal(split.has_source, ret_header->has_source);
        assert_memory_equal(&split.source, &ret_header->source, sizeof(split.source));
    }
    return rc;
}

/* `source` NULL: the connection's own address counts. */
static void
assert_header(struct str data, size_t size, const char *source)
{
    struct proxy_protocol h;
    char text[ADDRESS_TEXT_SIZE_MAX];
    assert_int_equal(feed(data, &h), 0);
    assert_int_equal(h.size, size);
    assert_int_equal(h.has_source, source != NULL);
    if (source != NULL) {
        assert_string_equal(address_format(&h.source, text), source);
    }
}

static void
assert_line(const char *line, const char *source)
{
    char text[256];
    int size = snprintf(text, sizeof(text), "%s\r\nGET / HTTP/1.1\r\n", line);
    assert_header((struct str){text, (size_t)size}, strlen(line) + 2, source);
}

static void
assert_refused(struct str data)
{
    struct proxy_protocol h;
    if (feed(data, &h) != PROXY_PROTOCOL_E_REFUSED) {
        fail_msg("taken: " STR_FMT, STR_ARG(data));
    }
}

static void
assert_more(struct str data)
{
    struct proxy_protocol h;
    assert_int_equal(feed(data, &h), PROXY_PROTOCOL_E_MORE);
}

static void
test_proxy_protocol_1_tells_the_source(void **state)
{
    (void)state;
    assert_line("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443", "192.0.2.1");
    assert_line("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535", "0.0.0.0");
    assert_line("PROXY TCP6 2001:db8::1 ::1 1 80", "2001:db8::1");
    assert_line("PROXY TCP6 2001:DB8:ffff:ffff:ffff:ffff:ffff:ffff "
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void
test_proxy_protocol_1_unknown_is_the_connection_itself(void **state)
{
    (void)state;
    assert_line("PROXY UNKNOWN", NULL);
    assert_line("PROXY UNKNOWN anything  at all \x01\xff", NULL);
}

static void
test_proxy_protocol_1_ends_after_at_most_107_bytes(void **state)
{
    char line[128];
    (void)state;
    for (int size = 106; size <= 108; size++) {
        (void)snprintf(line, sizeof(line), "PROXY UNKNOWN %*s\r\n", size - 16, "x");
        assert_int_equal(strlen(line), size);
        if (size <= 107) {
            assert_header(str_from(line), (size_t)size, NULL);
        } else {
            assert_refused(str_from(line));
        }
    }
    memset(line + 14, 'x', sizeof(line) - 14);
    assert_more((struct str){line, 106});
    assert_refused((struct str){line, 107});
}

static void
test_proxy_protocol_1_is_strict(void **state)
{
    static const char *const wrong[] = {
        "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443 \r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443 1\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 56324\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 56324 \r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1  56324 443\r\n",
        "PROXY  TCP4 192.0.2.1 10.0.0.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 56324 65536\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 056324 443\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 00 443\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 -1 443\r\n",
        "PROXY TCP4 192.0.2.01 10.0.0.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0 56324 443\r\n",
        "PROXY TCP4 2001:db8::1 ::1 56324 443\r\n",
        "PROXY TCP6 192.0.2.1 10.0.0.1 56324 443\r\n",
        "PROXY TCP6 [2001:db8::1] ::1 56324 443\r\n",
        "PROXY TCP5 192.0.2.1 10.0.0.1 56324 443\r\n",
        "PROXY tcp4 192.0.2.1 10.0.0.1 56324 443\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY \r\n",
        "PROXY\r\n",
        "proxy UNKNOWN\r\n",
        "GET / HTTP/1.1\r\n",
        "\r\nGET / HTTP/1.1\r\n",
        "x",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_refused(str_from(wrong[i]));
    }
}

static void
test_proxy_protocol_2_tells_the_source(void **state)
{
    (void)state;
    assert_header(STR(SIGNATURE "\x21\x11\0\x0c" V4 "GET"), 28, "192.0.2.1");
    assert_header(STR(SIGNATURE "\x21\x21\0\x24" V6 "GET"), 52, "2001:db8::1");
    /* TLVs are skipped. */
    assert_header(STR(SIGNATURE "\x21\x11\0\x13" V4 "\x04\0\x04xxxxGET"), 35, "192.0.2.1");
}

/* A health check of the proxy, or what is not TCP. The length counts all the same. */
static void
test_proxy_protocol_2_local_and_others_are_the_connection_itself(void **state)
{
    (void)state;
    assert_header(STR(SIGNATURE "\x20\0\0\0GET"), 16, NULL);
    assert_header(STR(SIGNATURE "\x20\x11\0\x0c" V4), 28, NULL);
    assert_header(STR(SIGNATURE "\x20\x11\0\x02xx"), 18, NULL);
    assert_header(STR(SIGNATURE "\x21\0\0\x03xxx"), 19, NULL);
    assert_header(STR(SIGNATURE "\x21\x12\0\x0c" V4), 28, NULL);
    assert_header(STR(SIGNATURE "\x21\x31\0\x02xx"), 18, NULL);
    assert_header(STR(SIGNATURE "\x21\x10\0\0"), 16, NULL);
}

static void
test_proxy_protocol_2_is_strict(void **state)
{
    (void)state;
    assert_refused(STR(SIGNATURE "\x11\x11\0\x0c" V4)); /* version 1 */
    assert_refused(STR(SIGNATURE "\x31\x11\0\x0c" V4));
    assert_refused(STR(SIGNATURE "\x22\x11\0\x0c" V4)); /* command 2 */
    assert_refused(STR(SIGNATURE "\x21\x41\0\x0c" V4)); /* family 4 */
    assert_refused(STR(SIGNATURE "\x21\x13\0\x0c" V4)); /* transport 3 */
    assert_refused(STR(SIGNATURE "\x21\x11\0\x0b" V4)); /* addresses cut short */
    assert_refused(STR(SIGNATURE "\x21\x21\0\x23" V6));
    assert_refused(STR("\r\n\r\n\0\r\nQUIT\r\n"));
    assert_refused(STR("\r\n\r\nx"));
}

static void
test_proxy_protocol_2_is_bounded(void **state)
{
    (void)state;
    for (size_t size = PROXY_PROTOCOL_SIZE_MAX - 1; size <= PROXY_PROTOCOL_SIZE_MAX + 1; size++) {
        char data[PROXY_PROTOCOL_SIZE_MAX + 1] = SIGNATURE "\x20\0";
        data[14] = (char)((size - 16) >> 8);
        data[15] = (char)((size - 16) & 0xff);
        if (size <= PROXY_PROTOCOL_SIZE_MAX) {
            assert_more((struct str){data, size - 1});
            assert_header((struct str){data, size}, size, NULL);
        } else {
            assert_refused((struct str){data, 16});
        }
    }
}

static void
test_proxy_protocol_half_a_header_is_not_complete(void **state)
{
    (void)state;
    assert_more(STR_NULL);
    assert_more(STR("PROXY"));
    assert_more(STR("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r"));
    assert_more(STR("\r\n\r\n"));
    assert_more(STR(SIGNATURE "\x21\x11\0\x0c\xc0"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proxy_protocol_1_tells_the_source),
        cmocka_unit_test(test_proxy_protocol_1_unknown_is_the_connection_itself),
        cmocka_unit_test(test_proxy_protocol_1_ends_after_at_most_107_bytes),
        cmocka_unit_test(test_proxy_protocol_1_is_strict),
        cmocka_unit_test(test_proxy_protocol_2_tells_the_source),
        cmocka_unit_test(test_proxy_protocol_2_local_and_others_are_the_connection_itself),
        cmocka_unit_test(test_proxy_protocol_2_is_strict),
        cmocka_unit_test(test_proxy_protocol_2_is_bounded),
        cmocka_unit_test(test_proxy_protocol_half_a_header_is_not_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
