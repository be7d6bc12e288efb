#include "sources/status.h"

#include "base/log.h"
#include "observability/health.h"
#include "observability/metrics.h"

#include <stdio.h>
#include <string.h>

void
status_publish(const struct status *s)
{
    const struct source_settings *settings = s->settings;
    bool is_up = s->kind == STATUS_UP;
    health_set(settings->health, s->component, is_up, s->why);
    metrics_series_set(settings->series, METRIC_SOURCE_UP, 0, is_up);
}

void
status_init(struct status *s, const struct source_settings *settings)
{
    *s = (struct status){.settings = settings, .kind = STATUS_DOWN};
    source_component(settings->config, s->component);
    (void)config_broker_address(&settings->config->broker, s->broker);
    (void)snprintf(s->why, sizeof s->why, "connecting");
}

static void
status_log(const struct status *s)
{
    struct log_field name = LOG_TEXT("source", s->settings->config->name);
    struct log_field broker = LOG_TEXT("broker", s->broker);
    struct log_field why = LOG_TEXT("why", s->why);
    switch (s->kind) {
    case STATUS_UP:
        log_info("source.up", name, broker);
        break;
    case STATUS_DOWN:
        log_warn("source.down", name, broker, why);
        break;
    case STATUS_REFUSED:
        log_error("source.refused", name, broker, why);
        break;
    }
}

void
status_set(struct status *s, enum status_kind kind, const char *why)
{
    if (s->kind == kind && strncmp(s->why, why, sizeof s->why - 1) == 0) {
        return;
    }
    s->kind = kind;
    (void)snprintf(s->why, sizeof s->why, "%s", why);
    status_publish(s);
    status_log(s);
}

void
status_set_connected(struct status *s)
{
    s->is_connected = true;
}

void
status_set_down(struct status *s, int err, const char *why)
{
    bool is_refused = err == ERR_AUTH || err == ERR_REFUSED;
    if (s->is_connected) {
        metrics_series_add(s->settings->series, METRIC_SOURCE_RECONNECTS, 0, 1);
    }
    s->is_connected = false;
    status_set(s, is_refused ? STATUS_REFUSED : STATUS_DOWN, why);
}
