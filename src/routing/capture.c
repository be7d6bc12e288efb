#include "routing/capture.h"

#include "routing/report.h"

enum { OTHERS_MAX = 2, LIST_SIZE = 200 };

/* What can be named, terminated: problems_suggest() wants it so. */
struct names {
    const char *list[PATTERN_RUNS_MAX + OTHERS_MAX];
    char text[PATTERN_SIZE_MAX + PATTERN_RUNS_MAX];
    size_t length;
};

static void
names_collect(struct names *n, const struct pattern *pattern, bool is_template)
{
    size_t size = 0;
    n->length = 0;
    for (size_t i = 0; i < pattern->capture_count; i++) {
        struct str name = pattern->names[i];
        n->list[n->length++] = memcpy(n->text + size, name.data, name.size);
        n->text[size + name.size] = '\0';
        size += name.size + 1;
    }
    if (is_template) {
        n->list[n->length++] = "topic";
        n->list[n->length++] = "source";
    }
}

/* "{shop}, {topic}", cut where it gets long. */
static void
names_join(const struct names *n, char ret_text[static LIST_SIZE])
{
    size_t at = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < n->length && at < LIST_SIZE; i++) {
        const char *comma = i > 0 ? ", " : "";
        int more = snprintf(ret_text + at, LIST_SIZE - at, "%s{%s}", comma, n->list[i]);
        at += more > 0 ? (size_t)more : 0;
    }
}

static void
capture_report(const struct pattern *pattern,
               struct str name,
               bool is_template,
               const struct report *report)
{
    struct names names;
    char shown[PROBLEMS_EXCERPT_SIZE];
    char known[LIST_SIZE];
    names_collect(&names, pattern, is_template);
    const char *near = problems_suggest(name, names.list, names.length);
    problems_excerpt(name, shown);
    names_join(&names, known);
    if (near != NULL) {
        report_add(report, "%s is unknown (did you mean {%s}?)", shown, near);
    } else if (is_template) {
        report_add(report, "%s is unknown: there are %s and {json:/pointer}", shown, known);
    } else if (names.length > 0) {
        report_add(report, "%s is unknown: the topic captures %s", shown, known);
    } else {
        report_add(report, "%s is unknown: the topic captures nothing, write {name} there", shown);
    }
}

int
capture_find(const struct pattern *pattern,
             struct str name,
             bool is_template,
             const struct report *report)
{
    for (int i = 0; i < pattern->capture_count; i++) {
        if (str_equal(pattern->names[i], name)) {
            return i;
        }
    }
    capture_report(pattern, name, is_template, report);
    return -1;
}
