#include "sources/mqtt.h"

#include "base/backoff.h"
#include "base/log.h"
#include "sources/mqtt_session.h"
#include "sources/mqtt_tls.h"

#include <mosquitto.h>

#include <stdio.h>
#include <stdlib.h>

enum { MQTT_CLIENT_ID_SIZE_MAX = 23 }; /* MQTT 3.1.1, 3.1.3.1: what every broker takes */

struct mqtt {
    struct source source; /* first */
    struct source_settings settings;
    char client_id[MQTT_CLIENT_ID_SIZE_MAX + 1]; /* where the config has none */
    struct mqtt_client_settings client;
    struct mqtt_tls *tls; /* owned; NULL: plain */
    struct mqtt_session session;
};

static void
mqtt_log_unusable(const struct config_source *config, int err, const char *text)
{
    log_error("source.unusable", LOG_TEXT("source", config->name),
              LOG_TEXT("why", text[0] != '\0' ? text : err_text(err)));
}

static void
mqtt_start(struct source *s)
{
    mqtt_session_start(&((struct mqtt *)s)->session);
}

static void
mqtt_stop(struct source *s)
{
    mqtt_session_stop(&((struct mqtt *)s)->session);
}

static int
mqtt_plan(struct source *s, const struct source_subscription *subscriptions, size_t length)
{
    struct mqtt *m = (struct mqtt *)s;
    int err = mqtt_session_plan(&m->session, subscriptions, length);
    if (err == ERR_SYNTAX) {
        mqtt_log_unusable(m->settings.config, err, "a topic filter is malformed");
    }
    return err;
}

static void
mqtt_resubscribe(struct source *s)
{
    mqtt_session_resubscribe(&((struct mqtt *)s)->session);
}

static void
mqtt_on_stored(struct source *s, uint64_t ticket)
{
    mqtt_session_on_stored(&((struct mqtt *)s)->session, ticket);
}

static bool
mqtt_is_idle(const struct source *s)
{
    return mqtt_session_is_idle(&((const struct mqtt *)s)->session);
}

static void
mqtt_inherit(struct source *s, const struct source *from)
{
    mqtt_session_inherit(&((struct mqtt *)s)->session, &((const struct mqtt *)from)->session);
}

static void
mqtt_free(struct source *s)
{
    struct mqtt *m = (struct mqtt *)s;
    mqtt_session_fini(&m->session);
    mqtt_tls_free(m->tls);
    free(m);
}

static const struct source_ops mqtt_ops = {
    .start = mqtt_start,
    .stop = mqtt_stop,
    .free = mqtt_free,
    .plan = mqtt_plan,
    .resubscribe = mqtt_resubscribe,
    .on_stored = mqtt_on_stored,
    .is_idle = mqtt_is_idle,
    .inherit = mqtt_inherit,
};

static void
mqtt_set_up_client(struct mqtt *m)
{
    const char *configured = m->settings.config->mqtt.client_id;
    bool is_persistent = configured[0] != '\0';
    (void)snprintf(m->client_id, sizeof m->client_id, "runnel-%08x%08x", backoff_random(UINT32_MAX),
                   backoff_random(UINT32_MAX));
    m->client =
        (struct mqtt_client_settings){.config = m->settings.config,
                                      .client_id = is_persistent ? configured : m->client_id,
                                      .is_persistent = is_persistent,
                                      .tls = m->tls,
                                      .arg = &m->session.link};
}

/* What the library does not take now it would refuse at each connection. */
static int
mqtt_try_client(const struct mqtt *m, char reterr_text[static TLS_TEXT_SIZE])
{
    struct mosquitto *client = mqtt_client_new(&m->client);
    if (client == NULL) {
        (void)snprintf(reterr_text, TLS_TEXT_SIZE, "client_id, username or password is unusable");
        return ERR_SYNTAX;
    }
    mosquitto_destroy(client);
    return 0;
}

static int
mqtt_set_up(struct mqtt *m, char reterr_text[static TLS_TEXT_SIZE])
{
    const struct config_broker *broker = &m->settings.config->broker;
    /*
     * Never cleaned up: the library's way unloads OpenSSL's configuration for the whole process,
     * and with it what other connections use.
     */
    int err = mosquitto_lib_init() == MOSQ_ERR_SUCCESS ? 0 : ERR_SYSTEM;
    if (err == 0 && broker->tls.is_on) {
        err = mqtt_tls_new(broker, reterr_text, &m->tls);
    }
    if (err == 0) {
        mqtt_set_up_client(m);
        err = mqtt_try_client(m, reterr_text);
    }
    return err != 0 ? err : mqtt_session_init(&m->session, &m->settings, &m->client);
}

int
mqtt_source_new(const struct source_settings *settings, struct source **ret_source)
{
    char text[TLS_TEXT_SIZE] = "";
    struct mqtt *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return ERR_MEMORY;
    }
    m->source.ops = &mqtt_ops;
    m->settings = *settings;
    int err = mqtt_set_up(m, text);
    if (err != 0) {
        mqtt_log_unusable(settings->config, err, text);
        mqtt_tls_free(m->tls);
        free(m);
        return err;
    }
    *ret_source = &m->source;
    return 0;
}
