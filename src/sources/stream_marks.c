/* How far the log has come, of each stream: asked once, and again where it refuses what we deliver. */

#include "base/log.h"
#include "sources/redis_stream_private.h"

void
stream_source_ask(struct redis_stream *r, const struct stream *s)
{
    int err = r->settings.sink.read_mark(r->settings.sink.arg, str_from(s->mark_name));
    if (err != 0) {
        log_debug("source.mark", LOG_TEXT("error", err_text(err)));
    }
    r->is_asking = true;
    stream_source_pause(r); /* for as long as the answer may take */
}

/* The answer that was waited for. */
static void
stream_source_take_mark(struct redis_stream *r, struct stream *s, const struct mark *mark)
{
    if (stream_on_mark(s, mark) != 0) {
        status_set(&r->status, STATUS_REFUSED, "the replay log's mark is no position in a stream");
        return; /* asked again, until somebody has mended it */
    }
    log_info(
        "source.stream", LOG_TEXT("source", r->settings.config->name),
        LOG_STR("stream", s->node.key),
        LOG_TEXT("from", s->state == STREAM_READY ? s->stands : r->settings.config->stream.from));
    r->must_look = true;
    r->is_asking = false;
    timer_stop(&r->retry);
    backoff_reset(&r->backoff);
    stream_source_schedule(r);
}

void
stream_source_on_mark(struct source *source, const struct mark *mark, bool is_refused)
{
    struct redis_stream *r = (struct redis_stream *)source;
    struct str key = stream_key_of_mark(r->settings.config->name, mark->name);
    struct stream *s = stream_list_find(&r->list, key);
    if (s == NULL) {
        return;
    }
    if (is_refused) {
        log_warn("source.refused_by_log", LOG_TEXT("source", r->settings.config->name),
                 LOG_STR("stream", s->node.key), LOG_STR("expected", mark->before),
                 LOG_STR("log_has", mark->position));
        stream_refuse(s, mark);
        stream_source_schedule(r);
    } else if (s->state == STREAM_ASKING && r->is_asking) {
        stream_source_take_mark(r, s, mark);
    }
}

void
stream_source_ask_again(struct redis_stream *r)
{
    for (size_t i = 0; i < r->list.length && r->stored >= r->intake.taken; i++) {
        stream_ask_again(&r->list.streams[i]);
    }
}

const struct stream *
stream_source_find_unknown(const struct redis_stream *r)
{
    for (size_t i = 0; i < r->list.length; i++) {
        if (r->list.streams[i].state == STREAM_ASKING) {
            return &r->list.streams[i];
        }
    }
    return NULL;
}

bool
stream_source_is_refused(const struct redis_stream *r)
{
    for (size_t i = 0; i < r->list.length; i++) {
        if (r->list.streams[i].is_refused) {
            return true;
        }
    }
    return false;
}
