/*
 * Patterns: the first byte chooses the syntax, the first line is the pattern, the rest the topic.
 * What a pattern matches its filter matches and the index finds; captures lie in the topic, one
 * after another; a filter covers itself.
 */
#undef NDEBUG
#include "routing/filter_cover.h"
#include "routing/pattern_index.h"
#include "routing/report.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t rows[PATTERN_RUNS_MAX * PATTERN_SCRATCH_WORDS];

static void
check_captures(const struct pattern *p, const struct pattern_captures *captures, struct str topic)
{
    const char *at = topic.data;
    for (int i = 0; i < p->capture_count; i++) {
        struct str value = captures->value[i];
        assert(value.size > 0 && value.data >= at);
        at = value.data + value.size;
        assert(at <= topic.data + topic.size);
    }
}

static void
check_index(const struct pattern *p, struct str topic, bool matches)
{
    uint32_t found;
    struct pattern_index *index = pattern_index_new(p->syntax);
    assert(index != NULL && pattern_index_add(index, p, 7) == 0);
    size_t count = pattern_index_find(index, topic, &found);
    assert(count <= 1 && (count == 0 || found == 7));
    assert(count == 1 || !matches);
    pattern_index_free(index);
}

static void
check_filter(const struct pattern *p, struct str topic, bool matches)
{
    struct pattern *filter;
    assert(pattern_compile_filter(p, &filter) == 0);
    assert(strcmp(filter->filter, p->filter) == 0);
    assert(filter->is_glob == p->is_glob);
    assert(!matches || pattern_match(filter, topic, rows, NULL));
    assert(filter_covers(filter, filter));
    pattern_free(filter);
}

static void
check_pattern(const struct pattern *p, struct str topic)
{
    struct pattern_captures captures;
    bool matches = pattern_match(p, topic, rows, &captures);
    if (matches) {
        check_captures(p, &captures, topic);
    }
    check_index(p, topic, matches);
    if (p->syntax != PATTERN_HTTP) {
        check_filter(p, topic, matches);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    enum pattern_syntax syntax = (enum pattern_syntax)(data[0] % 3);
    struct str text = {(const char *)data + 1, size - 1};
    const char *line = memchr(text.data, '\n', text.size);
    struct str topic = line == NULL ? STR_NULL : str_after(text, (size_t)(line - text.data) + 1);
    text.size -= line == NULL ? 0 : topic.size + 1;
    struct report report = {.problems = problems_new("fuzz"), .key_path = "topic"};
    struct pattern *p = NULL;
    assert(report.problems != NULL);
    int err = pattern_compile(text, syntax, &report, &p);
    assert(err == 0 || (err == ERR_CONFIG && problems_length(report.problems) > 0));
    if (err == 0) {
        assert(problems_length(report.problems) == 0);
        check_pattern(p, topic);
    }
    pattern_free(p);
    problems_free(report.problems);
    return 0;
}
