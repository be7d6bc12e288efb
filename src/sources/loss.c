#include "sources/loss.h"

#include "base/log.h"
#include "observability/metrics.h"

enum metric_dropped
loss_reason(int result)
{
    if (result == SINK_E_FULL) {
        return METRIC_DROPPED_QUEUE_FULL;
    }
    return result == ERR_MEMORY ? METRIC_DROPPED_MEMORY : METRIC_DROPPED_TOO_LARGE;
}

void
loss_tell(const struct source_settings *settings, enum metric_dropped why, uint64_t count)
{
    log_warn("source.dropped", LOG_TEXT("source", settings->config->name),
             LOG_TEXT("why", metrics_label_text(METRIC_LABEL_DROPPED, why)),
             LOG_U64("messages", count));
    metrics_series_add(settings->series, METRIC_SOURCE_DROPPED, why, count);
    settings->sink.on_loss(settings->sink.arg);
}
