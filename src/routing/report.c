#include "routing/report.h"

#include <stdarg.h>

struct report
report_below(const struct report *parent, struct config_mark mark, const char *key)
{
    struct report r = {.problems = parent->problems, .mark = mark.line != 0 ? mark : parent->mark};
    snprintf(r.key_path, sizeof(r.key_path), "%.40s%.23s", parent->key_path, key);
    return r;
}

struct report
report_item(const struct report *parent, const char *key, size_t index)
{
    char item[24];
    snprintf(item, sizeof(item), "%.8s[%zu]", key, index % 1000000);
    return report_below(parent, parent->mark, item);
}

void
report_add(const struct report *r, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    problems_add(r->problems, r->mark, r->key_path, "%s", text);
}
