#include "log_rig.h"

#include "event/loop.h"
#include "observability/metrics.h"
#include "sse/encoder.h"
#include "waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- the listener --- */

static void
rig_on_stored(void *arg, uint64_t ticket)
{
    struct log_rig *r = arg;
    assert_true(ticket >= r->stored);
    r->stored = ticket;
}

static void
rig_on_dropped(void *arg, uint64_t ticket)
{
    struct log_rig *r = arg;
    assert_true(ticket > r->stored && ticket <= r->ticket);
    assert_true(ticket > r->dropped);
    r->dropped = ticket;
    r->dropped_length++;
}

static void
rig_on_frame(void *arg, struct frame *frame)
{
    struct log_rig *r = arg;
    assert_true(r->starts > 0);
    assert_true(frame->id > r->position);
    assert_true(frame->floor < frame->id);
    r->position = frame->id;
    if (r->frames_length == r->frames_capacity) {
        r->frames_capacity = 2 * r->frames_capacity + 64;
        r->frames = realloc(r->frames, r->frames_capacity * sizeof(struct frame *));
        assert_non_null(r->frames);
    }
    r->frames[r->frames_length++] = frame_ref(frame);
}

static void
rig_on_feed_start(void *arg, event_id position)
{
    struct log_rig *r = arg;
    assert_true(position >= r->position);
    if (r->starts++ == 0) {
        r->first_position = position;
    }
    r->position = position;
}

static void
rig_on_state(void *arg, bool is_up, const char *why)
{
    struct log_rig *r = arg;
    r->is_up = is_up;
    r->changes++;
    (void)snprintf(r->why, sizeof r->why, "%s", why);
}

static void
rig_on_mark(void *arg, const struct mark *mark, bool is_refused)
{
    struct log_rig *r = arg;
    size_t size = strlen(r->marks);
    (void)snprintf(r->marks + size, sizeof r->marks - size,
                   is_refused ? STR_FMT ":" STR_FMT "!=" STR_FMT " "
                              : STR_FMT STR_FMT "=" STR_FMT " ",
                   STR_ARG(mark->name), STR_ARG(mark->before), STR_ARG(mark->position));
    r->answers += !is_refused;
}

/* --- opening --- */

struct config_replay
log_rig_config(void)
{
    static char prefix[] = "runnel";
    return (struct config_replay){
        .prefix = prefix,
        .keep = {.events = 1000, .for_ms = 3600000},
        .keep_longest_ms = 3600000,
        .memory_bytes = 67108864,
        .channel_bytes = 33554432,
        .queue_events = 100000,
        .queue_bytes = 67108864,
    };
}

void
log_rig_open(struct log_rig *r,
             struct loop *loop,
             log_rig_new_fn new_log,
             const struct config_replay *config)
{
    *r = (struct log_rig){.loop = loop, .config = *config};
    const struct replay_listener listener = {.arg = r,
                                             .on_stored = rig_on_stored,
                                             .on_dropped = rig_on_dropped,
                                             .on_frame = rig_on_frame,
                                             .on_feed_start = rig_on_feed_start,
                                             .on_state = rig_on_state,
                                             .on_mark = rig_on_mark};
    r->metrics = metrics_new(1, 0);
    r->log = new_log(&r->config, loop, &listener, r->metrics);
    assert_non_null(r->log);
    r->reader = replay_reader_new(r->log, loop);
    assert_non_null(r->reader);
    replay_start(r->log);
}

void
log_rig_close(struct log_rig *r)
{
    replay_reader_free(r->reader);
    replay_free(r->log);
    replay_page_free(r->page);
    for (size_t i = 0; i < r->frames_length; i++) {
        frame_unref(r->frames[i]);
    }
    free(r->frames);
    metrics_free(r->metrics);
}

/* --- waiting --- */

static bool
rig_is_up(void *arg)
{
    return ((struct log_rig *)arg)->is_up;
}

static bool
rig_is_down(void *arg)
{
    const struct log_rig *r = arg;
    return !r->is_up && r->changes > 0;
}

static bool
rig_has_started(void *arg)
{
    const struct log_rig *r = arg;
    return r->starts >= r->wanted;
}

static bool
rig_has_frames(void *arg)
{
    const struct log_rig *r = arg;
    return r->frames_length >= r->wanted;
}

static bool
rig_has_stored(void *arg)
{
    const struct log_rig *r = arg;
    return r->stored >= r->ticket;
}

static bool
rig_has_pages(void *arg)
{
    const struct log_rig *r = arg;
    return r->pages >= r->wanted;
}

void
log_rig_wait_up(struct log_rig *r)
{
    wait_until(r->loop, rig_is_up, r);
}

void
log_rig_wait_down(struct log_rig *r)
{
    wait_until(r->loop, rig_is_down, r);
}

void
log_rig_wait_starts(struct log_rig *r, size_t starts)
{
    r->wanted = starts;
    wait_until(r->loop, rig_has_started, r);
}

void
log_rig_wait_frames(struct log_rig *r, size_t frames)
{
    r->wanted = frames;
    wait_until(r->loop, rig_has_frames, r);
}

void
log_rig_wait_stored(struct log_rig *r)
{
    wait_until(r->loop, rig_has_stored, r);
}

void
log_rig_wait_pages(struct log_rig *r, size_t pages)
{
    r->wanted = pages;
    wait_until(r->loop, rig_has_pages, r);
}

/* --- appending --- */

int
log_rig_try_append(struct log_rig *r, const char *channel, struct str text, struct replay_keep keep)
{
    struct buf body;
    uint64_t ticket = 0;
    buf_init(&body, SIZE_MAX);
    assert_int_equal(sse_encode_body(&body, STR_NULL, text), 0);
    const struct replay_draft draft = {
        .channel = str_from(channel), .body = buf_str(&body), .keep = keep};
    int outcome = replay_append(r->log, &draft, 1, &ticket);
    buf_fini(&body);
    if (outcome == 0) {
        assert_int_equal(ticket, r->ticket + 1);
        r->ticket = ticket;
    }
    return outcome;
}

void
log_rig_append_kept(struct log_rig *r,
                    const char *channel,
                    const char *text,
                    struct replay_keep keep)
{
    assert_int_equal(log_rig_try_append(r, channel, str_from(text), keep), 0);
}

void
log_rig_append(struct log_rig *r, const char *channel, const char *text)
{
    log_rig_append_kept(r, channel, text, (struct replay_keep){.events = 0});
}

void
log_rig_append_marked(struct log_rig *r,
                      const char *channel,
                      const char *text,
                      const struct mark *mark)
{
    struct buf body;
    buf_init(&body, SIZE_MAX);
    if (text != NULL) {
        assert_int_equal(sse_encode_body(&body, STR_NULL, str_from(text)), 0);
    }
    const struct replay_draft draft = {.channel = str_from(channel), .body = buf_str(&body)};
    size_t length = text != NULL ? 1 : 0;
    uint64_t before = r->ticket;
    assert_int_equal(replay_append_marked(r->log, &draft, length, mark, &r->ticket), 0);
    assert_int_equal(r->ticket, before + length + 1);
    buf_fini(&body);
}

static bool
rig_has_answers(void *arg)
{
    const struct log_rig *r = arg;
    return r->answers >= r->wanted;
}

const char *
log_rig_read_mark(struct log_rig *r, const char *name)
{
    r->wanted = r->answers + 1;
    assert_int_equal(replay_read_mark(r->log, str_from(name)), 0);
    assert_int_equal(r->wanted, r->answers + 1); /* never from inside */
    wait_until(r->loop, rig_has_answers, r);
    (void)snprintf(r->told, sizeof r->told, "%s", r->marks);
    r->marks[0] = '\0';
    return r->told;
}

const struct frame *
log_rig_put(struct log_rig *r, const char *channel, const char *text)
{
    size_t before = r->frames_length;
    log_rig_append(r, channel, text);
    log_rig_wait_frames(r, before + 1);
    log_rig_wait_stored(r); /* where the server dies now the event is not sent again */
    return r->frames[before];
}

struct str
log_rig_body(const struct frame *frame)
{
    return str_after(frame_wire(frame), frame->body_offset);
}

uint64_t
log_rig_received_ms(const struct frame *frame)
{
    return event_received_ms(frame->id, frame->traits.delay_ms);
}

struct str
log_rig_text(const struct frame *frame)
{
    struct str body = log_rig_body(frame);
    bool is_empty = str_starts_with(body, STR("data:\n"));
    assert_true(is_empty || str_starts_with(body, STR("data: ")));
    struct str text = str_after(body, is_empty ? sizeof "data:" - 1 : sizeof "data: " - 1);
    const char *end = memchr(text.data, '\n', text.size);
    assert_non_null(end);
    return (struct str){text.data, (size_t)(end - text.data)};
}

void
log_rig_expect_texts(const struct replay_page *page, const char *texts)
{
    char got[1024] = "";
    for (size_t i = 0; i < page->length; i++) {
        struct str text = log_rig_text(page->frames[i]);
        size_t used = strlen(got);
        (void)snprintf(got + used, sizeof got - used, "%s" STR_FMT, i > 0 ? " " : "",
                       STR_ARG(text));
    }
    assert_string_equal(got, texts);
}

/* --- reading --- */

void
log_rig_on_page(void *arg, int status, struct replay_page *page)
{
    struct log_rig *r = arg;
    assert_true((status == 0) == (page != NULL));
    replay_page_free(r->page);
    r->page = page;
    r->page_status = status;
    r->pages++;
}

/* False where there is no connection at the moment. */
static bool
rig_try_read(struct log_rig *r, const struct replay_page_request *request)
{
    size_t before = r->pages;
    int outcome = replay_reader_read(r->reader, request, log_rig_on_page, r);
    assert_int_equal(r->pages, before);
    if (outcome == 0) {
        log_rig_wait_pages(r, before + 1);
        outcome = r->page_status;
    }
    assert_true(outcome == 0 || outcome == ERR_CONNECT);
    return outcome == 0;
}

const struct replay_page *
log_rig_read_request(struct log_rig *r, const struct replay_page_request *request)
{
    while (!rig_try_read(r, request)) {
        log_rig_wait_up(r);
    }
    return r->page;
}

const struct replay_page *
log_rig_read(struct log_rig *r, const char *channel, event_id after)
{
    const struct replay_page_request request = {.channel = str_from(channel),
                                                .after = after,
                                                .limit_events = 10000,
                                                .limit_bytes = 8 * 1024 * 1024};
    return log_rig_read_request(r, &request);
}
