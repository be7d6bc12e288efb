#pragma once
/*
 * What a redis-stream source lives in, for tests: a loop, health, metrics, a redis-server, and a sink
 * with a log behind it that has marks and stores when the test says so. One rig a test.
 */

#include "sources/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct health;
struct loop;
struct metrics;
struct metrics_series;
struct redis_server;

enum { RIG_STREAMS_MAX = 100, RIG_DIARY_SIZE = 16384, RIG_TEXT_SIZE = 64, RIG_REFUSED_MAX = 64 };

/* A mark as the log has it. */
struct rig_mark {
    char name[RIG_TEXT_SIZE];
    char position[RIG_TEXT_SIZE]; /* "": none */
};

/* What the source is told at the end of the turn. */
struct rig_told {
    struct rig_mark mark;
    char before[RIG_TEXT_SIZE];
    bool is_refused;
};

struct stream_rig {
    struct loop *loop;
    struct redis_server *server; /* NULL until stream_rig_serve() */
    struct health *health;
    struct metrics *metrics;
    struct metrics_series *series;
    struct config_source config;
    struct source_subscription subscriptions[RIG_STREAMS_MAX];
    size_t subscriptions_length;
    struct source *source;

    struct rig_mark marks[RIG_STREAMS_MAX];
    char diary[RIG_DIARY_SIZE]; /* of what the log took: topic=payload, a blank behind each */
    size_t taken;               /* messages */
    uint64_t bytes;             /* of their payloads */
    uint64_t ticket;
    size_t loss_calls;
    size_t full;     /* how often the sink said so */
    int result;      /* what the sink says to messages; 0: it takes them */
    size_t room;     /* so many are taken, then the sink is full */
    bool is_holding; /* nothing is stored until stream_rig_store() */
    bool is_mute;    /* marks are not answered */
    size_t asked;    /* how often */
    bool is_quiet;   /* the diary is not written */
    bool notes_loss; /* in the diary: "| " */

    struct rig_told told[RIG_REFUSED_MAX];
    size_t told_length;
    struct loop_task *announce;
    const char *words; /* that health has to say */
    const char *wanted;
    size_t wanted_count;
};

/* Of cmocka; *state is a rig with a source "shop" of the stream "a", from "0". */
int stream_rig_setup(void **state);
int stream_rig_teardown(void **state);

void stream_rig_add(struct stream_rig *r, const char *key);
void stream_rig_serve(struct stream_rig *r, const char *const *options);
/* Makes the source and starts it. */
void stream_rig_start(struct stream_rig *r);
void stream_rig_start_on(struct stream_rig *r, uint16_t port);
/* Frees it, as a process that was killed. */
void stream_rig_end(struct stream_rig *r);

/* The log has all that it took. */
void stream_rig_store(struct stream_rig *r);
const char *stream_rig_mark(struct stream_rig *r, const char *key);
void stream_rig_set_mark(struct stream_rig *r, const char *key, const char *position);

/* Turns the loop for so long. */
void stream_rig_wait_ms(struct stream_rig *r, uint64_t ms);

/* Until it holds. */
void stream_rig_wait_health(struct stream_rig *r, const char *words);
void stream_rig_wait_mark(struct stream_rig *r, const char *key, const char *position);
void stream_rig_wait_taken(struct stream_rig *r, size_t count);
/* Waits for as much, and compares. */
void stream_rig_expect(struct stream_rig *r, const char *diary);
int64_t stream_rig_metric(const struct stream_rig *r, int metric);
uint64_t stream_rig_losses(const struct stream_rig *r); /* messages, as the metrics count them */
