#include "replay/redis_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static char *
keys_name(const char *prefix, const char *rest)
{
    char *name = NULL;
    return asprintf(&name, "{%s}:%s", prefix, rest) >= 0 ? name : NULL;
}

static char *
keys_appender_name(const char *prefix, uint64_t id)
{
    char *name = NULL;
    return asprintf(&name, "{%s}:appender:%016" PRIx64, prefix, id) >= 0 ? name : NULL;
}

int
redis_keys_init(struct redis_keys *k, const char *prefix)
{
    uint64_t id = 0;
    *k = (struct redis_keys){.head = NULL};
    if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id) {
        return ERR_SYSTEM;
    }
    k->head = keys_name(prefix, "head");
    k->stream = keys_name(prefix, "c:");
    k->feed = keys_name(prefix, "feed");
    k->appender = keys_appender_name(prefix, id);
    if (k->head == NULL || k->stream == NULL || k->feed == NULL || k->appender == NULL) {
        redis_keys_fini(k);
        return ERR_MEMORY;
    }
    return 0;
}

void
redis_keys_fini(struct redis_keys *k)
{
    free(k->head);
    free(k->stream);
    free(k->appender);
    free(k->feed);
    *k = (struct redis_keys){.head = NULL};
}
