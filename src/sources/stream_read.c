/*
 * XREAD of all streams at once, as many entries as make a good reply. Where one entry of each is too
 * much, of some of them, in turn.
 */

#include "sources/redis_stream_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    READ_BYTES = 4 * 1024 * 1024, /* chosen: what a reply should have, of all streams */
    READ_ENTRIES_MAX = 256,       /* of each stream; chosen, see BATCH_EVENTS_MAX of the log */
    BLOCK_MAX_MS = 1000,
    NUMBER_SIZE = 21
};

static bool
stream_source_reads_all(const struct redis_stream *r)
{
    return r->read_streams >= r->list.length;
}

static size_t
reply_bytes(const struct redis_reply *reply)
{
    size_t bytes = redis_reply_text(reply).size;
    for (size_t i = 0; i < reply->length; i++) {
        bytes += reply_bytes(&reply->items[i]);
    }
    return bytes;
}

/* As many entries as make a good reply, judged by the last one; at most twice as many as that. */
static void
stream_source_set_count(struct redis_stream *r, const struct redis_reply *reply)
{
    size_t entries = 0;
    for (size_t i = 0; i < reply->length; i++) {
        entries += reply->items[i].items[1].length;
    }
    if (entries == 0) {
        return;
    }
    size_t fitting = READ_BYTES / (reply_bytes(reply) / entries + 1) / r->list.length;
    size_t most = 2 * r->read_count < READ_ENTRIES_MAX ? 2 * r->read_count : READ_ENTRIES_MAX;
    r->read_count = fitting > most ? most : fitting > 0 ? fitting : 1;
}

/* It is the others' turn, of more of them where this was little. */
static void
stream_source_go_round(struct redis_stream *r, const struct redis_reply *reply)
{
    r->read_first = r->read_end;
    if (!stream_source_reads_all(r) && 2 * reply_bytes(reply) <= READ_BYTES) {
        r->read_streams *= 2;
    }
}

void
stream_source_read_less(struct redis_stream *r)
{
    size_t named = stream_source_reads_all(r) ? r->list.length : r->read_streams;
    if (r->read_count > 1) {
        r->read_count = 1;
    } else if (named > 1) {
        r->read_streams = named / 2;
    } else {
        r->read_first = r->read_end; /* one entry that never fits: the others are read at least */
    }
}

/* [key, [entry, ...]]. */
int
stream_source_read_part(const struct redis_stream *r,
                        const struct redis_reply *part,
                        struct stream **ret_stream,
                        const struct redis_reply **ret_entries)
{
    bool is_part = part->type == REDIS_TYPE_ARRAY && part->length == 2 &&
                   part->items[1].type == REDIS_TYPE_ARRAY;
    struct stream *s =
        is_part ? stream_list_find(&r->list, redis_reply_text(&part->items[0])) : NULL;
    if (s == NULL) {
        return ERR_PROTOCOL;
    }
    *ret_stream = s;
    *ret_entries = &part->items[1];
    return 0;
}

/* As stream_intake_entries(). */
static int
stream_source_use_part(struct redis_stream *r, const struct redis_reply *part)
{
    struct stream *s = NULL;
    const struct redis_reply *entries = NULL;
    int err = stream_source_read_part(r, part, &s, &entries);
    if (err != 0) {
        return err;
    }
    return s->is_refused ? 0 : stream_intake_entries(&r->intake, s, entries);
}

/* The sink is full: goes on when the log has all that we gave. */
static void
stream_source_wait(struct redis_stream *r)
{
    r->gate = r->intake.taken;
    if (r->stored >= r->gate) {
        stream_source_pause(r); /* others' events fill it: nobody would call us */
    }
}

void
stream_source_note_unused(struct redis_stream *r, int result)
{
    if (result < 0) {
        redis_client_reconnect(r->client, result, "not what XREAD returns");
    } else {
        stream_source_wait(r);
    }
}

/* Reading goes on when the log has what came before this reply. */
void
stream_source_note_used(struct redis_stream *r, const struct redis_reply *reply)
{
    stream_source_set_count(r, reply);
    r->gate = r->taken_before;
    r->taken_before = r->intake.taken;
    backoff_reset(&r->backoff);
}

static void
stream_source_use_reply(struct redis_stream *r, const struct redis_reply *reply)
{
    int result = 0;
    for (size_t i = 0; i < reply->length && result == 0; i++) {
        result = stream_source_use_part(r, &reply->items[i]);
    }
    if (result != 0) {
        stream_source_note_unused(r, result);
    } else {
        stream_source_note_used(r, reply);
    }
}

static void
stream_source_on_reply(void *arg, int status, const struct redis_reply *reply)
{
    struct redis_stream *r = arg;
    r->under_way--;
    if (status != 0) {
        return; /* on_down follows */
    }
    if (reply->type == REDIS_TYPE_ERROR) {
        char why[STATUS_TEXT_SIZE_MAX];
        (void)snprintf(why, sizeof why, STR_FMT, STR_ARG(reply->text));
        status_set(&r->status, STATUS_REFUSED, why);
        r->must_look = true;
        stream_source_pause(r);
        return;
    }
    stream_source_go_round(r, reply);
    if (reply->type == REDIS_TYPE_ARRAY && !stream_source_hold(r, reply)) {
        stream_source_use_reply(r, reply);
    }
    stream_source_schedule(r);
}

/* The nth in this round; NULL where it cannot be read. */
static const struct stream *
stream_source_nth(const struct redis_stream *r, size_t n)
{
    assert(r->list.length > 0);
    const struct stream *s = &r->list.streams[(r->read_first + n) % r->list.length];
    return s->state == STREAM_READY && !s->is_bad ? s : NULL;
}

/* The keys and ids of those whose turn it is; how many. */
static size_t
stream_source_add_streams(struct redis_stream *r)
{
    struct stream_list *list = &r->list;
    size_t length = 0;
    size_t n = 0;
    for (; n < list->length && length < r->read_streams; n++) {
        const struct stream *s = stream_source_nth(r, n);
        if (s != NULL) {
            list->words[STREAM_LIST_HEAD + length++] = s->node.key;
        }
    }
    r->read_end = r->read_first + n;
    size_t end = STREAM_LIST_HEAD + length;
    for (size_t i = 0; i < n; i++) {
        const struct stream *s = stream_source_nth(r, i);
        if (s != NULL) {
            list->words[end++] = stream_id_format(s->at.id, list->ids[i]);
        }
    }
    return length;
}

/* Some of the streams are not waited for: the others may have something. */
static uint64_t
stream_source_block_ms(const struct redis_stream *r)
{
    uint64_t half_ms = r->settings.config->broker.idle_timeout_ms / 2;
    if (!stream_source_reads_all(r)) {
        return 1; /* 0 would be for ever */
    }
    return half_ms < BLOCK_MAX_MS ? half_ms : (uint64_t)BLOCK_MAX_MS;
}

void
stream_source_read(struct redis_stream *r)
{
    char count[NUMBER_SIZE];
    char block[NUMBER_SIZE];
    int count_size = snprintf(count, sizeof count, "%zu", r->read_count);
    int block_size = snprintf(block, sizeof block, "%" PRIu64, stream_source_block_ms(r));
    const struct str head[STREAM_LIST_HEAD] = {STR("XREAD"),
                                               STR("COUNT"),
                                               {count, (size_t)count_size},
                                               STR("BLOCK"),
                                               {block, (size_t)block_size},
                                               STR("STREAMS")};
    memcpy(r->list.words, head, sizeof head);
    size_t length = stream_source_add_streams(r);
    if (length == 0 || redis_client_command(r->client, r->list.words, STREAM_LIST_HEAD + 2 * length,
                                            stream_source_on_reply, r) != 0) {
        r->must_look = true;
        stream_source_pause(r);
        return;
    }
    r->under_way++;
}
