#include "streaming/slow.h"

#include "streaming/hub_private.h"
#include "streaming/subscriber.h"

struct slow_limit {
    enum config_slow what;
    uint64_t after_ms;
};

static struct slow_limit
link_limit(const struct link *l)
{
    const struct config_stream *config = channel_hub(l->channel)->config;
    uint32_t what = slow_rule_what(l->channel->slow);
    uint32_t after_ms = slow_rule_after_ms(l->channel->slow);
    return (struct slow_limit){
        .what = what == 0 ? config->slow : (enum config_slow)(what - 1),
        .after_ms = after_ms == 0 ? config->slow_after_ms : after_ms,
    };
}

/* The age of the oldest event that the client has not taken; 0: there is none, or it must be read. */
static uint64_t
link_behind_ms(struct link *l)
{
    struct tail_run run;
    event_id after, floor;
    uint64_t now_ms = loop_wall_ms(channel_hub(l->channel)->loop);
    if (l->newest > 0 || l->is_asking ||
        tail_next(&l->channel->tail, link_cursor(l), &run, &after, &floor) != TAIL_RUN) {
        return 0;
    }
    uint64_t event_ms = event_id_ms(run.entries[0].id);
    return now_ms > event_ms ? now_ms - event_ms : 0;
}

/* Says a gap where something lies between. */
static void
link_skip_to_newest(struct link *l)
{
    l->vouched = link_cursor(l);
    l->lost = METRIC_GAP_SLOW;
    l->newest = 1;
}

bool
slow_must_close(struct subscriber *s)
{
    for (size_t i = 0; i < s->links_length; i++) {
        struct link *l = &s->links[i];
        struct slow_limit limit = link_limit(l);
        if (limit.what == SLOW_CATCH_UP || link_behind_ms(l) <= limit.after_ms) {
            continue;
        }
        if (limit.what == SLOW_CLOSE) {
            return true;
        }
        link_skip_to_newest(l);
        s->is_slow = false; /* or it would skip again for the newest, which may be as old */
    }
    return false;
}

bool
slow_is_stalled(const struct subscriber *s)
{
    uint64_t silent_ms = loop_now_ms(s->hub->loop) - s->sent_ms;
    for (size_t i = 0; s->is_slow && i < s->links_length; i++) {
        const struct link *l = &s->links[i];
        struct slow_limit limit = link_limit(l);
        /* The event at the cursor counts: it may be what the socket took half. */
        if (limit.what == SLOW_CLOSE && l->channel->newest >= s->cursor &&
            silent_ms > limit.after_ms) {
            return true;
        }
    }
    return false;
}
