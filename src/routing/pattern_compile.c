#include "routing/pattern_builder.h"

static int
parse(struct pattern_builder *b, struct pattern **ret_pattern)
{
    if (b->pattern.syntax == PATTERN_MQTT) {
        pattern_parse_mqtt(b);
    } else {
        pattern_parse_glob(b);
    }
    int err = builder_finish(b, ret_pattern);
    builder_fini(b);
    return err;
}

int
pattern_compile(struct str text,
                enum pattern_syntax syntax,
                const struct report *report,
                struct pattern **ret_pattern)
{
    if (text.size == 0) {
        report_add(report, "is empty: name a topic, or a pattern such as %s",
                   syntax == PATTERN_MQTT ? "\"plant/{line}/+\"" : "\"orders.{shop}.*\"");
        return ERR_CONFIG;
    }
    if (text.size > PATTERN_SIZE_MAX) {
        report_add(report, "is longer than %d bytes", PATTERN_SIZE_MAX);
        return ERR_CONFIG;
    }
    if (memchr(text.data, '\0', text.size) != NULL) {
        report_add(report, "holds a NUL byte, which no filter can carry");
        return ERR_CONFIG;
    }
    struct pattern_builder b;
    builder_init(&b, text, syntax, report);
    b.has_captures = true;
    return parse(&b, ret_pattern);
}

int
pattern_compile_filter(const struct pattern *from, struct pattern **ret_pattern)
{
    struct pattern_builder b;
    struct str filter = str_from(from->filter);
    builder_init(&b, filter, from->syntax, NULL);
    if (from->syntax == PATTERN_REDIS && !from->is_glob) {
        for (size_t i = 0; i < filter.size; i++) {
            builder_literal(&b, filter.data[i]);
        }
        builder_filter(&b, filter);
        int err = builder_finish(&b, ret_pattern);
        builder_fini(&b);
        return err;
    }
    return parse(&b, ret_pattern);
}
