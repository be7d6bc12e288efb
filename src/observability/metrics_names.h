#pragma once
/* The names of metrics.def as enums: the metrics, their labels, and each label's values. */

enum metric {
#define METRIC(name, text, type, owner, label, help) METRIC_##name,
#include "observability/metrics.def"
    METRIC_COUNT
};

enum metric_label {
    METRIC_LABEL_NONE,
#define LABEL(type, label, text) METRIC_LABEL_##label,
#include "observability/metrics.def"
    METRIC_LABEL_COUNT
};

/* enum metric_closed { METRIC_CLOSED_CLIENT, …, METRIC_CLOSED_COUNT }, and so on. */
#define LABEL(type, label, text)                                                                   \
    enum metric_##type                                                                             \
    {
#define VALUE(label, name, text) METRIC_##label##_##name,
#define END(label)                                                                                 \
    METRIC_##label##_COUNT                                                                         \
    }                                                                                              \
    ;
#include "observability/metrics.def"
