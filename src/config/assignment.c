#include "config/assignment.h"

assignment_set_fn
assignment_setter(enum key_type type)
{
    static const assignment_set_fn setters[] = {
        [KEY_FLAG] = assignment_set_flag,
        [KEY_NUMBER] = assignment_set_number,
        [KEY_SIZE] = assignment_set_size,
        [KEY_DURATION] = assignment_set_duration,
        [KEY_SECONDS] = assignment_set_seconds,
        [KEY_WORKERS] = assignment_set_workers,
        [KEY_WORD] = assignment_set_word,
        [KEY_TEXT] = assignment_set_text,
        [KEY_MARKED] = assignment_set_marked,
        [KEY_FILE] = assignment_set_file,
        [KEY_SECRET_FILE] = assignment_set_secret_file,
        [KEY_LISTEN] = assignment_set_listen,
        [KEY_LISTEN_OR_OFF] = assignment_set_listen_or_off,
        [KEY_URL] = assignment_set_url,
        [KEY_SOURCE_NAME] = assignment_set_source_name,
    };
    return type < sizeof(setters) / sizeof(setters[0]) ? setters[type] : NULL;
}

void *
assignment_field(const struct assignment *a)
{
    return (char *)a->s->base + a->k->offset;
}

void
assignment_store(const struct assignment *a, uint64_t value)
{
    uint8_t narrow = (uint8_t)value;
    uint32_t half = (uint32_t)value;
    switch (a->k->size) {
    case sizeof(narrow): /* also a bool: 0 or 1 */
        memcpy(assignment_field(a), &narrow, sizeof(narrow));
        break;
    case sizeof(half): /* also an enum */
        memcpy(assignment_field(a), &half, sizeof(half));
        break;
    default:
        memcpy(assignment_field(a), &value, sizeof(value));
        break;
    }
}

void
assignment_problem(const struct assignment *a, const char *problem)
{
    char shown[PROBLEMS_EXCERPT_SIZE];
    char expected[KEY_EXPECTED_SIZE];
    bool is_secret = (a->k->flags & KEY_SECRET) != 0;
    problems_add(a->r->problems, a->mark, reader_path(a->r, key_name(a->k)), "%s%s%s (expected %s)",
                 is_secret ? "" : problems_excerpt(a->text, shown), is_secret ? "" : " ", problem,
                 key_expected(a->k, a->s->only, expected));
}
