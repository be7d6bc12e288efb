#include "sources/stream.h"

#include <stdio.h>
#include <stdlib.h>

/* Between the source's name and the key; names of sources have no control characters. */
#define MARK_SEPARATOR "\t"

int
stream_init(struct stream *s, void *owner, const char *source_name, const char *key)
{
    *s = (struct stream){.owner = owner, .node = {.key = str_from(key)}};
    if (asprintf(&s->mark_name, "%s" MARK_SEPARATOR "%s", source_name, key) < 0) {
        s->mark_name = NULL;
        return ERR_MEMORY;
    }
    return 0;
}

void
stream_fini(struct stream *s)
{
    free(s->mark_name);
}

void
stream_continue(struct stream *s, const struct stream *known)
{
    struct map_node node = s->node;
    char *mark_name = s->mark_name;
    *s = *known;
    s->node = node;
    s->mark_name = mark_name;
}

struct str
stream_key_of_mark(const char *source_name, struct str mark_name)
{
    struct str source = str_from(source_name);
    struct str rest = str_after(mark_name, source.size);
    bool is_own = str_starts_with(mark_name, source) && str_starts_with(rest, STR(MARK_SEPARATOR));
    return is_own ? str_after(rest, sizeof MARK_SEPARATOR - 1) : STR_NULL;
}

struct mark
stream_step(const struct stream *s,
            const struct stream_position *position,
            char text[static STREAM_POSITION_SIZE_MAX])
{
    stream_position_format(position, text);
    return (struct mark){
        .name = str_from(s->mark_name), .before = str_from(s->stands), .position = str_from(text)};
}

void
stream_advance(struct stream *s, const struct stream_position *position, const char *text)
{
    s->at = *position;
    (void)snprintf(s->stands, sizeof s->stands, "%s", text);
}

/* The first refusal is of the first step that is not in the log: those behind it built on it. */
void
stream_refuse(struct stream *s, const struct mark *mark)
{
    if (!s->is_refused) {
        (void)snprintf(s->resume, sizeof s->resume, STR_FMT, STR_ARG(mark->before));
    }
    s->is_refused = true;
}

void
stream_ask_again(struct stream *s)
{
    if (s->is_refused) {
        s->is_refused = false;
        s->state = STREAM_ASKING;
    }
}

int
stream_on_mark(struct stream *s, const struct mark *mark)
{
    struct str where = mark->position.size > 0 ? mark->position : str_from(s->resume);
    struct stream_position at;
    s->held = NULL;
    if (where.size == 0) {
        s->stands[0] = '\0';
        s->state = STREAM_PLACING;
        return 0;
    }
    if (where.size >= sizeof s->stands || stream_position_parse(where, &at) != 0) {
        return ERR_SYNTAX;
    }
    s->at = at;
    s->seen = (struct stream_info){.is_known = false}; /* maybe not the one that was read so far */
    s->state = STREAM_READY;
    (void)snprintf(s->stands, sizeof s->stands, STR_FMT, STR_ARG(mark->position));
    s->resume[0] = '\0';
    return 0;
}

struct stream_position
stream_place(const struct stream_info *info, const char *from)
{
    const struct stream_info unseen = {.is_known = false};
    struct stream_position p = {.is_counted = false};
    uint64_t lost = 0;
    if (stream_id_parse(str_from(from), &p.id) != 0) {
        return stream_info_end(info); /* "$" */
    }
    if (p.id.ms == 0 && p.id.seq == 0) {
        return stream_info_begin(info);
    }
    (void)stream_position_check(&p, &unseen, info, &lost); /* counts it where that is possible */
    return p;
}

void
stream_put_look_off(struct stream *s, uint64_t now_ms)
{
    uint64_t pause = 2 * s->look_pause_ms;
    pause = pause > STREAM_LOOK_PAUSE_MIN_MS ? pause : STREAM_LOOK_PAUSE_MIN_MS;
    s->look_pause_ms = pause < STREAM_LOOK_PAUSE_MAX_MS ? pause : STREAM_LOOK_PAUSE_MAX_MS;
    s->look_after_ms = now_ms + s->look_pause_ms;
}

void
stream_on_looked(struct stream *s)
{
    s->look_pause_ms = 0;
}
