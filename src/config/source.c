#include "config/source.h"

#include "base/channel_name.h"
#include "config/broker.h"
#include "config/section.h"

enum { NAME_SIZE_MAX = 64 };

/* {source} puts the name into channel names, so it is made of what those are made of. */
static bool
name_is_valid(struct str name)
{
    return name.size <= NAME_SIZE_MAX && channel_name_is_valid(name);
}

static unsigned
source_only(enum config_source_type type)
{
    switch (type) {
    case SOURCE_REDIS:
        return KEY_REDIS;
    case SOURCE_MQTT:
        return KEY_MQTT;
    case SOURCE_HTTP:
        return KEY_HTTP;
    case SOURCE_REDIS_STREAM:
        return KEY_STREAM;
    }
    return 0;
}

/* A session is what the client id and version 5 make possible. */
static void
check_mqtt(struct reader *r, const struct section *s, const struct config_source *source)
{
    struct config_mark expiry = section_given(s, "", "session_expiry");
    const char *path = reader_path(r, "session_expiry");
    if (expiry.line != 0 && !source->mqtt.is_v5) {
        problems_add(r->problems, expiry, path, "only with version: 5");
    }
    if (expiry.line != 0 && section_given(s, "", "client_id").line == 0) {
        problems_add(r->problems, expiry, path,
                     "given without client_id (expected one: it names the session)");
    }
}

/* "$", or an id: <ms> or <ms>-<seq>. */
static bool
from_is_valid(struct str from)
{
    const char *dash = from.size > 0 ? memchr(from.data, '-', from.size) : NULL;
    struct str ms = {from.data, dash != NULL ? (size_t)(dash - from.data) : from.size};
    uint64_t number = 0;
    if (str_equal(from, STR("$"))) {
        return true;
    }
    return str_to_u64(ms, UINT64_MAX, &number) == 0 &&
           (dash == NULL || str_to_u64(str_after(from, ms.size + 1), UINT64_MAX, &number) == 0);
}

static void
check_stream(struct reader *r, const struct section *s, const struct config_source *source)
{
    struct config_mark from = section_given(s, "", "from");
    char shown[PROBLEMS_EXCERPT_SIZE];
    if (from.line != 0 && source->stream.from != NULL && source->stream.from[0] != '\0' &&
        !from_is_valid(str_from(source->stream.from))) {
        problems_add(r->problems, from, reader_path(r, "from"),
                     "%s is no place in a stream (expected $, 0, or an id such as "
                     "1712345678901-0)",
                     problems_excerpt(str_from(source->stream.from), shown));
    }
}

/* As a header's value arrives: RFC 9110 5.5. */
static bool
token_is_valid(struct str token)
{
    for (size_t i = 0; i < token.size; i++) {
        bool is_edge = i == 0 || i + 1 == token.size;
        if (token.data[i] < ' ' || token.data[i] > '~' || (is_edge && token.data[i] == ' ')) {
            return false;
        }
    }
    return true;
}

static void
check_http(struct reader *r, const struct section *s, const struct config_source *source)
{
    struct config_mark token = section_given(s, "", "token");
    struct config_mark file = section_given(s, "", "token_file");
    if (token.line != 0 && file.line != 0) {
        problems_add(r->problems, file, reader_path(r, "token_file"),
                     "given beside token (expected one of them)");
    }
    const char *value = source->http.token == NULL ? "" : source->http.token;
    if (!token_is_valid(str_from(value))) {
        bool is_file = token.line == 0;
        problems_add(
            r->problems, is_file ? file : token, reader_path(r, is_file ? "token_file" : "token"),
            "the token has characters that no HTTP header can carry (expected ASCII, without "
            "blanks at its ends)");
    }
}

/* One http source at most: the path of a POST is all topic. */
static void
check_only_http(struct reader *r, const struct config_source *source, struct config_mark mark)
{
    if (r->config->admin.listen.host != NULL && !r->config->admin.is_on) {
        problems_add(r->problems, mark, reader_path(r, "type"),
                     "an http source needs the admin port, and admin.listen is off");
    }
    for (const struct config_source *s = r->config->sources; s < source; s++) {
        if (s->type == SOURCE_HTTP && !r->source_is_broken[s - r->config->sources]) {
            problems_add(
                r->problems, mark, reader_path(r, "type"),
                "a second http source (expected at most one; the first is \"%s\" in line %u)",
                s->name, s->mark.line);
            return;
        }
    }
}

static void
source_finish(struct reader *r, const struct section *s, struct config_source *source)
{
    broker_finish(r, s, "", &source->broker);
    if (s->only == KEY_MQTT) {
        check_mqtt(r, s, source);
    } else if (s->only == KEY_HTTP) {
        check_http(r, s, source);
        check_only_http(r, source, section_given(s, "", "type"));
    } else if (s->only == KEY_STREAM) {
        check_stream(r, s, source);
    }
}

static void
source_read(struct reader *r, struct config_source *source, const yaml_node_t *node)
{
    struct section s;
    size_t problems = problems_length(r->problems);
    section_init(&s, r, TABLE_SOURCE, source);
    if (node->type != YAML_MAPPING_NODE) {
        reader_wrong_kind(r, node, "", "a map with a type");
        r->source_is_broken[source - r->config->sources] = true;
        return;
    }
    section_read_first(&s, r, node, "", "type");
    bool has_type =
        section_given(&s, "", "type").line != 0 && problems_length(r->problems) == problems;
    r->source_is_broken[source - r->config->sources] = !has_type;
    s.only = has_type ? source_only(source->type) : 0;
    section_read(&s, r, node, "");
    section_require(&s, r, source->mark);
    if (r->failure == 0) {
        source_finish(r, &s, source);
    }
}

/* Adds the source's name, so that routes can refer to it. NULL where it can be none. */
static struct config_source *
source_add(struct reader *r, const yaml_node_t *name)
{
    struct config *config = r->config;
    char shown[PROBLEMS_EXCERPT_SIZE];
    struct str text = reader_raw(name);
    if (!name_is_valid(text)) {
        problems_add(
            r->problems, reader_mark(name), reader_path(r, ""),
            "%s cannot be the name of a source (expected 1 to %d bytes without control characters)",
            problems_excerpt(text, shown), NAME_SIZE_MAX);
        return NULL;
    }
    for (size_t i = 0; i < config->sources_length; i++) {
        if (str_equal(str_from(config->sources[i].name), text)) {
            problems_add(r->problems, reader_mark(name), reader_path(r, config->sources[i].name),
                         "given twice (first in line %u)", config->sources[i].mark.line);
            return NULL;
        }
    }
    struct config_source *source = &config->sources[config->sources_length];
    source->mark = reader_mark(name);
    source->name = reader_text(r, text);
    config->sources_length += source->name != NULL;
    return source->name == NULL ? NULL : source;
}

static void
source_read_pair(struct reader *r, const yaml_node_pair_t *pair)
{
    const yaml_node_t *name = reader_node(r, pair->key);
    const yaml_node_t *value = reader_node(r, pair->value);
    if (name == NULL || value == NULL) {
        return;
    }
    if (name->type != YAML_SCALAR_NODE) {
        reader_wrong_kind_of_text(r, name, "", "a name");
        return;
    }
    struct config_source *source = source_add(r, name);
    if (source != NULL) {
        size_t before = reader_enter(r, source->name);
        source_read(r, source, value);
        reader_leave(r, before);
    }
}

void
source_read_all(struct reader *r)
{
    const yaml_node_t *map = r->sources;
    if (map == NULL || reader_is_nothing(map)) {
        return;
    }
    size_t before = reader_enter(r, "sources");
    if (map->type != YAML_MAPPING_NODE) {
        reader_wrong_kind(r, map, "", "a map of sources by name");
        reader_leave(r, before);
        return;
    }
    const yaml_node_pair_t *begin = map->data.mapping.pairs.start;
    const yaml_node_pair_t *end = map->data.mapping.pairs.top;
    if (end - begin > READER_SOURCES_MAX) {
        problems_add(r->problems, reader_mark(map), reader_path(r, ""),
                     "too many (expected at most %d)", READER_SOURCES_MAX);
        end = begin + READER_SOURCES_MAX;
    }
    r->config->sources = reader_alloc(r, (size_t)(end - begin), sizeof(*r->config->sources));
    for (const yaml_node_pair_t *p = begin; r->config->sources != NULL && p < end; p++) {
        source_read_pair(r, p);
    }
    reader_leave(r, before);
}
