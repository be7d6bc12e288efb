#include "replay/memory_marks.h"

#include <stdlib.h>

struct stand {
    struct map_node node;
    struct str position; /* owned */
    char name[];
};

void
memory_marks_init(struct memory_marks *m)
{
    map_init(&m->stands);
    list_init(&m->told);
}

static void
stand_free(void *arg, struct map_node *node)
{
    struct memory_marks *m = arg;
    struct stand *s = MAP_ITEM(node, struct stand, node);
    map_remove(&m->stands, node);
    free((char *)(uintptr_t)s->position.data);
    free(s);
}

void
memory_marks_fini(struct memory_marks *m)
{
    struct memory_told *told;
    while ((told = memory_marks_pop(m)) != NULL) {
        free(told);
    }
    map_each(&m->stands, stand_free, m);
    map_fini(&m->stands);
}

struct memory_told *
memory_marks_pop(struct memory_marks *m)
{
    struct list *node = list_pop_front(&m->told);
    return node != NULL ? LIST_ITEM(node, struct memory_told, node) : NULL;
}

static struct str
told_put(char **end, struct str text)
{
    struct str copy = {*end, text.size};
    if (text.size > 0) {
        memcpy(*end, text.data, text.size);
    }
    *end += text.size;
    return copy;
}

static int
marks_tell(struct memory_marks *m, const struct mark *mark, bool is_refused)
{
    size_t size = mark->name.size + mark->before.size + mark->position.size;
    struct memory_told *told = malloc(sizeof *told + size);
    if (told == NULL) {
        return ERR_MEMORY;
    }
    char *end = told->bytes;
    told->mark.name = told_put(&end, mark->name);
    told->mark.before = told_put(&end, mark->before);
    told->mark.position = told_put(&end, mark->position);
    told->is_refused = is_refused;
    list_init(&told->node);
    list_push_back(&m->told, &told->node);
    return 0;
}

static struct stand *
marks_find(const struct memory_marks *m, struct str name)
{
    struct map_node *node = map_find(&m->stands, name);
    return node != NULL ? MAP_ITEM(node, struct stand, node) : NULL;
}

int
memory_marks_read(struct memory_marks *m, struct str name)
{
    const struct stand *s = marks_find(m, name);
    const struct mark mark = {.name = name, .position = s != NULL ? s->position : STR_NULL};
    return marks_tell(m, &mark, false);
}

/* Where a new mark stands until it is moved: nowhere. NULL on OOM. */
static struct stand *
stand_new(struct memory_marks *m, struct str name)
{
    struct stand *s = calloc(1, sizeof *s + name.size);
    if (s == NULL) {
        return NULL;
    }
    memcpy(s->name, name.data, name.size);
    s->node.key = (struct str){s->name, name.size};
    if (map_add(&m->stands, &s->node) != 0) {
        free(s);
        return NULL;
    }
    return s;
}

int
memory_marks_move(struct memory_marks *m, const struct mark *mark)
{
    struct stand *s = marks_find(m, mark->name);
    struct str position = s != NULL ? s->position : STR_NULL;
    if (!str_equal(position, mark->before)) {
        const struct mark told = {.name = mark->name, .before = mark->before, .position = position};
        int err = marks_tell(m, &told, true);
        return err != 0 ? err : MEMORY_MARKS_E_REFUSED;
    }
    char *copy = str_dup(mark->position);
    s = s == NULL && copy != NULL ? stand_new(m, mark->name) : s;
    if (copy == NULL || s == NULL) {
        free(copy);
        return ERR_MEMORY;
    }
    free((char *)(uintptr_t)s->position.data);
    s->position = (struct str){copy, mark->position.size};
    return 0;
}
