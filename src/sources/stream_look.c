/*
 * XINFO of every stream, about once a second, and where something has come: what was trimmed, and
 * what cannot be read. Each answer
 * has the first and the last entry, whole: what takes long is done less often.
 */

#include "sources/redis_stream_private.h"

#include <stdio.h>

enum {
    LOOK_PAUSE_MIN_MS = 1000,
    LOOK_PAUSE_MAX_MS = 60000,
    LOOK_PAUSE_TIMES = 9, /* what the last one took: the rest is left for reading */
};

static void
stream_source_note_bad(struct redis_stream *r, struct stream *s, struct str why)
{
    s->is_bad = true;
    if (r->bad[0] == '\0') {
        (void)snprintf(r->bad, sizeof r->bad, "stream " STR_FMT ": " STR_FMT, STR_ARG(s->node.key),
                       STR_ARG(why));
    }
}

static void
stream_source_use_info(struct redis_stream *r, struct stream *s, const struct redis_reply *reply)
{
    struct stream_info info = {.is_counted = true, .is_known = true};
    bool is_error = reply->type == REDIS_TYPE_ERROR;
    bool is_missing = is_error && str_starts_with(reply->text, STR("ERR no such key"));
    if (is_error && !is_missing) {
        stream_source_note_bad(r, s, reply->text);
        return;
    }
    if (!is_missing && stream_info_read(reply, &info) != 0) {
        stream_source_note_bad(r, s, STR("not what XINFO returns"));
        return;
    }
    s->is_bad = false;
    if (s->state == STREAM_PLACING) {
        stream_intake_place(&r->intake, s, &info);
    } else {
        stream_source_compare(r, s, &info);
    }
}

/* The first and the last entry come with it, whole. The other streams are read. */
static void
stream_source_note_large(struct redis_stream *r, struct stream *s)
{
    stream_source_note_bad(r, s, STR("its first and last entry are too large to be looked at"));
}

static void
stream_source_on_info(void *arg, int status, const struct redis_reply *reply)
{
    struct stream *s = arg;
    struct redis_stream *r = s->owner;
    r->under_way--;
    if (status == ERR_LIMIT && !r->is_look_too_large) { /* the first one that fails is meant */
        r->is_look_too_large = true;
        stream_put_look_off(s, loop_now_ms(r->settings.loop));
        stream_source_note_large(r, s);
    }
    if (status != 0) {
        return; /* on_down follows */
    }
    stream_on_looked(s);
    if (!s->is_refused && s->state != STREAM_ASKING) {
        stream_source_use_info(r, s, reply);
    }
    stream_source_schedule(r);
}

void
stream_source_look(struct redis_stream *r)
{
    while (r->looked < r->list.length && r->under_way < STREAM_LOOKS_AT_ONCE) {
        struct stream *s = &r->list.streams[r->looked++];
        if (loop_now_ms(r->settings.loop) < s->look_after_ms) {
            stream_source_note_large(r, s);
            continue;
        }
        const struct str words[] = {STR("XINFO"), STR("STREAM"), s->node.key};
        if (redis_client_command(r->client, words, 3, stream_source_on_info, s) != 0) {
            r->must_look = true;
            stream_source_pause(r);
            return;
        }
        r->under_way++;
    }
    if (r->under_way == 0) { /* none of the rest is looked at now */
        stream_source_schedule(r);
    }
}

static void
stream_source_begin_look(struct redis_stream *r, uint64_t now)
{
    r->must_look = false;
    r->is_looking = true;
    r->look_began_ms = now;
    r->looked = 0;
    r->bad[0] = '\0';
}

/* The pause begins here, or a look that takes longer than it would leave no time to read. */
static void
stream_source_end_look(struct redis_stream *r, uint64_t now)
{
    uint64_t pause = LOOK_PAUSE_TIMES * (now - r->look_began_ms);
    pause = pause < LOOK_PAUSE_MAX_MS ? pause : LOOK_PAUSE_MAX_MS;
    r->is_looking = false;
    r->look_again_ms = now + pause;
    r->look_due_ms = now + (pause > LOOK_PAUSE_MIN_MS ? pause : LOOK_PAUSE_MIN_MS);
}

bool
stream_source_looks(struct redis_stream *r)
{
    uint64_t now = loop_now_ms(r->settings.loop);
    if (r->must_look || (!r->is_looking && now >= r->look_due_ms)) {
        stream_source_begin_look(r, now);
    }
    if (r->is_looking && r->looked == r->list.length) {
        stream_source_end_look(r, now);
    }
    return r->is_looking;
}
