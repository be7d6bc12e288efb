#pragma once
/*
 * One EventSource of the fleet: it connects, checks what it is sent, and comes back with its last
 * event id after the time that it was told, as a browser does (WHATWG HTML 9.2). After a status
 * other than 200 it is dead, as there.
 *
 *     WAITING ─> CONNECTING ─> HEAD ─> OPEN ─> WAITING ...
 *                                `─> DEAD
 *
 * Each event's name says which sequence it belongs to, and its data has "n":"N", which counts up
 * from 1 there, and "t":"T", when it was published (CLOCK_MONOTONIC, ns). Understands chunked
 * bodies, however they are cut, bodies of a known length, and those that end with the connection.
 */

#include "histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEQUENCES_MAX = 4, SOURCE_TEXT_MAX = 256, SOURCE_ID_MAX = 64 };

enum source_state { SOURCE_WAITING, SOURCE_CONNECTING, SOURCE_HEAD, SOURCE_OPEN, SOURCE_DEAD };

/* What the whole fleet has met with. */
struct fleet_counts {
    uint64_t connects, opens, ends; /* attempts, streams, ends of streams */
    uint64_t refused;               /* runnel.unavailable */
    uint64_t failed;                /* connections that came to nothing; it tries again */
    uint64_t dead;                  /* gave up */
    uint64_t events, lost, doubled, gaps;
    struct histogram latency;
};

struct source_settings {
    uint16_t port;
    const char *sequences[SEQUENCES_MAX]; /* names; sequence S of source i is channel S/<i> */
    uint32_t sequences_length;
    uint32_t channels;
};

struct source {
    enum source_state state;
    int fd;          /* -1 in WAITING and DEAD */
    uint32_t index;  /* in the fleet */
    uint64_t due_ms; /* WAITING: when it connects */
    uint64_t retry_ms;
    bool has_been_live;
    uint64_t next[SEQUENCES_MAX]; /* the n that comes next */
    char last_id[SOURCE_ID_MAX];

    /* Of this connection. */
    bool is_chunked, is_sized, is_over;
    uint64_t body_left; /* is_sized */
    enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_CR, CHUNK_LF } chunk;
    uint64_t chunk_left;
    char line[SOURCE_TEXT_MAX];
    size_t line_size;

    /* The event that is being read. */
    char id[SOURCE_ID_MAX], event[SOURCE_TEXT_MAX], data[SOURCE_TEXT_MAX];
    bool has_data;
};

void source_init(struct source *s, uint32_t index);

/* Begins to connect; its socket, non-blocking, is to be watched for both directions. */
void source_connect(struct source *s,
                    const struct source_settings *settings,
                    struct fleet_counts *counts);

/* The socket has something: goes on. Where the stream is over it waits, its descriptor closed. */
void
source_go_on(struct source *s, const struct source_settings *settings, struct fleet_counts *counts);
