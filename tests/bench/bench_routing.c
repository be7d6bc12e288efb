/*
 * What it costs to route one message through a table of 10,000 routes of which one matches, for several kinds of
 * table. Prints CPU nanoseconds a message: the median and the 99th percentile of batches. Measures nothing else: no
 * broker, no log.
 *
 *     bench_routing [five_routes]
 */

#include "config/config.h"
#include "config/problems.h"
#include "routing/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TOPICS = 4096, BATCH = 512, BATCHES = 400 };

struct kind {
    const char *name;
    const char *source; /* type, url */
    const char *route;  /* %d is the route's number */
    const char *topic;  /* %d is the number that is asked for */
    const char *payload;
    int matched; /* how many must match */
};

#define REDIS "type: redis, url: \"redis://127.0.0.1\""
#define MQTT  "type: mqtt, url: \"mqtt://127.0.0.1\""

static const char order[] =
    "{\"id\":\"a81bc81b-dead-4e5d-abff-90865d1e13b1\",\"type\":\"paid\",\"total\":129.90,"
    "\"currency\":\"EUR\",\"items\":[{\"sku\":\"A-100\",\"count\":2},{\"sku\":\"B-7\",\"count\":1}]"
    ","
    "\"customer\":{\"name\":\"\\u017dofie\",\"city\":\"Berlin\"}}";

static const struct kind kinds[] = {
    {"redis, names", REDIS, "topic: \"orders.%d\", channel: \"c/%d\"", "orders.%d", "x", 1},
    {"redis, names, no match", REDIS, "topic: \"orders.%d\", channel: \"c/%d\"", "invoices.%d", "x",
     0},
    {"redis, prefix{capture}", REDIS, "topic: \"orders.%d.{what}\", channel: \"c/%d/{what}\"",
     "orders.%d.paid", "x", 1},
    {"redis, {capture} first", REDIS,
     "topic: \"{tenant}:service%d:{what}\", channel: \"c/{tenant}/%d\"", "acme:service%d:paid", "x",
     1},
    {"redis, prefix*", REDIS, "topic: \"user:%d:*\", channel: \"c/%d\"", "user:%d:a:b", "x", 1},
    {"mqtt, level{capture}", MQTT,
     "topic: \"plant/{line}/m%d/temperature\", channel: \"c/{line}/%d\"", "plant/7/m%d/temperature",
     "21.5", 1},
    {"mqtt, +/name/#", MQTT, "topic: \"+/device%d/#\", channel: \"c/%d\"", "site/device%d/a/b",
     "21.5", 1},
    {"redis, json template", REDIS,
     "topic: \"orders.%d.{what}\", channel: \"c/%d\", event: \"{json:/type}\"", "orders.%d.paid",
     order, 1},
    {"redis, json when + data", REDIS,
     "topic: \"orders.%d.{what}\", channel: \"c/%d\", when: [ { json: /total, gt: 5 } ], "
     "data: \"{json:/customer/name}: {json:/items/1/sku}\"",
     "orders.%d.paid", order, 1},
};

struct count {
    uint64_t events;
};

static void
on_event(void *arg, const struct table_event *event)
{
    struct count *c = arg;
    c->events += event->channel.size > 0;
}

static void
die(const char *what)
{
    fprintf(stderr, "bench_routing: %s\n", what);
    exit(1);
}

/* Of this thread: what else the machine does is not measured. */
static uint64_t
cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* `format` with each %d as `number`. */
static void
put_number(struct buf *out, const char *format, int number)
{
    int err = 0;
    for (const char *at = format; *at != '\0' && err == 0; at++) {
        if (strncmp(at, "%d", 2) == 0) {
            err = buf_append_u64(out, (uint64_t)number);
            at++;
        } else {
            err = buf_append_char(out, *at);
        }
    }
    if (err != 0) {
        die(err_text(err));
    }
}

static struct config *
make_config(const struct kind *kind, int routes, struct problems *problems)
{
    struct buf text;
    struct config *config = NULL;
    buf_init(&text, (size_t)64 << 20);
    int err = buf_printf(&text, "sources: { s: { %s } }\nroutes:\n", kind->source);
    for (int i = 0; i < routes && err == 0; i++) {
        err = buf_append_str(&text, STR("  - { source: s, "));
        put_number(&text, kind->route, i);
        err = err != 0 ? err : buf_append_str(&text, STR(" }\n"));
    }
    err = err != 0 ? err : config_parse(buf_str(&text), "bench.yaml", problems, &config);
    if (err != 0) {
        problems_print(problems, stderr);
        die(err_text(err));
    }
    buf_fini(&text);
    return config;
}

/* Random ones, so that no branch predictor learns them. */
static void
make_topics(const struct kind *kind, int routes, struct buf topics[TOPICS])
{
    uint32_t seed = 1;
    for (int i = 0; i < TOPICS; i++) {
        seed = seed * 1664525 + 1013904223;
        buf_init(&topics[i], 256);
        put_number(&topics[i], kind->topic, (int)((seed >> 8) % (uint32_t)routes));
    }
}

static int
compare_ns(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;
    return (*a > *b) - (*a < *b);
}

/* Nanoseconds of one batch, divided by its messages, times ten. */
static uint64_t
run_batch(struct table *table, const struct kind *kind, const struct buf *topics, int batch)
{
    struct count count = {0};
    const struct table_visitor visitor = {&count, on_event, NULL};
    uint64_t begin = cpu_ns();
    for (int i = 0; i < BATCH; i++) {
        const struct message m = {.topic = buf_str(&topics[(batch * BATCH + i) % TOPICS]),
                                  .payload = str_from(kind->payload)};
        if (table_route(table, &m, &visitor) != kind->matched) {
            die("a message met the wrong number of routes");
        }
    }
    uint64_t ns = cpu_ns() - begin;
    if (count.events != (uint64_t)BATCH * (uint64_t)kind->matched) {
        die("a message made the wrong number of events");
    }
    return ns * 10 / BATCH;
}

static void
run_kind(const struct kind *kind, int routes)
{
    static struct buf topics[TOPICS];
    uint64_t ns[BATCHES];
    size_t subscriptions;
    struct table *table;
    struct problems *problems = problems_new("bench.yaml");
    if (problems == NULL) {
        die(err_text(ERR_MEMORY));
    }
    struct config *config = make_config(kind, routes, problems);
    uint64_t begin = cpu_ns();
    int err = table_new(config, problems, &table);
    uint64_t build_ns = cpu_ns() - begin;
    if (err != 0) {
        problems_print(problems, stderr);
        die(err_text(err));
    }
    make_topics(kind, routes, topics);
    for (int i = 0; i < BATCHES; i++) {
        ns[i] = run_batch(table, kind, topics, i);
    }
    qsort(ns, BATCHES, sizeof(ns[0]), compare_ns);
    table_subscriptions(table, 0, &subscriptions);
    uint64_t median = ns[BATCHES / 2];
    uint64_t p99 = ns[BATCHES * 99 / 100];
    printf("%-26s %6" PRIu64 ".%" PRIu64 " %6" PRIu64 ".%" PRIu64 " %8" PRIu64 " %8zu\n",
           kind->name, median / 10, median % 10, p99 / 10, p99 % 10, build_ns / 1000000,
           subscriptions);
    for (int i = 0; i < TOPICS; i++) {
        buf_fini(&topics[i]);
    }
    table_free(table);
    config_free(config);
    problems_free(problems);
}

int
main(int argc, char **argv)
{
    uint64_t routes = 10000;
    if (argc > 2 ||
        (argc == 2 && (str_to_u64(str_from(argv[1]), 60000, &routes) != 0 || routes == 0))) {
        die("usage: bench_routing [ROUTES]");
    }
    printf("%" PRIu64 " routes\n%-26s %8s %8s %8s %8s\n", routes, "", "median", "p99", "build",
           "subscr.");
    printf("%-26s %8s %8s %8s\n", "", "ns/msg", "ns/msg", "ms");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        run_kind(&kinds[i], (int)routes);
    }
    return 0;
}
