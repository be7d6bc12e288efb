/*
 * X-Forwarded-For and Forwarded: whatever a client sends, what the last trusted proxy adds decides.
 */
#undef NDEBUG
#include "http/forwarded.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(enum config_forwarded field, const char *name, struct str claimed, const char *added)
{
    struct network trusted;
    struct address expected;
    struct address peer;
    struct config_http config = {.trusted_proxies = {&trusted, 1}, .forwarded = field};
    struct buf line;
    assert(network_parse(STR("10.0.0.0/8"), &trusted) == 0);
    assert(address_parse(STR("10.0.0.1"), &peer) == 0);
    assert(address_parse(STR("2001:db8::1"), &expected) == 0);
    buf_init(&line, claimed.size + 64);
    assert(buf_append_str(&line, claimed) == 0);
    assert(buf_append_str(&line, str_from(added)) == 0);
    struct forwarded f = forwarded_begin(&config, &peer);
    forwarded_add(&f, str_from(name), claimed);
    forwarded_add(&f, str_from(name), buf_str(&line));
    assert(memcmp(&f.client, &expected, sizeof(expected)) == 0);
    buf_fini(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str claimed = {(const char *)data, size};
    check(FORWARDED_X_FORWARDED_FOR, "X-Forwarded-For", claimed, ", 2001:db8::1, 10.0.0.9");
    check(FORWARDED_STANDARD, "Forwarded", claimed, ", for=\"[2001:db8::1]:1\";proto=http");
    return 0;
}
