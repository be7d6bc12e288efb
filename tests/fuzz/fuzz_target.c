/*
 * Targets: what a target is split into is its own bytes; channels come out valid, without doubles
 * and within their limit, whatever the query holds.
 */
#undef NDEBUG
#include "base/channel_name.h"
#include "http/subscription.h"
#include "http/target.h"

#include <assert.h>

enum { CHANNELS_MAX = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_decode(struct str raw, enum target_plus plus)
{
    struct buf out;
    buf_init(&out, raw.size);
    int rc = target_decode(raw, plus, &out);
    assert(rc == 0 || rc == ERR_SYNTAX);
    assert(out.size <= raw.size);
    assert(rc == 0 || out.size == 0);
    buf_fini(&out);
}

static void
check_pairs(struct str query)
{
    struct str rest = query;
    struct str name;
    struct str value;
    size_t size = 0;
    while (target_next_pair(&rest, &name, &value)) {
        size += name.size + value.size;
        assert(memchr(value.data, '&', value.size) == NULL);
        check_decode(value, TARGET_PLUS_IS_BLANK);
    }
    assert(size <= query.size);
}

static void
check_subscription(struct str path, struct str query)
{
    struct subscription s;
    struct request r = {.path = path, .query = query};
    r.fields[REQUEST_LAST_EVENT_ID] = path;
    static const struct config_http config = {.channels = CHANNELS_MAX};
    int rc = subscription_parse(&s, &r, str_after(path, 1), &config, 1700000000000);
    assert(rc == 0 || rc == SUBSCRIPTION_E_REFUSED);
    if (rc == 0) {
        assert(s.channels_length >= 1 && s.channels_length <= CHANNELS_MAX);
        for (size_t i = 0; i < s.channels_length; i++) {
            assert(channel_name_is_valid(s.channels[i]));
            assert(i == 0 || str_compare(s.channels[i - 1], s.channels[i]) < 0);
        }
    } else {
        assert(s.problem[0] != '\0');
    }
    subscription_fini(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str target = {(const char *)data, size};
    struct str path;
    struct str query;
    check_decode(target, TARGET_PLUS_IS_PLUS);
    if (target_split(target, &path, &query) == 0) {
        assert(path.size + query.size <= size + 1); /* an absent path is "/" */
        check_pairs(query);
        check_subscription(path, query);
    }
    return 0;
}
