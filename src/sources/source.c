#include "sources/source.h"

#include "sources/http.h"
#include "sources/mqtt.h"
#include "sources/redis_pubsub.h"
#include "sources/redis_stream.h"

#include <stdio.h>

bool
sink_may_pass(int result)
{
    return result == SINK_E_FULL || result == ERR_MEMORY;
}

void
source_component(const struct config_source *config,
                 char ret_text[static SOURCE_COMPONENT_SIZE_MAX])
{
    (void)snprintf(ret_text, SOURCE_COMPONENT_SIZE_MAX, "source %s", config->name);
}

int
source_new(const struct source_settings *settings, struct source **ret_source)
{
    switch (settings->config->type) {
    case SOURCE_REDIS:
        return redis_pubsub_new(settings, ret_source);
    case SOURCE_MQTT:
        return mqtt_source_new(settings, ret_source);
    case SOURCE_HTTP:
        return http_source_new(settings, ret_source);
    case SOURCE_REDIS_STREAM:
        return redis_stream_new(settings, ret_source);
    }
    return ERR_CONFIG;
}

void
source_start(struct source *s)
{
    s->ops->start(s);
}

void
source_stop(struct source *s)
{
    s->ops->stop(s);
}

int
source_plan(struct source *s, const struct source_subscription *subscriptions, size_t length)
{
    return s->ops->plan(s, subscriptions, length);
}

void
source_resubscribe(struct source *s)
{
    s->ops->resubscribe(s);
}

bool
source_is_idle(const struct source *s)
{
    return s->ops->is_idle == NULL || s->ops->is_idle(s);
}

void
source_inherit(struct source *s, const struct source *from)
{
    if (s->ops->inherit != NULL) {
        s->ops->inherit(s, from);
    }
}

void
source_free(struct source *s)
{
    if (s != NULL) {
        s->ops->free(s);
    }
}

void
source_on_stored(struct source *s, uint64_t ticket)
{
    if (s->ops->on_stored != NULL) {
        s->ops->on_stored(s, ticket);
    }
}

void
source_on_dropped(struct source *s, uint64_t ticket)
{
    if (s->ops->on_dropped != NULL) {
        s->ops->on_dropped(s, ticket);
    }
}

void
source_on_mark(struct source *s, const struct mark *mark, bool is_refused)
{
    if (s->ops->on_mark != NULL) {
        s->ops->on_mark(s, mark, is_refused);
    }
}
