#include "replay/redis_mark.h"

#include "base/log.h"
#include "redis/client.h"
#include "replay/redis_keys.h"

#include <stdlib.h>

#define MARK_FIELD "mark:"

/* A question under way. */
struct redis_mark {
    const struct redis_mark_listener *listener;
    size_t size;
    char field[]; /* of the head; the mark's name stands behind MARK_FIELD */
};

static void
redis_mark_on_reply(void *arg, int status, const struct redis_reply *reply)
{
    struct redis_mark *m = arg;
    bool is_answer =
        status == 0 && (reply->type == REDIS_TYPE_STRING || reply->type == REDIS_TYPE_NIL);
    if (is_answer) {
        const struct mark mark = {
            .name = str_after((struct str){m->field, m->size}, sizeof MARK_FIELD - 1),
            .position = redis_reply_text(reply),
        };
        m->listener->on_mark(m->listener->arg, &mark);
    } else if (status == 0 && reply->type == REDIS_TYPE_ERROR) {
        log_warn("replay.mark", LOG_STR("error", reply->text));
    }
    free(m);
}

int
redis_mark_read(struct redis_client *client,
                const struct redis_keys *keys,
                struct str name,
                const struct redis_mark_listener *listener)
{
    size_t begin = sizeof MARK_FIELD - 1;
    struct redis_mark *m = malloc(sizeof *m + begin + name.size);
    if (m == NULL) {
        return ERR_MEMORY;
    }
    *m = (struct redis_mark){.listener = listener, .size = begin + name.size};
    memcpy(m->field, MARK_FIELD, begin);
    memcpy(m->field + begin, name.data, name.size);
    const struct str words[] = {STR("HGET"), str_from(keys->head), {m->field, m->size}};
    int err = redis_client_command(client, words, 3, redis_mark_on_reply, m);
    if (err != 0) {
        free(m);
    }
    return err == REDIS_E_FULL ? ERR_LIMIT : err;
}
