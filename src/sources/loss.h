#pragma once
/* What a source had and the log did not get: counted by reason, and told to the log. Ingest loop. */

#include "observability/metrics_names.h"
#include "sources/source.h"

/* Why a message was lost that the sink answered with `result`. */
enum metric_dropped loss_reason(int result);

/* `count` messages; 0 where nobody knows how many. */
void loss_tell(const struct source_settings *settings, enum metric_dropped why, uint64_t count);
