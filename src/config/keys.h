#pragma once
/*
 * The table of keys, from keys.def. Any thread.
 *
 * A key's path is relative to its table: "http.listen" in the root, "keep.for" in a route.
 */

#include "base/str.h"
#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

enum key_table { TABLE_ROOT, TABLE_SOURCE, TABLE_ROUTE, TABLE_WHEN };

enum key_type {
    KEY_GROUP,         /* a map of further keys; its path begins theirs */
    KEY_FLAG,          /* bool */
    KEY_NUMBER,        /* unsigned of any width, like the next three */
    KEY_SIZE,          /* bytes */
    KEY_DURATION,      /* milliseconds */
    KEY_SECONDS,       /* whole seconds */
    KEY_WORKERS,       /* a number, or `auto` */
    KEY_WORD,          /* an enum, or a bool for two words: the index of the word */
    KEY_TEXT,          /* char * */
    KEY_MARKED,        /* struct config_text */
    KEY_FILE,          /* char *, the path of a file that can be read */
    KEY_SECRET_FILE,   /* char *, the content of the file */
    KEY_LISTEN,        /* struct config_listen */
    KEY_LISTEN_OR_OFF, /* struct config_admin */
    KEY_URL,           /* struct config_broker */
    KEY_ORIGINS,       /* char ** and the length behind it, as in all lists */
    KEY_NETWORKS,      /* struct networks */
    KEY_CHANNELS,      /* char **: patterns, in which only `*` is special */
    KEY_SOURCE_NAME,   /* uint32_t, index of the source */
    KEY_SOURCES,       /* struct config, like the next */
    KEY_ROUTES,
    KEY_WHENS,    /* struct config_route */
    KEY_OPERAND,  /* struct config_when, like the next two */
    KEY_OPERANDS, /* a list */
    KEY_EXISTS    /* true or false */
};

enum key_flag {
    KEY_REQUIRED = 1 << 0,
    KEY_NOT_EMPTY = 1 << 1,
    KEY_SECRET = 1 << 2,   /* no message shows the value */
    KEY_WITH_TLS = 1 << 3, /* only beside a URL with TLS */
    /* Where there is one of the next, the key is only for these. */
    KEY_REDIS = 1 << 4,
    KEY_MQTT = 1 << 5,
    KEY_HTTP = 1 << 6,
    KEY_STORE_MEMORY = 1 << 7,
    KEY_STORE_REDIS = 1 << 8,
    KEY_STREAM = 1 << 9,   /* redis-stream */
    KEY_RESTART = 1 << 10, /* a reload does not apply it */
    KEY_ONLY = KEY_REDIS | KEY_MQTT | KEY_HTTP | KEY_STORE_MEMORY | KEY_STORE_REDIS | KEY_STREAM
};

struct key {
    const char *path;
    enum key_table table;
    enum key_type type;
    size_t offset, size; /* of the field in the table's struct */
    const char *min, *max;
    const char *words;
    enum config_op op;
    const char *default_text; /* NULL: none */
    unsigned flags;
    const char *help;
};

enum {
    KEYS_LENGTH = 0
#define KEY(...) +1
#include "config/keys.def"
#undef KEY
};

enum { KEY_EXPECTED_SIZE = 256 };

extern const struct key keys[KEYS_LENGTH];

/* NULL where the table has no such key. */
const struct key *keys_find(enum key_table table, struct str path);

/* The last part of the path: "for" of "keep.for". */
const char *key_name(const struct key *k);

/* Whether a key may stand where the KEY_ONLY flags `only` hold; 0: it is not known what holds. */
bool key_is_allowed(const struct key *k, unsigned only);

/* Whether it stands directly in the group of `path` ("": in no group), not in a group within it. */
bool key_is_in_group(const struct key *k, struct str path);

/*
 * The keys that may stand in the group of `path` ("" for the table's own), of those that are
 * allowed: their names go to `ret_names`, their number is returned.
 */
size_t keys_list_group(enum key_table table,
                       struct str path,
                       unsigned only,
                       const char *ret_names[static KEYS_LENGTH]);

/* The n-th of words such as "a|b|c"; empty where there are fewer. */
struct str key_word(const char *words, size_t n);

/*
 * What stands behind "expected": "a size from 1K to 1M". `only` are the KEY_ONLY flags that hold,
 * for URLs. The text is static, or in `text`.
 */
const char *key_expected(const struct key *k, unsigned only, char text[static KEY_EXPECTED_SIZE]);

/* Lists for messages: "a, b or c". Cut where there is no more room. Returns `ret_text`. */
const char *
key_list(const char *const *names, size_t length, char ret_text[static KEY_EXPECTED_SIZE]);
