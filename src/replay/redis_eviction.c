#include "replay/redis_eviction.h"

#include "base/log.h"
#include "redis/client.h"

#include <string.h>

/* The value of a line "name:value\r\n" of INFO. */
static struct str
info_value(struct str info, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t at = 0; at < info.size; at++) {
        struct str line = str_after(info, at);
        if ((at == 0 || info.data[at - 1] == '\n') && str_starts_with(line, wanted)) {
            struct str value = str_after(line, wanted.size);
            const char *end = memchr(value.data, '\r', value.size);
            return (struct str){value.data, end != NULL ? (size_t)(end - value.data) : value.size};
        }
    }
    return STR_NULL;
}

static void
eviction_on_info(void *arg, int status, const struct redis_reply *reply)
{
    const struct redis_client *client = arg;
    if (status != 0) {
        return;
    }
    struct str limit = info_value(redis_reply_text(reply), "maxmemory:");
    struct str policy = info_value(redis_reply_text(reply), "maxmemory_policy:");
    if (limit.size > 0 && !str_equal(limit, STR("0")) && !str_equal(policy, STR("noeviction"))) {
        log_warn("replay.eviction", LOG_TEXT("address", redis_client_address(client)),
                 LOG_STR("maxmemory_policy", policy), LOG_TEXT("wanted", "noeviction"));
    }
}

void
redis_eviction_ask(struct redis_client *client)
{
    const struct str words[] = {STR("INFO"), STR("memory")};
    int err = redis_client_command(client, words, 2, eviction_on_info, client);
    if (err != 0) {
        log_debug("replay.eviction", LOG_TEXT("error", "not asked"));
    }
}
