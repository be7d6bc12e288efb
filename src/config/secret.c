/* Setters of keys that name a file: read now for a secret, only looked at for certificates. */

#include "config/assignment.h"
#include "config/file.h"

enum { SECRET_SIZE_MAX = 64 << 10 };

/* The file's name is no secret, its content is. */
static void
file_key_problem(const struct assignment *a, const char *problem)
{
    char shown[PROBLEMS_EXCERPT_SIZE];
    problems_add(a->r->problems, a->mark, reader_path(a->r, key_name(a->k)), "%s %s",
                 problems_excerpt(a->text, shown), problem);
}

void
assignment_set_file(struct assignment *a)
{
    char *path = reader_text(a->r, a->text);
    const char *problem = path == NULL ? NULL : file_problem(path);
    if (problem != NULL) {
        file_key_problem(a, problem);
    }
    memcpy(assignment_field(a), &path, sizeof(path));
}

static struct str
without_newline(struct str text)
{
    while (text.size > 0 &&
           (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r')) {
        text.size--;
    }
    return text;
}

static void
keep_secret(const struct assignment *a, struct str content)
{
    if (content.size == 0) {
        file_key_problem(a, "is empty");
    } else if (memchr(content.data, '\0', content.size) != NULL) {
        file_key_problem(a, "holds a NUL character");
    } else {
        char *copy = reader_text(a->r, content);
        memcpy(assignment_field(a), &copy, sizeof(copy));
    }
}

void
assignment_set_secret_file(struct assignment *a)
{
    const char *problem;
    struct buf content;
    char *path = reader_text(a->r, a->text);
    if (path == NULL) {
        return;
    }
    buf_init(&content, SECRET_SIZE_MAX);
    problem = file_problem(path);
    int err = problem != NULL ? ERR_FILE : file_read(path, &content, &problem);
    if (err == 0) {
        keep_secret(a, without_newline(buf_str(&content)));
    } else if (err == ERR_MEMORY) {
        a->r->failure = err;
    } else {
        _Static_assert(SECRET_SIZE_MAX == 64 << 10, "as the sentence says");
        file_key_problem(a, err == ERR_LIMIT ? "is larger than 64 KiB" : problem);
    }
    buf_fini(&content);
}
