/* MQTT topic filters with captures, read level by level into a pattern (MQTT 5, 4.7 and 4.8.2). */

#include "base/utf8.h"
#include "routing/pattern_builder.h"

/* Where the level at `at` ends; not at a '/' between braces, so that problems name it whole. */
static size_t
level_end(const struct pattern_builder *b, size_t at)
{
    bool is_inside = false;
    for (; at < b->text.size; at++) {
        char c = b->text.data[at];
        if (c == '/' && !is_inside) {
            break;
        }
        if (b->has_captures && (c == '{' || c == '}')) {
            is_inside = c == '{' && memchr(b->text.data + at, '}', b->text.size - at) != NULL;
        }
    }
    return at;
}

static void
mqtt_share(struct pattern_builder *b)
{
    static const struct str begin = {"$share/", 7};
    if (!str_starts_with(b->text, begin)) {
        return;
    }
    const char *group = b->text.data + begin.size;
    const char *slash = memchr(group, '/', b->text.size - begin.size);
    size_t size = slash == NULL ? 0 : (size_t)(slash - group);
    if (size == 0 || size == b->text.size - begin.size - 1) {
        builder_problem(b, "a shared subscription is $share/<group>/<topic>");
        b->at = b->text.size;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        if (memchr("+#{}", group[i], 4) != NULL) {
            builder_problem(b, "the group of a shared subscription is a plain name: no + # { }");
            break;
        }
    }
    b->at = begin.size + size + 1;
    b->pattern.share = (struct str){b->text.data, b->at};
    builder_filter(b, b->pattern.share);
}

static void
mqtt_plus(struct pattern_builder *b)
{
    builder_wildcard(b, false);
    builder_filter(b, STR("+"));
    b->at++;
}

static void
mqtt_hash(struct pattern_builder *b, bool is_first)
{
    if (b->at + 1 != b->text.size) {
        builder_problem(b,
                        "# must be the last level: use + for one level, or {name...} at the end to "
                        "capture all that follows");
    }
    if (is_first) {
        builder_wildcard(b, true);
    } else {
        b->pattern.takes_levels = true;
    }
    builder_filter(b, is_first ? STR("#") : STR("/#"));
    b->at++;
}

/* {{ and }} are one literal. False where the brace at `at` is no literal. */
static bool
mqtt_literal_brace(struct pattern_builder *b, char c)
{
    if (b->at + 1 < b->text.size && b->text.data[b->at + 1] == c) {
        b->at++;
        return true;
    }
    if (c == '}') {
        builder_problem(b, "a } closes nothing: write }} for the brace itself");
        return true;
    }
    return false;
}

/* A level of text and captures. */
static void
mqtt_level(struct pattern_builder *b, size_t end)
{
    size_t begin = b->at;
    size_t filter_size = b->filter.size;
    unsigned captures = 0;
    bool is_rest = false;
    while (b->at < end) {
        char c = b->text.data[b->at];
        if (b->has_captures && (c == '{' || c == '}') && !mqtt_literal_brace(b, c)) {
            captures++;
            is_rest |= builder_capture(b);
            continue;
        }
        if (c == '+' || c == '#') {
            builder_problem(b, "%c must be a whole level: use {name} for a part of one", c);
        }
        builder_literal(b, c);
        builder_filter(b, (struct str){&c, 1});
        b->at++;
    }
    if (is_rest && (end != b->text.size || b->text.data[begin] != '{' || captures > 1 ||
                    b->text.data[end - 1] != '}')) {
        builder_problem(b, "{name...} must be the last level, alone");
    }
    if (captures > 0 && begin == b->pattern.share.size && b->text.data[begin] == '$') {
        builder_problem(
            b, "a first level that begins with $ must be written out: the broker's + does not "
               "match it");
    }
    if (captures > 0) {
        b->filter.size = filter_size;
        builder_filter(b, is_rest ? STR("#") : STR("+"));
    }
}

void
pattern_parse_mqtt(struct pattern_builder *b)
{
    if (!utf8_is_valid(b->text)) {
        builder_problem(b, "an MQTT topic is UTF-8");
    }
    mqtt_share(b);
    bool is_first = true;
    for (size_t end = b->at; is_first || end < b->text.size; is_first = false) {
        b->at = is_first ? b->at : end + 1;
        end = level_end(b, b->at);
        struct str level = {b->text.data + b->at, end - b->at};
        if (str_equal(level, STR("#"))) {
            mqtt_hash(b, is_first);
            continue;
        }
        if (!is_first) {
            builder_literal(b, '/');
            builder_filter(b, STR("/"));
        }
        if (str_equal(level, STR("+"))) {
            mqtt_plus(b);
        } else {
            mqtt_level(b, end);
        }
    }
    b->pattern.is_dollar_blind = b->pattern.run_count > 0 && b->fixed[0].size == 0;
}
