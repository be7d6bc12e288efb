/* What a key expects, in the words of a message and of the reference page. */

#include "config/keys.h"

#include <stdio.h>

const char *
key_list(const char *const *names, size_t length, char ret_text[static KEY_EXPECTED_SIZE])
{
    size_t size = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < length && size < KEY_EXPECTED_SIZE; i++) {
        const char *glue = i == 0 ? "" : i + 1 == length ? " or " : ", ";
        int more = snprintf(ret_text + size, KEY_EXPECTED_SIZE - size, "%s%s", glue, names[i]);
        if (more < 0) {
            break;
        }
        size += (size_t)more;
    }
    return ret_text;
}

static const char *
expected_words(const struct key *k, char ret_text[static KEY_EXPECTED_SIZE])
{
    size_t size = 0;
    for (size_t i = 0; size < KEY_EXPECTED_SIZE; i++) {
        struct str word = key_word(k->words, i);
        if (word.size == 0) {
            break;
        }
        const char *glue = i == 0 ? "" : key_word(k->words, i + 1).size == 0 ? " or " : ", ";
        size += (size_t)snprintf(ret_text + size, KEY_EXPECTED_SIZE - size, "%s" STR_FMT, glue,
                                 STR_ARG(word));
    }
    return ret_text;
}

static const char *
expected_range(const struct key *k, const char *what, char ret_text[static KEY_EXPECTED_SIZE])
{
    snprintf(ret_text, KEY_EXPECTED_SIZE, "%s from %s to %s", what, k->min, k->max);
    return ret_text;
}

static const char *
expected_url(const struct key *k, unsigned only)
{
    unsigned kinds = only != 0 ? only : k->flags;
    bool has_redis = (kinds & (KEY_REDIS | KEY_STREAM | KEY_STORE_REDIS)) != 0;
    if (has_redis && (kinds & KEY_MQTT) == 0) {
        return "redis://[user:password@]host[:port][/database], or rediss:// for TLS";
    }
    if ((kinds & KEY_MQTT) != 0 && !has_redis) {
        return "mqtt://[user:password@]host[:port], or mqtts:// for TLS";
    }
    return "redis://, rediss://, mqtt:// or mqtts://, then [user:password@]host[:port], for Redis "
           "also [/database]";
}

const char *
key_expected(const struct key *k, unsigned only, char text[static KEY_EXPECTED_SIZE])
{
    switch (k->type) {
    case KEY_NUMBER:
        return expected_range(k, "a number", text);
    case KEY_SIZE:
        return expected_range(k, "a size", text);
    case KEY_DURATION:
        return expected_range(k, "a duration", text);
    case KEY_SECONDS:
        return expected_range(k, "whole seconds", text);
    case KEY_WORKERS:
        return expected_range(k, "auto, or a number", text);
    case KEY_WORD:
        return expected_words(k, text);
    case KEY_URL:
        return expected_url(k, only);
    case KEY_FLAG:
    case KEY_EXISTS:
        return "true or false";
    case KEY_TEXT:
    case KEY_MARKED:
        return "a text";
    case KEY_FILE:
    case KEY_SECRET_FILE:
        return "the path of a file";
    case KEY_LISTEN:
        return "a port, or address:port with a numeric address";
    case KEY_LISTEN_OR_OFF:
        return "a port, address:port with a numeric address, or off";
    case KEY_ORIGINS:
        return "a list of origins, or of \"*\"";
    case KEY_NETWORKS:
        return "a list of addresses and networks";
    case KEY_CHANNELS:
        return "routes, or a list of patterns of channel names";
    case KEY_SOURCE_NAME:
        return "the name of a source";
    case KEY_OPERAND:
        return "a single value";
    case KEY_OPERANDS:
        return "a list of values";
    case KEY_GROUP:
        return "a map";
    case KEY_SOURCES:
        return "a map of sources by name";
    case KEY_ROUTES:
        return "a list of routes";
    case KEY_WHENS:
        return "a list of conditions";
    }
    return "";
}
