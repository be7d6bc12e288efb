#pragma once
/* The names of metrics.def as enums: the metrics, their labels, and the values of the fixed labels.
 */

#include <stddef.h>

enum metric {
#define METRIC(name, text, type, label, help) METRIC_##name,
#include "observability/metrics.def"
    METRIC_COUNT
};

enum metric_label {
    METRIC_LABEL_NONE,
    METRIC_LABEL_SOURCE,     /* index into the sources */
    METRIC_LABEL_ROUTE,      /* index into the routes */
    METRIC_LABEL_ROUTE_MISS, /* metric_route_miss() */
    METRIC_LABEL_CLOSED,     /* enum metric_closed, and so on */
    METRIC_LABEL_REFUSED,
    METRIC_LABEL_STATUS,
    METRIC_LABEL_COUNT
};

/* METRIC_STREAMS_CLOSED: METRIC_CLOSED_CLIENT, ... */
enum metric_closed {
#define CLOSED(name, text) METRIC_CLOSED_##name,
#include "observability/metrics.def"
    METRIC_CLOSED_COUNT
};

/* METRIC_ROUTE_MISSES: METRIC_MISS_WHEN, ... */
enum metric_miss {
#define MISS(name, text) METRIC_MISS_##name,
#include "observability/metrics.def"
    METRIC_MISS_COUNT
};

/* METRIC_HTTP_REFUSED: METRIC_REFUSED_FULL, ... */
enum metric_refused {
#define REFUSED(name, text) METRIC_REFUSED_##name,
#include "observability/metrics.def"
    METRIC_REFUSED_COUNT
};

/* METRIC_HTTP_REQUESTS: METRIC_STATUS_200, ... */
enum metric_status {
#define STATUS(name, text) METRIC_STATUS_##name,
#include "observability/metrics.def"
    METRIC_STATUS_COUNT
};

/* The label index of METRIC_ROUTE_MISSES. */
static inline size_t
metric_route_miss(size_t route, enum metric_miss why)
{
    return route * METRIC_MISS_COUNT + why;
}
