/* Reads under way, and who waits for them. */

#include "streaming/catchup.h"

#include "replay/replay.h"
#include "streaming/channel.h"
#include "streaming/hub_private.h"
#include "streaming/subscriber.h"

enum {
    PAGE_EVENTS = 512,
    PAGE_BYTES_MAX = 256 * 1024,
    RETRY_MS = 500, /* a log that is away is asked this often, by channel */
};

static void
catchup_on_retry(void *arg)
{
    struct hub *h = arg;
    list_splice_back(&h->catchup.wanting, &h->catchup.failed);
    hub_schedule_flush(h);
}

static void
catchup_count_reads(struct hub *h, int by)
{
    h->catchup.reads += (uint32_t)by;
    metrics_set(h->metrics, METRIC_MEMORY, METRIC_USE_PAGES,
                (int64_t)h->catchup.reads * h->catchup.page_bytes);
}

void
catchup_set_limits(struct hub *h)
{
    uint64_t bytes = h->config->tail_bytes / 2;
    bytes = h->config->page_bytes < bytes ? h->config->page_bytes : bytes;
    h->catchup.page_bytes = bytes < PAGE_BYTES_MAX ? (uint32_t)bytes : PAGE_BYTES_MAX;
    h->catchup.pages_max = (uint32_t)(bytes / (h->catchup.page_bytes + 1)) + 1;
}

void
catchup_init(struct hub *h)
{
    list_init(&h->catchup.wanting);
    list_init(&h->catchup.failed);
    timer_init(&h->catchup.retry, h->loop, catchup_on_retry, h);
    catchup_set_limits(h);
}

void
catchup_fini(struct hub *h)
{
    timer_stop(&h->catchup.retry);
}

void
catchup_want(struct channel *c)
{
    struct hub *h = channel_hub(c);
    if (!c->is_reading && list_is_unlinked(&c->wanting_node)) {
        list_push_back(&h->catchup.wanting, &c->wanting_node);
        hub_schedule_flush(h);
    }
}

static void
catchup_fail(struct channel *c)
{
    struct hub *h = channel_hub(c);
    metrics_add(h->metrics, METRIC_PAGE_FAILURES, 0, 1);
    if (list_is_empty(&c->waiting)) {
        return;
    }
    list_remove(&c->wanting_node);
    list_push_back(&h->catchup.failed, &c->wanting_node);
    if (!timer_is_running(&h->catchup.retry)) {
        timer_start(&h->catchup.retry, RETRY_MS);
    }
}

/* Where a link that asked for the newest N events begins. One that skips to them may have skipped nothing. */
static void
link_begin_at_newest(struct link *l, const struct replay_page *page)
{
    size_t length = l->newest < page->length ? l->newest : page->length;
    const struct frame *first = length > 0 ? page->frames[page->length - length] : NULL;
    event_id floor = first != NULL ? first->floor : page->floor;
    l->from = first != NULL ? first->id - 1 : page->upto;
    l->newest = 0;
    if (floor <= l->vouched) {
        l->lost = METRIC_GAP_COUNT;
    }
}

/* True where the page shows that its reader stands behind the end of the log. */
static bool
page_is_before_cursor(const struct replay_page *page)
{
    return page->is_end && page->upto < page->after;
}

/*
 * Looks at what the page says about one waiting link. False where it brought nothing although the
 * link should have got something: the log is behind what this worker has seen.
 */
static bool
catchup_settle_link(struct link *l, const struct replay_page *page, uint32_t newest)
{
    struct hub *h = channel_hub(l->channel);
    if (newest > 0) {
        if (l->newest > 0 && (l->newest == newest || (page->is_end && l->newest < newest))) {
            link_begin_at_newest(l, page);
        }
        return true;
    }
    event_id cursor = link_cursor(l);
    if (l->newest > 0 || cursor != page->after) {
        return true;
    }
    if (cursor > h->position) {
        bool is_known = !page_is_before_cursor(page);
        subscriber_settle_future(l->subscriber, is_known);
        if (!is_known || !l->is_asking) {
            return true;
        }
    }
    if (l->is_asking) {
        l->is_asking = false;
        l->from = page->length > 0 ? page->frames[0]->id - 1 : page->upto;
        return true;
    }
    return page->upto > page->after;
}

static void
catchup_mark_fresh(struct channel *c)
{
    bool was_fresh = c->fresh_length > 0;
    LIST_FOR_EACH_SAFE (node, following, &c->waiting) {
        LIST_ITEM(node, struct link, node)->is_fresh = true;
        c->fresh_length++;
    }
    channel_hub(c)->catchup.fresh += !was_fresh && c->fresh_length > 0;
}

static void
catchup_take_page(struct channel *c, const struct replay_page *page, uint32_t newest)
{
    struct hub *h = channel_hub(c);
    bool is_progress = true;
    LIST_FOR_EACH_SAFE (node, following, &c->waiting) {
        is_progress &= catchup_settle_link(LIST_ITEM(node, struct link, node), page, newest);
    }
    if (!is_progress || tail_add_page(&c->tail, page, h->position) < 0) {
        catchup_fail(c);
        return;
    }
    if (page->length > 0) {
        channel_note_event(c, page->frames[page->length - 1]);
    }
    metrics_set(h->metrics, METRIC_MEMORY, METRIC_USE_TAILS, (int64_t)h->pool.bytes);
    catchup_mark_fresh(c);
    channel_mark_waiting_dirty(c);
}

static void
catchup_on_page(void *arg, int status, struct replay_page *page)
{
    struct channel *c = arg;
    struct hub *h = channel_hub(c);
    struct channel_read read = c->read;
    uint32_t took_ms = (uint32_t)loop_now_ms(h->loop) - read.begun_ms;
    c->is_reading = false;
    list_init(&c->wanting_node);
    catchup_count_reads(h, -1);
    metrics_observe(h->metrics, METRIC_PAGE_SECONDS, 0, (uint64_t)took_ms * 1000, 1);
    if (status < 0) {
        catchup_fail(c);
    } else {
        catchup_take_page(c, page, read.newest);
        replay_page_free(page);
    }
    if (!list_is_empty(&h->catchup.wanting)) {
        hub_schedule_flush(h);
    }
    channel_release(c);
}

/*
 * For the one who is furthest behind, or for who asks for most of the newest events. In turns where there are both, so
 * that neither waits for as long as others of the other kind keep coming.
 */
static struct replay_page_request
catchup_request(struct channel *c)
{
    struct replay_page_request request = {
        .channel = channel_name(c),
        .after = EVENT_ID_MAX,
        .limit_events = PAGE_EVENTS,
        .limit_bytes = channel_hub(c)->catchup.page_bytes,
    };
    for (struct list *node = c->waiting.next; node != &c->waiting; node = node->next) {
        struct link *l = LIST_ITEM(node, struct link, node);
        if (l->newest > request.newest) {
            request.newest = l->newest;
        }
        if (l->newest == 0 && link_cursor(l) < request.after) {
            request.after = link_cursor(l);
        }
    }
    if (request.newest > 0 && (request.after == EVENT_ID_MAX || !c->was_newest)) {
        request.after = 0;
    } else {
        request.newest = 0;
    }
    return request;
}

static void
catchup_start_read(struct channel *c)
{
    struct hub *h = channel_hub(c);
    if (list_is_empty(&c->waiting)) {
        return;
    }
    struct replay_page_request request = catchup_request(c);
    if (replay_reader_read(h->reader, &request, catchup_on_page, c) < 0) {
        catchup_fail(c);
        return;
    }
    c->is_reading = true;
    c->was_newest = request.newest > 0;
    c->read = (struct channel_read){
        .newest = request.newest,
        .begun_ms = (uint32_t)loop_now_ms(h->loop),
    };
    catchup_count_reads(h, 1);
    metrics_add(h->metrics, METRIC_PAGES_READ, 0, 1);
}

void
catchup_start_reads(struct hub *h)
{
    while (h->catchup.reads + h->catchup.fresh < h->catchup.pages_max) {
        struct list *node = list_pop_front(&h->catchup.wanting);
        if (node == NULL) {
            return;
        }
        catchup_start_read(LIST_ITEM(node, struct channel, wanting_node));
    }
}

void
catchup_page_used(struct channel *c)
{
    if (--c->fresh_length == 0) {
        channel_hub(c)->catchup.fresh--;
    }
}
