/* What the client sends: gathered for the turn, and the replies that are expected for it. */

#include "redis/client_private.h"
#include "redis/request.h"

#include <assert.h>

enum { OUTPUT_SPARE_MAX = 1024 * 1024 }; /* idle memory of the gathered output */

static void
sending_flush(void *arg)
{
    struct redis_client *c = arg;
    int err = transport_write(c->transport, buf_str(&c->output));
    buf_clear(&c->output);
    if (c->output.capacity > OUTPUT_SPARE_MAX) {
        buf_fini(&c->output);
        buf_init(&c->output, SIZE_MAX);
    }
    if (err != 0) {
        client_drop(c, err, err_text(err));
    }
}

void
sending_init(struct redis_client *c)
{
    buf_init(&c->output, SIZE_MAX);
    loop_task_init(&c->flush, sending_flush, c);
}

/* Gathers what is sent in one turn: one write, and over TLS one record instead of many. */
int
client_send(struct redis_client *c, const struct str *words, size_t words_length)
{
    size_t before = c->output.size;
    int err = request_append(&c->output, words, words_length);
    if (err == 0) {
        c->given_bytes += c->output.size - before;
        loop_task_schedule(c->loop, &c->flush);
    }
    return err;
}

static void
sending_expect(struct redis_client *c, redis_on_reply_fn on_reply, void *arg)
{
    uint64_t now = loop_now_ms(c->loop);
    commands_push(&c->commands, &(struct command){.on_reply = on_reply,
                                                  .arg = arg,
                                                  .sent_ms = now,
                                                  .end_bytes = c->given_bytes});
    /* Only ever brought forward: a busy client does not touch its timer. */
    if (c->state == REDIS_UP && c->timer_due_ms > now + silence_look_ms(c)) {
        silence_watch(c);
    }
}

int
client_ask(struct redis_client *c,
           const struct str *words,
           size_t words_length,
           redis_on_reply_fn on_reply)
{
    int err = client_send(c, words, words_length);
    if (err == 0) {
        sending_expect(c, on_reply, c);
    }
    return err;
}

/* A command larger than the whole limit still passes once nothing else is unsent. */
static bool
sending_is_full(const struct redis_client *c, size_t size)
{
    size_t unsent = c->output.size + transport_unsent_bytes(c->transport);
    return c->commands.length >= c->settings.commands_limit ||
           (unsent > 0 && unsent + size > c->settings.output_limit_bytes);
}

int
redis_client_command(struct redis_client *c,
                     const struct str *words,
                     size_t words_length,
                     redis_on_reply_fn on_reply,
                     void *arg)
{
    size_t size = 0;
    assert(!client_is_subscriber(c));
    if (c->state != REDIS_UP) {
        return ERR_CONNECT;
    }
    for (size_t i = 0; i < words_length; i++) {
        size += words[i].size;
    }
    if (sending_is_full(c, size)) {
        return REDIS_E_FULL;
    }
    int err = client_send(c, words, words_length);
    if (err == 0) {
        sending_expect(c, on_reply, arg);
    }
    return err;
}
