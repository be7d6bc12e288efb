/*
 * The first commands of each connection. They are sent at once and answered in order; PING comes
 * last, because it is refused wherever the server cannot serve yet (LOADING, NOAUTH, MASTERDOWN).
 */

#include "redis/client_private.h"

#include <stdio.h>

static bool
greeting_is_error(const struct redis_reply *reply)
{
    return reply->type == REDIS_TYPE_ERROR;
}

static int
greeting_status(const struct redis_reply *reply)
{
    return redis_reply_is_error(reply, "NOAUTH") ? ERR_AUTH : ERR_REFUSED;
}

static void
greeting_on_auth(void *arg, int status, const struct redis_reply *reply)
{
    if (status == 0 && greeting_is_error(reply)) {
        client_drop_refused(arg, ERR_AUTH, reply);
    }
}

static void
greeting_on_select(void *arg, int status, const struct redis_reply *reply)
{
    if (status == 0 && greeting_is_error(reply)) {
        client_drop_refused(arg, greeting_status(reply), reply);
    }
}

/* The name is for CLIENT LIST only: a server or a proxy that does not let us have one is no reason
 * to stay away. */
static void
greeting_on_name(void *arg, int status, const struct redis_reply *reply)
{
    if (status != 0 || !greeting_is_error(reply) || redis_reply_is_error(reply, "NOPERM") ||
        str_starts_with(reply->text, STR("ERR unknown"))) {
        return;
    }
    client_drop_refused(arg, greeting_status(reply), reply);
}

static void
greeting_on_ping(void *arg, int status, const struct redis_reply *reply)
{
    if (status != 0) {
        return;
    }
    if (greeting_is_error(reply) && !redis_reply_is_error(reply, "NOPERM")) {
        client_drop_refused(arg, greeting_status(reply), reply);
        return;
    }
    client_on_greeted(arg);
}

static int
greeting_send_auth(struct redis_client *c)
{
    const struct config_broker *broker = c->settings.broker;
    struct str words[3] = {STR("AUTH")};
    size_t length = 1;
    if (broker->username[0] == '\0' && broker->password[0] == '\0') {
        return 0;
    }
    if (broker->username[0] != '\0') {
        words[length++] = str_from(broker->username);
    }
    words[length++] = str_from(broker->password);
    return client_ask(c, words, length, greeting_on_auth);
}

static int
greeting_send_select(struct redis_client *c)
{
    char text[sizeof "4294967295"];
    if (c->settings.broker->database == 0) {
        return 0;
    }
    int size = snprintf(text, sizeof text, "%u", (unsigned)c->settings.broker->database);
    const struct str words[] = {STR("SELECT"), {text, (size_t)size}};
    return client_ask(c, words, 2, greeting_on_select);
}

int
greeting_send(struct redis_client *c)
{
    const struct str name[] = {STR("CLIENT"), STR("SETNAME"), STR("runnel")};
    const struct str ping[] = {STR("PING")};
    int err = greeting_send_auth(c);
    if (err == 0) {
        err = greeting_send_select(c);
    }
    if (err == 0) {
        err = client_ask(c, name, 3, greeting_on_name);
    }
    if (err == 0) {
        err = client_ask(c, ping, 1, greeting_on_ping);
    }
    return err;
}
