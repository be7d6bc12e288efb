#pragma once
/*
 * The one Redis client: a connection that makes itself again for ever.
 *
 *     waiting -> connecting -> greeting (AUTH, SELECT, CLIENT SETNAME, PING) -> [subscribing] -> up
 *        ^------------------------- any failure, after a jittered wait --------------------------'
 *
 * A client is either for commands, pipelined, each with a callback, or, where it has subscriptions or
 * may get some, for messages; those are asked for again on every connection, before it is up. Both
 * notice a dead peer by PING. Commands are not kept over a lost connection: whoever sent them knows
 * what is safe to send again.
 *
 * All on one loop. Speaks RESP2. The process must ignore SIGPIPE.
 */

#include "base/err.h"
#include "base/str.h"
#include "config/config.h"
#include "redis/commands.h"
#include "redis/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct redis_client;

struct redis_subscription {
    const char *filter;
    bool is_pattern;
};

struct redis_message {
    struct str filter; /* the subscription that matched, as it was given */
    bool is_pattern;
    struct str channel;
    struct str payload;
};

struct redis_listener {
    void *arg;
    /* The connection can be used; with subscriptions: every one is confirmed. */
    void (*on_up)(void *arg);
    /*
     * The connection was lost, or an attempt failed: once for each. The callbacks of the commands
     * under way have been called. `why` is a sentence, borrowed. ERR_RESOLVE, ERR_CONNECT, ERR_TLS,
     * ERR_TIMEOUT, ERR_AUTH, ERR_REFUSED, ERR_PROTOCOL, ERR_LIMIT, ERR_MEMORY.
     */
    void (*on_down)(void *arg, int status, const char *why);
    /* Borrowed for the call. May come before on_up. NULL for commands. */
    void (*on_message)(void *arg, const struct redis_message *message);
    /* See redis_client_resubscribe(); NULL where nobody calls that. */
    void (*on_resubscribed)(void *arg);
};

/* From the client's subscriptions to others. Borrowed until on_resubscribed returns, `all` for longer. */
struct redis_resubscription {
    const struct redis_subscription *all; /* from then on, as settings.subscriptions */
    size_t all_length;
    const struct redis_subscription *added, *removed;
    size_t added_length, removed_length;
};

struct redis_settings {
    const struct config_broker *broker; /* outlives the client */
    struct redis_listener listener;
    const struct redis_subscription *subscriptions; /* borrowed for as long as the client lives */
    size_t subscriptions_length;
    size_t commands_limit;       /* under way at a time */
    size_t output_limit_bytes;   /* that the peer has not taken */
    size_t reply_limit_bytes;    /* one reply or message */
    uint64_t command_timeout_ms; /* without any byte from the peer, which has the whole command */
};

/* Connects from the next turn on. ERR_TLS: a file, logged with what is wrong with it; ERR_MEMORY. */
MUST_CHECK int redis_client_new(struct loop *loop,
                                const struct redis_settings *settings,
                                struct redis_client **ret_client);

/*
 * Also inside the client's own callbacks. Commands under way get ERR_CLOSED before this returns;
 * nothing else is called. NULL is fine.
 */
void redis_client_free(struct redis_client *c);

bool redis_client_is_up(const struct redis_client *c);

/* Waits until the next attempt, after one that failed. */
bool redis_client_is_waiting(const struct redis_client *c);

/* As config_broker_address(), for logs. */
const char *redis_client_address(const struct redis_client *c);

enum { REDIS_E_FULL = 1 };

/*
 * Sends a command; `on_reply` is never called from inside. ERR_CONNECT where the client is not up,
 * REDIS_E_FULL where commands or bytes reached their limit, ERR_MEMORY: nothing was sent. Not for a
 * client for messages.
 */
MUST_CHECK int redis_client_command(struct redis_client *c,
                                    const struct str *words,
                                    size_t words_length,
                                    redis_on_reply_fn on_reply,
                                    void *arg);

/*
 * Gives the connection up, as if it had failed by itself, and makes a new one: for what only the
 * owner can see (a feed that lags behind the log, a master that became a replica). Not inside
 * on_down. Nothing where there is no connection.
 */
void redis_client_reconnect(struct redis_client *c, int status, const char *why);

/*
 * For messages. Subscribes to what is added, then unsubscribes what is removed. on_resubscribed is called once, maybe
 * from inside: at a place between two messages of the server before which it had all the old subscriptions, and from
 * which on it has all the new ones; or where there is no connection. A message published between the two has come, or
 * comes, by both. One change at a time.
 */
void redis_client_resubscribe(struct redis_client *c, const struct redis_resubscription *change);
