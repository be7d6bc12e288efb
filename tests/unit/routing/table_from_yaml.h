#pragma once
/* A table from the text of a config file, for tests. */

#include "config/config.h"
#include "config/problems.h"
#include "routing/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In each test's config: sources 0, 1 and 2. */
#define YAML_SOURCES                                                                               \
    "sources:\n"                                                                                   \
    "  shop: { type: redis, url: \"redis://127.0.0.1\" }\n"                                        \
    "  plant: { type: mqtt, url: \"mqtt://127.0.0.1\" }\n"                                         \
    "  hook: { type: http, token: secret }\n"                                                      \
    "routes:\n"

enum { SHOP, PLANT, HOOK };

struct yaml_table {
    struct config *config;
    struct table *table; /* NULL where there were problems */
    char *problems;      /* as an operator reads them */
};

static inline void
yaml_table_print_problems(struct yaml_table *y, struct problems *problems)
{
    size_t size;
    FILE *out = open_memstream(&y->problems, &size);
    assert_non_null(out);
    problems_print(problems, out);
    assert_int_equal(fclose(out), 0);
}

/* A whole file; the config itself must be fine, the table need not. */
static inline void
yaml_table_init_file(struct yaml_table *y, const char *text)
{
    struct problems *problems = problems_new("t.yaml");
    *y = (struct yaml_table){0};
    assert_non_null(problems);
    int err = config_parse(str_from(text), "t.yaml", problems, &y->config);
    if (err == 0) {
        err = table_new(y->config, problems, &y->table);
        assert_int_equal(err, y->table != NULL ? 0 : ERR_CONFIG);
    }
    yaml_table_print_problems(y, problems);
    if (y->config == NULL) {
        fail_msg("%s", y->problems);
    }
    assert_int_equal(problems_length(problems) > 0, y->table == NULL);
    problems_free(problems);
}

/* `routes` as YAML, likewise. */
static inline void
yaml_table_init(struct yaml_table *y, const char *routes)
{
    char *text = NULL;
    assert_true(asprintf(&text, "%s%s", YAML_SOURCES, routes) > 0);
    yaml_table_init_file(y, text);
    free(text);
}

static inline void
yaml_table_fini(struct yaml_table *y)
{
    table_free(y->table);
    config_free(y->config);
    free(y->problems);
}

/* What a message made, as text: "0 channel|name|data\n", "1 !when\n"; one line a route. */
struct outcome {
    char text[4096];
    size_t size;
    int matched;
};

static inline void outcome_print(struct outcome *o, const char *format, ...) PRINTF_LIKE(2, 3);

static inline void
outcome_print(struct outcome *o, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    o->size += (size_t)vsnprintf(o->text + o->size, sizeof(o->text) - o->size, format, args);
    va_end(args);
    assert_true(o->size < sizeof(o->text));
}

static inline void
outcome_on_event(void *arg, const struct table_event *e)
{
    outcome_print(arg, "%u " STR_FMT "|" STR_FMT "|" STR_FMT "\n", e->route, STR_ARG(e->channel),
                  STR_ARG(e->name), STR_ARG(e->data));
}

static inline void
outcome_on_miss(void *arg, uint32_t route, enum table_miss why)
{
    outcome_print(arg, "%u !%s\n", route, table_miss_text(why));
}

static inline void
yaml_table_route(struct yaml_table *y,
                 uint32_t source,
                 struct str topic,
                 struct str payload,
                 struct outcome *ret_outcome)
{
    const struct message message = {.source = source, .topic = topic, .payload = payload};
    const struct table_visitor visitor = {ret_outcome, outcome_on_event, outcome_on_miss};
    if (y->table == NULL) {
        fail_msg("%s", y->problems);
    }
    ret_outcome->size = 0;
    ret_outcome->text[0] = '\0';
    ret_outcome->matched = table_route(y->table, &message, &visitor);
}
