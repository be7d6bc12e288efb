#pragma once
/*
 * The way of a message: source -> routing table -> encoder -> replay log; and back: what the log
 * has stored is told to the sources. The log's feed goes to the broadcast. Ingest loop.
 *
 * By which table a message is routed its source's intake says: after a reload the sources change over
 * one by one, each where its broker has followed. Owns nothing but scratch memory.
 */

#include "base/err.h"
#include "replay/replay.h"
#include "sources/source.h"

#include <stddef.h>
#include <stdint.h>

struct broadcast;
struct health;
struct pipeline;
struct settings;
struct source_set;

struct pipeline_parts {
    struct broadcast *broadcast;
    struct health *health;
};

/* Where the messages of one source come in; its owner's. */
struct intake {
    struct pipeline *pipeline;
    struct settings *settings; /* by which they are routed: the owner's reference */
    uint32_t source;           /* index into those */
};

/* NULL on OOM. */
struct pipeline *pipeline_new(const struct pipeline_parts *parts);
void pipeline_free(struct pipeline *p);

/* For a source, whose intake is borrowed, and for the log. */
struct sink pipeline_sink(struct intake *intake);
struct replay_listener pipeline_listener(struct pipeline *p);

/* Before the first message: the log, and who is told what it has stored. Borrowed. */
void pipeline_set_log(struct pipeline *p, struct replay *log);
void pipeline_set_sources(struct pipeline *p, struct source_set *sources);

/* What the log has told last: for a source that comes later. */
uint64_t pipeline_stored(const struct pipeline *p);
