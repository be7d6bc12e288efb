#undef NDEBUG
#include "hub_rig.h"

#include "event/mailbox.h"
#include "sse/encoder.h"
#include "sse/frame.h"
#include "sse/parser.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct world world;

static void
on_stored(void *arg, uint64_t ticket)
{
    (void)arg;
    (void)ticket;
}

void
post(struct mail mail)
{
    assert_int_equal(mailbox_post(hub_mailbox(world.hub), &mail, 1), 0);
}

static void
on_frame(void *arg, struct frame *frame)
{
    (void)arg;
    world.newest = frame->id;
    if (world.is_feed_lost) {
        world.lost_until = frame->id;
        return;
    }
    post((struct mail){.type = HUB_MAIL_FRAME, .object = frame_ref(frame)});
}

static void
on_feed_start(void *arg, event_id position)
{
    (void)arg;
    world.is_started = true;
    world.newest = position;
    if (world.is_feed_lost) {
        world.lost_until = position;
        return;
    }
    post((struct mail){.type = HUB_MAIL_FEED_START, .number = position});
}

static void
on_state(void *arg, bool is_up, const char *why)
{
    (void)arg;
    (void)why;
    assert_true(is_up);
}

static void
on_turn(void *arg)
{
    (void)arg;
    if (--world.turns <= 0) {
        loop_stop(world.loop);
    } else {
        loop_task_schedule(world.loop, &world.turn);
    }
}

/* Runs the loop for some turns, none of which waits. */
void
run_turns(int turns)
{
    world.turns = turns;
    loop_task_schedule(world.loop, &world.turn);
    assert_int_equal(loop_run(world.loop), 0);
}

void
world_begin_with(struct config_stream config, struct config_replay replay_config)
{
    memset(&world, 0, sizeof world);
    world.config = config;
    world.replay_config = replay_config;
    world.send_buffer_bytes = 4096;
    world.loop = loop_new("test");
    assert_non_null(world.loop);
    loop_task_init(&world.turn, on_turn, NULL);
    world.metrics = metrics_new(2, 0);
    assert_non_null(world.metrics);
    const struct replay_listener listener = {
        .on_stored = on_stored,
        .on_dropped = on_stored,
        .on_frame = on_frame,
        .on_feed_start = on_feed_start,
        .on_state = on_state,
    };
    world.log = replay_memory_new(&world.replay_config, world.loop, &listener, world.metrics);
    assert_non_null(world.log);
    world.reader = replay_reader_new(world.log, world.loop);
    assert_non_null(world.reader);
    world.hub = hub_new(world.loop, &world.config, world.reader, metrics_slot(world.metrics, 1));
    assert_non_null(world.hub);
}

struct config_stream
stream_config(void)
{
    return (struct config_stream){
        .heartbeat_ms = 60000,
        .retry_ms = 2000,
        .tail_bytes = 1 << 20,
        .page_bytes = 1 << 20,
        .unsent_bytes = 1 << 20,
        .mailbox_events = 100000,
        .mailbox_bytes = 1 << 20,
    };
}

struct config_replay
replay_config(void)
{
    return (struct config_replay){
        .keep = {.events = 100000, .for_ms = 3600000},
        .keep_longest_ms = 3600000,
        .memory_bytes = 64 << 20,
        .channel_bytes = 64 << 20,
    };
}

void
world_start(void)
{
    replay_start(world.log);
    while (!world.is_started) {
        run_turns(1);
    }
    run_turns(2);
}

void
world_begin(void)
{
    world_begin_with(stream_config(), replay_config());
    world_start();
}

void
world_end(void)
{
    replay_reader_free(world.reader);
    hub_free(world.hub);
    replay_free(world.log);
    metrics_free(world.metrics);
    loop_free(world.loop);
}

event_id
publish_keep(const char *channel, const char *data, uint64_t keep_events)
{
    struct buf body;
    buf_init(&body, 1 << 20);
    assert_int_equal(sse_encode_body(&body, STR("x"), str_from(data)), 0);
    struct replay_draft draft = {
        .channel = str_from(channel),
        .body = buf_str(&body),
        .keep = {.events = keep_events},
        .slow = world.slow,
    };
    uint64_t ticket = 0;
    assert_int_equal(replay_append(world.log, &draft, 1, &ticket), 0);
    buf_fini(&body);
    return world.newest;
}

/* The data of an event is its channel's name. */
event_id
publish(const char *channel)
{
    return publish_keep(channel, channel, 0);
}

static void
client_on_control(struct client *c, const struct sse_event *event)
{
    if (str_equal(event->type, STR("runnel.gap"))) {
        c->gaps++;
        snprintf(c->last_gap, sizeof c->last_gap, STR_FMT, STR_ARG(event->data));
    } else if (str_equal(event->type, STR("runnel.live"))) {
        c->lives++;
        snprintf(c->last_live, sizeof c->last_live, STR_FMT, STR_ARG(event->last_event_id));
    } else {
        assert_true(str_equal(event->type, STR("runnel.beat")));
        c->beats++;
    }
}

static void
client_on_event(void *arg, const struct sse_event *event)
{
    struct client *c = arg;
    if (str_starts_with(event->type, STR("runnel."))) {
        client_on_control(c, event);
        return;
    }
    assert_true(c->length < RECORD_MAX);
    assert_int_equal(event_id_parse(event->last_event_id, &c->ids[c->length]), 0);
    c->channels[c->length++] = event->data.data[0];
}

struct client *
client_open_to(const char *const *channels, size_t length, struct hub_start start, bool is_chunked)
{
    struct client *c = calloc(1, sizeof *c);
    assert_non_null(c);
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &world.send_buffer_bytes, sizeof(int));
    c->fd = pair[1];
    c->is_chunked = is_chunked;
    c->parser = sse_parser_new(2 << 20, STR_NULL, client_on_event, c);
    assert_non_null(c->parser);
    buf_init(&c->input, 64 << 20);
    struct str names[16];
    for (size_t i = 0; i < length; i++) {
        names[i] = str_from(channels[i]);
    }
    struct hub_stream stream = {
        .fd = pair[0],
        .head = STR("HTTP/1.1 200 OK\r\n\r\n"),
        .is_chunked = is_chunked,
        .channels = names,
        .channels_length = length,
        .start = start,
    };
    assert_int_equal(hub_open(world.hub, &stream), 0);
    return c;
}

struct client *
client_open(const char *channel, struct hub_start start)
{
    return client_open_to(&channel, 1, start, true);
}

void
client_free(struct client *c)
{
    if (c->fd >= 0) {
        close(c->fd);
    }
    sse_parser_free(c->parser);
    buf_fini(&c->input);
    free(c);
}

static void
client_take(struct client *c, size_t size)
{
    memmove(c->input.data, c->input.data + size, c->input.size - size);
    c->input.size -= size;
}

/* True where a whole chunk was parsed. */
static bool
client_parse_chunk(struct client *c)
{
    const char *line_end = c->input.size > 0 ? memchr(c->input.data, '\n', c->input.size) : NULL;
    if (line_end == NULL) {
        return false;
    }
    size_t head = (size_t)(line_end + 1 - c->input.data);
    size_t size = strtoul(c->input.data, NULL, 16);
    if (c->input.size < head + size + 2) {
        return false;
    }
    assert_memory_equal(c->input.data + head + size, "\r\n", 2);
    assert_int_equal(sse_parser_feed(c->parser, c->input.data + head, size), 0);
    client_take(c, head + size + 2);
    return true;
}

static void
client_parse(struct client *c)
{
    if (!c->is_head_done && c->input.size >= 19) {
        assert_memory_equal(c->input.data, "HTTP/1.1 200 OK\r\n\r\n", 19);
        client_take(c, 19);
        c->is_head_done = true;
    }
    if (!c->is_head_done) {
        return;
    }
    if (!c->is_chunked) {
        assert_int_equal(sse_parser_feed(c->parser, c->input.data, c->input.size), 0);
        c->input.size = 0;
        return;
    }
    while (client_parse_chunk(c)) {
    }
}

/* Reads what is there. */
void
client_read(struct client *c)
{
    char bytes[65536];
    ssize_t size;
    while ((size = recv(c->fd, bytes, sizeof bytes, 0)) > 0) {
        assert_int_equal(buf_append(&c->input, bytes, (size_t)size), 0);
    }
    c->is_closed = size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    client_parse(c);
}

static bool
client_is_done(const struct client *c, size_t events)
{
    return c->is_closed || (c->length >= events && c->lives > 0);
}

/* Until the client has so many events and was told that it is live. */
void
client_wait(struct client *c, size_t events)
{
    for (int i = 0; i < TURNS_MAX && !client_is_done(c, events); i++) {
        run_turns(1);
        client_read(c);
    }
    assert_int_equal(c->length, events);
    assert_int_equal(c->lives, 1);
    assert_false(c->is_closed);
}

void
stall(uint64_t ms)
{
    uint64_t begin_ms = loop_now_ms(world.loop);
    while (loop_now_ms(world.loop) <= begin_ms + ms) {
        run_turns(1);
    }
}

void
check_rising(const struct client *c)
{
    for (size_t i = 1; i < c->length; i++) {
        assert_true(c->ids[i] > c->ids[i - 1]);
    }
}

const struct hub_start hub_rig_now = {.kind = HUB_START_NOW};

struct hub_start
after(event_id id)
{
    return (struct hub_start){.kind = HUB_START_AFTER, .after = id};
}
