/*
 * The load client: thousands of event streams on one epoll, every event checked.
 *
 * Says "ready" on stdout when every stream is open, "done" when every stream that reads has had all
 * its events (or none came for --timeout seconds), and the result as one line of JSON at the end,
 * once nothing more comes.
 * With --hold or --stalled it waits for a line on stdin after "done"; then the streams that did not
 * read begin to.
 *
 * With --count no stream reads, for jobs where the client must cost nothing: behind "done" comes the
 * number of a channel each time that all its streams have something more waiting than before. After
 * the line on stdin everything is read and checked.
 */

#include "bench.h"
#include "histogram.h"
#include "options.h"
#include "stream.h"

#include <err.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS_AT_ONCE = 512,
    CONNECTING_MAX = 512,       /* connections under way at a time */
    STREAMS_AN_ADDRESS = 10000, /* connect() searches long where most ports are taken */
    OPEN_TIMEOUT_MS = 30000,
    DRAIN_QUIET_MS = 100, /* nothing for so long: no repeat of the last events comes any more */
    DRAIN_TIMEOUT_MS = 5000,
    COUNT_BUFFER_BYTES = 512 * 1024, /* of what is not read until the end */
    COUNT_PERIOD_MS = 1,
};

struct options {
    uint16_t port;
    uint32_t clients, channels, stalled;
    uint32_t active; /* channels of each stream, where all listen to the same: bench.0 and so on */
    uint32_t quiet;  /* further channels of its own; both for a --path that ends in a query */
    uint64_t first, events; /* each stream gets the events from n = first on */
    uint32_t timeout_s;
    bool is_holding, is_counting;
    const char *path; /* the channel's number comes behind it */
    const char *header;
};

struct request {
    char text[8 * 1024];
    size_t size;
};

struct load {
    struct options options;
    struct stream *streams;
    uint64_t *nexts; /* of all streams */
    int epoll_fd;
    uint32_t started, opened, broken;
    double connects_per_s;
    struct tally reading, stalled;
};

static void
load_watch(struct load *l, struct stream *s, int operation)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    if (epoll_ctl(l->epoll_fd, operation, s->fd, &event) < 0) {
        bench_fail("epoll_ctl");
    }
}

static void
load_read(struct load *l, struct stream *s)
{
    bool was_open = s->is_open;
    stream_read(s);
    l->opened += s->is_open && !was_open ? 1 : 0;
    l->broken += s->fd < 0 ? 1 : 0;
}

/* One round of what is ready; false where nothing was within the wait. */
static bool
load_poll(struct load *l, int wait_ms)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int length = epoll_wait(l->epoll_fd, events, EVENTS_AT_ONCE, wait_ms);
    for (int i = 0; i < length; i++) {
        load_read(l, events[i].data.ptr);
    }
    return length > 0;
}

/* The first ones come from the usual address, without a call more than others make. */
static uint8_t
load_address(uint32_t index)
{
    uint32_t further = index / STREAMS_AN_ADDRESS;
    return (uint8_t)(further == 0 ? 0 : 1 + further % 250);
}

/* Like snprintf(), behind what is there. */
__attribute__((format(printf, 2, 3))) static void
request_add(struct request *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(r->text + r->size, sizeof r->text - r->size, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof r->text - r->size) {
        errx(2, "--path, --header or --quiet makes the request too long");
    }
    r->size += (size_t)size;
}

static void
load_write_request(const struct load *l, uint32_t index, uint32_t channel, struct request *r)
{
    const struct options *o = &l->options;
    request_add(r, "GET %s%" PRIu32, o->path, channel);
    for (uint32_t i = 1; i < o->active; i++) {
        request_add(r, "&channel=bench.%" PRIu32, i);
    }
    uint32_t quiet = (o->active > 1 ? o->active : o->channels) + index * o->quiet;
    for (uint32_t i = 0; i < o->quiet; i++) {
        request_add(r, "&channel=bench.%" PRIu32, quiet + i);
    }
    request_add(r, " HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n%s%s\r\n", o->header,
                o->header[0] != '\0' ? "\r\n" : "");
}

static void
load_start_stream(struct load *l)
{
    struct request request = {.size = 0};
    uint32_t index = l->started++;
    struct stream *s = &l->streams[index];
    s->channel = index % l->options.channels;
    s->tally = index < l->options.stalled ? &l->stalled : &l->reading;
    s->active = l->options.active;
    s->next = &l->nexts[(size_t)index * s->active];
    for (uint32_t i = 0; i < s->active; i++) {
        s->next[i] = l->options.first + i;
    }
    s->first = l->options.first;
    s->end = l->options.first + l->options.events;
    s->resumed = UINT64_MAX;
    load_write_request(l, index, s->channel, &request);
    stream_start(s, l->options.port, load_address(index), request.text);
    load_watch(l, s, EPOLL_CTL_ADD);
}

static void
load_open(struct load *l)
{
    uint64_t begin_ns = bench_now_ns();
    while (l->opened < l->options.clients) {
        while (l->started < l->options.clients && l->started - l->opened < CONNECTING_MAX) {
            load_start_stream(l);
        }
        if (!load_poll(l, OPEN_TIMEOUT_MS) || l->broken > 0) {
            errx(1, "only %" PRIu32 " of %" PRIu32 " streams opened", l->opened,
                 l->options.clients);
        }
    }
    l->connects_per_s = l->options.clients / ((double)(bench_now_ns() - begin_ns) / 1e9);
}

static void
load_say(const char *word)
{
    printf("%s\n", word);
    fflush(stdout);
}

static void
load_wait_for_line(void)
{
    char line[64];
    if (fgets(line, sizeof line, stdin) == NULL) {
        errx(1, "stdin ended");
    }
}

static void
load_watch_stalled(struct load *l, int operation)
{
    for (uint32_t i = 0; i < l->options.stalled; i++) {
        if (l->streams[i].fd >= 0) {
            load_watch(l, &l->streams[i], operation);
        }
    }
}

static void
load_receive(struct load *l, const struct tally *tally, uint32_t streams)
{
    if (l->options.events == 0) {
        return;
    }
    while (tally->finished < streams && l->broken == 0) {
        if (!load_poll(l, (int)l->options.timeout_s * 1000)) {
            return;
        }
    }
}

static void
load_enlarge_buffers(struct load *l)
{
    int size = COUNT_BUFFER_BYTES;
    for (uint32_t i = 0; i < l->options.clients; i++) {
        if (setsockopt(l->streams[i].fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) < 0) {
            bench_fail("setsockopt");
        }
    }
}

/* From stream `at` of the channel on; where the next look begins. */
static uint32_t
load_look(struct load *l, uint32_t channel, uint32_t at)
{
    while (at < l->options.clients && stream_has_more(&l->streams[at])) {
        at += l->options.channels;
    }
    if (at < l->options.clients) {
        return at;
    }
    printf("%" PRIu32 "\n", channel);
    fflush(stdout);
    return channel;
}

/* Looks, for being woken by each event costs more than it does to send one. */
static void
load_count(struct load *l)
{
    struct pollfd line = {.fd = STDIN_FILENO, .events = POLLIN};
    uint32_t *at = calloc(l->options.channels, sizeof *at);
    if (at == NULL) {
        bench_fail("calloc");
    }
    for (uint32_t i = 0; i < l->options.channels; i++) {
        at[i] = i;
    }
    while (poll(&line, 1, COUNT_PERIOD_MS) == 0) {
        for (uint32_t i = 0; i < l->options.channels; i++) {
            at[i] = load_look(l, i, at[i]);
        }
    }
    free(at);
}

/* Whoever has had all its events may get some of them again. */
static void
load_drain(struct load *l)
{
    uint64_t end_ns = bench_now_ns() + (uint64_t)DRAIN_TIMEOUT_MS * 1000000;
    if (l->options.events == 0) {
        return;
    }
    while (bench_now_ns() < end_ns && load_poll(l, DRAIN_QUIET_MS)) {
    }
}

static void
load_check(struct load *l)
{
    uint32_t reading = l->options.clients - l->options.stalled;
    load_watch_stalled(l, EPOLL_CTL_DEL);
    if (l->options.is_counting) {
        load_enlarge_buffers(l);
    }
    load_say("ready");
    load_receive(l, &l->reading, reading);
    load_say("done");
    load_drain(l);
    if (l->options.is_counting) {
        load_count(l);
    }
    if (l->options.is_holding || l->options.stalled > 0) {
        load_wait_for_line();
    }
    load_watch_stalled(l, EPOLL_CTL_ADD);
    if (l->options.stalled > 0) {
        load_receive(l, &l->stalled, l->options.stalled);
        load_drain(l);
    }
}

/* The fewest events that a stream got after its last gap. */
static uint64_t
load_after_gap_min(const struct load *l)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < l->options.clients; i++) {
        const struct stream *s = &l->streams[i];
        if (s->resumed != UINT64_MAX && s->next[0] - s->resumed < least) {
            least = s->next[0] - s->resumed;
        }
    }
    return least == UINT64_MAX ? 0 : least;
}

static void
tally_print(const struct tally *t)
{
    printf("{\"received\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"told\":%" PRIu64 ",\"gaps\":%" PRIu64
           ",\"doubled\":%" PRIu64 ",\"finished\":%" PRIu64 ",",
           t->received, t->lost, t->told, t->gaps, t->doubled, t->finished);
    histogram_print(&t->latency, stdout);
    printf("}");
}

static void
load_print(const struct load *l)
{
    printf("{\"clients\":%" PRIu32 ",\"connects_per_s\":%.0f,\"broken\":%" PRIu32
           ",\"after_gap_min\":%" PRIu64 ",",
           l->options.clients, l->connects_per_s, l->broken, load_after_gap_min(l));
    printf("\"reading\":");
    tally_print(&l->reading);
    printf(",\"stalled\":");
    tally_print(&l->stalled);
    printf("}\n");
}

static void
load_parse(struct options *o, int argc, char **argv)
{
    const struct option_entry entries[] = {
        OPTION("port", &o->port),         OPTION("clients", &o->clients),
        OPTION("channels", &o->channels), OPTION("first", &o->first),
        OPTION("events", &o->events),     OPTION("stalled", &o->stalled),
        OPTION("timeout", &o->timeout_s), OPTION("path", &o->path),
        OPTION("header", &o->header),     OPTION("hold", &o->is_holding),
        OPTION("count", &o->is_counting), OPTION("quiet", &o->quiet),
        OPTION("active", &o->active),
    };
    options_parse(argc, argv, entries, sizeof entries / sizeof entries[0]);
    if (o->port == 0 || o->clients == 0 || o->channels == 0 || o->stalled > o->clients) {
        errx(2, "--port, --clients, --channels: at least 1; --stalled: at most --clients");
    }
    if (o->active == 0 || o->events % o->active != 0 || (o->active > 1 && o->channels > 1)) {
        errx(2, "--active: at least 1, --events a multiple of it, not with --channels");
    }
    o->stalled = o->is_counting ? o->clients : o->stalled;
}

static bool
load_is_complete(const struct load *l)
{
    uint64_t finished = l->reading.finished + l->stalled.finished;
    bool is_whole = l->options.events == 0 || finished == l->options.clients;
    return is_whole && l->broken == 0 && l->reading.lost + l->stalled.lost == 0 &&
           l->reading.doubled + l->stalled.doubled == 0 && l->reading.told == 0;
}

int
main(int argc, char **argv)
{
    static struct load load = {.options = {.clients = 1,
                                           .channels = 1,
                                           .active = 1,
                                           .timeout_s = 30,
                                           .path = "/events/bench.",
                                           .header = ""}};
    load_parse(&load.options, argc, argv);
    bench_raise_descriptors();
    load.streams = calloc(load.options.clients, sizeof *load.streams);
    load.nexts = calloc((size_t)load.options.clients * load.options.active, sizeof *load.nexts);
    load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (load.streams == NULL || load.nexts == NULL || load.epoll_fd < 0) {
        bench_fail("start");
    }
    load_open(&load);
    load_check(&load);
    load_print(&load);
    return load_is_complete(&load) ? 0 : 1;
}
