/* From metrics.def alone: the page needs no numbers. */

#include "generator/pages.h"
#include "observability/metrics_names.h"

static const char introduction[] =
    "# Every metric\n"
    "\n"
    "Made from `src/observability/metrics.def`; do not edit it by hand. `/metrics` on the admin "
    "port "
    "has them in\n"
    "Prometheus's text format.\n"
    "\n"
    "- They are counted by source and route, never by channel or client: however many there are of "
    "those, there\n"
    "  are as many series.\n"
    "- A **route** is called by its `name`, or `<topic> -> <channel>`. `admin.metrics_routes` "
    "bounds "
    "how many\n"
    "  have series of their own; of each source those beyond it are counted together as the route "
    "`other`. One makes\n"
    "  7 series and about 700 bytes of text.\n"
    "- A source or route that a reload takes away keeps its counters, without its gauges, until "
    "the "
    "process ends or\n"
    "  other routes need the room; when it comes back it goes on counting.\n"
    "- **Histograms** have bounds from 1 ms to 1 h; the clocks behind them are read once a turn of "
    "a "
    "loop, so\n"
    "  below a few ms they are coarse.\n"
    "- `runnel_delivery_seconds` compares the clock of the machine with the source with that of "
    "the "
    "machine that\n"
    "  sends. Its counts are exact; where one send carries several events that fall into one "
    "bucket, "
    "its sum\n"
    "  takes the mean of the first and the last for all.\n"
    "- Gauges of memory and streams are the sum over the workers.\n";

#define COUNTER "counter"
#define GAUGE   "gauge"
#define SECONDS "histogram"
#define PROCESS ""
#define SOURCE  "`source` "
#define ROUTE   "`source` `route` "

static const struct row {
    const char *name;
    const char *type;
    const char *owner;
    enum metric_label label;
    const char *help;
} rows[] = {
#define SYSTEM(name, text, type, help) {text, type, "", METRIC_LABEL_NONE, help},
#define METRIC(name, text, type, owner, label, help)                                               \
    {text, type, owner, METRIC_LABEL_##label, help},
#include "observability/metrics.def"
};

/* The label's name and its values. */
static const char *const labels[METRIC_LABEL_COUNT] = {
    [METRIC_LABEL_NONE] = "",
#define LABEL(type, label, text) [METRIC_LABEL_##label] = "`" text "`:"
#define VALUE(label, name, text) " " text
#define END(label)               ,
#include "observability/metrics.def"
};

void
metrics_write(FILE *to)
{
    fputs(introduction, to);
    fputs("\n| metric | type | labels | meaning |\n|---|---|---|---|\n", to);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        fprintf(to, "| `%s` | %s | %s%s | %s |\n", r->name, r->type, r->owner, labels[r->label],
                r->help);
    }
}
