#undef NDEBUG
#include "client_rig.h"

#include "brokers.h"
#include "event/loop.h"
#include "waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
on_up(void *arg)
{
    struct client_rig *r = arg;
    r->ups++;
}

static void
on_down(void *arg, int status, const char *why)
{
    struct client_rig *r = arg;
    r->downs++;
    r->status = status;
    (void)snprintf(r->why, sizeof r->why, "%s", why);
}

void
client_rig_note(char diary[CLIENT_RIG_DIARY_SIZE], const char *text)
{
    size_t size = strlen(diary);
    assert_true(size + strlen(text) + 2 < CLIENT_RIG_DIARY_SIZE);
    (void)snprintf(diary + size, CLIENT_RIG_DIARY_SIZE - size, "%s ", text);
}

static void
on_message(void *arg, const struct redis_message *m)
{
    struct client_rig *r = arg;
    char text[256];
    (void)snprintf(text, sizeof text, STR_FMT "%s" STR_FMT "=" STR_FMT, STR_ARG(m->filter),
                   m->is_pattern ? "~" : ":", STR_ARG(m->channel), STR_ARG(m->payload));
    client_rig_note(r->messages, text);
}

void
client_rig_init(struct client_rig *r)
{
    *r = (struct client_rig){
        .settings =
            {
                .broker = &r->broker,
                .listener =
                    {.arg = r, .on_up = on_up, .on_down = on_down, .on_message = on_message},
                .commands_limit = 4,
                .output_limit_bytes = 4096,
                .reply_limit_bytes = 65536,
                .command_timeout_ms = TEST_LONG_MS,
            },
        .loop = loop_new("test"),
    };
    assert_non_null(r->loop);
}

void
client_rig_fini(struct client_rig *r)
{
    redis_client_free(r->client);
    loop_free(r->loop);
}

int
client_rig_try(struct client_rig *r)
{
    return redis_client_new(r->loop, &r->settings, &r->client);
}

void
client_rig_start(struct client_rig *r)
{
    assert_int_equal(client_rig_try(r), 0);
}

static bool
is_up(void *arg)
{
    const struct client_rig *r = arg;
    return r->ups >= r->wanted;
}

static bool
is_down(void *arg)
{
    const struct client_rig *r = arg;
    return r->downs >= r->wanted;
}

static bool
is_answered(void *arg)
{
    const struct client_rig *r = arg;
    return r->answered >= r->wanted;
}

static bool
has_messages(void *arg)
{
    const struct client_rig *r = arg;
    return strlen(r->messages) >= r->wanted;
}

static bool
is_later(void *arg)
{
    const struct client_rig *r = arg;
    return loop_now_ms(r->loop) >= r->wanted;
}

static void
rig_wait(struct client_rig *r, bool (*is_true)(void *arg), size_t wanted)
{
    r->wanted = wanted;
    wait_until(r->loop, is_true, r);
}

void
client_rig_wait_ups(struct client_rig *r, size_t ups)
{
    rig_wait(r, is_up, ups);
}

void
client_rig_wait_downs(struct client_rig *r, size_t downs)
{
    rig_wait(r, is_down, downs);
}

void
client_rig_wait_answers(struct client_rig *r, size_t answers)
{
    rig_wait(r, is_answered, answers);
}

void
client_rig_let_pass(struct client_rig *r, uint64_t ms)
{
    rig_wait(r, is_later, loop_now_ms(r->loop) + ms);
}

void
client_rig_wait_messages(struct client_rig *r, const char *text)
{
    rig_wait(r, has_messages, strlen(text));
    assert_string_equal(r->messages, text);
}
