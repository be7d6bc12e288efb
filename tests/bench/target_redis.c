#include "target.h"

#include <hiredis/hiredis.h>

#include <err.h>
#include <inttypes.h>

static void
redis_send(void *self, uint64_t channel, const char *payload, size_t size)
{
    if (redisAppendCommand(self, "PUBLISH bench.%llu %b", (unsigned long long)channel, payload,
                           size) != REDIS_OK) {
        errx(1, "redis: out of memory");
    }
}

static void
redis_wait(void *self, uint64_t answers)
{
    for (uint64_t i = 0; i < answers; i++) {
        redisReply *reply = NULL;
        if (redisGetReply(self, (void **)&reply) != REDIS_OK) {
            errx(1, "redis: %s", ((redisContext *)self)->errstr);
        }
        if (reply->type != REDIS_REPLY_INTEGER) {
            errx(1, "redis refused an event");
        }
        freeReplyObject(reply);
    }
}

struct target
target_redis_new(uint16_t port)
{
    redisContext *redis = redisConnect("127.0.0.1", port);
    if (redis == NULL || redis->err != 0) {
        errx(1, "cannot connect to redis on port %u", port);
    }
    return (struct target){.send = redis_send, .wait = redis_wait, .self = redis};
}
