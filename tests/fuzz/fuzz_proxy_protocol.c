/*
 * The PROXY protocol's header: whatever the pieces in which it arrives, the outcome is the same, and it
 * is never longer than it may be.
 */
#undef NDEBUG
#include "http/proxy_protocol.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
parse(const uint8_t *data, size_t size, struct proxy_protocol *ret_header)
{
    char *block = malloc(size > 0 ? size : 1);
    assert(block != NULL);
    if (size > 0) {
        memcpy(block, data, size);
    }
    int rc = proxy_protocol_parse((struct str){block, size}, ret_header);
    free(block);
    return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_protocol whole;
    struct proxy_protocol part;
    int rc = parse(data, size, &whole);
    int step = PROXY_PROTOCOL_E_MORE;
    size_t given = 0;
    while (step == PROXY_PROTOCOL_E_MORE && given <= size) {
        step = parse(data, given++, &part);
    }
    assert(step == rc);
    if (rc == 0) {
        assert(whole.size == given - 1 && whole.size <= PROXY_PROTOCOL_SIZE_MAX);
        assert(part.size == whole.size && part.has_source == whole.has_source);
        assert(memcmp(&part.source, &whole.source, sizeof(part.source)) == 0);
    } else if (rc == PROXY_PROTOCOL_E_MORE) {
        assert(size < PROXY_PROTOCOL_SIZE_MAX);
    }
    return 0;
}
