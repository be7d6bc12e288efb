#pragma once
/*
 * The hub over the real memory log, both on one loop, clients on socket pairs. The feed passes through the rig, which
 * may hold it back or lose a part of it.
 */

#include "base/str.h"
#include "config/config.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "observability/metrics.h"
#include "replay/replay.h"
#include "sse/event_id.h"
#include "streaming/hub.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sse_parser;

enum {
    RECORD_MAX = 20000,
    TURNS_MAX = 100000, /* far more than any case needs */
};

struct world {
    struct loop *loop;
    struct metrics *metrics;
    struct replay *log;
    struct replay_reader *reader;
    struct hub *hub;
    struct config_replay replay_config;
    struct config_stream config;
    struct loop_task turn;
    int turns;
    int send_buffer_bytes; /* of the sockets to the clients */
    bool is_feed_lost;     /* frames are dropped on their way to the hub */
    event_id lost_until;   /* the newest that was */
    event_id newest;       /* of the log */
    uint32_t slow;         /* the rule that events are published with */
    bool is_started;
};

/* What a client has got. */
struct client {
    int fd;
    bool is_chunked;
    bool is_head_done;
    bool is_closed;
    struct buf input; /* not parsed yet */
    struct sse_parser *parser;
    char head[256];
    event_id ids[RECORD_MAX]; /* of the events, without control events */
    char channels[RECORD_MAX];
    size_t length;
    size_t gaps, lives, beats;
    char last_gap[1024];
    char last_live[64];
};

extern struct world world;
extern const struct hub_start hub_rig_now;

/* Mail to the hub. */
void post(struct mail mail);
/* Runs the loop for some turns, none of which waits. */
void run_turns(int turns);
void world_begin_with(struct config_stream config, struct config_replay replay_config);
struct config_stream stream_config(void);
struct config_replay replay_config(void);
void world_start(void);
void world_begin(void);
void world_end(void);
/* Returns the id. */
event_id publish_keep(const char *channel, const char *data, uint64_t keep_events);
/* The data of an event is its channel's name. */
event_id publish(const char *channel);
struct client *
client_open_to(const char *const *channels, size_t length, struct hub_start start, bool is_chunked);
struct client *client_open(const char *channel, struct hub_start start);
void client_free(struct client *c);
/* Reads what is there. */
void client_read(struct client *c);
/* Until the client has so many events and was told that it is live. */
void client_wait(struct client *c, size_t events);
/* Lets the time go by without reading. */
void stall(uint64_t ms);
void check_rising(const struct client *c);
struct hub_start after(event_id id);
