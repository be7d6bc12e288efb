/* Setters of texts, and of the name that refers to a source. */

#include "config/assignment.h"

void
assignment_set_text(struct assignment *a)
{
    char *copy = reader_text(a->r, a->text);
    memcpy(assignment_field(a), &copy, sizeof(copy));
}

void
assignment_set_marked(struct assignment *a)
{
    struct config_text text = {reader_text(a->r, a->text), a->mark};
    memcpy(assignment_field(a), &text, sizeof(text));
}

static void
unknown_source(const struct assignment *a, const char *const *names, size_t length)
{
    char shown[PROBLEMS_EXCERPT_SIZE];
    char list[KEY_EXPECTED_SIZE];
    bool is_kept = problems_length(a->r->problems) < PROBLEMS_KEPT_MAX; /* the search is dear */
    const char *near = is_kept ? problems_suggest(a->text, names, length) : NULL;
    const char *path = reader_path(a->r, key_name(a->k));
    problems_excerpt(a->text, shown);
    if (near != NULL) {
        problems_add(a->r->problems, a->mark, path, "unknown source %s (did you mean \"%s\"?)",
                     shown, near);
    } else if (length == 0) {
        problems_add(a->r->problems, a->mark, path, "unknown source %s (there are none)", shown);
    } else {
        problems_add(a->r->problems, a->mark, path, "unknown source %s (expected %s)", shown,
                     key_list(names, length, list));
    }
}

void
assignment_set_source_name(struct assignment *a)
{
    const struct config *config = a->r->config;
    const char *names[READER_SOURCES_MAX];
    for (size_t i = 0; i < config->sources_length; i++) {
        names[i] = config->sources[i].name;
        if (str_equal(a->text, str_from(names[i]))) {
            assignment_store(a, i);
            return;
        }
    }
    unknown_source(a, names, config->sources_length);
}
