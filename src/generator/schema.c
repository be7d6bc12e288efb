#include "generator/description.h"
#include "generator/json_writer.h"
#include "generator/key_map.h"
#include "generator/map_rules.h"
#include "generator/pages.h"
#include "generator/value_schema.h"

#include <assert.h>

/*
 * Where the value of one key says which others may stand beside it: a schema for each of its words,
 * and one for all together where the word is a variable.
 */
static const struct choice {
    enum key_table table;
    const char *group; /* "": the table itself */
    const char *key;
    const char *title; /* how the names of the definitions begin */
    unsigned only[4];  /* in the order of the key's words */
} choices[] = {
    {TABLE_ROOT, "replay", "store", "replay", {KEY_STORE_MEMORY, KEY_STORE_REDIS}},
    {TABLE_SOURCE, "", "type", "source", {KEY_REDIS, KEY_MQTT, KEY_HTTP, KEY_STREAM}},
};

enum { CHOICES_LENGTH = sizeof(choices) / sizeof(choices[0]), NAME_SIZE = 64 };

static int write_value(struct json_writer *w, const struct key *k, unsigned only);

static const struct choice *
choice_find(enum key_table table, const char *group)
{
    for (size_t i = 0; i < CHOICES_LENGTH; i++) {
        if (choices[i].table == table && strcmp(choices[i].group, group) == 0) {
            return &choices[i];
        }
    }
    return NULL;
}

static void
write_required_key(struct json_writer *w, const char *name)
{
    json_begin(w, "required", JSON_LINE);
    json_write_text(w, NULL, str_from(name));
    json_end(w);
}

static void
write_ref(struct json_writer *w, const char *name, const char *definition)
{
    char ref[NAME_SIZE];
    snprintf(ref, sizeof(ref), "#/definitions/%s", definition);
    if (name != NULL) {
        json_begin(w, name, JSON_OBJECT);
    }
    json_write_text(w, "$ref", str_from(ref));
    if (name != NULL) {
        json_end(w);
    }
}

/* A file or group all of whose keys are commented out is nothing to YAML. */
static void
write_map_type(struct json_writer *w, enum key_table table, const char *group)
{
    bool may_be_nothing = table == TABLE_ROOT || group[0] != '\0';
    value_schema_write_types(w, (const char *const[]){"object", "null"}, may_be_nothing ? 2 : 1);
}

/* As YAML would read it: a number, a flag or a text. */
static void
write_default(struct json_writer *w, const struct key *k)
{
    struct str text = str_from(k->default_text);
    uint64_t number;
    if (k->default_text == NULL) {
        return;
    }
    if (k->type == KEY_FLAG) {
        json_write_bool(w, "default", str_equal(text, STR("true")));
    } else if (str_to_u64(text, UINT64_MAX, &number) == 0) {
        json_write_number(w, "default", number);
    } else {
        json_write_text(w, "default", text);
    }
}

static int
write_property(struct json_writer *w, const struct key *k, unsigned only)
{
    char text[DESCRIPTION_SIZE];
    json_begin(w, key_name(k), JSON_OBJECT);
    json_write_text(w, "description",
                    str_from(description_of(k, " A change needs a restart.", text)));
    int err = write_value(w, k, only);
    write_default(w, k);
    json_end(w);
    return err;
}

static bool
is_required(const struct key *k, unsigned only)
{
    return (k->flags & KEY_REQUIRED) != 0 && ((k->flags & KEY_ONLY) == 0 || (k->flags & only) != 0);
}

static void
write_required(struct json_writer *w, const struct key_map *m)
{
    json_begin_unless_empty(w, "required", JSON_LINE);
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        if (key_map_has(m, &keys[i]) && is_required(&keys[i], m->only)) {
            json_write_text(w, NULL, str_from(key_name(&keys[i])));
        }
    }
    json_end(w);
}

static int
write_map(struct json_writer *w, const struct key_map *m)
{
    int err = 0;
    write_map_type(w, m->table, m->group);
    json_write_bool(w, "additionalProperties", false);
    write_required(w, m);
    json_begin(w, "properties", JSON_OBJECT);
    for (size_t i = 0; i < KEYS_LENGTH && err == 0; i++) {
        err = key_map_has(m, &keys[i]) ? write_property(w, &keys[i], m->only) : 0;
    }
    json_end(w);
    map_rules_write(w, m);
    return err;
}

static void
choice_definition(const struct choice *c, struct str word, char ret_name[static NAME_SIZE])
{
    snprintf(ret_name, NAME_SIZE, "%s-" STR_FMT, c->title, STR_ARG(word));
}

/* An item of "allOf": the definition that holds where the key is `word`; a variable: STR_NULL. */
static void
write_alternative(struct json_writer *w,
                  const struct choice *c,
                  const struct key *k,
                  struct str word)
{
    char definition[NAME_SIZE];
    bool is_default =
        word.size > 0 && k->default_text != NULL && str_equal(word, str_from(k->default_text));
    json_begin(w, NULL, JSON_OBJECT);
    json_begin(w, "if", JSON_OBJECT);
    if (!is_default) {
        write_required_key(w, c->key);
    }
    json_begin(w, "properties", JSON_OBJECT);
    if (word.size == 0) {
        write_ref(w, c->key, "variable");
    } else {
        json_begin(w, c->key, JSON_OBJECT);
        json_write_text(w, "const", word);
        json_end(w);
    }
    json_end(w);
    json_end(w);
    choice_definition(c, word.size > 0 ? word : STR("any"), definition);
    write_ref(w, "then", definition);
    json_end(w);
}

/* The map of a choice: the key itself, and the rest by what it says. */
static int
write_choice(struct json_writer *w, const struct choice *c)
{
    const struct key_map map = {c->table, c->group, 0};
    const struct key *k = key_map_find(&map, c->key);
    write_map_type(w, c->table, c->group);
    if (is_required(k, 0)) {
        write_required_key(w, c->key);
    }
    json_begin(w, "properties", JSON_OBJECT);
    int err = write_property(w, k, 0);
    json_end(w);
    json_begin(w, "allOf", JSON_ARRAY);
    for (size_t i = 0; key_word(k->words, i).size > 0; i++) {
        write_alternative(w, c, k, key_word(k->words, i));
    }
    write_alternative(w, c, k, STR_NULL);
    json_end(w);
    return err;
}

static int
write_definition(struct json_writer *w, const struct choice *c, struct str word, unsigned only)
{
    char name[NAME_SIZE];
    const struct key_map map = {c->table, c->group, only};
    choice_definition(c, word, name);
    json_begin(w, name, JSON_OBJECT);
    int err = write_map(w, &map);
    json_end(w);
    return err;
}

static int
write_choice_definitions(struct json_writer *w, const struct choice *c)
{
    const struct key_map map = {c->table, c->group, 0};
    const struct key *k = key_map_find(&map, c->key);
    int err = 0;
    for (size_t i = 0; key_word(k->words, i).size > 0 && err == 0; i++) {
        assert(c->only[i] != 0);
        err = write_definition(w, c, key_word(k->words, i), c->only[i]);
    }
    return err == 0 ? write_definition(w, c, STR("any"), 0) : err;
}

/* As source.c has them: the name goes into channel names. */
static int
write_sources(struct json_writer *w)
{
    value_schema_write_types(w, (const char *const[]){"object", "null"}, 2);
    json_begin(w, "propertyNames", JSON_OBJECT);
    json_write_text(w, "pattern", STR("^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]{1,64}$"));
    json_end(w);
    json_begin(w, "additionalProperties", JSON_OBJECT);
    int err = write_choice(w, choice_find(TABLE_SOURCE, ""));
    json_end(w);
    return err;
}

static int
write_list(struct json_writer *w, enum key_table table)
{
    const struct key_map map = {table, "", 0};
    value_schema_write_types(w, (const char *const[]){"array", "null"}, 2);
    json_begin(w, "items", JSON_OBJECT);
    int err = write_map(w, &map);
    json_end(w);
    return err;
}

static int
write_group(struct json_writer *w, const struct key *k, unsigned only)
{
    const struct key_map map = {k->table, k->path, only};
    const struct choice *c = choice_find(k->table, k->path);
    return c != NULL ? write_choice(w, c) : write_map(w, &map);
}

static int
write_value(struct json_writer *w, const struct key *k, unsigned only)
{
    if (k->type == KEY_GROUP) {
        return write_group(w, k, only);
    }
    if (k->type == KEY_SOURCES) {
        return write_sources(w);
    }
    if (k->type == KEY_ROUTES || k->type == KEY_WHENS) {
        return write_list(w, k->type == KEY_ROUTES ? TABLE_ROUTE : TABLE_WHEN);
    }
    return value_schema_write(w, k, only);
}

static int
write_definitions(struct json_writer *w)
{
    int err = 0;
    json_begin(w, "definitions", JSON_OBJECT);
    json_begin(w, "variable", JSON_OBJECT);
    json_write_text(w, "type", STR("string"));
    json_write_text(w, "pattern", STR("^" VARIABLE_PATTERN "$"));
    json_write_text(w, "errorMessage", STR("or a variable, ${NAME} or ${NAME:-default}"));
    json_end(w);
    for (size_t i = 0; i < CHOICES_LENGTH && err == 0; i++) {
        err = write_choice_definitions(w, &choices[i]);
    }
    json_end(w);
    return err;
}

int
schema_write(FILE *to)
{
    struct json_writer w;
    const struct key_map root = {TABLE_ROOT, "", 0};
    json_writer_init(&w, to);
    json_begin(&w, NULL, JSON_OBJECT);
    json_write_text(&w, "$schema", STR("http://json-schema.org/draft-07/schema#"));
    json_write_text(&w, "$comment", STR("Made from src/config/keys.def; do not edit it by hand."));
    json_write_text(&w, "title", STR("The config of runnel"));
    int err = write_map(&w, &root);
    if (err == 0) {
        err = write_definitions(&w);
    }
    json_end(&w);
    return err;
}
