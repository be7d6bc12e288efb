/*
 * A client with subscriptions. From the first SUBSCRIBE on the server only pushes: confirmations,
 * messages and the pong that a PING has in this mode. Every one of them is an array whose first
 * item says what it is.
 */

#include "redis/client_private.h"

/* Chosen: few enough that the server is not held up by one command, enough to be few commands. */
enum { SUBSCRIBER_BATCH = 200 };

/* The words for channels and for patterns. */
struct verbs {
    struct str of_channels, of_patterns;
};

static const struct verbs subscribe = {{"SUBSCRIBE", 9}, {"PSUBSCRIBE", 10}};
static const struct verbs unsubscribe = {{"UNSUBSCRIBE", 11}, {"PUNSUBSCRIBE", 12}};

/* Sends the first of them that are of one kind, at most a batch; returns how many, or an error. */
static int
subscriber_send_batch(struct redis_client *c,
                      const struct verbs *verbs,
                      const struct redis_subscription *list,
                      size_t length)
{
    struct str words[1 + SUBSCRIBER_BATCH];
    int count = 0;
    words[0] = list[0].is_pattern ? verbs->of_patterns : verbs->of_channels;
    for (size_t i = 0; i < length && count < SUBSCRIBER_BATCH; i++) {
        if (list[i].is_pattern != list[0].is_pattern) {
            break;
        }
        words[1 + count++] = str_from(list[i].filter);
    }
    int err = client_send(c, words, 1 + (size_t)count);
    return err != 0 ? err : count;
}

static int
subscriber_send_all(struct redis_client *c,
                    const struct verbs *verbs,
                    const struct redis_subscription *list,
                    size_t length)
{
    for (size_t sent = 0; sent < length;) {
        int count = subscriber_send_batch(c, verbs, list + sent, length - sent);
        if (count < 0) {
            return count;
        }
        sent += (size_t)count;
    }
    return 0;
}

int
subscriber_send(struct redis_client *c)
{
    c->confirmed = 0;
    c->is_pinged = false;
    return subscriber_send_all(c, &subscribe, c->settings.subscriptions,
                               c->settings.subscriptions_length);
}

/* From here on the new ones are the client's. */
static void
subscriber_settle(struct redis_client *c)
{
    c->is_changing = false;
    c->settings.subscriptions = c->change.all;
    c->settings.subscriptions_length = c->change.all_length;
    c->settings.listener.on_resubscribed(c->settings.listener.arg);
}

/* What is removed is still in the change's lists: they are borrowed until on_resubscribed returns. */
static void
subscriber_on_added(struct redis_client *c)
{
    int err = subscriber_send_all(c, &unsubscribe, c->change.removed, c->change.removed_length);
    if (err != 0) {
        client_drop(c, err, err_text(err));
    } else {
        c->leaving += c->change.removed_length;
        subscriber_settle(c);
    }
}

void
subscriber_on_up(struct redis_client *c)
{
    if (!c->is_changing || c->state != REDIS_UP) { /* a callback may have given the connection up */
        return;
    }
    c->confirmed = 0;
    int err = subscriber_send_all(c, &subscribe, c->change.added, c->change.added_length);
    if (err != 0) {
        client_drop(c, err, err_text(err));
    } else if (c->change.added_length == 0) {
        subscriber_on_added(c);
    }
}

void
subscriber_on_down(struct redis_client *c)
{
    if (c->is_changing) {
        subscriber_settle(c);
    }
}

int
subscriber_ping(struct redis_client *c)
{
    const struct str words[] = {STR("PING")};
    c->is_pinged = true;
    c->pinged_ms = loop_now_ms(c->loop);
    return client_send(c, words, 1);
}

static void
subscriber_on_confirmed(struct redis_client *c)
{
    c->confirmed++;
    if (c->state == REDIS_SUBSCRIBING && c->confirmed == c->settings.subscriptions_length) {
        client_on_subscribed(c);
    } else if (c->state == REDIS_SUBSCRIBING) {
        client_await_step(c);
    } else if (c->is_changing && c->state == REDIS_UP && c->confirmed == c->change.added_length) {
        subscriber_on_added(c);
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
    } else if (c->leaving > 0 &&
               (str_equal(kind, STR("unsubscribe")) || str_equal(kind, STR("punsubscribe")))) {
        c->leaving--;
    } else if (!str_equal(kind, STR("pong"))) {
        client_drop(c, ERR_PROTOCOL, "the server sent a push that was not asked for");
    }
}

/* The answer to PING where nothing is subscribed. */
static bool
subscriber_is_plain_pong(const struct redis_reply *reply)
{
    return reply->type == REDIS_TYPE_STATUS && str_equal(reply->text, STR("PONG"));
}

void
subscriber_on_reply(struct redis_client *c, const struct redis_reply *reply)
{
    if (reply->type == REDIS_TYPE_ARRAY && reply->length > 0) {
        subscriber_on_push(c, reply);
    } else if (reply->type == REDIS_TYPE_ERROR) {
        client_drop_refused(c, redis_reply_is_error(reply, "NOAUTH") ? ERR_AUTH : ERR_REFUSED,
                            reply);
    } else if (!subscriber_is_plain_pong(reply)) {
        client_drop(c, ERR_PROTOCOL, "the server sent something that is no push");
    }
}
