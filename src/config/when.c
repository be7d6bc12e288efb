#include "config/when.h"

#include "config/value.h"

static bool
when_make_values(struct reader *r, struct config_when *w, size_t length)
{
    w->values = reader_alloc(r, length, sizeof(*w->values));
    w->values_are_plain = reader_alloc(r, length, sizeof(*w->values_are_plain));
    w->values_length = w->values == NULL || w->values_are_plain == NULL ? 0 : length;
    return w->values_length > 0;
}

/* The n-th value; `name` of the path is for problems. */
static void
when_read_value(
    struct reader *r, struct config_when *w, size_t n, const yaml_node_t *node, const char *name)
{
    struct str text;
    if (node->type != YAML_SCALAR_NODE) {
        reader_wrong_kind_of_text(r, node, name, "a single value");
    } else if (reader_is_nothing(node)) {
        problems_add(r->problems, reader_mark(node), reader_path(r, name),
                     "has no value (expected one; quotes make an empty text)");
    } else if (reader_scalar(r, node, name, &text)) {
        w->values[n] = (struct config_text){reader_text(r, text), reader_mark(node)};
        w->values_are_plain[n] = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    }
}

void
when_read_operand(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node)
{
    struct config_when *w = s->base;
    char shown[PROBLEMS_EXCERPT_SIZE];
    bool flag;
    w->op = k->op;
    if (!when_make_values(r, w, 1)) {
        return;
    }
    when_read_value(r, w, 0, node, key_name(k));
    struct str value = str_from(w->values[0].value);
    if (k->type == KEY_EXISTS && value.data != NULL && value_flag(value, &flag) != 0) {
        problems_add(r->problems, reader_mark(node), reader_path(r, key_name(k)),
                     "%s is not understood (expected true or false)",
                     problems_excerpt(value, shown));
    }
}

void
when_read_operands(struct reader *r,
                   struct section *s,
                   const struct key *k,
                   const yaml_node_t *node)
{
    struct config_when *w = s->base;
    w->op = k->op;
    if (node->type != YAML_SEQUENCE_NODE) {
        reader_wrong_kind(r, node, key_name(k), "a list of values");
        return;
    }
    size_t length = reader_length(node);
    if (length == 0) {
        problems_add(r->problems, reader_mark(node), reader_path(r, key_name(k)),
                     "is empty (expected a list of values)");
        return;
    }
    for (size_t i = 0; (i > 0 || when_make_values(r, w, length)) && i < length; i++) {
        size_t before = reader_enter_item(r, key_name(k), i);
        const yaml_node_t *item = reader_item(r, node, i);
        if (item != NULL) {
            when_read_value(r, w, i, item, "");
        }
        reader_leave(r, before);
    }
}

/* What the keys of one condition must be together. */
static void
when_check(struct reader *r, const struct section *s, struct config_mark mark)
{
    const char *path = reader_path(r, "");
    bool has_json = section_given(s, "", "json").line != 0;
    bool has_capture = section_given(s, "", "capture").line != 0;
    const char *names[KEYS_LENGTH];
    size_t comparisons = 0;
    size_t names_length = 0;
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        bool is_comparison = keys[i].type == KEY_OPERAND || keys[i].type == KEY_OPERANDS ||
                             keys[i].type == KEY_EXISTS;
        if (is_comparison) {
            names[names_length++] = keys[i].path;
            comparisons += s->given[i].line != 0;
        }
    }
    if (has_json == has_capture) {
        problems_add(r->problems, mark, path, "%s (expected json or capture)",
                     has_json ? "looks at two things" : "looks at nothing");
    }
    if (comparisons != 1) {
        char list[KEY_EXPECTED_SIZE];
        problems_add(r->problems, mark, path, "%s (expected one of %s)",
                     comparisons == 0 ? "compares with nothing" : "has several comparisons",
                     key_list(names, names_length, list));
    }
}

/* One that has no problems, in the place of one that has: they are not to be said twice. */
static void
when_make_harmless(struct reader *r, struct config_when *w)
{
    *w = (struct config_when){.json.value = reader_text(r, STR("")),
                              .capture.value = reader_text(r, STR("")),
                              .is_json = true,
                              .op = WHEN_EXISTS};
    if (when_make_values(r, w, 1)) {
        w->values[0].value = reader_text(r, STR("true"));
        w->values_are_plain[0] = true;
    }
}

static void
when_read(struct reader *r, struct config_when *w, const yaml_node_t *node)
{
    struct section s;
    section_init(&s, r, TABLE_WHEN, w);
    if (node->type != YAML_MAPPING_NODE) {
        reader_wrong_kind(r, node, "", "a map");
        return;
    }
    section_read(&s, r, node, "");
    w->is_json = section_given(&s, "", "json").line != 0;
    if (r->failure == 0) {
        when_check(r, &s, reader_mark(node));
    }
}

void
when_read_list(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node)
{
    struct config_route *route = s->base;
    char expected[KEY_EXPECTED_SIZE];
    if (reader_is_nothing(node)) {
        return;
    }
    if (node->type != YAML_SEQUENCE_NODE) {
        reader_wrong_kind(r, node, key_name(k), key_expected(k, 0, expected));
        return;
    }
    size_t length = reader_length(node);
    route->when = reader_alloc(r, length, sizeof(*route->when));
    for (size_t i = 0; i < length && route->when != NULL; i++) {
        size_t before = reader_enter_item(r, key_name(k), i);
        const yaml_node_t *item = reader_item(r, node, i);
        size_t problems = problems_length(r->problems);
        if (item != NULL) {
            when_read(r, &route->when[i], item);
        }
        if (problems_length(r->problems) > problems) {
            when_make_harmless(r, &route->when[i]);
        }
        reader_leave(r, before);
    }
    route->when_length = route->when == NULL ? 0 : length;
}
