#include "main/settings.h"

#include "config/config.h"
#include "config/problems.h"
#include "routing/table.h"

#include <stdio.h>

static int
settings_read(const char *path, struct problems *problems, struct settings *s)
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
settings_load(const char *path, struct settings *ret_settings)
{
    struct settings s = {NULL, NULL};
    struct problems *problems = problems_new(path != NULL ? path : "(default)");
    int err = problems == NULL ? ERR_MEMORY : settings_read(path, problems, &s);
    if (err == 0) {
        *ret_settings = s;
    } else {
        settings_free(&s);
        if (problems != NULL && problems_length(problems) > 0) {
            problems_print(problems, stderr);
        } else {
            fprintf(stderr, "runnel: %s\n", err_text(err));
        }
    }
    problems_free(problems);
    return err;
}

void
settings_free(struct settings *s)
{
    table_free(s->table);
    config_free(s->config);
}
