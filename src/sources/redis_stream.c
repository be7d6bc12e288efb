#include "sources/redis_stream.h"

#include "sources/redis_stream_private.h"

#include <stdlib.h>

enum {
    OUTPUT_MAX = 16 * 1024 * 1024, /* the keys of all streams */
    REPLY_MAX = 64 * 1024 * 1024,  /* bounds one entry, too */
    READ_ENTRIES_FIRST = 16
};

void
stream_source_schedule(struct redis_stream *r)
{
    if (r->client != NULL) {
        loop_task_schedule(r->settings.loop, &r->pump);
    }
}

void
stream_source_pause(struct redis_stream *r)
{
    timer_start(&r->retry, backoff_next_ms(&r->backoff));
}

/* Nothing is under way: the planned streams take the place of the others. */
static void
stream_source_change(struct redis_stream *r)
{
    stream_source_drop_held(r);
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
    if (r->held != NULL) {
        stream_source_release(r);
        stream_source_schedule(r); /* maybe the log must have it first */
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
    status_set_connected(&r->status);
    r->must_look = true;
    stream_source_schedule(r);
}

static void
stream_source_on_down(void *arg, int status, const char *why)
{
    struct redis_stream *r = arg;
    stream_source_drop_held(r);
    if (status == ERR_LIMIT && !r->is_look_too_large) {
        stream_source_read_less(r);
    }
    r->is_look_too_large = false;
    status_set_down(&r->status, status, why);
    if (r->is_changing) {
        stream_source_change(r);
    }
}

static void
stream_source_start(struct source *source)
{
    status_publish(&((struct redis_stream *)source)->status);
}

static void
stream_source_stop(struct source *source)
{
    struct redis_stream *r = (struct redis_stream *)source;
    struct redis_client *client = r->client;
    r->client = NULL;
    redis_client_free(client);
    stream_source_drop_held(r);
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
        .commands_limit = STREAM_LOOKS_AT_ONCE,
        .output_limit_bytes = OUTPUT_MAX,
        .reply_limit_bytes = REPLY_MAX,
        .command_timeout_ms = broker->idle_timeout_ms,
    };
    int err =
        stream_list_init(&r->list, r, s->config->name, s->subscriptions, s->subscriptions_length);
    return err != 0 ? err : redis_client_new(s->loop, &settings, &r->client);
}

int
redis_stream_new(const struct source_settings *settings, struct source **ret_source)
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
        return ERR_MEMORY;
    }
    const struct config_broker *broker = &settings->config->broker;
    r->source.ops = &ops;
    r->settings = *settings;
    r->read_count = READ_ENTRIES_FIRST;
    r->read_streams = SIZE_MAX;
    stream_intake_init(&r->intake, &r->settings);
    loop_task_init(&r->pump, stream_source_pump, r);
    timer_init(&r->retry, settings->loop, stream_source_on_retry, r);
    backoff_init(&r->backoff, (uint32_t)broker->retry_min_ms, (uint32_t)broker->retry_max_ms);
    status_init(&r->status, &r->settings);
    int err = stream_source_init(r);
    if (err != 0) {
        stream_source_free(&r->source);
        return err;
    }
    *ret_source = &r->source;
    return 0;
}
