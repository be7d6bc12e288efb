#include "sources/stream_intake.h"

#include "base/log.h"
#include "event/loop.h"
#include "observability/metrics.h"
#include "redis/reply.h"
#include "sources/loss.h"
#include "sources/stream_payload.h"

enum { PAYLOAD_MAX = 64 * 1024 * 1024 }; /* made of one entry; routes bound what they take */

void
stream_intake_init(struct stream_intake *in, const struct source_settings *settings)
{
    *in = (struct stream_intake){.settings = settings};
    buf_init(&in->payload, PAYLOAD_MAX);
}

void
stream_intake_fini(struct stream_intake *in)
{
    buf_fini(&in->payload);
}

/* The log's mark goes to s->at, where it is not yet. False: the sink takes nothing now. */
static bool
intake_move_mark(struct stream_intake *in, struct stream *s)
{
    const struct sink *sink = &in->settings->sink;
    char text[STREAM_POSITION_SIZE_MAX];
    const struct mark mark = stream_step(s, &s->at, text);
    if (str_equal(mark.before, mark.position)) {
        return true;
    }
    if (sink->move_mark(sink->arg, &mark, &in->taken) != 0) {
        return false;
    }
    stream_advance(s, &s->at, text);
    return true;
}

void
stream_intake_place(struct stream_intake *in, struct stream *s, const struct stream_info *info)
{
    s->at = stream_place(info, in->settings->config->stream.from);
    s->seen = *info;
    if (intake_move_mark(in, s)) {
        s->state = STREAM_READY;
    }
}

/* Where another stream is read from. */
static void
intake_warn_replaced(const struct stream_intake *in, const struct stream *s)
{
    char from[STREAM_ID_SIZE_MAX];
    log_warn("source.stream_replaced", LOG_TEXT("source", in->settings->config->name),
             LOG_STR("stream", s->node.key), LOG_STR("from", stream_id_format(s->at.id, from)));
}

static enum stream_change
intake_tell_change(struct stream_intake *in, struct stream *s, const struct stream_info *info)
{
    uint64_t lost = 0;
    enum stream_change change = stream_position_check(&s->at, &s->seen, info, &lost);
    s->seen = *info;
    switch (change) {
    case STREAM_IS_WHOLE:
        return change;
    case STREAM_HAS_LOST:
        log_warn("source.trimmed", LOG_TEXT("source", in->settings->config->name),
                 LOG_STR("stream", s->node.key), LOG_U64("lost", lost));
        break;
    case STREAM_IS_ANOTHER:
        intake_warn_replaced(in, s);
        break;
    }
    loss_tell(in->settings, METRIC_DROPPED_TRIMMED, lost);
    return change;
}

enum stream_change
stream_intake_compare(struct stream_intake *in, struct stream *s, const struct stream_info *info)
{
    enum stream_change change = intake_tell_change(in, s, info);
    (void)intake_move_mark(in, s); /* a full sink: at the next look */
    return change;
}

/* Nothing will make the log take this one. Its mark is moved so that nobody tells that again. */
static void
intake_lose(struct stream_intake *in,
            struct stream *s,
            const struct stream_position *position,
            int err)
{
    loss_tell(in->settings, loss_reason(err), 1);
    s->at = *position;
    (void)intake_move_mark(in, s); /* a full sink: at the next look, or with the next entry */
}

/* What the sink says. */
static int
intake_give(struct stream_intake *in,
            const struct stream *s,
            const struct redis_reply *fields,
            const struct mark *mark)
{
    const struct sink *sink = &in->settings->sink;
    struct str field = str_from(in->settings->config->stream.field);
    struct message message = {
        .topic = s->node.key, .received_ms = loop_wall_ms(in->settings->loop), .mark = mark};
    int result = stream_payload(fields, field, &in->payload, &message.payload);
    if (result == STREAM_PAYLOAD_E_NO_FIELD) {
        result = sink->move_mark(sink->arg, mark, &in->taken);
        metrics_series_add(in->settings->series, METRIC_UNROUTED, 0, result == 0);
        return result;
    }
    return result != 0 ? result : sink->on_message(sink->arg, &message, &in->taken);
}

int
stream_entry_id(const struct redis_reply *entry, struct stream_id *ret_id)
{
    bool is_entry = entry->type == REDIS_TYPE_ARRAY && entry->length == 2 &&
                    entry->items[1].type == REDIS_TYPE_ARRAY;
    int err = is_entry ? stream_id_parse(redis_reply_text(&entry->items[0]), ret_id) : ERR_PROTOCOL;
    return err == 0 ? 0 : ERR_PROTOCOL;
}

static int
intake_entry(struct stream_intake *in, struct stream *s, const struct redis_reply *entry)
{
    char text[STREAM_POSITION_SIZE_MAX];
    struct stream_position p = s->at;
    if (stream_entry_id(entry, &p.id) != 0 || !stream_id_is_later(p.id, s->at.id)) {
        return ERR_PROTOCOL;
    }
    p.count += p.is_counted;
    const struct mark mark = stream_step(s, &p, text);
    int result = intake_give(in, s, &entry->items[1], &mark);
    if (sink_may_pass(result)) {
        metrics_series_add(in->settings->series, METRIC_SOURCE_HELD_BACK, 0, 1);
        return STREAM_INTAKE_E_FULL;
    }
    if (result != 0) {
        intake_lose(in, s, &p, result);
        return 0;
    }
    stream_advance(s, &p, text);
    metrics_series_add(in->settings->series, METRIC_SOURCE_MESSAGES, 0, 1);
    return 0;
}

int
stream_intake_entries(struct stream_intake *in, struct stream *s, const struct redis_reply *entries)
{
    int result = 0;
    for (size_t i = 0; i < entries->length && result == 0; i++) {
        result = intake_entry(in, s, &entries->items[i]);
    }
    return result;
}
