#pragma once
/*
 * The feed of the Redis log: one subscribed client on the ingest loop, whose messages become frames
 * in id order.
 *
 * Messages are chained (feed_message.h). Where the chain breaks the feed begins again behind the
 * break: whoever stands before it reads the log.
 */

#include "config/config.h"
#include "sse/event_id.h"
#include "sse/frame.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct metrics_slot;
struct redis_feed;

struct redis_feed_settings {
    struct loop *loop;
    const struct config_broker *broker;
    const char *channel; /* borrowed */
    event_id *seen;      /* the log's highest id that this process knows; the appender has it too */
    struct metrics_slot *metrics;
    void *arg;
    void (*on_frame)(void *arg, struct frame *frame);
    void (*on_start)(void *arg, event_id position);
    /* Subscribed: the feed begins with its next message, or as soon as it is told the head. */
    void (*on_subscribed)(void *arg);
    /* `why` is borrowed. */
    void (*on_down)(void *arg, const char *why);
};

struct redis_feed *redis_feed_new(const struct redis_feed_settings *settings); /* NULL on failure */
void redis_feed_free(struct redis_feed *f);                                    /* NULL is fine */

bool redis_feed_is_live(const struct redis_feed *f);

/* The log's head and birth, read after on_subscribed(). */
void redis_feed_on_head(struct redis_feed *f, event_id head, event_id birth);

/* Live: the log had `head` a good while ago, and its message should have come. */
void redis_feed_check(struct redis_feed *f, event_id head);

/* The broker is not the log's any more: another connection may lead to the one that is. */
void redis_feed_leave(struct redis_feed *f, int status);
