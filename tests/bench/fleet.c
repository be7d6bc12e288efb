/*
 * A fleet of EventSources through whatever may happen to their server: each comes back as a browser
 * does, and every event is checked for holes and doubles, over all connections.
 *
 * Says "ready" on stdout when all of them have been live, and from then on each second a line of
 * JSON. A line "end N" on stdin: every sequence ends with N. When all have had that, or none had
 * anything for --timeout seconds, the result is the last line.
 */

#include "bench.h"
#include "source.h"

#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    EVENTS_AT_ONCE = 512,
    CONNECTING_MAX = 256, /* at the start; coming back is as fast as it comes */
    TICK_MS = 10,
    SECOND_MS = 1000,
};

struct fleet {
    struct source_settings settings;
    uint32_t clients, timeout_s;
    struct source *sources;
    int epoll_fd;
    struct fleet_counts counts, before; /* before: at the last second */
    uint64_t ready_ms;                  /* 0: not yet */
    uint64_t sampled_ms, heard_ms;      /* the last sample, the last event */
    uint64_t last;                      /* the n that ends each sequence; 0: not known yet */
};

static uint64_t
now_ms(void)
{
    return bench_now_ns() / 1000000;
}

static void
fleet_watch(struct fleet *f, struct source *s, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = s};
    if (epoll_ctl(f->epoll_fd, operation, s->fd, &event) < 0) {
        bench_fail("epoll_ctl");
    }
}

static void
fleet_go_on(struct fleet *f, struct source *s)
{
    bool was_connecting = s->state == SOURCE_CONNECTING;
    source_go_on(s, &f->settings, &f->counts);
    if (was_connecting && s->state == SOURCE_HEAD) {
        fleet_watch(f, s, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static uint32_t
fleet_in_state(const struct fleet *f, enum source_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < f->clients; i++) {
        count += f->sources[i].state == state ? 1 : 0;
    }
    return count;
}

static void
fleet_connect_due(struct fleet *f)
{
    uint64_t now = now_ms();
    uint32_t room = f->clients;
    if (f->ready_ms == 0) {
        uint32_t under_way = fleet_in_state(f, SOURCE_CONNECTING) + fleet_in_state(f, SOURCE_HEAD);
        room = under_way < CONNECTING_MAX ? CONNECTING_MAX - under_way : 0;
    }
    for (uint32_t i = 0; i < f->clients && room > 0; i++) {
        struct source *s = &f->sources[i];
        if (s->state == SOURCE_WAITING && s->due_ms <= now) {
            source_connect(s, &f->settings, &f->counts);
            fleet_watch(f, s, EPOLL_CTL_ADD, EPOLLOUT);
            room--;
        }
    }
}

static bool
fleet_is_ready(const struct fleet *f)
{
    for (uint32_t i = 0; i < f->clients; i++) {
        if (!f->sources[i].has_been_live) {
            return false;
        }
    }
    return true;
}

static bool
fleet_is_done(const struct fleet *f)
{
    for (uint32_t i = 0; i < f->clients; i++) {
        for (uint32_t k = 0; k < f->settings.sequences_length; k++) {
            if (f->sources[i].next[k] <= f->last) {
                return false;
            }
        }
    }
    return f->last > 0;
}

static void
fleet_sample(struct fleet *f)
{
    const struct fleet_counts *c = &f->counts;
    const struct fleet_counts *b = &f->before;
    f->sampled_ms += SECOND_MS;
    printf("{\"second\":%" PRIu64 ",\"connects\":%" PRIu64 ",\"ends\":%" PRIu64
           ",\"events\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"open\":%" PRIu32 "}\n",
           (f->sampled_ms - f->ready_ms) / SECOND_MS, c->connects - b->connects, c->ends - b->ends,
           c->events - b->events, c->refused - b->refused, fleet_in_state(f, SOURCE_OPEN));
    fflush(stdout);
    f->before = *c;
}

static void
fleet_read_command(struct fleet *f)
{
    char line[64];
    ssize_t size = read(STDIN_FILENO, line, sizeof line - 1);
    if (size == 0) {
        errx(1, "stdin ended");
    }
    if (size > 0) {
        line[size] = '\0';
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "end ", 4) != 0) {
            errx(2, "what is %s?", line);
        }
        f->last = bench_number(line + 4);
    }
}

static void
fleet_turn(struct fleet *f)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    uint64_t had = f->counts.events;
    int length = epoll_wait(f->epoll_fd, events, EVENTS_AT_ONCE, TICK_MS);
    for (int i = 0; i < length; i++) {
        fleet_go_on(f, events[i].data.ptr);
    }
    fleet_connect_due(f);
    f->heard_ms = f->counts.events > had ? now_ms() : f->heard_ms;
}

static void
fleet_make_ready(struct fleet *f)
{
    while (!fleet_is_ready(f)) {
        fleet_turn(f);
    }
    f->ready_ms = f->sampled_ms = f->heard_ms = now_ms();
    f->before = f->counts;
    printf("ready\n");
    fflush(stdout);
}

static void
fleet_run(struct fleet *f)
{
    fleet_make_ready(f);
    while (!fleet_is_done(f) && now_ms() - f->heard_ms < (uint64_t)f->timeout_s * SECOND_MS) {
        fleet_turn(f);
        fleet_read_command(f);
        if (now_ms() - f->sampled_ms >= SECOND_MS) {
            fleet_sample(f);
        }
    }
}

/* What never came at the end, where nothing follows that would show the hole. */
static uint64_t
fleet_missing(const struct fleet *f)
{
    uint64_t missing = 0;
    for (uint32_t i = 0; i < f->clients; i++) {
        for (uint32_t k = 0; k < f->settings.sequences_length; k++) {
            uint64_t next = f->sources[i].next[k];
            missing += next <= f->last ? f->last + 1 - next : 0;
        }
    }
    return missing;
}

static void
fleet_print(const struct fleet *f)
{
    const struct fleet_counts *c = &f->counts;
    printf("{\"clients\":%" PRIu32 ",\"connects\":%" PRIu64 ",\"opens\":%" PRIu64
           ",\"failed\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"dead\":%" PRIu64
           ",\"events\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"doubled\":%" PRIu64 ",\"gaps\":%" PRIu64
           ",",
           f->clients, c->connects, c->opens, c->failed, c->refused, c->dead, c->events,
           c->lost + fleet_missing(f), c->doubled, c->gaps);
    histogram_print(&c->latency, stdout);
    printf("}\n");
}

static void
fleet_parse(struct fleet *f, int argc, char **argv)
{
    static const struct option names[] = {
        {"port", required_argument, NULL, 'p'},     {"clients", required_argument, NULL, 'c'},
        {"channels", required_argument, NULL, 'm'}, {"sequence", required_argument, NULL, 's'},
        {"timeout", required_argument, NULL, 't'},  {NULL, 0, NULL, 0},
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'p') {
            f->settings.port = (uint16_t)bench_number(optarg);
        } else if (option == 'c') {
            f->clients = (uint32_t)bench_number(optarg);
        } else if (option == 'm') {
            f->settings.channels = (uint32_t)bench_number(optarg);
        } else if (option == 't') {
            f->timeout_s = (uint32_t)bench_number(optarg);
        } else if (option == 's' && f->settings.sequences_length < SEQUENCES_MAX) {
            f->settings.sequences[f->settings.sequences_length++] = optarg;
        } else {
            exit(2);
        }
    }
    if (f->settings.port == 0 || f->clients == 0 || f->settings.channels == 0 ||
        f->settings.sequences_length == 0) {
        errx(2, "--port, --clients, --channels and --sequence NAME (up to %d) are needed",
             SEQUENCES_MAX);
    }
}

int
main(int argc, char **argv)
{
    static struct fleet f = {.timeout_s = 60};
    fleet_parse(&f, argc, argv);
    bench_raise_descriptors();
    f.sources = calloc(f.clients, sizeof *f.sources);
    f.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (f.sources == NULL || f.epoll_fd < 0 || fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) < 0) {
        bench_fail("start");
    }
    for (uint32_t i = 0; i < f.clients; i++) {
        source_init(&f.sources[i], i);
    }
    fleet_run(&f);
    fleet_print(&f);
    const struct fleet_counts *c = &f.counts;
    return fleet_is_done(&f) && c->lost + c->doubled + c->gaps + c->dead == 0 ? 0 : 1;
}
