#include "config/problems.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdlib.h>

enum { TEXT_SIZE_MAX = 1024 };

struct problem {
    struct config_mark mark;
    size_t order; /* of arrival: qsort() is not stable */
    char *text;   /* "key.path: problem", safe to print */
};

struct problems {
    char *file;
    struct problem *kept;
    size_t kept_length, kept_capacity;
    size_t length; /* all, also those that were not kept */
};

struct problems *
problems_new(const char *file)
{
    struct problems *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return NULL;
    }
    p->file = str_dup(str_from(file));
    if (p->file == NULL) {
        free(p);
        return NULL;
    }
    return p;
}

void
problems_free(struct problems *p)
{
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->kept_length; i++) {
        free(p->kept[i].text);
    }
    free(p->kept);
    free(p->file);
    free(p);
}

static bool
problems_make_room(struct problems *p)
{
    if (p->kept_length < p->kept_capacity) {
        return true;
    }
    if (p->kept_length >= PROBLEMS_KEPT_MAX) {
        return false;
    }
    size_t capacity = p->kept_capacity == 0 ? 16 : p->kept_capacity * 2;
    capacity = capacity < PROBLEMS_KEPT_MAX ? capacity : PROBLEMS_KEPT_MAX;
    struct problem *kept = reallocarray(p->kept, capacity, sizeof(*kept));
    if (kept == NULL) {
        return false;
    }
    p->kept = kept;
    p->kept_capacity = capacity;
    return true;
}

/* The size of the character at `s` if it controls something (C0, DEL, C1), else 0. */
static size_t
control_size(struct str s, bool is_utf8)
{
    unsigned char c = (unsigned char)s.data[0];
    if (c < 0x20 || c == 0x7f) {
        return 1;
    }
    if (!is_utf8) {
        return c >= 0x80 ? 1 : 0;
    }
    return c == 0xc2 && s.size > 1 && (unsigned char)s.data[1] < 0xa0 ? 2 : 0;
}

/* A copy in which what a terminal could act upon is written as \xNN. NULL on OOM. */
static char *
copy_printable(struct str s)
{
    static const char digits[] = "0123456789abcdef";
    char *copy = malloc(s.size * 4 + 1);
    if (copy == NULL) {
        return NULL;
    }
    bool is_utf8 = utf8_is_valid(s);
    size_t size = 0;
    while (s.size > 0) {
        size_t escaped = control_size(s, is_utf8);
        for (size_t i = 0; i < escaped; i++) {
            unsigned char c = (unsigned char)s.data[i];
            memcpy(copy + size, (char[]){'\\', 'x', digits[c >> 4], digits[c & 15]}, 4);
            size += 4;
        }
        if (escaped == 0) {
            copy[size++] = s.data[0];
        }
        s = str_after(s, escaped == 0 ? 1 : escaped);
    }
    copy[size] = '\0';
    return copy;
}

/* The end of `text` after a truncated print: no half a character. */
static struct str
whole_characters(const char *text, size_t size)
{
    while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80) {
        size--;
    }
    return (struct str){text, size};
}

static void
problems_keep(struct problems *p, struct config_mark mark, const char *text, size_t size)
{
    if (!problems_make_room(p)) {
        return;
    }
    char *copy = copy_printable((struct str){text, size});
    if (copy == NULL) {
        return;
    }
    p->kept[p->kept_length++] = (struct problem){mark, p->length, copy};
}

void
problems_add(
    struct problems *p, struct config_mark mark, const char *key_path, const char *format, ...)
{
    char text[TEXT_SIZE_MAX];
    p->length++;
    int path_size = snprintf(text, sizeof(text) / 2, "%s", key_path);
    size_t size = path_size < 0 ? 0 : (size_t)path_size;
    if (size >= sizeof(text) / 2) {
        size = whole_characters(text, sizeof(text) / 2 - 1).size;
    }
    if (size > 0) {
        memcpy(text + size, ": ", 2);
        size += 2;
    }
    va_list args;
    va_start(args, format);
    int more = vsnprintf(text + size, sizeof(text) - size, format, args);
    va_end(args);
    if (more < 0) {
        return;
    }
    size += (size_t)more;
    if (size >= sizeof(text)) {
        size = whole_characters(text, sizeof(text) - 2).size;
    }
    problems_keep(p, mark, text, size);
}

size_t
problems_length(const struct problems *p)
{
    return p->length;
}

static int
problem_compare(const void *left, const void *right)
{
    const struct problem *a = left;
    const struct problem *b = right;
    if (a->mark.line != b->mark.line) {
        return a->mark.line < b->mark.line ? -1 : 1;
    }
    if (a->mark.column != b->mark.column) {
        return a->mark.column < b->mark.column ? -1 : 1;
    }
    return (a->order > b->order) - (a->order < b->order);
}

/* Appends, with its end as a string. */
static int
problems_format(const struct problems *p, const struct problem *one, struct buf *line)
{
    int err = buf_append_str(line, str_from(p->file));
    if (err == 0 && one->mark.line != 0) {
        err = buf_printf(line, ":%u:%u", one->mark.line, one->mark.column);
    }
    err = err != 0 ? err : buf_printf(line, ": %s", one->text);
    return err != 0 ? err : buf_append_char(line, '\0');
}

static int
problems_format_more(const struct problems *p, struct buf *line)
{
    int err = buf_printf(line, "%s: %zu more problems", p->file, p->length - p->kept_length);
    return err != 0 ? err : buf_append_char(line, '\0');
}

void
problems_each_line(struct problems *p, problems_on_line_fn on_line, void *arg)
{
    struct buf line;
    buf_init(&line, SIZE_MAX);
    if (p->kept_length > 0) {
        qsort(p->kept, p->kept_length, sizeof(*p->kept), problem_compare);
    }
    for (size_t i = 0; i < p->kept_length; i++) {
        buf_clear(&line);
        if (problems_format(p, &p->kept[i], &line) == 0) {
            on_line(arg, line.data);
        }
    }
    buf_clear(&line);
    if (p->length > p->kept_length && problems_format_more(p, &line) == 0) {
        on_line(arg, line.data);
    }
    buf_fini(&line);
}

static void
problems_print_line(void *arg, const char *line)
{
    fprintf(arg, "%s\n", line);
}

void
problems_print(struct problems *p, FILE *to)
{
    problems_each_line(p, problems_print_line, to);
}
