#include "generator/map_rules.h"

#include "generator/json_writer.h"

/* What the code that reads a map holds besides the table: broker.c, source.c. */
static const struct rule {
    enum rule_kind { APART, NEEDS } kind;
    const char *name, *other;
} rules[] = {
    {APART, "password", "password_file"},   {APART, "token", "token_file"},
    {NEEDS, "cert_file", "key_file"},       {NEEDS, "key_file", "cert_file"},
    {NEEDS, "session_expiry", "client_id"},
};

static void
write_names(struct json_writer *w, const char *name, const char *const *names, size_t length)
{
    json_begin(w, name, JSON_LINE);
    for (size_t i = 0; i < length; i++) {
        json_write_text(w, NULL, str_from(names[i]));
    }
    json_end(w);
}

static void
write_dependencies(struct json_writer *w, const struct key_map *m)
{
    json_begin_unless_empty(w, "dependencies", JSON_OBJECT);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].kind == NEEDS && key_map_find(m, rules[i].name) != NULL) {
            write_names(w, rules[i].name, &rules[i].other, 1);
        }
    }
    json_end(w);
}

/* Items of "allOf". */
static void
write_exclusions(struct json_writer *w, const struct key_map *m)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].kind == APART && key_map_find(m, rules[i].name) != NULL) {
            json_begin(w, NULL, JSON_OBJECT);
            json_begin(w, "not", JSON_OBJECT);
            write_names(w, "required", (const char *const[]){rules[i].name, rules[i].other}, 2);
            json_end(w);
            json_end(w);
        }
    }
}

/* An item of "allOf": beside a URL without TLS none of its keys. */
static void
write_without_tls(struct json_writer *w, const struct key_map *m)
{
    if (key_map_find(m, "url") == NULL) {
        return;
    }
    json_begin(w, NULL, JSON_OBJECT);
    json_begin(w, "if", JSON_OBJECT);
    write_names(w, "required", (const char *const[]){"url"}, 1);
    json_begin(w, "properties", JSON_OBJECT);
    json_begin(w, "url", JSON_OBJECT);
    json_write_text(w, "pattern", STR("^(?:redis|mqtt)://"));
    json_end(w);
    json_end(w);
    json_end(w);
    json_begin(w, "then", JSON_OBJECT);
    json_begin(w, "properties", JSON_OBJECT);
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        if (key_map_has(m, &keys[i]) && (keys[i].flags & KEY_WITH_TLS) != 0) {
            json_write_bool(w, key_name(&keys[i]), false);
        }
    }
    json_end(w);
    json_end(w);
    json_end(w);
}

/* One of the keys of the type that `is_one` tells, and only one. */
static void
write_one_of(struct json_writer *w, const struct key_map *m, bool (*is_one)(const struct key *k))
{
    json_begin(w, NULL, JSON_OBJECT);
    json_begin(w, "oneOf", JSON_ARRAY);
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        if (key_map_has(m, &keys[i]) && is_one(&keys[i])) {
            json_begin(w, NULL, JSON_OBJECT);
            write_names(w, "required", (const char *const[]){key_name(&keys[i])}, 1);
            json_end(w);
        }
    }
    json_end(w);
    json_end(w);
}

static bool
is_comparison(const struct key *k)
{
    return k->type == KEY_OPERAND || k->type == KEY_OPERANDS || k->type == KEY_EXISTS;
}

static bool
is_subject(const struct key *k)
{
    return !is_comparison(k);
}

void
map_rules_write(struct json_writer *w, const struct key_map *m)
{
    write_dependencies(w, m);
    json_begin_unless_empty(w, "allOf", JSON_ARRAY);
    write_exclusions(w, m);
    write_without_tls(w, m);
    if (m->table == TABLE_WHEN) {
        write_one_of(w, m, is_subject);
        write_one_of(w, m, is_comparison);
    }
    json_end(w);
}
