#undef NDEBUG
#include "stream_rig.h"

#include "brokers.h"
#include "event/loop.h"
#include "observability/health.h"
#include "observability/metrics.h"
#include "redis_server.h"
#include "sources/redis_stream.h"
#include "waiting.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- the log --- */

static struct rig_mark *
rig_find_mark(struct stream_rig *r, struct str name)
{
    for (size_t i = 0; i < RIG_STREAMS_MAX; i++) {
        struct rig_mark *m = &r->marks[i];
        if (m->name[0] == '\0') {
            (void)snprintf(m->name, sizeof m->name, STR_FMT, STR_ARG(name));
        }
        if (str_equal(str_from(m->name), name)) {
            return m;
        }
    }
    fail_msg("more marks than streams");
    return NULL;
}

static void
rig_tell(struct stream_rig *r, const struct rig_mark *mark, struct str before, bool is_refused)
{
    assert_true(r->told_length < RIG_REFUSED_MAX);
    struct rig_told *told = &r->told[r->told_length++];
    *told = (struct rig_told){.mark = *mark, .is_refused = is_refused};
    (void)snprintf(told->before, sizeof told->before, STR_FMT, STR_ARG(before));
    loop_task_schedule(r->loop, r->announce);
}

/* The end of the turn. */
static void
rig_announce(void *arg)
{
    struct stream_rig *r = arg;
    uint64_t ticket = r->ticket;
    for (size_t i = 0; i < r->told_length && r->source != NULL; i++) {
        const struct rig_told *told = &r->told[i];
        const struct mark mark = {.name = str_from(told->mark.name),
                                  .before = str_from(told->before),
                                  .position = str_from(told->mark.position)};
        source_on_mark(r->source, &mark, told->is_refused);
    }
    r->told_length = 0;
    if (!r->is_holding && r->source != NULL) {
        source_on_stored(r->source, ticket);
    }
}

/* False: refused. */
static bool
rig_move(struct stream_rig *r, const struct mark *mark, uint64_t *ret_ticket)
{
    struct rig_mark *m = rig_find_mark(r, mark->name);
    *ret_ticket = ++r->ticket;
    loop_task_schedule(r->loop, r->announce);
    if (!str_equal(str_from(m->position), mark->before)) {
        rig_tell(r, m, mark->before, true);
        return false;
    }
    (void)snprintf(m->position, sizeof m->position, STR_FMT, STR_ARG(mark->position));
    return true;
}

/* --- the sink --- */

static void
rig_note(struct stream_rig *r, const struct message *m)
{
    size_t size = strlen(r->diary);
    r->taken++;
    r->bytes += m->payload.size;
    if (!r->is_quiet) {
        (void)snprintf(r->diary + size, RIG_DIARY_SIZE - size, STR_FMT "=" STR_FMT " ",
                       STR_ARG(m->topic), STR_ARG(m->payload));
    }
}

static int
rig_on_message(void *arg, const struct message *m, uint64_t *ret_ticket)
{
    struct stream_rig *r = arg;
    assert_non_null(m->mark);
    assert_true(m->received_ms > 0);
    if (r->result != 0) {
        return r->result;
    }
    if (r->room == 0) {
        r->full++;
        return SINK_E_FULL;
    }
    r->room--;
    if (rig_move(r, m->mark, ret_ticket)) {
        rig_note(r, m);
    }
    return 0;
}

static void
rig_on_loss(void *arg)
{
    struct stream_rig *r = arg;
    size_t size = strlen(r->diary);
    if (r->notes_loss) {
        (void)snprintf(r->diary + size, RIG_DIARY_SIZE - size, "| ");
    }
    r->loss_calls++;
}

uint64_t
stream_rig_losses(const struct stream_rig *r)
{
    uint64_t sum = 0;
    for (size_t why = 0; why < METRIC_DROPPED_COUNT; why++) {
        sum += (uint64_t)metrics_series_read(r->series, METRIC_SOURCE_DROPPED, why);
    }
    return sum;
}

static int
rig_read_mark(void *arg, struct str name)
{
    struct stream_rig *r = arg;
    r->asked++;
    if (!r->is_mute) {
        rig_tell(r, rig_find_mark(r, name), STR_NULL, false);
    }
    return 0;
}

static int
rig_move_mark(void *arg, const struct mark *mark, uint64_t *ret_ticket)
{
    struct stream_rig *r = arg;
    if (r->room == 0) {
        r->full++;
        return SINK_E_FULL;
    }
    (void)rig_move(r, mark, ret_ticket);
    return 0;
}

/* --- the rig --- */

int
stream_rig_setup(void **state)
{
    static char name[] = "shop";
    static char from[] = "0";
    static char field[] = "f";
    struct stream_rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    (void)signal(SIGPIPE, SIG_IGN);
    r->room = SIZE_MAX;
    r->loop = loop_new("test");
    r->health = health_new();
    r->metrics = metrics_new(1, 0);
    r->series = metrics_series_ref(r->metrics, "shop", NULL);
    r->announce = calloc(1, sizeof *r->announce);
    loop_task_init(r->announce, rig_announce, r);
    r->config = (struct config_source){
        .name = name, .type = SOURCE_REDIS_STREAM, .stream = {.from = from, .field = field}};
    stream_rig_add(r, "a");
    *state = r;
    return 0;
}

int
stream_rig_teardown(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_end(r);
    loop_task_cancel(r->announce);
    loop_free(r->loop);
    redis_server_free(r->server);
    health_free(r->health);
    metrics_free(r->metrics);
    free(r->announce);
    free(r);
    return 0;
}

void
stream_rig_add(struct stream_rig *r, const char *key)
{
    assert_true(r->subscriptions_length < RIG_STREAMS_MAX);
    r->subscriptions[r->subscriptions_length++] = (struct source_subscription){.filter = key};
}

void
stream_rig_serve(struct stream_rig *r, const char *const *options)
{
    r->server = redis_server_start(options);
}

void
stream_rig_start_on(struct stream_rig *r, uint16_t port)
{
    r->config.broker = broker_on(port);
    const struct source_settings settings = {
        .config = &r->config,
        .subscriptions = r->subscriptions,
        .subscriptions_length = r->subscriptions_length,
        .loop = r->loop,
        .sink = {.arg = r,
                 .on_message = rig_on_message,
                 .on_loss = rig_on_loss,
                 .read_mark = rig_read_mark,
                 .move_mark = rig_move_mark},
        .series = r->series,
        .health = r->health,
    };
    assert_int_equal(redis_stream_new(&settings, &r->source), 0);
    source_start(r->source);
}

void
stream_rig_start(struct stream_rig *r)
{
    if (r->server == NULL) {
        stream_rig_serve(r, NULL);
    }
    stream_rig_start_on(r, redis_server_port(r->server));
}

void
stream_rig_end(struct stream_rig *r)
{
    source_free(r->source);
    r->source = NULL;
    r->told_length = 0;
}

void
stream_rig_store(struct stream_rig *r)
{
    source_on_stored(r->source, r->ticket);
}

static struct rig_mark *
rig_mark_of(struct stream_rig *r, const char *key)
{
    char name[RIG_TEXT_SIZE];
    (void)snprintf(name, sizeof name, "shop\t%s", key);
    return rig_find_mark(r, str_from(name));
}

const char *
stream_rig_mark(struct stream_rig *r, const char *key)
{
    return rig_mark_of(r, key)->position;
}

void
stream_rig_set_mark(struct stream_rig *r, const char *key, const char *position)
{
    struct rig_mark *m = rig_mark_of(r, key);
    (void)snprintf(m->position, sizeof m->position, "%s", position);
}

/* --- waiting --- */

static bool
rig_says(void *arg)
{
    const struct stream_rig *r = arg;
    struct buf text;
    buf_init(&text, SIZE_MAX);
    assert_int_equal(health_render(r->health, &text), 0);
    assert_int_equal(buf_append_char(&text, '\0'), 0);
    bool found = strstr(text.data, r->words) != NULL;
    buf_fini(&text);
    return found;
}

void
stream_rig_wait_health(struct stream_rig *r, const char *words)
{
    r->words = words;
    wait_until(r->loop, rig_says, r);
}

struct moment {
    struct loop *loop;
    uint64_t ms;
};

static bool
moment_has_come(void *arg)
{
    const struct moment *m = arg;
    return loop_now_ms(m->loop) >= m->ms;
}

void
stream_rig_wait_ms(struct stream_rig *r, uint64_t ms)
{
    struct moment late = {r->loop, loop_now_ms(r->loop) + ms};
    wait_until(r->loop, moment_has_come, &late);
}

static bool
rig_has_taken(void *arg)
{
    const struct stream_rig *r = arg;
    return r->taken >= r->wanted_count;
}

void
stream_rig_wait_taken(struct stream_rig *r, size_t count)
{
    r->wanted_count = count;
    wait_until(r->loop, rig_has_taken, r);
}

static bool
rig_has_mark(void *arg)
{
    struct stream_rig *r = arg;
    return strcmp(stream_rig_mark(r, r->words), r->wanted) == 0;
}

void
stream_rig_wait_mark(struct stream_rig *r, const char *key, const char *position)
{
    r->words = key;
    r->wanted = position;
    wait_until(r->loop, rig_has_mark, r);
}

static bool
rig_has_noted(void *arg)
{
    const struct stream_rig *r = arg;
    return strlen(r->diary) >= strlen(r->wanted);
}

void
stream_rig_expect(struct stream_rig *r, const char *diary)
{
    r->wanted = diary;
    wait_until(r->loop, rig_has_noted, r);
    assert_string_equal(r->diary, diary);
}

int64_t
stream_rig_metric(const struct stream_rig *r, int metric)
{
    return metrics_series_read(r->series, (enum metric)metric, 0);
}
