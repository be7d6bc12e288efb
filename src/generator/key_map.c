#include "generator/key_map.h"

bool
key_map_has(const struct key_map *m, const struct key *k)
{
    return k->table == m->table && key_is_in_group(k, str_from(m->group)) &&
           key_is_allowed(k, m->only);
}

const struct key *
key_map_find(const struct key_map *m, const char *name)
{
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        if (key_map_has(m, &keys[i]) && strcmp(key_name(&keys[i]), name) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}
