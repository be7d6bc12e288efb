#pragma once
/*
 * What a source lives in, for tests: a loop, health, metrics, and a sink whose "stored" is the
 * test's. One rig a test.
 */

#include "base/clock.h"
#include "sources/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct health;
struct loop;
struct metrics;
struct metrics_series;

enum { RIG_SUBSCRIPTIONS_MAX = 400, RIG_PATIENCE_S = 30 };

struct rig_message {
    char *topic;   /* terminated */
    char *payload; /* terminated */
    uint64_t ticket;
};

struct rig {
    struct loop *loop;
    struct health *health;
    struct metrics *metrics;
    struct metrics_series *series;
    struct config_source config; /* change it before rig_start() */
    struct source_subscription subscriptions[RIG_SUBSCRIPTIONS_MAX];
    size_t subscriptions_length;
    struct source *source;
    int refused;                  /* what the last rig_start() got; 0: it started */
    struct rig_message *messages; /* what the sink took */
    size_t messages_length;
    uint64_t losses;
    uint32_t events; /* what last_events() says */
    size_t refusals; /* how often the sink was full */
    bool is_full;
    int refusal;         /* what the sink answers; 0: it takes messages */
    bool stores_at_once; /* source_on_stored() from inside on_message() */
};

/* An MQTT source "plant" of 127.0.0.1:`port`, version 5, QoS 1, no client id, quick to retry. */
void rig_init(struct rig *r, uint16_t port);
/* Also for the http source. */
void rig_init_type(struct rig *r, enum config_source_type type);
void rig_fini(struct rig *r);

void rig_subscribe(struct rig *r, const char *filter);

/* Makes the source and starts it. */
void rig_start(struct rig *r);
/* Starts it, and it is up. */
void rig_up(struct rig *r);
/* Frees the source, as main does after a stop; what the sink took stays. */
void rig_end(struct rig *r);

/* The log has everything that the sink took. */
void rig_store(struct rig *r);

/* A few turns of the loop. */
void rig_turn(struct rig *r);

/* Turns until the condition holds; fails the test after RIG_PATIENCE_S. */
#define RIG_WAIT(r, condition)                                                                     \
    for (uint64_t rig_begin_ns = clock_mono_ns(); !(condition);                                    \
         rig_wait_turn(r, rig_begin_ns, #condition, __FILE__, __LINE__)) {                         \
    }

/* For RIG_WAIT. */
void
rig_wait_turn(struct rig *r, uint64_t begin_ns, const char *condition, const char *file, int line);

bool rig_is_up(const struct rig *r);
/* The health line of the source says so. */
bool rig_says(const struct rig *r, const char *words);
int64_t rig_metric(const struct rig *r, int metric);
bool rig_has_message(const struct rig *r, const char *topic, const char *payload);
size_t rig_count(const struct rig *r, const char *topic, const char *payload);
