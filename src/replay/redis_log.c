/*
 * The Redis backend: any number of processes share one log.
 *
 *     append --> appender --(script)--> Redis --(pub/sub)--> feed --> listener
 *                               ^
 *                               '-- pages --> readers, each with a client, on a worker's loop
 *
 * Two clients on the ingest loop: one for commands, one subscribed. The log is up where both work.
 * Which promise rests on what stands in the scripts (lua/), in redis_appender.h and redis_feed.h.
 */

#include "base/log.h"
#include "config/config.h"
#include "event/loop.h"
#include "event/timer.h"
#include "observability/metrics.h"
#include "redis/client.h"
#include "replay/redis_appender.h"
#include "replay/redis_eviction.h"
#include "replay/redis_feed.h"
#include "replay/redis_keys.h"
#include "replay/redis_limits.h"
#include "replay/redis_mark.h"
#include "replay/redis_reader.h"
#include "replay/redis_scripts.h"

#include <stdio.h>
#include <stdlib.h>

enum { WHY_SIZE = 256, HEAD_WORDS = 3 + 1 + 2 };

struct redis_log {
    struct replay replay;
    const struct config_replay *config;
    struct loop *loop;
    struct replay_listener listener;
    struct metrics_slot *metrics;
    struct redis_keys keys;
    struct redis_scripts scripts;
    struct redis_client *client; /* owned; append and head */
    struct appender *appender;   /* owned */
    struct redis_feed *feed;     /* owned */
    struct redis_mark_listener marks;
    struct timer watch;   /* reads the head again */
    event_id seen;        /* the highest id of the log that this process knows */
    event_id watched;     /* the head as of the last time: the feed must have it by the next */
    atomic_ulong invalid; /* entries that readers left out */
    bool is_head_known;   /* on this connection */
    size_t heads_asked;   /* reads of the head under way */
    /* The oldest of them, from before the feed subscribed: it may lack what came between. */
    size_t heads_early;
    bool is_up;
    char client_why[WHY_SIZE]; /* why the client is down; "": never was */
    char feed_why[WHY_SIZE];
    char head_why[WHY_SIZE]; /* why the head cannot be read; "": it can */
    char why[WHY_SIZE];      /* told last */
};

static struct redis_log *
log_of(struct replay *r)
{
    return (struct redis_log *)(void *)r;
}

/* --- state --- */

/* Why the log cannot be used; NULL where it can, "" where nothing has failed and it is not there
 * yet. */
static const char *
redis_log_problem(const struct redis_log *l)
{
    if (!redis_client_is_up(l->client)) {
        return l->client_why;
    }
    if (appender_problem(l->appender) != NULL) {
        return appender_problem(l->appender);
    }
    if (l->head_why[0] != '\0') {
        return l->head_why;
    }
    return redis_feed_is_live(l->feed) ? NULL : l->feed_why;
}

static void
redis_log_tell(struct redis_log *l)
{
    const char *address = redis_client_address(l->client);
    metrics_set(l->metrics, METRIC_REPLAY_UP, 0, l->is_up ? 1 : 0);
    if (l->is_up) {
        log_info("replay.up", LOG_TEXT("address", address));
    } else {
        log_warn("replay.down", LOG_TEXT("address", address), LOG_TEXT("error", l->why));
    }
    l->listener.on_state(l->listener.arg, l->is_up, l->why);
}

/* Looks at the whole again; tells what has changed. */
static void
redis_log_update(struct redis_log *l)
{
    const char *problem = redis_log_problem(l);
    bool is_up = problem == NULL;
    bool is_news = is_up != l->is_up || (!is_up && strcmp(problem, l->why) != 0);
    if (!is_news || (!is_up && problem[0] == '\0')) {
        return;
    }
    l->is_up = is_up;
    (void)snprintf(l->why, sizeof l->why, "%s", is_up ? "" : problem);
    redis_log_tell(l);
}

/* --- the head --- */

static void redis_log_read_head(struct redis_log *l);

static void
redis_log_watch(struct redis_log *l)
{
    bool is_well = l->head_why[0] == '\0';
    timer_start(&l->watch,
                is_well ? l->config->redis.idle_timeout_ms : l->config->redis.retry_max_ms);
}

static void
redis_log_on_watch(void *arg)
{
    struct redis_log *l = arg;
    redis_feed_check(l->feed, l->watched);
    metrics_add(l->metrics, METRIC_REPLAY_INVALID, 0, atomic_exchange(&l->invalid, 0));
    redis_log_read_head(l);
}

static void
redis_log_use_head(struct redis_log *l, const struct redis_reply *reply, bool is_early)
{
    event_id head = 0;
    event_id birth = 0;
    if (reply->type != REDIS_TYPE_ARRAY || reply->length != 2 ||
        event_id_parse(redis_reply_text(&reply->items[0]), &head) != 0 ||
        event_id_parse(redis_reply_text(&reply->items[1]), &birth) != 0) {
        struct str text = reply->type == REDIS_TYPE_ERROR ? reply->text : STR("no head");
        (void)snprintf(l->head_why, sizeof l->head_why, "the log's head: " STR_FMT, STR_ARG(text));
        return;
    }
    l->head_why[0] = '\0';
    l->watched = head;
    l->seen = head > l->seen ? head : l->seen;
    if (!is_early) {
        redis_feed_on_head(l->feed, head, birth);
    }
}

static void
redis_log_on_head(void *arg, int status, const struct redis_reply *reply)
{
    struct redis_log *l = arg;
    bool is_early = l->heads_early > 0;
    l->heads_asked--;
    l->heads_early -= is_early ? 1 : 0;
    if (status != 0) {
        return; /* on_down follows */
    }
    if (redis_reply_is_error(reply, "NOSCRIPT")) {
        l->is_head_known = false;
        redis_log_read_head(l);
        return;
    }
    if (redis_reply_is_error(reply, "READONLY")) {
        redis_client_reconnect(l->client, ERR_REPLICA, err_text(ERR_REPLICA));
        return;
    }
    redis_log_use_head(l, reply, is_early);
    redis_log_watch(l);
    redis_log_update(l);
}

static void
redis_log_read_head(struct redis_log *l)
{
    char ms[STR_U64_SIZE_MAX];
    char seq[STR_U64_SIZE_MAX];
    struct str words[HEAD_WORDS] = {
        [2] = STR("1"),
        [3] = str_from(l->keys.head),
        [4] = {ms, str_put_u64(ms, event_id_ms(l->seen))},
        [5] = {seq, str_put_u64(seq, event_id_seq(l->seen))},
    };
    redis_script_words(&l->scripts.head, l->is_head_known, words);
    if (redis_client_command(l->client, words, HEAD_WORDS, redis_log_on_head, l) == 0) {
        l->is_head_known = true;
        l->heads_asked++;
    } else {
        redis_log_watch(l);
    }
}

/* --- what the parts tell --- */

static void
redis_log_on_client_up(void *arg)
{
    struct redis_log *l = arg;
    l->is_head_known = false;
    redis_log_read_head(l);
    redis_eviction_ask(l->client);
    appender_on_up(l->appender);
    redis_log_update(l);
}

static void
redis_log_on_client_down(void *arg, int status, const char *why)
{
    struct redis_log *l = arg;
    (void)snprintf(l->client_why, sizeof l->client_why, "%s", why);
    timer_stop(&l->watch);
    appender_on_down(l->appender);
    if (status == ERR_REPLICA) {
        redis_feed_leave(l->feed, status);
    }
    redis_log_update(l);
}

static void
redis_log_on_stored(void *arg, uint64_t ticket)
{
    const struct redis_log *l = arg;
    l->listener.on_stored(l->listener.arg, ticket);
}

static void
redis_log_on_dropped(void *arg, uint64_t ticket)
{
    const struct redis_log *l = arg;
    l->listener.on_dropped(l->listener.arg, ticket);
}

static void
redis_log_on_mark(void *arg, const struct mark *mark)
{
    const struct redis_log *l = arg;
    l->listener.on_mark(l->listener.arg, mark, false);
}

static void
redis_log_on_refused(void *arg, const struct mark *mark)
{
    const struct redis_log *l = arg;
    l->listener.on_mark(l->listener.arg, mark, true);
}

static void
redis_log_on_appender_change(void *arg)
{
    redis_log_update(arg);
}

static void
redis_log_on_frame(void *arg, struct frame *frame)
{
    const struct redis_log *l = arg;
    l->listener.on_frame(l->listener.arg, frame);
}

static void
redis_log_on_feed_start(void *arg, event_id position)
{
    struct redis_log *l = arg;
    metrics_add(l->metrics, METRIC_REPLAY_FEED_STARTS, 0, 1);
    l->listener.on_feed_start(l->listener.arg, position);
    redis_log_update(l);
}

static void
redis_log_on_subscribed(void *arg)
{
    struct redis_log *l = arg;
    l->heads_early = l->heads_asked;
    if (redis_client_is_up(l->client)) {
        redis_log_read_head(l);
    }
}

static void
redis_log_on_feed_down(void *arg, const char *why)
{
    struct redis_log *l = arg;
    (void)snprintf(l->feed_why, sizeof l->feed_why, "the feed: %s", why);
    redis_log_update(l);
}

/* --- replay.h --- */

static int
redis_log_append(struct replay *r,
                 const struct replay_draft *drafts,
                 size_t length,
                 const struct mark *mark,
                 uint64_t *ret_ticket)
{
    return appender_append(log_of(r)->appender, drafts, length, mark, ret_ticket);
}

static int
redis_log_read_mark(struct replay *r, struct str name)
{
    struct redis_log *l = log_of(r);
    return redis_mark_read(l->client, &l->keys, name, &l->marks);
}

static void
redis_log_note_loss(struct replay *r)
{
    appender_note_loss(log_of(r)->appender);
}

static void
redis_log_queue(const struct replay *r, uint64_t *ret_length, uint64_t *ret_bytes)
{
    appender_queue(((const struct redis_log *)(const void *)r)->appender, ret_length, ret_bytes);
}

/* Nothing to do: the clients connect, and the feed begins, from the loop's first turn on. */
static void
redis_log_start(struct replay *r)
{
    (void)r;
}

static void
redis_log_free(struct replay *r)
{
    struct redis_log *l = log_of(r);
    timer_stop(&l->watch);
    redis_feed_free(l->feed);
    redis_client_free(l->client);
    appender_free(l->appender);
    redis_keys_fini(&l->keys);
    free(l);
}

static void
redis_log_set_config(struct replay *r, const struct config_replay *config)
{
    const struct replay_keep keep = {.events = config->keep.events, .for_ms = config->keep.for_ms};
    appender_set_limits(log_of(r)->appender, config->queue_events, config->queue_bytes, keep,
                        config->keep_longest_ms);
}

static struct replay_reader *
redis_log_reader_new(struct replay *r, struct loop *loop)
{
    struct redis_log *l = log_of(r);
    const struct redis_reader_settings settings = {
        .loop = loop,
        .broker = &l->config->redis,
        .keys = &l->keys,
        .script = &l->scripts.read,
        .invalid = &l->invalid,
    };
    return redis_reader_new(&settings);
}

static int
redis_log_new_client(struct redis_log *l)
{
    const struct redis_settings settings = {
        .broker = &l->config->redis,
        .listener = {.arg = l,
                     .on_up = redis_log_on_client_up,
                     .on_down = redis_log_on_client_down},
        .commands_limit = REDIS_LOG_COMMANDS_MAX,
        .output_limit_bytes = REDIS_LOG_OUTPUT_MAX,
        .reply_limit_bytes = REDIS_LOG_REPLY_MAX,
        .command_timeout_ms = l->config->redis.connect_timeout_ms,
    };
    return redis_client_new(l->loop, &settings, &l->client);
}

static int
redis_log_new_appender(struct redis_log *l)
{
    const struct appender_settings settings = {
        .loop = l->loop,
        .client = l->client,
        .keys = &l->keys,
        .script = &l->scripts.append,
        .queue_events = l->config->queue_events,
        .queue_bytes = l->config->queue_bytes,
        .keep = {.events = l->config->keep.events, .for_ms = l->config->keep.for_ms},
        .span_ms = l->config->keep_longest_ms,
        .retry_min_ms = l->config->redis.retry_min_ms,
        .retry_max_ms = l->config->redis.retry_max_ms,
        .seen = &l->seen,
        .metrics = l->metrics,
        .arg = l,
        .on_stored = redis_log_on_stored,
        .on_dropped = redis_log_on_dropped,
        .on_refused = redis_log_on_refused,
        .on_change = redis_log_on_appender_change,
    };
    l->appender = appender_new(&settings);
    return l->appender != NULL ? 0 : ERR_MEMORY;
}

static int
redis_log_new_feed(struct redis_log *l)
{
    const struct redis_feed_settings settings = {
        .loop = l->loop,
        .broker = &l->config->redis,
        .channel = l->keys.feed,
        .seen = &l->seen,
        .metrics = l->metrics,
        .arg = l,
        .on_frame = redis_log_on_frame,
        .on_start = redis_log_on_feed_start,
        .on_subscribed = redis_log_on_subscribed,
        .on_down = redis_log_on_feed_down,
    };
    l->feed = redis_feed_new(&settings);
    return l->feed != NULL ? 0 : ERR_MEMORY;
}

static int
redis_log_init(struct redis_log *l)
{
    int err = redis_keys_init(&l->keys, l->config->prefix);
    if (err == 0) {
        err = redis_scripts_init(&l->scripts);
    }
    if (err == 0) {
        err = redis_log_new_client(l);
    }
    if (err == 0) {
        err = redis_log_new_appender(l);
    }
    if (err == 0) {
        err = redis_log_new_feed(l);
    }
    return err;
}

struct replay *
replay_redis_new(const struct config_replay *config,
                 struct loop *ingest,
                 const struct replay_listener *listener,
                 struct metrics *metrics)
{
    static const struct replay_ops ops = {
        .append = redis_log_append,
        .read_mark = redis_log_read_mark,
        .note_loss = redis_log_note_loss,
        .set_config = redis_log_set_config,
        .queue = redis_log_queue,
        .start = redis_log_start,
        .free = redis_log_free,
        .reader_new = redis_log_reader_new,
    };
    struct redis_log *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    l->replay.ops = &ops;
    l->config = config;
    l->loop = ingest;
    l->listener = *listener;
    l->marks = (struct redis_mark_listener){l, redis_log_on_mark};
    l->metrics = metrics != NULL ? metrics_slot(metrics, 0) : NULL;
    timer_init(&l->watch, ingest, redis_log_on_watch, l);
    if (redis_log_init(l) != 0) {
        redis_log_free(&l->replay);
        return NULL;
    }
    return &l->replay;
}
