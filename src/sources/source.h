#pragma once
/*
 * A source: a connector to a broker. It knows its broker and a sink, never a route or a client.
 * All on the ingest loop. Sources reconnect by themselves, for ever; a source that is down says so
 * through health, metrics and one log line a change, and stops nothing else.
 */

#include "base/err.h"
#include "base/message.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct health;
struct loop;
struct metrics_series;
struct source;

enum { SINK_E_FULL = 1 };
enum { SOURCE_COMPONENT_SIZE_MAX = 128 }; /* with the terminator; a source's name has 64 bytes */

/* Where messages go. */
struct sink {
    void *arg;
    /*
     * 0: taken; once source_on_stored() is told a ticket >= `*ret_ticket` the message is safe (for
     * a message that no route wanted that may be at once: the ticket is one already stored, or 0).
     * SINK_E_FULL: the log's queue is full and nothing was taken; a source that can make its broker
     * wait does so, another one counts the loss. Negative: ERR_MEMORY, treated alike; anything else,
     * such as ERR_LIMIT: it can never be taken; it is lost, or refused for good.
     */
    int (*on_message)(void *arg, const struct message *message, uint64_t *ret_ticket);
    /* Messages that a source had are lost, which it counts: the log is told, so that clients see a gap. */
    void (*on_loss)(void *arg);
    /* How many events the last message taken has become: the http source tells its client. */
    uint32_t (*last_events)(void *arg);
    /*
     * For sources that can read again; a message may carry a mark too (base/mark.h). Asks the log
     * for one: source_on_mark() answers, in a later turn, or never where the log is lost
     * meanwhile. Negative: no answer will come.
     */
    int (*read_mark)(void *arg, struct str name);
    /* Moves a mark without a message; otherwise as on_message. */
    int (*move_mark)(void *arg, const struct mark *mark, uint64_t *ret_ticket);
};

/* What the sink answered, not 0, may be otherwise later; else the message itself is the cause, and will be again. */
bool sink_may_pass(int result);

struct source_subscription {
    const char *filter;
    bool is_pattern;
};

/*
 * A message that several subscriptions match is delivered several times, each copy by one of them.
 * Is this copy, by subscription number `subscription` of the source, the one to take?
 */
struct source_dedup {
    void *arg;
    /* NULL: always. */
    bool (*is_first)(void *arg, size_t subscription, struct str topic);
};

/* Who is told how far source_resubscribe() is. */
struct source_owner {
    void *arg;
    void (*on_resubscribed)(void *arg);
    /*
     * Only by sources of which the broker takes the new subscriptions one by one: messages of the new ones may come
     * from now on, and those of the old ones still do. The old ones are borrowed no more.
     */
    void (*on_changing)(void *arg);
};

struct source_settings {
    const struct config_source *config;              /* outlives the source */
    const struct source_subscription *subscriptions; /* borrowed, see source_resubscribe() */
    size_t subscriptions_length;
    struct loop *loop;
    struct sink sink;
    struct source_dedup dedup;
    struct source_owner owner;
    struct metrics_series *series; /* the source's; NULL: not counted (tests) */
    struct health *health;
};

struct source_ops {
    void (*start)(struct source *s);
    void (*stop)(struct source *s);
    void (*free)(struct source *s);
    int (*plan)(struct source *s, const struct source_subscription *subscriptions, size_t length);
    void (*resubscribe)(struct source *s);
    /* NULL where the broker waits for no acknowledgement. */
    void (*on_stored)(struct source *s, uint64_t ticket);
    /* NULL where nobody is to be told. */
    void (*on_dropped)(struct source *s, uint64_t ticket);
    /* NULL where the source has no marks. */
    void (*on_mark)(struct source *s, const struct mark *mark, bool is_refused);
    /* NULL where nothing waits for the log once it is stopped. */
    bool (*is_idle)(const struct source *s);
    /* NULL where brokers keep nothing for the next one. */
    void (*inherit)(struct source *s, const struct source *from);
};

/* First member of each source's struct. */
struct source {
    const struct source_ops *ops;
};

/* What health calls the source: "source <name>". */
void source_component(const struct config_source *config,
                      char ret_text[static SOURCE_COMPONENT_SIZE_MAX]);

/*
 * By config->type. It can never work: ERR_TLS, ERR_SYNTAX, ERR_SYSTEM, which is logged with what is wrong; or
 * ERR_MEMORY.
 */
MUST_CHECK int source_new(const struct source_settings *settings, struct source **ret_source);

/* Connects, subscribes, delivers from the next turn on. */
void source_start(struct source *s);

/*
 * Other subscriptions. The plan is what can fail: ERR_MEMORY, ERR_SYNTAX (logged), and nothing has changed; it is
 * forgotten by the next one. The connection stays, and what goes on being subscribed to is neither missed
 * nor told twice: owner.on_resubscribed is called once, maybe from inside, where the new subscriptions
 * begin to hold, also for `dedup`. Until then the old ones are borrowed, from then on the new ones. That
 * takes the broker's answer; where there is no connection it is at once. One change at a time.
 */
MUST_CHECK int
source_plan(struct source *s, const struct source_subscription *subscriptions, size_t length);
void source_resubscribe(struct source *s);

/*
 * Takes no more messages; what was taken may still be acknowledged, until the source is idle. It does
 * not say on_resubscribed any more.
 */
void source_stop(struct source *s);
bool source_is_idle(const struct source *s);
void source_free(struct source *s); /* NULL is fine */

/*
 * Before source_start(): what `from`, of the same type and idle after its stop, knows of what the broker will send
 * again, where the broker takes this one for the same client.
 */
void source_inherit(struct source *s, const struct source *from);

/* The log has everything up to `ticket`, but for what source_on_dropped() told before. */
void source_on_stored(struct source *s, uint64_t ticket);

/* The log will never have the event of this ticket. */
void source_on_dropped(struct source *s, uint64_t ticket);

/*
 * Where a mark stands in the log, maybe another source's. is_refused: what was delivered with a
 * mark that expected `before` is not in the log, though its tickets count as done; this comes
 * before source_on_stored() tells them.
 */
void source_on_mark(struct source *s, const struct mark *mark, bool is_refused);
