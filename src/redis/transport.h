#pragma once
/*
 * Bytes to and from a broker: name resolution, TCP, TLS. Knows nothing of Redis.
 *
 *     open -> resolve -> connect (one address after another) -> TLS -> on_open ... on_bytes ...
 * on_close
 *
 * The owner keeps the time: transport_close() ends an attempt that takes too long. All on one loop.
 */

#include "base/err.h"
#include "base/str.h"
#include "config/config.h"

#include <stddef.h>

struct loop;
struct transport;

struct transport_listener {
    void *arg;
    void (*on_open)(void *arg);
    /* Borrowed for the call, which may close the transport. */
    void (*on_bytes)(void *arg, struct str bytes);
    /* The attempt failed or the connection ended. ERR_RESOLVE, ERR_CONNECT, ERR_TLS, ERR_MEMORY; `why`
     * is a sentence. */
    void (*on_close)(void *arg, int status, const char *why);
};

/* `broker` outlives it. ERR_TLS: a file, logged with what is wrong with it; ERR_MEMORY. */
MUST_CHECK int transport_new(struct loop *loop,
                             const struct config_broker *broker,
                             const struct transport_listener *listener,
                             struct transport **ret_transport);

/* Never inside one of its own callbacks. NULL is fine. */
void transport_free(struct transport *t);

/* Starts an attempt. on_close may be called from inside. */
void transport_open(struct transport *t);

/* Silent and at once. */
void transport_close(struct transport *t);

/*
 * The attempt came to nothing, in what way ever: closes, and the next one begins with another address
 * of the name. A peer that only accepts, or refuses us, keeps nobody from the others.
 */
void transport_give_up(struct transport *t);

/* Open transports only. Sent at once as far as the socket takes it, the rest in later turns; ERR_MEMORY. */
MUST_CHECK int transport_write(struct transport *t, struct str bytes);

/* What the socket has not taken yet. */
size_t transport_unsent_bytes(const struct transport *t);

/* The same, and what the peer's kernel has not taken of it. Over TLS about. */
size_t transport_untaken_bytes(const struct transport *t);
