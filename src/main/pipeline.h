#pragma once
/*
 * The way of a message: source -> routing table -> encoder -> replay log; and back: what the log
 * has stored is told to the sources. The log's feed goes to the broadcast. Ingest loop.
 *
 * Owns nothing but scratch memory; the parts belong to serve.c.
 */

#include "base/err.h"
#include "replay/replay.h"
#include "sources/source.h"

#include <stddef.h>
#include <stdint.h>

struct broadcast;
struct health;
struct labels;
struct pipeline;
struct table;

struct pipeline_parts {
    const struct config *config;
    struct table *table;
    struct broadcast *broadcast;
    struct health *health;
    const struct labels *labels;
};

/* NULL on OOM. */
struct pipeline *pipeline_new(const struct pipeline_parts *parts);
void pipeline_free(struct pipeline *p);

/* For the sources, and for the log. */
struct sink pipeline_sink(struct pipeline *p);
struct replay_listener pipeline_listener(struct pipeline *p);

/* Before the first message: the log, and who is told what it has stored. Borrowed. */
void pipeline_set_log(struct pipeline *p, struct replay *log);
void pipeline_set_sources(struct pipeline *p, struct source *const *sources, size_t length);
