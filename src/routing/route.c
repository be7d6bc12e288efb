#include "routing/route.h"

#include "base/channel_name.h"
#include "base/utf8.h"
#include "routing/base64.h"
#include "routing/report.h"
#include "sse/encoder.h"

#include <stdlib.h>

enum pattern_syntax
route_syntax(enum config_source_type type)
{
    switch (type) {
    case SOURCE_REDIS:
    case SOURCE_REDIS_STREAM:
        return PATTERN_REDIS;
    case SOURCE_MQTT:
        return PATTERN_MQTT;
    case SOURCE_HTTP:
        return PATTERN_HTTP;
    }
    return PATTERN_HTTP;
}

/* "runnel.live" and the like are runnel's own words to the browser: no payload may speak them. */
static bool
is_event_name(struct str name)
{
    return name.size <= TABLE_EVENT_NAME_SIZE_MAX && !str_starts_with(name, STR("runnel.")) &&
           sse_event_name_is_valid(name);
}

static void
check_constants(const struct route *r, const struct report *channel, const struct report *event)
{
    struct str text;
    if (template_is_constant(&r->channel, &text) && !channel_name_is_valid(text)) {
        report_add(channel, "is no channel name: 1 to %d bytes of UTF-8 without control characters",
                   CHANNEL_NAME_SIZE_MAX);
    }
    if (template_is_constant(&r->event, &text) && !is_event_name(text)) {
        report_add(event,
                   "is no event name: at most %d bytes of UTF-8 without line ends; runnel.* is "
                   "reserved",
                   TABLE_EVENT_NAME_SIZE_MAX);
    }
}

static int
init_templates(struct route *r, const struct report *report)
{
    const struct config_route *c = r->config;
    const struct report channel = report_below(report, c->channel.mark, ".channel");
    const struct report event = report_below(report, c->event.mark, ".event");
    const struct report data = report_below(report, c->data.mark, ".data");
    int errs[] = {
        template_init(&r->channel, str_from(c->channel.value), r->pattern, &channel),
        template_init(&r->event, str_from(c->event.value), r->pattern, &event),
        template_init(&r->data, str_from(c->data.value), r->pattern, &data),
    };
    for (int i = 0; i < 3; i++) {
        if (errs[i] == ERR_MEMORY) {
            return ERR_MEMORY;
        }
    }
    if (errs[0] == 0 && errs[1] == 0) {
        check_constants(r, &channel, &event);
    }
    return 0;
}

static int
init_conditions(struct route *r, const struct report *report)
{
    size_t length = r->config->when_length;
    if (length == 0) {
        return 0;
    }
    r->conditions = calloc(length, sizeof(*r->conditions));
    if (r->conditions == NULL) {
        return ERR_MEMORY;
    }
    r->conditions_length = length;
    for (size_t i = 0; i < length; i++) {
        const struct report item = report_item(report, ".when", i);
        int err = condition_init(&r->conditions[i], &r->config->when[i], r->pattern, &item);
        if (err == ERR_MEMORY) {
            return err;
        }
    }
    return 0;
}

/* A stream is read by its name: nobody can subscribe to what may come to exist. */
static void
check_stream(const struct route *r, enum config_source_type type, const struct report *topic)
{
    if (type == SOURCE_REDIS_STREAM && r->pattern->is_glob) {
        report_add(topic, "must be the key of one stream: a redis-stream source takes no wildcards "
                          "and captures (a `\\` before a sign makes it literal)");
    }
}

int
route_init(struct route *r, const struct config *config, uint32_t index, struct problems *problems)
{
    const struct config_route *c = &config->routes[index];
    *r = (struct route){.config = c, .index = index};
    if (c->is_broken) {
        return ERR_CONFIG; /* said by the config's reader */
    }
    const struct report root = {.problems = problems, .mark = c->mark};
    const struct report report = report_item(&root, "routes", index);
    const struct report topic = report_below(&report, c->topic.mark, ".topic");
    size_t problems_before = problems_length(problems);
    enum config_source_type type = config->sources[c->source].type;
    int err = pattern_compile(str_from(c->topic.value), route_syntax(type), &topic, &r->pattern);
    if (err != 0) {
        return err; /* what refers to its captures cannot be judged without it */
    }
    check_stream(r, type, &topic);
    err = init_templates(r, &report);
    err = err != 0 ? err : init_conditions(r, &report);
    return err == 0 && problems_length(problems) > problems_before ? ERR_CONFIG : err;
}

void
route_fini(struct route *r)
{
    pattern_free(r->pattern);
    template_fini(&r->channel);
    template_fini(&r->event);
    template_fini(&r->data);
    for (size_t i = 0; i < r->conditions_length; i++) {
        condition_fini(&r->conditions[i]);
    }
    free(r->conditions);
}

void
route_scratch_init(struct route_scratch *s)
{
    buf_init(&s->channel, CHANNEL_NAME_SIZE_MAX);
    buf_init(&s->event, TABLE_EVENT_NAME_SIZE_MAX);
    buf_init(&s->data, 0);
    buf_init(&s->encoded, 0);
}

void
route_scratch_fini(struct route_scratch *s)
{
    buf_fini(&s->channel);
    buf_fini(&s->event);
    buf_fini(&s->data);
    buf_fini(&s->encoded);
}

/* `too_large` is what ERR_LIMIT means here. */
static int
render(const struct template *t,
       const struct scope *scope,
       struct buf *out,
       enum table_miss too_large,
       enum table_miss *ret_why)
{
    buf_clear(out);
    int err = template_render(t, scope, out);
    if (err == TEMPLATE_E_EXTRACT || err == ERR_LIMIT) {
        *ret_why = err == ERR_LIMIT ? too_large : TABLE_MISS_EXTRACT;
        return ROUTE_E_MISS;
    }
    return err;
}

static int
make_channel(const struct route *r,
             const struct scope *scope,
             struct buf *out,
             struct str *ret_channel,
             enum table_miss *ret_why)
{
    int err = render(&r->channel, scope, out, TABLE_MISS_CHANNEL, ret_why);
    if (err == 0 && !channel_name_is_valid(buf_str(out))) {
        *ret_why = TABLE_MISS_CHANNEL;
        return ROUTE_E_MISS;
    }
    *ret_channel = buf_str(out);
    return err;
}

static int
make_name(const struct route *r,
          const struct scope *scope,
          struct buf *out,
          struct str *ret_name,
          enum table_miss *ret_why)
{
    int err = render(&r->event, scope, out, TABLE_MISS_EVENT, ret_why);
    if (err == 0 && !is_event_name(buf_str(out))) {
        *ret_why = TABLE_MISS_EVENT;
        return ROUTE_E_MISS;
    }
    *ret_name = buf_str(out);
    return err;
}

/* The data is no UTF-8: what the route says about that. */
static int
encode(const struct route *r,
       struct route_scratch *scratch,
       struct str data,
       struct str *ret_data,
       enum table_miss *ret_why)
{
    if (r->config->not_utf8 == NOT_UTF8_DROP) {
        *ret_why = TABLE_MISS_UTF8;
        return ROUTE_E_MISS;
    }
    buf_clear(&scratch->encoded);
    scratch->encoded.limit = data.size / 3 * 4 + 8;
    int err = base64_append(data, &scratch->encoded);
    *ret_data = buf_str(&scratch->encoded);
    return err;
}

static int
make_data(const struct route *r,
          const struct scope *scope,
          struct route_scratch *scratch,
          struct str *ret_data,
          enum table_miss *ret_why)
{
    *ret_data = scope->payload->bytes;
    if (r->data.length == 0) {
        return payload_is_utf8(scope->payload) ? 0
                                               : encode(r, scratch, *ret_data, ret_data, ret_why);
    }
    buf_clear(&scratch->data);
    scratch->data.limit = r->config->max_bytes;
    int err = render(&r->data, scope, &scratch->data, TABLE_MISS_SIZE, ret_why);
    if (err != 0) {
        return err;
    }
    *ret_data = buf_str(&scratch->data);
    return utf8_is_valid(*ret_data) ? 0 : encode(r, scratch, *ret_data, ret_data, ret_why);
}

/* Size first, so that an oversized payload is not parsed for a condition. */
static int
check_message(const struct route *r, const struct scope *scope, enum table_miss *ret_why)
{
    if (scope->payload->bytes.size > r->config->max_bytes) {
        *ret_why = TABLE_MISS_SIZE;
        return ROUTE_E_MISS;
    }
    for (size_t i = 0; i < r->conditions_length; i++) {
        bool holds;
        int err = condition_holds(&r->conditions[i], scope, &holds);
        if (err != 0) {
            return err;
        }
        if (!holds) {
            *ret_why = TABLE_MISS_WHEN;
            return ROUTE_E_MISS;
        }
    }
    return 0;
}

int
route_make(const struct route *r,
           struct scope *scope,
           struct route_scratch *scratch,
           struct table_event *ret_event,
           enum table_miss *ret_why)
{
    struct table_event event = {.route = r->index};
    scope->is_lenient = r->config->on_error == ON_ERROR_PASS;
    int err = check_message(r, scope, ret_why);
    if (err == 0) {
        err = make_channel(r, scope, &scratch->channel, &event.channel, ret_why);
    }
    if (err == 0) {
        err = make_name(r, scope, &scratch->event, &event.name, ret_why);
    }
    if (err == 0) {
        err = make_data(r, scope, scratch, &event.data, ret_why);
    }
    if (err == 0) {
        *ret_event = event;
    }
    return err;
}
