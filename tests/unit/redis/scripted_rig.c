#undef NDEBUG
#include "scripted_rig.h"

#include "brokers.h"
#include "fake_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void
scripted_rig_on_reply(void *arg, int status, const struct redis_reply *reply)
{
    struct scripted_rig *f = arg;
    char text[256];
    f->rig.answered++;
    if (status != 0) {
        assert_null(reply);
        f->failed++;
        f->failure = status;
        return;
    }
    bool is_error = reply->type == REDIS_TYPE_ERROR;
    struct str shown = is_error ? reply->text : redis_reply_text(reply);
    (void)snprintf(text, sizeof text, "%s" STR_FMT, is_error ? "-" : "", STR_ARG(shown));
    client_rig_note(f->replies, text);
    if (f->frees_in_reply) {
        redis_client_free(f->rig.client);
        f->rig.client = NULL;
    }
}

int
scripted_rig_setup(void **state)
{
    struct scripted_rig *f = calloc(1, sizeof *f);
    *state = f;
    client_rig_init(&f->rig);
    f->server = fake_server_new(f->rig.loop);
    f->rig.broker = broker_on(fake_server_port(f->server));
    return 0;
}

int
scripted_rig_teardown(void **state)
{
    struct scripted_rig *f = *state;
    fake_server_free(f->server);
    client_rig_fini(&f->rig);
    free(f);
    return 0;
}

int
scripted_rig_get(struct scripted_rig *f, const char *key)
{
    const struct str words[] = {STR("GET"), str_from(key)};
    return redis_client_command(f->rig.client, words, 2, scripted_rig_on_reply, f);
}

static const struct redis_subscription two_filters[] = {{"news", false}, {"news.*", true}};

void
scripted_rig_subscribe(struct scripted_rig *f)
{
    f->rig.settings.subscriptions = two_filters;
    f->rig.settings.subscriptions_length = 2;
    fake_server_answer(f->server, "SUBSCRIBE", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    fake_server_answer(f->server, "PSUBSCRIBE",
                       "*3\r\n$10\r\npsubscribe\r\n$6\r\nnews.*\r\n:2\r\n");
    client_rig_start(&f->rig);
}
