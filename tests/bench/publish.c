/*
 * The publisher: events with a number and a time, to Redis pub/sub or by HTTP. Channel i of M is
 * bench.<i>; each channel's events are numbered from --first on, with --through all channels' are by
 * one count. --rate 0 is as fast as they are taken.
 */

#include "bench.h"
#include "options.h"
#include "target.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    WINDOW = 256, /* events that are not answered yet, where they come as fast as they are taken */
    PAYLOAD_MIN = 64,
    PAYLOAD_MAX = 1000,
};

struct options {
    uint16_t redis_port, http_port;
    uint64_t channels, events, first, rate, size;
    bool is_through;
};

static void
wait_until(uint64_t due_ns)
{
    struct timespec t = {.tv_sec = (time_t)(due_ns / 1000000000u),
                         .tv_nsec = (long)(due_ns % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* {"n":N,"t":T,"p":"xxx…"}, `size` bytes. */
static void
payload_write(char to[static PAYLOAD_MAX], size_t size, uint64_t n)
{
    int used = snprintf(to, PAYLOAD_MAX, "{\"n\":%" PRIu64 ",\"t\":%" PRIu64 ",\"p\":\"", n,
                        bench_now_ns());
    memset(to + used, 'x', size - 2 - (size_t)used);
    memcpy(to + size - 2, "\"}", 2);
}

static void
publish_all(const struct options *o, const struct target *target)
{
    char payload[PAYLOAD_MAX];
    uint64_t begin_ns = bench_now_ns();
    uint64_t waiting = 0;
    for (uint64_t i = 0; i < o->events; i++) {
        if (o->rate > 0) {
            wait_until(begin_ns + i * 1000000000u / o->rate);
        }
        payload_write(payload, o->size, o->first + (o->is_through ? i : i / o->channels));
        target->send(target->self, i % o->channels, payload, o->size);
        if (++waiting >= (o->rate > 0 ? 1 : WINDOW)) {
            target->wait(target->self, waiting);
            waiting = 0;
        }
    }
    target->wait(target->self, waiting);
}

static void
publish_parse(struct options *o, int argc, char **argv)
{
    const struct option_entry entries[] = {
        OPTION("redis", &o->redis_port),  OPTION("http", &o->http_port),
        OPTION("channels", &o->channels), OPTION("events", &o->events),
        OPTION("first", &o->first),       OPTION("rate", &o->rate),
        OPTION("size", &o->size),         OPTION("through", &o->is_through),
    };
    options_parse(argc, argv, entries, sizeof entries / sizeof entries[0]);
    if ((o->redis_port == 0) == (o->http_port == 0) || o->channels == 0) {
        errx(2, "one of --redis PORT and --http PORT; --channels at least 1");
    }
    if (o->size < PAYLOAD_MIN || o->size > PAYLOAD_MAX) {
        errx(2, "--size is from %d to %d", PAYLOAD_MIN, PAYLOAD_MAX);
    }
}

int
main(int argc, char **argv)
{
    struct options options = {.channels = 1, .events = 1, .size = 200};
    publish_parse(&options, argc, argv);
    struct target target = options.redis_port != 0 ? target_redis_new(options.redis_port)
                                                   : target_http_new(options.http_port);
    uint64_t begin_ns = bench_now_ns();
    publish_all(&options, &target);
    printf("{\"events\":%" PRIu64 ",\"seconds\":%.6f}\n", options.events,
           (double)(bench_now_ns() - begin_ns) / 1e9);
    return 0;
}
