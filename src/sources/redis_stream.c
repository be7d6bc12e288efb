#include "sources/redis_stream.h"

#include "base/backoff.h"
#include "base/log.h"
#include "event/loop.h"
#include "event/timer.h"
#include "observability/metrics.h"
#include "redis/client.h"
#include "sources/status.h"
#include "sources/stream_intake.h"
#include "sources/stream_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OUTPUT_MAX = 16 * 1024 * 1024, /* the keys of all streams */
    REPLY_MAX = 64 * 1024 * 1024,  /* bounds one entry, too */
    READ_BYTES = 4 * 1024 * 1024,  /* chosen: what a reply should have, of all streams */
    READ_ENTRIES_MAX = 256,        /* of each stream; chosen, see BATCH_EVENTS_MAX of the log */
    READ_ENTRIES_FIRST = 16,
    BLOCK_MAX_MS = 1000,
    LOOK_EVERY_MS = 1000,
    LOOKS_AT_ONCE = 256, /* chosen: XINFO under way */
    NUMBER_SIZE = 21
};

struct redis_stream {
    struct source source; /* first */
    struct source_settings settings;
    struct status status;
    struct stream_intake intake;
    struct stream_list list;
    struct stream_list planned;  /* empty where there is no plan */
    bool is_changing;            /* the plan is carried out when no command is under way */
    struct redis_client *client; /* owned; NULL: stopped */
    struct loop_task pump;
    struct timer retry; /* runs: nothing else is done */
    struct backoff backoff;
    size_t under_way; /* commands */
    uint64_t looked_ms;
    size_t looked; /* streams that were asked about since */
    bool must_look;
    bool is_asking;                 /* the log was asked for a mark */
    size_t read_count;              /* COUNT of the next XREAD */
    uint64_t stored;                /* as the log told it */
    uint64_t taken_before;          /* what the sink had taken when the last reply came */
    uint64_t gate;                  /* the log must have this before more is read */
    char bad[STATUS_TEXT_SIZE_MAX]; /* what is wrong with a stream; "": nothing */
};

static void
stream_source_schedule(struct redis_stream *r)
{
    if (r->client != NULL) {
        loop_task_schedule(r->settings.loop, &r->pump);
    }
}

static void
stream_source_pause(struct redis_stream *r)
{
    timer_start(&r->retry, backoff_next_ms(&r->backoff));
}

/* --- the log's marks --- */

static void
stream_source_ask(struct redis_stream *r, const struct stream *s)
{
    int err = r->settings.sink.read_mark(r->settings.sink.arg, str_from(s->mark_name));
    if (err != 0) {
        log_debug("source.mark", LOG_TEXT("error", err_text(err)));
    }
    r->is_asking = true;
    stream_source_pause(r); /* for as long as the answer may take */
}

/* The answer that was waited for. */
static void
stream_source_take_mark(struct redis_stream *r, struct stream *s, const struct mark *mark)
{
    if (stream_on_mark(s, mark) != 0) {
        status_set(&r->status, STATUS_REFUSED, "the replay log's mark is no position in a stream");
        return; /* asked again, until somebody has mended it */
    }
    log_info(
        "source.stream", LOG_TEXT("source", r->settings.config->name),
        LOG_STR("stream", s->node.key),
        LOG_TEXT("from", s->state == STREAM_READY ? s->stands : r->settings.config->stream.from));
    r->must_look = true;
    r->is_asking = false;
    timer_stop(&r->retry);
    backoff_reset(&r->backoff);
    stream_source_schedule(r);
}

static void
stream_source_on_mark(struct source *source, const struct mark *mark, bool is_refused)
{
    struct redis_stream *r = (struct redis_stream *)source;
    struct str key = stream_key_of_mark(r->settings.config->name, mark->name);
    struct stream *s = stream_list_find(&r->list, key);
    if (s == NULL) {
        return;
    }
    if (is_refused) {
        log_warn("source.refused_by_log", LOG_TEXT("source", r->settings.config->name),
                 LOG_STR("stream", s->node.key), LOG_STR("expected", mark->before),
                 LOG_STR("log_has", mark->position));
        stream_refuse(s, mark);
        stream_source_schedule(r);
    } else if (s->state == STREAM_ASKING && r->is_asking) {
        stream_source_take_mark(r, s, mark);
    }
}

/* Once the log has told of all that was delivered. */
static void
stream_source_ask_again(struct redis_stream *r)
{
    for (size_t i = 0; i < r->list.length && r->stored >= r->intake.taken; i++) {
        stream_ask_again(&r->list.streams[i]);
    }
}

static const struct stream *
stream_source_find_unknown(const struct redis_stream *r)
{
    for (size_t i = 0; i < r->list.length; i++) {
        if (r->list.streams[i].state == STREAM_ASKING) {
            return &r->list.streams[i];
        }
    }
    return NULL;
}

static bool
stream_source_is_refused(const struct redis_stream *r)
{
    for (size_t i = 0; i < r->list.length; i++) {
        if (r->list.streams[i].is_refused) {
            return true;
        }
    }
    return false;
}

/* --- looking --- */

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
    struct stream_info info = {.is_counted = true};
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
        stream_intake_compare(&r->intake, s, &info);
    }
}

static void
stream_source_on_info(void *arg, int status, const struct redis_reply *reply)
{
    struct stream *s = arg;
    struct redis_stream *r = s->owner;
    r->under_way--;
    if (status != 0) {
        return; /* on_down follows */
    }
    if (!s->is_refused && s->state != STREAM_ASKING) {
        stream_source_use_info(r, s, reply);
    }
    stream_source_schedule(r);
}

static void
stream_source_look(struct redis_stream *r)
{
    while (r->looked < r->list.length && r->under_way < LOOKS_AT_ONCE) {
        struct stream *s = &r->list.streams[r->looked++];
        const struct str words[] = {STR("XINFO"), STR("STREAM"), s->node.key};
        if (redis_client_command(r->client, words, 3, stream_source_on_info, s) != 0) {
            r->must_look = true;
            stream_source_pause(r);
            return;
        }
        r->under_way++;
    }
}

/* True where there are streams to be asked about first. */
static bool
stream_source_looks(struct redis_stream *r)
{
    if (r->must_look || loop_now_ms(r->settings.loop) - r->looked_ms >= LOOK_EVERY_MS) {
        r->must_look = false;
        r->looked_ms = loop_now_ms(r->settings.loop);
        r->bad[0] = '\0';
        r->looked = 0;
    }
    return r->looked < r->list.length;
}

/* --- reading --- */

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

/* One stream of the reply: [key, [entry, ...]]. As stream_intake_entries(). */
static int
stream_source_use_part(struct redis_stream *r, const struct redis_reply *part)
{
    bool is_part = part->type == REDIS_TYPE_ARRAY && part->length == 2 &&
                   part->items[1].type == REDIS_TYPE_ARRAY;
    struct stream *s =
        is_part ? stream_list_find(&r->list, redis_reply_text(&part->items[0])) : NULL;
    if (s == NULL) {
        return ERR_PROTOCOL;
    }
    return s->is_refused ? 0 : stream_intake_entries(&r->intake, s, &part->items[1]);
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

/* Reading goes on when the log has what came before this reply. */
static void
stream_source_use_reply(struct redis_stream *r, const struct redis_reply *reply)
{
    int result = 0;
    for (size_t i = 0; i < reply->length && result == 0; i++) {
        result = stream_source_use_part(r, &reply->items[i]);
    }
    if (result < 0) {
        redis_client_reconnect(r->client, result, "not what XREAD returns");
    } else if (result == STREAM_INTAKE_E_FULL) {
        stream_source_wait(r);
    } else {
        stream_source_set_count(r, reply);
        r->gate = r->taken_before;
        r->taken_before = r->intake.taken;
        backoff_reset(&r->backoff);
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
    if (reply->type == REDIS_TYPE_ARRAY) {
        stream_source_use_reply(r, reply);
    }
    stream_source_schedule(r);
}

/* The keys and ids of the streams that can be read; how many. */
static size_t
stream_source_add_streams(struct redis_stream *r)
{
    struct stream_list *list = &r->list;
    size_t length = 0;
    for (size_t i = 0; i < list->length; i++) {
        const struct stream *s = &list->streams[i];
        if (s->state == STREAM_READY && !s->is_bad) {
            list->words[STREAM_LIST_HEAD + length++] = s->node.key;
        }
    }
    size_t end = STREAM_LIST_HEAD + length;
    for (size_t i = 0; i < list->length; i++) {
        const struct stream *s = &list->streams[i];
        if (s->state == STREAM_READY && !s->is_bad) {
            list->words[end++] = stream_id_format(s->at.id, list->ids[i]);
        }
    }
    return length;
}

static void
stream_source_read(struct redis_stream *r)
{
    char count[NUMBER_SIZE];
    char block[NUMBER_SIZE];
    uint64_t half_ms = r->settings.config->broker.idle_timeout_ms / 2;
    int count_size = snprintf(count, sizeof count, "%zu", r->read_count);
    int block_size = snprintf(block, sizeof block, "%" PRIu64,
                              half_ms < BLOCK_MAX_MS ? half_ms : (uint64_t)BLOCK_MAX_MS);
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

/* Nothing is under way: the planned streams take the place of the others. */
static void
stream_source_change(struct redis_stream *r)
{
    stream_list_continue(&r->planned, &r->list);
    stream_list_fini(&r->list);
    r->list = r->planned;
    r->planned = (struct stream_list){.length = 0};
    r->is_changing = false;
    r->must_look = true;
    if (r->is_asking) { /* maybe about one that is gone */
        r->is_asking = false;
        timer_stop(&r->retry);
    }
    r->settings.owner.on_resubscribed(r->settings.owner.arg);
    stream_source_schedule(r);
}

/* What comes next, where nothing is under way. */
static void
stream_source_pump(void *arg)
{
    struct redis_stream *r = arg;
    if (r->is_changing && r->under_way == 0) {
        stream_source_change(r);
    }
    if (!redis_client_is_up(r->client) || r->under_way > 0 || timer_is_running(&r->retry)) {
        return;
    }
    stream_source_ask_again(r);
    const struct stream *unknown = stream_source_find_unknown(r);
    if (unknown != NULL) {
        stream_source_ask(r, unknown);
        return;
    }
    if (stream_source_is_refused(r) || r->stored < r->gate) {
        return; /* on_stored brings us back */
    }
    if (stream_source_looks(r)) {
        stream_source_look(r);
        return;
    }
    status_set(&r->status, r->bad[0] != '\0' ? STATUS_REFUSED : STATUS_UP, r->bad);
    stream_source_read(r);
}

static void
stream_source_on_retry(void *arg)
{
    struct redis_stream *r = arg;
    if (r->is_asking && r->status.kind != STATUS_REFUSED) {
        status_set(&r->status, STATUS_DOWN, "the replay log has not said how far it has come");
    }
    r->is_asking = false;
    stream_source_pump(r);
}

/* --- the connection --- */

static void
stream_source_on_up(void *arg)
{
    struct redis_stream *r = arg;
    r->must_look = true;
    stream_source_schedule(r);
}

static void
stream_source_on_down(void *arg, int status, const char *why)
{
    struct redis_stream *r = arg;
    bool is_refused = status == ERR_AUTH || status == ERR_REFUSED;
    if (r->status.kind == STATUS_UP) {
        metrics_series_add(r->settings.series, METRIC_SOURCE_RECONNECTS, 0, 1);
    }
    if (status == ERR_LIMIT) {
        r->read_count = 1; /* entries so large that a reply did not fit */
    }
    status_set(&r->status, is_refused ? STATUS_REFUSED : STATUS_DOWN, why);
    if (r->is_changing) {
        stream_source_change(r);
    }
}

static int
stream_source_start(struct source *source)
{
    status_publish(&((struct redis_stream *)source)->status);
    return 0;
}

static void
stream_source_stop(struct source *source)
{
    struct redis_stream *r = (struct redis_stream *)source;
    struct redis_client *client = r->client;
    r->client = NULL;
    redis_client_free(client);
    timer_stop(&r->retry);
    loop_task_cancel(&r->pump);
}

static void
stream_source_on_stored(struct source *source, uint64_t ticket)
{
    struct redis_stream *r = (struct redis_stream *)source;
    r->stored = ticket;
    stream_source_schedule(r);
}

static int
stream_source_plan(struct source *source,
                   const struct source_subscription *subscriptions,
                   size_t length)
{
    struct redis_stream *r = (struct redis_stream *)source;
    stream_list_fini(&r->planned);
    return stream_list_init(&r->planned, r, r->settings.config->name, subscriptions, length);
}

static void
stream_source_resubscribe(struct source *source)
{
    struct redis_stream *r = (struct redis_stream *)source;
    r->is_changing = true;
    if (r->under_way == 0) {
        stream_source_change(r);
    }
}

static void
stream_source_free(struct source *source)
{
    struct redis_stream *r = (struct redis_stream *)source;
    stream_source_stop(source);
    stream_list_fini(&r->list);
    stream_list_fini(&r->planned);
    stream_intake_fini(&r->intake);
    free(r);
}

static int
stream_source_init(struct redis_stream *r)
{
    const struct source_settings *s = &r->settings;
    const struct config_broker *broker = &s->config->broker;
    const struct redis_settings settings = {
        .broker = broker,
        .listener = {.arg = r, .on_up = stream_source_on_up, .on_down = stream_source_on_down},
        .commands_limit = LOOKS_AT_ONCE,
        .output_limit_bytes = OUTPUT_MAX,
        .reply_limit_bytes = REPLY_MAX,
        .command_timeout_ms = broker->idle_timeout_ms,
    };
    int err =
        stream_list_init(&r->list, r, s->config->name, s->subscriptions, s->subscriptions_length);
    if (err == 0) {
        r->client = redis_client_new(s->loop, &settings);
    }
    return r->client != NULL ? 0 : ERR_MEMORY;
}

struct source *
redis_stream_new(const struct source_settings *settings)
{
    static const struct source_ops ops = {.start = stream_source_start,
                                          .stop = stream_source_stop,
                                          .free = stream_source_free,
                                          .plan = stream_source_plan,
                                          .resubscribe = stream_source_resubscribe,
                                          .on_stored = stream_source_on_stored,
                                          .on_mark = stream_source_on_mark};
    struct redis_stream *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    const struct config_broker *broker = &settings->config->broker;
    r->source.ops = &ops;
    r->settings = *settings;
    r->read_count = READ_ENTRIES_FIRST;
    stream_intake_init(&r->intake, &r->settings);
    loop_task_init(&r->pump, stream_source_pump, r);
    timer_init(&r->retry, settings->loop, stream_source_on_retry, r);
    backoff_init(&r->backoff, (uint32_t)broker->retry_min_ms, (uint32_t)broker->retry_max_ms);
    status_init(&r->status, &r->settings);
    if (stream_source_init(r) != 0) {
        stream_source_free(&r->source);
        return NULL;
    }
    return &r->source;
}
