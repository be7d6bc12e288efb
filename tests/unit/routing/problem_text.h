#pragma once
/* The problems of one compile as text, for tests: what an operator would read. */

#include "routing/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct problem_text {
    struct report report; /* key path "at", no mark */
    char *text;           /* owned; set by problem_text_read() */
    size_t size;
};

static inline void
problem_text_init(struct problem_text *p)
{
    *p = (struct problem_text){.report = {.key_path = "at"}};
    p->report.problems = problems_new("f");
    assert_non_null(p->report.problems);
}

static inline const char *
problem_text_read(struct problem_text *p)
{
    free(p->text);
    FILE *out = open_memstream(&p->text, &p->size);
    assert_non_null(out);
    problems_print(p->report.problems, out);
    assert_int_equal(fclose(out), 0);
    return p->text;
}

static inline void
problem_text_fini(struct problem_text *p)
{
    problems_free(p->report.problems);
    free(p->text);
}

/* Each of the lines must be there, and no other. `lines` ends with NULL. */
static inline void
problem_text_expect(struct problem_text *p, const char *const *lines)
{
    const char *text = problem_text_read(p);
    size_t count = 0;
    for (; lines[count] != NULL; count++) {
        if (strstr(text, lines[count]) == NULL) {
            fail_msg("\"%s\" is missing in\n%s", lines[count], text);
        }
    }
    if (problems_length(p->report.problems) != count) {
        fail_msg("%zu problems, not %zu:\n%s", problems_length(p->report.problems), count, text);
    }
}
