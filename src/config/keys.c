#include "config/keys.h"

/* The short names that keys.def uses. */
enum {
    REQUIRED = KEY_REQUIRED,
    NOT_EMPTY = KEY_NOT_EMPTY,
    SECRET = KEY_SECRET,
    WITH_TLS = KEY_WITH_TLS,
    REDIS = KEY_REDIS,
    MQTT = KEY_MQTT,
    HTTP = KEY_HTTP,
    STORE_MEMORY = KEY_STORE_MEMORY,
    STORE_REDIS = KEY_STORE_REDIS,
    STREAM = KEY_STREAM,
    RESTART = KEY_RESTART
};

#define ANY           .words = NULL
#define NONE          NULL
#define RANGE(lo, hi) .min = (lo), .max = (hi)
#define WORDS(list)   .words = (list)
#define COMPARE(how)  .op = (how)

#define STRUCT_ROOT   struct config
#define STRUCT_SOURCE struct config_source
#define STRUCT_ROUTE  struct config_route
#define STRUCT_WHEN   struct config_when

const struct key keys[KEYS_LENGTH] = {
#define KEY(in, key_path, kind, field, limits, fallback, bits, sentence)                           \
    {.path = (key_path),                                                                           \
     .table = TABLE_##in,                                                                          \
     .type = KEY_##kind,                                                                           \
     .offset = offsetof(STRUCT_##in, field),                                                       \
     .size = sizeof(((STRUCT_##in *)0)->field),                                                    \
     limits,                                                                                       \
     .default_text = fallback,                                                                     \
     .flags = (bits),                                                                              \
     .help = (sentence)},
#include "config/keys.def"
#undef KEY
};

const struct key *
keys_find(enum key_table table, struct str path)
{
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        if (keys[i].table == table && str_equal(str_from(keys[i].path), path)) {
            return &keys[i];
        }
    }
    return NULL;
}

const char *
key_name(const struct key *k)
{
    const char *dot = strrchr(k->path, '.');
    return dot == NULL ? k->path : dot + 1;
}

bool
key_is_allowed(const struct key *k, unsigned only)
{
    return only == 0 || (k->flags & KEY_ONLY) == 0 || (k->flags & only) != 0;
}

bool
key_is_in_group(const struct key *k, struct str path)
{
    size_t before = (size_t)(key_name(k) - k->path);
    return path.size == 0 ? before == 0
                          : before == path.size + 1 && str_starts_with(str_from(k->path), path);
}

size_t
keys_list_group(enum key_table table,
                struct str path,
                unsigned only,
                const char *ret_names[static KEYS_LENGTH])
{
    size_t length = 0;
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        if (keys[i].table == table && key_is_allowed(&keys[i], only) &&
            key_is_in_group(&keys[i], path)) {
            ret_names[length++] = key_name(&keys[i]);
        }
    }
    return length;
}

struct str
key_word(const char *words, size_t n)
{
    while (n > 0 && words != NULL) {
        words = strchr(words, '|');
        words = words == NULL ? NULL : words + 1;
        n--;
    }
    return words == NULL ? STR_NULL : (struct str){words, strcspn(words, "|")};
}
