#include "config/difference.h"

#include <string.h>

static bool
is_same_text(const void *a, const void *b)
{
    const char *left;
    const char *right;
    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    return strcmp(left, right) == 0;
}

static bool
is_same_listen(const struct config_listen *a, const struct config_listen *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static bool
is_same_admin(const struct config_admin *a, const struct config_admin *b)
{
    return a->is_on == b->is_on && (!a->is_on || is_same_listen(&a->listen, &b->listen));
}

/* What the URL says, and the files of its TLS; user and password have keys of their own. */
static bool
is_same_url(const struct config_broker *a, const struct config_broker *b)
{
    return a->port == b->port && a->database == b->database && a->tls.is_on == b->tls.is_on &&
           a->tls.content == b->tls.content && strcmp(a->host, b->host) == 0;
}

/* The list, and the length behind it. */
static bool
is_same_list(const void *a, const void *b)
{
    struct {
        char **texts;
        size_t length;
    } left, right;
    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    for (size_t i = 0; i < left.length && i < right.length; i++) {
        if (strcmp(left.texts[i], right.texts[i]) != 0) {
            return false;
        }
    }
    return left.length == right.length;
}

static bool
is_same_networks(const struct networks *a, const struct networks *b)
{
    return a->length == b->length &&
           (a->length == 0 || memcmp(a->items, b->items, a->length * sizeof(*a->items)) == 0);
}

/* The values of a key that both have. Sources, routes and what is in routes are not for here. */
static bool
is_same_value(const struct key *k, const void *a, const void *b)
{
    switch (k->type) {
    case KEY_FLAG:
    case KEY_NUMBER:
    case KEY_SIZE:
    case KEY_DURATION:
    case KEY_SECONDS:
    case KEY_WORKERS:
    case KEY_WORD:
        return memcmp(a, b, k->size) == 0;
    case KEY_TEXT:
    case KEY_FILE:
        return is_same_text(a, b);
    case KEY_LISTEN:
        return is_same_listen(a, b);
    case KEY_LISTEN_OR_OFF:
        return is_same_admin(a, b);
    case KEY_URL:
        return is_same_url(a, b);
    case KEY_ORIGINS:
    case KEY_CHANNELS:
        return is_same_list(a, b);
    case KEY_NETWORKS:
        return is_same_networks(a, b);
    case KEY_GROUP:
    case KEY_SECRET_FILE: /* its content is the value of the key before it */
    case KEY_SOURCES:
    case KEY_ROUTES:
    case KEY_MARKED:
    case KEY_SOURCE_NAME:
    case KEY_WHENS:
    case KEY_OPERAND:
    case KEY_OPERANDS:
    case KEY_EXISTS:
        break;
    }
    return true;
}

static bool
is_same_field(const struct key *k, const void *a, const void *b)
{
    return is_same_value(k, (const char *)a + k->offset, (const char *)b + k->offset);
}

void
difference_each_key(const struct config *a,
                    const struct config *b,
                    difference_on_key_fn on_key,
                    void *arg)
{
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        if (keys[i].table == TABLE_ROOT && !is_same_field(&keys[i], a, b)) {
            on_key(arg, &keys[i]);
        }
    }
}

bool
difference_is_same_source(const struct config_source *a, const struct config_source *b)
{
    bool is_same = strcmp(a->name, b->name) == 0;
    for (size_t i = 0; i < KEYS_LENGTH && is_same; i++) {
        is_same = keys[i].table != TABLE_SOURCE || is_same_field(&keys[i], a, b);
    }
    return is_same;
}
