/*
 * A reply of XREAD is kept while its streams are looked at, where that is cheap: what they lost is
 * told before what comes behind it, and what was made anew is not read on in its midst.
 */

#include "sources/redis_stream_private.h"

#include <stdlib.h>

enum { HELD_BYTES_MAX = 256 * 1024 }; /* chosen: of more than that the next reply follows at once */

/* --- a copy in one block: all objects, then all texts --- */

struct copy {
    struct redis_reply *items;
    char *bytes;
};

static bool
reply_has_text(const struct redis_reply *reply)
{
    return reply->type == REDIS_TYPE_STRING || reply->type == REDIS_TYPE_STATUS ||
           reply->type == REDIS_TYPE_ERROR;
}

static void
reply_measure(const struct redis_reply *reply, size_t *items, size_t *bytes)
{
    *items += 1;
    *bytes += reply_has_text(reply) ? reply->text.size : 0;
    for (size_t i = 0; i < reply->length; i++) {
        reply_measure(&reply->items[i], items, bytes);
    }
}

static void
copy_reply(struct copy *c, struct redis_reply *to, const struct redis_reply *from)
{
    *to = *from;
    if (reply_has_text(from) && from->text.size > 0) {
        to->text.data = memcpy(c->bytes, from->text.data, from->text.size);
        c->bytes += from->text.size;
    }
    if (from->type == REDIS_TYPE_ARRAY) {
        to->items = c->items;
        c->items += from->length;
    }
    for (size_t i = 0; i < from->length; i++) {
        copy_reply(c, &to->items[i], &from->items[i]);
    }
}

/* NULL where it is too large. */
static struct redis_reply *
reply_keep(const struct redis_reply *reply)
{
    size_t items = 0;
    size_t bytes = 0;
    reply_measure(reply, &items, &bytes);
    if (items * sizeof *reply + bytes > HELD_BYTES_MAX) {
        return NULL;
    }
    struct redis_reply *kept = malloc(items * sizeof *kept + bytes);
    if (kept != NULL) {
        struct copy c = {.items = kept + 1, .bytes = (char *)(kept + items)};
        copy_reply(&c, kept, reply);
    }
    return kept;
}

/* --- holding --- */

/* Gives each stream its part. False: not what XREAD returns. */
static bool
stream_source_share(struct redis_stream *r)
{
    for (size_t i = 0; i < r->held->length; i++) {
        struct stream *s = NULL;
        const struct redis_reply *entries = NULL;
        if (stream_source_read_part(r, &r->held->items[i], &s, &entries) != 0) {
            return false;
        }
        s->held = entries->length > 0 ? entries : NULL;
    }
    return true;
}

bool
stream_source_hold(struct redis_stream *r, const struct redis_reply *reply)
{
    if (loop_now_ms(r->settings.loop) < r->look_again_ms) {
        return false;
    }
    r->held = reply_keep(reply);
    if (r->held != NULL && !stream_source_share(r)) {
        stream_source_drop_held(r);
    }
    r->must_look = r->must_look || r->held != NULL;
    return r->held != NULL;
}

void
stream_source_drop_held(struct redis_stream *r)
{
    for (size_t i = 0; r->held != NULL && i < r->list.length; i++) {
        r->list.streams[i].held = NULL;
    }
    free(r->held);
    r->held = NULL;
}

/* The stream as it is has, or may have, all of them. */
static bool
held_is_in(const struct redis_reply *entries, const struct stream_info *info)
{
    struct stream_id first;
    struct stream_id last;
    return info->length > 0 && stream_entry_id(&entries->items[0], &first) == 0 &&
           stream_entry_id(&entries->items[entries->length - 1], &last) == 0 &&
           !stream_id_is_later(info->first, first) && !stream_id_is_later(last, info->last);
}

/* What is gone may have been deleted from what is held: then it is neither lost nor counted twice. */
static bool
held_is_whole(const struct stream *s, const struct stream_info *info)
{
    struct stream_id last;
    const struct redis_reply *entries = s->held;
    if (!s->at.is_counted || !info->is_counted || info->added - info->length <= s->at.count) {
        return true;
    }
    return stream_entry_id(&entries->items[entries->length - 1], &last) == 0 &&
           !stream_id_is_later(info->last, last) && info->length == entries->length;
}

static void
stream_source_use_held(struct redis_stream *r, struct stream *s)
{
    const struct redis_reply *entries = s->held;
    s->held = NULL;
    int result =
        entries != NULL && !s->is_refused ? stream_intake_entries(&r->intake, s, entries) : 0;
    if (result != 0) {
        stream_source_drop_held(r);
        stream_source_note_unused(r, result);
    }
}

void
stream_source_compare(struct redis_stream *r, struct stream *s, const struct stream_info *info)
{
    if (s->held != NULL && !(held_is_in(s->held, info) && held_is_whole(s, info))) {
        stream_source_use_held(r, s); /* gone by now, so it stands before what is lost */
    }
    if (stream_intake_compare(&r->intake, s, info) == STREAM_IS_ANOTHER) {
        s->held = NULL; /* read again, where the stream has it */
    }
    stream_source_use_held(r, s);
}

void
stream_source_release(struct redis_stream *r)
{
    for (size_t i = 0; r->held != NULL && i < r->list.length; i++) {
        stream_source_use_held(r, &r->list.streams[i]); /* of those that cannot be looked at */
    }
    if (r->held != NULL) {
        stream_source_note_used(r, r->held);
    }
    stream_source_drop_held(r);
}
