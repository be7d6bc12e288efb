/* How a connection that is up is found dead: nothing came for too long, and a PING is not answered. */

#include "redis/client_private.h"

enum { SILENCE_LOOKS = 4 }; /* in a command's time, at what the peer has taken of it; chosen */

/* How long the peer may say nothing. One that sends anything makes progress. */
static uint64_t
silence_limit_ms(const struct redis_client *c)
{
    uint64_t idle_ms = c->settings.broker->idle_timeout_ms;
    return c->commands.length > 0 ? c->settings.command_timeout_ms : idle_ms;
}

/* A PING has its own time: the last byte may be hours old where the process was stopped. */
static uint64_t
silence_begin_ms(const struct redis_client *c)
{
    const struct command *oldest = commands_oldest(&c->commands);
    uint64_t begin = oldest != NULL && oldest->sent_ms > c->read_ms ? oldest->sent_ms : c->read_ms;
    if (c->is_pinged && c->pinged_ms > begin) {
        begin = c->pinged_ms;
    }
    return c->taken_ms > begin ? c->taken_ms : begin;
}

/*
 * A large command on a slow line is no silence: its time begins when the peer has the whole of it,
 * and anew with each part. What comes behind it says nothing: the kernel of a peer that hangs takes
 * small commands for long.
 */
static void
silence_look_at_oldest(struct redis_client *c)
{
    const struct command *oldest = commands_oldest(&c->commands);
    uint64_t left = c->output.size + transport_untaken_bytes(c->transport);
    uint64_t taken = left < c->given_bytes ? c->given_bytes - left : 0;
    bool is_taking = oldest != NULL && taken < oldest->end_bytes;
    if (is_taking ? taken > c->taken_bytes : c->is_taking) {
        c->taken_ms = loop_now_ms(c->loop);
    }
    c->taken_bytes = taken;
    c->is_taking = is_taking;
}

uint64_t
silence_look_ms(const struct redis_client *c)
{
    uint64_t idle_ms = c->settings.broker->idle_timeout_ms;
    uint64_t part_ms = c->settings.command_timeout_ms / SILENCE_LOOKS + 1;
    return c->commands.length > 0 && part_ms < idle_ms ? part_ms : idle_ms;
}

void
silence_watch(struct redis_client *c)
{
    uint64_t now = loop_now_ms(c->loop);
    uint64_t due = silence_begin_ms(c) + silence_limit_ms(c);
    uint64_t wait = due > now ? due - now : 0;
    /* The command that is waited for may be answered soon, and idleness begins then. */
    uint64_t look = silence_look_ms(c);
    client_set_timer(c, wait < look ? wait : look);
}

static void
silence_on_pong(void *arg, int status, const struct redis_reply *reply)
{
    (void)arg, (void)status, (void)reply; /* that it came is all */
}

static int
silence_ping(struct redis_client *c)
{
    const struct str words[] = {STR("PING")};
    return client_is_subscriber(c) ? subscriber_ping(c) : client_ask(c, words, 1, silence_on_pong);
}

void
silence_on_timer(struct redis_client *c)
{
    silence_look_at_oldest(c);
    if (loop_now_ms(c->loop) < silence_begin_ms(c) + silence_limit_ms(c)) {
        silence_watch(c);
        return;
    }
    if (c->commands.length > 0 || c->is_pinged) {
        client_drop(c, ERR_TIMEOUT, err_text(ERR_TIMEOUT));
        return;
    }
    int err = silence_ping(c);
    if (err != 0) {
        client_drop(c, err, err_text(err));
        return;
    }
    silence_watch(c);
}
