#include "main/settings.h"

#include "config/config.h"
#include "config/problems.h"
#include "main/labels.h"
#include "routing/table.h"

#include <stdio.h>
#include <stdlib.h>

static int
settings_read(struct settings *s, const char *path, struct problems *problems)
{
    int err =
        path == NULL ? config_default(&s->config) : config_inspect(path, problems, &s->config);
    if (s->config != NULL) {
        int other = table_new(s->config, problems, &s->table);
        err = err == 0 ? other : err;
    }
    return err;
}

int
settings_load(const char *path, struct problems *problems, struct settings **ret_settings)
{
    struct settings *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return ERR_MEMORY;
    }
    s->refs = 1;
    int err = settings_read(s, path, problems);
    if (err != 0) {
        settings_unref(s);
        return err;
    }
    *ret_settings = s;
    return 0;
}

struct settings *
settings_load_or_explain(const char *path)
{
    struct settings *s = NULL;
    struct problems *problems = problems_new(path != NULL ? path : "(default)");
    int err = problems == NULL ? ERR_MEMORY : settings_load(path, problems, &s);
    if (problems != NULL && problems_length(problems) > 0) {
        problems_print(problems, stderr);
    } else if (err != 0) {
        fprintf(stderr, "runnel: %s\n", err_text(err));
    }
    problems_free(problems);
    return s;
}

int
settings_serve(struct settings *s, struct metrics *metrics)
{
    s->labels = labels_new(s->config, metrics);
    return s->labels != NULL ? 0 : ERR_MEMORY;
}

struct settings *
settings_ref(struct settings *s)
{
    s->refs++;
    return s;
}

void
settings_unref(struct settings *s)
{
    if (s == NULL || --s->refs > 0) {
        return;
    }
    labels_free(s->labels);
    table_free(s->table);
    config_free(s->config);
    free(s);
}
