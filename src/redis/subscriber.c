/*
 * A client with subscriptions. From the first SUBSCRIBE on the server only pushes: confirmations,
 * messages and the pong that a PING has in this mode. Every one of them is an array whose first
 * item says what it is.
 */

#include "redis/client_private.h"

/* Chosen: few enough that the server is not held up by one command, enough to be few commands. */
enum { SUBSCRIBER_BATCH = 200 };

/* Sends the subscriptions from `begin` on that are of one kind, at most a batch; returns how many,
 * or an error. */
static int
subscriber_send_batch(struct redis_client *c, size_t begin)
{
    const struct redis_subscription *all = c->settings.subscriptions;
    struct str words[1 + SUBSCRIBER_BATCH];
    int count = 0;
    words[0] = all[begin].is_pattern ? STR("PSUBSCRIBE") : STR("SUBSCRIBE");
    for (size_t i = begin; i < c->settings.subscriptions_length && count < SUBSCRIBER_BATCH &&
                           all[i].is_pattern == all[begin].is_pattern;
         i++) {
        words[1 + count++] = str_from(all[i].filter);
    }
    int err = client_send(c, words, 1 + (size_t)count);
    return err != 0 ? err : count;
}

int
subscriber_send(struct redis_client *c)
{
    size_t sent = 0;
    c->confirmed = 0;
    c->is_pinged = false;
    while (sent < c->settings.subscriptions_length) {
        int count = subscriber_send_batch(c, sent);
        if (count < 0) {
            return count;
        }
        sent += (size_t)count;
    }
    return 0;
}

int
subscriber_ping(struct redis_client *c)
{
    const struct str words[] = {STR("PING")};
    c->is_pinged = true;
    return client_send(c, words, 1);
}

static void
subscriber_on_confirmed(struct redis_client *c)
{
    c->confirmed++;
    if (c->state == REDIS_SUBSCRIBING && c->confirmed == c->settings.subscriptions_length) {
        client_on_subscribed(c);
    }
}

static void
subscriber_deliver(struct redis_client *c, const struct redis_reply *items, bool is_pattern)
{
    const struct redis_message message = {
        .filter = redis_reply_text(&items[1]),
        .is_pattern = is_pattern,
        .channel = redis_reply_text(&items[is_pattern ? 2 : 1]),
        .payload = redis_reply_text(&items[is_pattern ? 3 : 2]),
    };
    c->settings.listener.on_message(c->settings.listener.arg, &message);
}

static void
subscriber_on_push(struct redis_client *c, const struct redis_reply *push)
{
    struct str kind = redis_reply_text(&push->items[0]);
    if (push->length == 3 && str_equal(kind, STR("message"))) {
        subscriber_deliver(c, push->items, false);
    } else if (push->length == 4 && str_equal(kind, STR("pmessage"))) {
        subscriber_deliver(c, push->items, true);
    } else if (str_equal(kind, STR("subscribe")) || str_equal(kind, STR("psubscribe"))) {
        subscriber_on_confirmed(c);
    } else if (!str_equal(kind, STR("pong"))) {
        client_drop(c, ERR_PROTOCOL, "the server sent a push that was not asked for");
    }
}

void
subscriber_on_reply(struct redis_client *c, const struct redis_reply *reply)
{
    if (reply->type == REDIS_TYPE_ARRAY && reply->length > 0) {
        subscriber_on_push(c, reply);
    } else if (reply->type == REDIS_TYPE_ERROR) {
        client_drop_refused(c, redis_reply_is_error(reply, "NOAUTH") ? ERR_AUTH : ERR_REFUSED,
                            reply);
    } else {
        client_drop(c, ERR_PROTOCOL, "the server sent something that is no push");
    }
}
