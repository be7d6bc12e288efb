#include "config/section.h"

#include "config/field.h"

void
section_init(struct section *s, struct reader *r, enum key_table table, void *base)
{
    *s = (struct section){.table = table, .base = base};
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        if (keys[i].table == table) {
            field_set_default(r, s, &keys[i]);
        }
    }
}

struct config_mark
section_given(const struct section *s, const char *prefix, const char *name)
{
    struct str begin = str_from(prefix);
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        struct str path = str_from(keys[i].path);
        if (keys[i].table == s->table && str_starts_with(path, begin) &&
            str_equal(str_after(path, begin.size), str_from(name))) {
            return s->given[i];
        }
    }
    return (struct config_mark){0};
}

/* The key of a group's path and a name in it; NULL where there is none. */
static const struct key *
section_find_key(const struct section *s, const char *group, struct str name)
{
    char path[READER_PATH_SIZE];
    int size = snprintf(path, sizeof(path), "%s%s" STR_FMT, group, group[0] != '\0' ? "." : "",
                        STR_ARG(name));
    bool is_whole = name.size < sizeof(path) && size > 0 && (size_t)size < sizeof(path);
    bool is_one_part = name.size > 0 && memchr(name.data, '.', name.size) == NULL;
    return is_whole && is_one_part ? keys_find(s->table, (struct str){path, (size_t)size}) : NULL;
}

static void
section_unknown(struct section *s, struct reader *r, const yaml_node_t *node, const char *group)
{
    enum { NAME_SIZE_SHOWN = 64 };
    const char *names[KEYS_LENGTH];
    char list[KEY_EXPECTED_SIZE];
    char name[NAME_SIZE_SHOWN + 1];
    if (problems_length(r->problems) >= PROBLEMS_KEPT_MAX) { /* the search is dear */
        problems_add(r->problems, reader_mark(node), "", "unknown key");
        return;
    }
    snprintf(name, sizeof(name), STR_FMT, STR_ARG(reader_raw(node)));
    size_t length = keys_list_group(s->table, str_from(group), s->only, names);
    const char *near = problems_suggest(reader_raw(node), names, length);
    if (near != NULL) {
        problems_add(r->problems, reader_mark(node), reader_path(r, name),
                     "unknown key (did you mean \"%s\"?)", near);
    } else {
        problems_add(r->problems, reader_mark(node), reader_path(r, name),
                     "unknown key (expected %s)", key_list(names, length, list));
    }
}

static const char *
only_text(const struct key *k)
{
    switch (k->flags & KEY_ONLY) {
    case KEY_STORE_MEMORY:
        return "only with store: memory";
    case KEY_STORE_REDIS:
        return "only with store: redis";
    case KEY_MQTT:
        return "only for an mqtt source";
    case KEY_HTTP:
        return "only for an http source";
    case KEY_STREAM:
        return "only for a redis-stream source";
    case KEY_REDIS | KEY_STREAM:
        return "only for a redis or redis-stream source (an mqtt source has keepalive)";
    default:
        return "only for a redis, redis-stream or mqtt source";
    }
}

/* Whether the key may be read: it is new, and may stand here. */
static bool
section_admit(struct section *s, struct reader *r, const struct key *k, const yaml_node_t *name)
{
    struct config_mark *given = &s->given[k - keys];
    struct config_mark mark = reader_mark(name);
    if (given->line == mark.line && given->column == mark.column) {
        return false; /* read in advance */
    }
    if (given->line != 0) {
        problems_add(r->problems, mark, reader_path(r, key_name(k)),
                     "given twice (first in line %u)", given->line);
        return false;
    }
    *given = mark;
    if (!key_is_allowed(k, s->only)) {
        problems_add(r->problems, mark, reader_path(r, key_name(k)), "%s", only_text(k));
        return false;
    }
    return true;
}

static void
section_read_pair(struct section *s,
                  struct reader *r,
                  const yaml_node_pair_t *pair,
                  const char *group)
{
    const yaml_node_t *name = reader_node(r, pair->key);
    const yaml_node_t *value = reader_node(r, pair->value);
    if (name == NULL || value == NULL) {
        return;
    }
    if (name->type != YAML_SCALAR_NODE) {
        reader_wrong_kind_of_text(r, name, "", "a key");
        return;
    }
    const struct key *k = section_find_key(s, group, reader_raw(name));
    if (k == NULL) {
        section_unknown(s, r, name, group);
    } else if (section_admit(s, r, k, name)) {
        field_read(r, s, k, value);
    }
}

void
section_read(struct section *s, struct reader *r, const yaml_node_t *map, const char *group)
{
    if (reader_is_nothing(map)) { /* all of its keys are commented out */
        return;
    }
    if (map->type != YAML_MAPPING_NODE) {
        reader_wrong_kind(r, map, "", "a map");
        return;
    }
    const yaml_node_pair_t *end = map->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < end; pair++) {
        section_read_pair(s, r, pair, group);
    }
}

/* The first value of a name in a map; `ret_name` is its key. */
static const yaml_node_t *
map_find_value(struct reader *r,
               const yaml_node_t *map,
               struct str name,
               const yaml_node_t **ret_name)
{
    if (map == NULL || map->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    const yaml_node_pair_t *end = map->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < end; pair++) {
        const yaml_node_t *key = reader_node(r, pair->key);
        if (key != NULL && key->type == YAML_SCALAR_NODE && str_equal(reader_raw(key), name)) {
            *ret_name = key;
            return reader_node(r, pair->value);
        }
    }
    return NULL;
}

void
section_read_first(struct section *s,
                   struct reader *r,
                   const yaml_node_t *map,
                   const char *group,
                   const char *name)
{
    const yaml_node_t *key_node = NULL;
    const struct key *k = section_find_key(s, group, str_from(name));
    size_t before = r->path_size;
    if (group[0] != '\0') {
        map = map_find_value(r, map, str_from(group), &key_node);
        before = reader_enter(r, group);
    }
    const yaml_node_t *value = map_find_value(r, map, str_from(name), &key_node);
    if (value != NULL && section_admit(s, r, k, key_node)) {
        field_read(r, s, k, value);
    }
    reader_leave(r, before);
}

void
section_require(struct section *s, struct reader *r, struct config_mark mark)
{
    char expected[KEY_EXPECTED_SIZE];
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        const struct key *k = &keys[i];
        bool is_meant = (k->flags & KEY_ONLY) == 0 || (k->flags & s->only) != 0;
        if (k->table == s->table && (k->flags & KEY_REQUIRED) != 0 && is_meant &&
            s->given[i].line == 0) {
            problems_add(r->problems, mark, reader_path(r, k->path), "missing (expected %s)",
                         key_expected(k, s->only, expected));
        }
    }
}
