#include "generator/value_schema.h"

#include "config/value.h"
#include "generator/json_writer.h"
#include "generator/number_pattern.h"

#include <assert.h>

#define IPV4 "[0-9]{1,3}(?:\\.[0-9]{1,3}){3}"
#define IPV6 "\\[[0-9A-Fa-f:.]+\\]"
#define PORT                                                                                       \
    "(?:0*(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))"
#define LISTEN "(?:(?:" IPV4 "|" IPV6 ")?:)?" PORT
#define AUTHORITY                                                                                  \
    "(?:(?:[^@/?#%]|%[0-9A-Fa-f]{2})*@)?(?:[A-Za-z0-9._-]{1,253}|" IPV6 ")(?::" PORT ")?"
#define REDIS_URL "rediss?://" AUTHORITY "(?:/[0-9]*)?"
#define MQTT_URL  "mqtts?://" AUTHORITY "/?"
#define ORIGIN    "\\*|https?://[^\\u0000-\\u0020A-Z/?#@\\\\\"*$\\u007f-\\uffff]+"
#define NETWORK   IPV4 "(?:/[0-9]{1,2})?|[0-9A-Fa-f.:]*:[0-9A-Fa-f.:]*(?:/[0-9]{1,3})?"
/* A text in which every ${ is a variable or escaped. */
#define TEXT_PIECE "(?:[^$]|\\$(?!\\$?\\{)|\\$\\$\\{|\\$\\{[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?\\})"

enum { PATTERN_SIZE_MAX = 4096 };

/* How digits go on, and what one of it is. */
struct unit {
    const char *suffix;
    uint64_t factor;
};

static const struct unit number_units[] = {{"", 1}, {NULL, 0}};
static const struct unit size_units[] = {{"", 1},
                                         {"K", UINT64_C(1) << 10},
                                         {"M", UINT64_C(1) << 20},
                                         {"G", UINT64_C(1) << 30},
                                         {NULL, 0}};
static const struct unit duration_units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                             {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit seconds_units[] = {{"000ms", 1000}, {"s", 1000},     {"m", 60000},
                                            {"h", 3600000},  {"d", 86400000}, {NULL, 0}};

struct range {
    uint64_t min, max;
};

typedef int (*parse_fn)(struct str text, uint64_t *ret_value);

static struct range
key_range(const struct key *k, parse_fn parse)
{
    struct range range = {0, 0};
    int err = parse(str_from(k->min), &range.min);
    if (err == 0) {
        err = parse(str_from(k->max), &range.max);
    }
    assert(err == 0); /* unit.config.keys */
    return range;
}

void
value_schema_write_types(struct json_writer *w, const char *const *types, size_t length)
{
    if (length == 1) {
        json_write_text(w, "type", str_from(types[0]));
        return;
    }
    json_begin(w, "type", JSON_LINE);
    for (size_t i = 0; i < length; i++) {
        json_write_text(w, NULL, str_from(types[i]));
    }
    json_end(w);
}

/* What editors say of a value that is wrong: a word of yaml-language-server, not of JSON Schema. */
static void
write_expected(struct json_writer *w, const char *what)
{
    char message[KEY_EXPECTED_SIZE + 16];
    snprintf(message, sizeof(message), "expected %s", what);
    json_write_text(w, "errorMessage", str_from(message));
}

/* Of a text; other types have no pattern. */
static int
write_pattern(struct json_writer *w, const struct key *k, unsigned only, struct str alternatives)
{
    char text[KEY_EXPECTED_SIZE];
    struct buf pattern;
    buf_init(&pattern, PATTERN_SIZE_MAX);
    int err = buf_printf(&pattern, "^(?:" STR_FMT "|" VARIABLE_PATTERN ")$", STR_ARG(alternatives));
    if (err == 0) {
        json_write_text(w, "pattern", buf_str(&pattern));
        write_expected(w, key_expected(k, only, text));
    }
    buf_fini(&pattern);
    return err;
}

static int
write_string(struct json_writer *w, const struct key *k, unsigned only, const char *alternatives)
{
    json_write_text(w, "type", STR("string"));
    return write_pattern(w, k, only, str_from(alternatives));
}

static int
append_unit(struct buf *out, const struct unit *unit, struct range range)
{
    uint64_t min = range.min / unit->factor + (range.min % unit->factor != 0);
    uint64_t max = range.max / unit->factor;
    if (min > max) {
        return 0;
    }
    int err = buf_append_str(out, out->size > 0 ? STR("|0*(?:") : STR("0*(?:"));
    if (err == 0) {
        err = number_pattern(min, max, out);
    }
    return err == 0 ? buf_printf(out, ")%s", unit->suffix) : err;
}

/* `word` is what may stand there besides: "auto", or NULL. */
static int
write_quantity(struct json_writer *w,
               const struct key *k,
               const struct unit *units,
               struct range range,
               const char *word)
{
    struct buf alternatives;
    buf_init(&alternatives, PATTERN_SIZE_MAX);
    int err = word == NULL ? 0 : buf_append_str(&alternatives, str_from(word));
    for (; err == 0 && units->suffix != NULL; units++) {
        err = append_unit(&alternatives, units, range);
    }
    if (err == 0) {
        err = write_pattern(w, k, 0, buf_str(&alternatives));
    }
    buf_fini(&alternatives);
    return err;
}

/* What may be written as a number of YAML too: its bounds hold then, the pattern for a text. */
static int
write_number(struct json_writer *w,
             const struct key *k,
             const struct unit *units,
             parse_fn parse,
             const char *word)
{
    struct range range = key_range(k, parse);
    value_schema_write_types(w, (const char *const[]){"integer", "string"}, 2);
    json_write_number(w, "minimum", range.min);
    json_write_number(w, "maximum", range.max);
    return write_quantity(w, k, units, range, word);
}

static int
write_duration(struct json_writer *w, const struct key *k, const struct unit *units)
{
    json_write_text(w, "type", STR("string"));
    return write_quantity(w, k, units, key_range(k, value_duration), NULL);
}

static int
write_flag(struct json_writer *w, const struct key *k)
{
    value_schema_write_types(w, (const char *const[]){"boolean", "string"}, 2);
    return write_pattern(w, k, 0, STR("true|false"));
}

/* A list of the words, for editors to offer; a variable beside it. */
static void
write_words(struct json_writer *w, const struct key *k)
{
    uint64_t number;
    json_begin(w, "anyOf", JSON_ARRAY);
    json_begin(w, NULL, JSON_OBJECT);
    json_begin(w, "enum", JSON_LINE);
    for (size_t i = 0; key_word(k->words, i).size > 0; i++) {
        json_write_text(w, NULL, key_word(k->words, i));
        if (str_to_u64(key_word(k->words, i), UINT64_MAX, &number) == 0) {
            json_write_number(w, NULL, number);
        }
    }
    json_end(w);
    json_end(w);
    json_begin(w, NULL, JSON_OBJECT);
    json_write_text(w, "$ref", STR("#/definitions/variable"));
    json_end(w);
    json_end(w);
}

static void
write_text(struct json_writer *w, const struct key *k)
{
    bool is_filled = (k->flags & KEY_NOT_EMPTY) != 0;
    value_schema_write_types(w, (const char *const[]){"string", "number", "boolean"}, 3);
    json_write_text(w, "pattern", is_filled ? STR("^" TEXT_PIECE "+$") : STR("^" TEXT_PIECE "*$"));
    write_expected(w, is_filled ? "a text that is not empty; ${NAME} is a variable, $${ is ${"
                                : "a text; ${NAME} is a variable, $${ is ${");
}

static int
write_listen(struct json_writer *w, const struct key *k, const char *alternatives)
{
    value_schema_write_types(w, (const char *const[]){"integer", "string"}, 2);
    json_write_number(w, "minimum", 0);
    json_write_number(w, "maximum", UINT16_MAX);
    return write_pattern(w, k, 0, str_from(alternatives));
}

static int
write_url(struct json_writer *w, const struct key *k, unsigned only)
{
    unsigned kinds = only != 0 ? only : k->flags & KEY_ONLY;
    bool is_mqtt = (kinds & KEY_MQTT) != 0;
    bool is_redis = (kinds & KEY_ONLY & ~(unsigned)KEY_MQTT) != 0;
    return write_string(w, k, only,
                        !is_mqtt    ? REDIS_URL
                        : !is_redis ? MQTT_URL
                                    : REDIS_URL "|" MQTT_URL);
}

static int
write_list(struct json_writer *w, const struct key *k, const char *alternatives)
{
    json_write_text(w, "type", STR("array"));
    json_begin(w, "items", JSON_OBJECT);
    int err = write_string(w, k, 0, alternatives);
    json_end(w);
    return err;
}

/* The word, or patterns; what they may hold is for runnel to say. */
static void
write_channels(struct json_writer *w)
{
    json_begin(w, "anyOf", JSON_ARRAY);
    json_begin(w, NULL, JSON_OBJECT);
    json_write_text(w, "const", STR("routes"));
    json_end(w);
    json_begin(w, NULL, JSON_OBJECT);
    json_write_text(w, "type", STR("array"));
    json_write_number(w, "minItems", 1);
    json_begin(w, "items", JSON_OBJECT);
    value_schema_write_types(w, (const char *const[]){"string", "number", "boolean"}, 3);
    json_write_text(w, "pattern", STR("^" TEXT_PIECE "+$"));
    json_end(w);
    json_end(w);
    json_end(w);
}

/* YAML's own type, or a variable. */
static void
write_typed(struct json_writer *w, const char *type, const char *expected)
{
    value_schema_write_types(w, (const char *const[]){type, "string"}, 2);
    json_write_text(w, "pattern", STR("^" VARIABLE_PATTERN "$"));
    write_expected(w, expected);
}

/* What is ordered are numbers. */
static void
write_operand(struct json_writer *w, const struct key *k)
{
    if (k->op == WHEN_GT || k->op == WHEN_GTE || k->op == WHEN_LT || k->op == WHEN_LTE) {
        write_typed(w, "number", "a number, without quotes");
    } else {
        value_schema_write_types(w, (const char *const[]){"string", "number", "boolean", "null"},
                                 4);
    }
}

static void
write_operands(struct json_writer *w, const struct key *k)
{
    json_write_text(w, "type", STR("array"));
    json_write_number(w, "minItems", 1);
    json_begin(w, "items", JSON_OBJECT);
    write_operand(w, k);
    json_end(w);
}

int
value_schema_write(struct json_writer *w, const struct key *k, unsigned only)
{
    switch (k->type) {
    case KEY_FLAG:
        return write_flag(w, k);
    case KEY_NUMBER:
        return write_number(w, k, number_units, value_number, NULL);
    case KEY_SIZE:
        return write_number(w, k, size_units, value_size, NULL);
    case KEY_WORKERS:
        return write_number(w, k, number_units, value_number, "auto");
    case KEY_DURATION:
        return write_duration(w, k, duration_units);
    case KEY_SECONDS:
        return write_duration(w, k, seconds_units);
    case KEY_WORD:
        write_words(w, k);
        return 0;
    case KEY_TEXT:
    case KEY_MARKED:
    case KEY_FILE:
    case KEY_SECRET_FILE:
    case KEY_SOURCE_NAME:
        write_text(w, k);
        return 0;
    case KEY_LISTEN:
        return write_listen(w, k, LISTEN);
    case KEY_LISTEN_OR_OFF:
        return write_listen(w, k, "off|" LISTEN);
    case KEY_URL:
        return write_url(w, k, only);
    case KEY_ORIGINS:
        return write_list(w, k, ORIGIN);
    case KEY_NETWORKS:
        return write_list(w, k, NETWORK);
    case KEY_CHANNELS:
        write_channels(w);
        return 0;
    case KEY_OPERAND:
        write_operand(w, k);
        return 0;
    case KEY_OPERANDS:
        write_operands(w, k);
        return 0;
    case KEY_EXISTS:
        write_typed(w, "boolean", "true or false, without quotes");
        return 0;
    case KEY_GROUP:
    case KEY_SOURCES:
    case KEY_ROUTES:
    case KEY_WHENS:
        break;
    }
    assert(false); /* these have keys of their own */
    return 0;
}
