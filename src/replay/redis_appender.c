#include "replay/redis_appender.h"

#include "base/backoff.h"
#include "base/log.h"
#include "event/loop.h"
#include "event/timer.h"
#include "observability/metrics.h"
#include "redis/client.h"
#include "replay/redis_append_command.h"
#include "replay/redis_batches.h"
#include "replay/redis_keys.h"
#include "replay/redis_limits.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PROBLEM_SIZE = 256,
    REPLY_FIXED = 4, /* items of the script's reply; then REPLY_PER_MARK for each refused mark */
    REPLY_PER_MARK = 3
};

enum appender_state {
    APPENDER_AWAY,    /* no connection */
    APPENDER_READY,   /* sends */
    APPENDER_FAILING, /* awaits the replies of what it sent behind the refused batch */
    APPENDER_PAUSED,  /* the timer makes it ready */
    APPENDER_STATE_COUNT
};

static const unsigned appender_state_next[APPENDER_STATE_COUNT] = {
    [APPENDER_AWAY] = 1u << APPENDER_READY,
    [APPENDER_READY] = 1u << APPENDER_AWAY | 1u << APPENDER_FAILING | 1u << APPENDER_PAUSED,
    [APPENDER_FAILING] = 1u << APPENDER_AWAY | 1u << APPENDER_PAUSED | 1u << APPENDER_READY,
    [APPENDER_PAUSED] = 1u << APPENDER_AWAY | 1u << APPENDER_READY,
};

struct appender {
    struct appender_settings settings;
    enum appender_state state;
    struct batches batches;
    struct append_command *command; /* owned; scratch */
    size_t sent;                    /* of the batches, on this connection, without a reply yet */
    bool is_script_known;           /* on this connection */
    bool is_script_lost;            /* failing only because of that */
    uint64_t tried_number;          /* highest batch ever sent: what is sent below it is a retry */
    struct loop_task pump;
    struct timer pause;
    struct backoff backoff;
    char problem[PROBLEM_SIZE]; /* "": none */
};

static void
appender_set_state(struct appender *a, enum appender_state state)
{
    bool is_legal = (appender_state_next[a->state] & 1u << state) != 0;
    assert(is_legal);
    (void)is_legal; /* where asserts are compiled out */
    a->state = state;
}

/* The wall clock's second at which the oldest draft came; 0: none waits. */
static int64_t
appender_oldest_s(const struct appender *a)
{
    const struct loop *loop = a->settings.loop;
    uint64_t queued_ms = batches_oldest_ms(&a->batches);
    uint64_t age_ms = loop_now_ms(loop) - queued_ms;
    return queued_ms > 0 ? (int64_t)((loop_wall_ms(loop) - age_ms) / 1000) : 0;
}

static void
appender_set_gauges(struct appender *a)
{
    metrics_set(a->settings.metrics, METRIC_REPLAY_QUEUE_EVENTS, 0, (int64_t)a->batches.drafts);
    metrics_set(a->settings.metrics, METRIC_MEMORY, METRIC_USE_QUEUE, (int64_t)a->batches.bytes);
    metrics_set(a->settings.metrics, METRIC_REPLAY_QUEUE_OLDEST, 0, appender_oldest_s(a));
}

/* --- sending --- */

static void appender_on_reply(void *arg, int status, const struct redis_reply *reply);

static int
appender_send(struct appender *a, const struct batch *batch)
{
    struct append_command *c = a->command;
    append_command_build(c, &(struct append_request){
                                .script = a->settings.script,
                                .keys = a->settings.keys,
                                .batch = batch,
                                .seen = *a->settings.seen,
                                .span_ms = a->settings.span_ms,
                                .confirmed = a->batches.number - a->batches.length,
                                .is_script_known = a->is_script_known,
                            });
    int err = redis_client_command(a->settings.client, c->words, c->length, appender_on_reply, a);
    if (err == 0) {
        a->is_script_known = true;
        a->sent++;
    }
    return err;
}

static void
appender_count_sent(struct appender *a, const struct batch *batch)
{
    if (batch->number <= a->tried_number) {
        metrics_add(a->settings.metrics, METRIC_REPLAY_APPEND_RETRIES, 0, batch->events);
        return;
    }
    a->tried_number = batch->number;
}

static void
appender_pause(struct appender *a)
{
    appender_set_state(a, APPENDER_PAUSED);
    timer_start(&a->pause, backoff_next_ms(&a->backoff));
}

/* Sends what was not sent yet on this connection: batches first, then what waits. */
static void
appender_pump(void *arg)
{
    struct appender *a = arg;
    while (a->state == APPENDER_READY) {
        struct batch *batch = a->sent < a->batches.length ? batches_at(&a->batches, a->sent)
                                                          : batches_cut(&a->batches);
        if (batch == NULL) {
            break;
        }
        int err = appender_send(a, batch);
        if (err == REDIS_E_FULL || err == ERR_CONNECT || (err != 0 && a->sent > 0)) {
            break; /* a reply, or the next connection, brings us back */
        }
        if (err != 0) {
            appender_pause(a);
            break;
        }
        appender_count_sent(a, batch);
    }
    appender_set_gauges(a);
}

/* --- replies --- */

/* Empty: none. */
static void
appender_set_problem(struct appender *a, struct str text)
{
    char before[PROBLEM_SIZE];
    memcpy(before, a->problem, sizeof before);
    (void)snprintf(a->problem, sizeof a->problem, STR_FMT, STR_ARG(text));
    if (strcmp(before, a->problem) != 0) {
        a->settings.on_change(a->settings.arg);
    }
}

static uint64_t
appender_count_of(const struct redis_reply *reply)
{
    return reply->type == REDIS_TYPE_INTEGER ? (uint64_t)reply->integer : 0;
}

/* Of the oldest batch so many events. Which of them failed is not known: the first ones stand for all. */
static void
appender_count_stored(struct appender *a, uint64_t events)
{
    struct metrics_slot *metrics = a->settings.metrics;
    uint64_t now_ms = loop_now_ms(a->settings.loop);
    metrics_add(metrics, METRIC_REPLAY_APPENDS, 0, events);
    LIST_FOR_EACH_SAFE (node, following, &batches_at(&a->batches, 0)->drafts) {
        const struct draft *d = LIST_ITEM(node, struct draft, node);
        if (!d->is_mark && events > 0) {
            events--;
            metrics_observe(metrics, METRIC_REPLAY_APPEND_SECONDS, 0,
                            (now_ms - d->queued_ms) * 1000, 1);
        }
    }
}

/* The script's reply: which failed, why, how many were refused with their mark. */
static void
appender_count_failed(struct appender *a, const struct redis_reply *items)
{
    const struct batch *batch = batches_at(&a->batches, 0);
    uint64_t failed = items[1].type == REDIS_TYPE_ARRAY ? items[1].length : 0;
    uint64_t refused = appender_count_of(&items[3]);
    if (failed > 0 || redis_reply_text(&items[2]).size > 0) {
        metrics_add(a->settings.metrics, METRIC_REPLAY_DROPPED, METRIC_UNSTORED_REFUSED, failed);
        log_error("replay.append", LOG_TEXT("address", redis_client_address(a->settings.client)),
                  LOG_U64("dropped", failed), LOG_STR("error", redis_reply_text(&items[2])));
    }
    for (size_t i = 0; i < failed; i++) {
        uint64_t ticket = batch_event_ticket(batch, appender_count_of(&items[1].items[i]));
        a->settings.on_dropped(a->settings.arg, ticket);
    }
    appender_count_stored(a, batch->events - failed - refused);
}

static void
appender_tell_marks(struct appender *a, const struct redis_reply *reply)
{
    for (size_t i = REPLY_FIXED; i + REPLY_PER_MARK <= reply->length; i += REPLY_PER_MARK) {
        const struct mark mark = {.name = redis_reply_text(&reply->items[i]),
                                  .before = redis_reply_text(&reply->items[i + 1]),
                                  .position = redis_reply_text(&reply->items[i + 2])};
        a->settings.on_refused(a->settings.arg, &mark);
    }
}

static void
appender_on_applied(struct appender *a, const struct redis_reply *reply)
{
    event_id head = 0;
    uint64_t ticket = batches_at(&a->batches, 0)->ticket;
    if (event_id_parse(redis_reply_text(&reply->items[0]), &head) == 0 &&
        head > *a->settings.seen) {
        *a->settings.seen = head;
    }
    appender_count_failed(a, reply->items);
    batches_drop_oldest(&a->batches);
    backoff_reset(&a->backoff);
    appender_set_problem(a, STR_NULL);
    appender_tell_marks(a, reply);
    a->settings.on_stored(a->settings.arg, ticket);
}

static void
appender_on_refused(struct appender *a, const struct redis_reply *reply)
{
    struct str text =
        reply->type == REDIS_TYPE_ERROR ? reply->text : STR("not what the script returns");
    appender_set_state(a, APPENDER_FAILING);
    a->is_script_lost = redis_reply_is_error(reply, "NOSCRIPT");
    if (a->is_script_lost) {
        a->is_script_known = false;
        return;
    }
    metrics_add(a->settings.metrics, METRIC_REPLAY_APPEND_FAILURES, 0,
                batches_at(&a->batches, 0)->events);
    appender_set_problem(a, text);
    if (redis_reply_is_error(reply, "READONLY")) {
        /* A master that became a replica: its name may lead to the new master by now. */
        redis_client_reconnect(a->settings.client, ERR_REPLICA, a->problem);
    }
}

static bool
appender_is_result(const struct redis_reply *reply)
{
    return reply->type == REDIS_TYPE_ARRAY && reply->length >= REPLY_FIXED;
}

static void
appender_on_reply(void *arg, int status, const struct redis_reply *reply)
{
    struct appender *a = arg;
    a->sent--;
    if (status != 0) {
        return; /* on_down follows */
    }
    if (a->state == APPENDER_READY) {
        if (appender_is_result(reply)) {
            appender_on_applied(a, reply);
        } else {
            appender_on_refused(a, reply);
        }
    }
    if (a->state == APPENDER_FAILING && a->sent == 0) {
        if (a->is_script_lost) {
            appender_set_state(a, APPENDER_READY);
        } else {
            appender_pause(a);
        }
    }
    loop_task_schedule(a->settings.loop, &a->pump);
}

static void
appender_on_pause_end(void *arg)
{
    struct appender *a = arg;
    appender_set_state(a, APPENDER_READY);
    appender_pump(a);
}

void
appender_on_up(struct appender *a)
{
    assert(a->sent == 0);
    appender_set_state(a, APPENDER_READY);
    a->is_script_known = false;
    appender_pump(a);
}

void
appender_on_down(struct appender *a)
{
    if (a->state != APPENDER_AWAY) {
        appender_set_state(a, APPENDER_AWAY);
    }
    timer_stop(&a->pause);
}

/* --- the queue --- */

/* An empty queue takes anything: what is larger than the bound would never get in otherwise. */
static bool
appender_is_full(const struct appender *a, const struct replay_draft *drafts, size_t length)
{
    uint64_t bytes = a->batches.bytes;
    for (size_t i = 0; i < length; i++) {
        bytes += drafts[i].body.size;
    }
    return a->batches.drafts > 0 && (a->batches.drafts + length > a->settings.queue_events ||
                                     bytes > a->settings.queue_bytes);
}

/* True where an event is larger than any reply could bring back. */
static bool
appender_is_too_large(const struct replay_draft *drafts, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (drafts[i].body.size > REDIS_LOG_EVENT_MAX) {
            log_warn("replay.too_large", LOG_U64("bytes", drafts[i].body.size));
            return true;
        }
    }
    return false;
}

static struct draft *
appender_copy(const struct appender *a, const struct replay_draft *from)
{
    struct draft *d = draft_new(str_from(a->settings.keys->stream), from);
    if (d != NULL) {
        d->keep.events = d->keep.events != 0 ? d->keep.events : a->settings.keep.events;
        d->keep.for_ms = d->keep.for_ms != 0 ? d->keep.for_ms : a->settings.keep.for_ms;
    }
    return d;
}

/* The mark, then its events. ERR_MEMORY: what was copied is in the list. */
static int
appender_copy_all(const struct appender *a,
                  const struct replay_draft *drafts,
                  size_t length,
                  const struct mark *mark,
                  struct list *copies)
{
    if (mark != NULL) {
        struct draft *d = draft_new_mark(mark);
        if (d == NULL) {
            return ERR_MEMORY;
        }
        list_push_back(copies, &d->node);
    }
    for (size_t i = 0; i < length; i++) {
        struct draft *d = appender_copy(a, &drafts[i]);
        if (d == NULL) {
            return ERR_MEMORY;
        }
        d->is_joined = mark != NULL;
        list_push_back(copies, &d->node);
    }
    return 0;
}

int
appender_append(struct appender *a,
                const struct replay_draft *drafts,
                size_t length,
                const struct mark *mark,
                uint64_t *ret_ticket)
{
    struct list copies;
    struct list *node;
    if (appender_is_too_large(drafts, length)) {
        return ERR_LIMIT;
    }
    if (appender_is_full(a, drafts, length)) {
        return REPLAY_E_FULL;
    }
    list_init(&copies);
    if (appender_copy_all(a, drafts, length, mark, &copies) != 0) {
        drafts_free(&copies);
        return ERR_MEMORY;
    }
    while ((node = list_pop_front(&copies)) != NULL) {
        struct draft *d = LIST_ITEM(node, struct draft, node);
        d->queued_ms = loop_now_ms(a->settings.loop);
        batches_push(&a->batches, d);
    }
    *ret_ticket = a->batches.ticket;
    loop_task_schedule(a->settings.loop, &a->pump);
    return 0;
}

void
appender_note_loss(struct appender *a)
{
    a->batches.is_loss_noted = true;
    loop_task_schedule(a->settings.loop, &a->pump);
}

void
appender_queue(const struct appender *a, uint64_t *ret_length, uint64_t *ret_bytes)
{
    *ret_length = a->batches.drafts;
    *ret_bytes = a->batches.bytes;
}

const char *
appender_problem(const struct appender *a)
{
    return a->problem[0] != '\0' ? a->problem : NULL;
}

static void
appender_tell_limits(const struct appender_settings *settings)
{
    metrics_set(settings->metrics, METRIC_REPLAY_QUEUE_LIMIT, 0, (int64_t)settings->queue_events);
    metrics_set(settings->metrics, METRIC_MEMORY_LIMIT, METRIC_USE_QUEUE,
                (int64_t)settings->queue_bytes);
}

struct appender *
appender_new(const struct appender_settings *settings)
{
    struct appender *a = calloc(1, sizeof *a);
    assert(settings->span_ms > 0);
    if (a == NULL) {
        return NULL;
    }
    a->settings = *settings;
    batches_init(&a->batches);
    appender_tell_limits(settings);
    a->command = malloc(sizeof *a->command);
    if (a->command == NULL) {
        free(a);
        return NULL;
    }
    loop_task_init(&a->pump, appender_pump, a);
    timer_init(&a->pause, settings->loop, appender_on_pause_end, a);
    backoff_init(&a->backoff, (uint32_t)settings->retry_min_ms, (uint32_t)settings->retry_max_ms);
    return a;
}

void
appender_set_limits(struct appender *a,
                    uint64_t queue_events,
                    uint64_t queue_bytes,
                    struct replay_keep keep,
                    uint64_t span_ms)
{
    a->settings.queue_events = queue_events;
    a->settings.queue_bytes = queue_bytes;
    a->settings.keep = keep;
    a->settings.span_ms = span_ms;
    appender_tell_limits(&a->settings);
}

void
appender_free(struct appender *a)
{
    if (a == NULL) {
        return;
    }
    timer_stop(&a->pause);
    loop_task_cancel(&a->pump);
    batches_fini(&a->batches);
    free(a->command);
    free(a);
}
