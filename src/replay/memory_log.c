/* Channels of frames in memory. */

#include "replay/memory_log.h"

#include "base/list.h"
#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOMBSTONES_SHARE = 8,   /* chosen: an eighth of the bytes at most for channels that are empty */
    EXPIRE_CHANNELS = 1024, /* looked at a call */
};

struct memory_channel {
    struct map_node node;
    struct list all;     /* in the log's channels: with events, or the tombstones, oldest first */
    struct list entries; /* oldest first */
    /* The last one of the newest page, from which the next page is found; NULL: none. */
    struct list *paged;
    uint64_t length, bytes;
    struct replay_keep keep; /* the last append's */
    event_id last;
    char name[];
};

struct memory_entry {
    struct list in_channel, in_log;
    struct memory_channel *channel;
    struct frame *frame;
};

struct memory_log {
    struct memory_limits limits;
    struct map channels;
    struct list entries;    /* of all channels, by id */
    struct list busy;       /* channels with events */
    struct list tombstones; /* channels without */
    uint64_t bytes, tombstone_bytes;
    event_id head;
    event_id birth;     /* a cursor older than this has a gap */
    event_id forgotten; /* as birth, for a channel that the log does not know */
};

#define ENTRY_IN_CHANNEL(list_node) LIST_ITEM(list_node, struct memory_entry, in_channel)
#define CHANNEL_OF(list_node)       LIST_ITEM(list_node, struct memory_channel, all)

struct memory_log *
memory_log_new(const struct memory_limits *limits, event_id birth)
{
    struct memory_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return NULL;
    }
    log->limits = *limits;
    map_init(&log->channels);
    list_init(&log->entries);
    list_init(&log->busy);
    list_init(&log->tombstones);
    log->head = birth;
    log->birth = birth;
    return log;
}

void
memory_log_set_limits(struct memory_log *log, const struct memory_limits *limits)
{
    log->limits = *limits;
}

static event_id
later(event_id a, event_id b)
{
    return a > b ? a : b;
}

static uint64_t
channel_bytes(const struct memory_channel *c)
{
    return sizeof *c + c->node.key.size;
}

static uint64_t
entry_bytes(const struct memory_entry *e)
{
    return sizeof *e + sizeof *e->frame + e->frame->channel_size + e->frame->wire_size;
}

static void
log_remove_entry(struct memory_log *log, struct memory_entry *e)
{
    struct memory_channel *c = e->channel;
    c->length--;
    c->bytes -= entry_bytes(e);
    log->bytes -= entry_bytes(e);
    c->paged = c->paged == &e->in_channel ? NULL : c->paged;
    list_remove(&e->in_channel);
    list_remove(&e->in_log);
    frame_unref(e->frame);
    free(e);
    if (c->length == 0) {
        list_remove(&c->all);
        list_push_back(&log->tombstones, &c->all);
        log->tombstone_bytes += channel_bytes(c);
    }
}

static void
log_remove_tombstone(struct memory_log *log, struct memory_channel *c)
{
    log->forgotten = later(log->forgotten, c->last);
    log->bytes -= channel_bytes(c);
    log->tombstone_bytes -= channel_bytes(c);
    map_remove(&log->channels, &c->node);
    list_remove(&c->all);
    free(c);
}

void
memory_log_free(struct memory_log *log)
{
    if (log == NULL) {
        return;
    }
    LIST_FOR_EACH_SAFE (node, following, &log->entries) {
        log_remove_entry(log, LIST_ITEM(node, struct memory_entry, in_log));
    }
    LIST_FOR_EACH_SAFE (node, following, &log->tombstones) {
        log_remove_tombstone(log, CHANNEL_OF(node));
    }
    map_fini(&log->channels);
    free(log);
}

event_id
memory_log_head(const struct memory_log *log)
{
    return log->head;
}

uint64_t
memory_log_bytes(const struct memory_log *log)
{
    return log->bytes;
}

static struct memory_channel *
log_find_channel(const struct memory_log *log, struct str name)
{
    struct map_node *node = map_find(&log->channels, name);
    return node == NULL ? NULL : MAP_ITEM(node, struct memory_channel, node);
}

static struct memory_channel *
log_add_channel(struct memory_log *log, struct str name)
{
    struct memory_channel *c = calloc(1, sizeof *c + name.size);
    if (c == NULL) {
        return NULL;
    }
    memcpy(c->name, name.data, name.size);
    c->node.key = (struct str){c->name, name.size};
    if (map_add(&log->channels, &c->node) < 0) {
        free(c);
        return NULL;
    }
    list_init(&c->entries);
    list_init(&c->all);
    list_push_back(&log->tombstones, &c->all);
    c->last = later(log->birth, log->forgotten); /* it had nothing since then */
    log->bytes += channel_bytes(c);
    log->tombstone_bytes += channel_bytes(c);
    return c;
}

static bool
entry_is_expired(const struct memory_entry *e, uint64_t now_ms)
{
    return event_id_ms(e->frame->id) + e->channel->keep.for_ms < now_ms;
}

/* The channel's own bounds. Its newest event stays, whatever its size; not whatever its age. */
static void
log_trim_channel(struct memory_log *log, struct memory_channel *c, uint64_t now_ms)
{
    while (c->length > 0) {
        struct memory_entry *oldest = ENTRY_IN_CHANNEL(c->entries.next);
        bool is_over =
            c->length > 1 && (c->length > c->keep.events || c->bytes > log->limits.channel_bytes);
        if (!is_over && !entry_is_expired(oldest, now_ms)) {
            return;
        }
        log_remove_entry(log, oldest);
    }
}

static void
log_trim(struct memory_log *log)
{
    while (log->tombstone_bytes > log->limits.bytes / TOMBSTONES_SHARE) {
        log_remove_tombstone(log, CHANNEL_OF(log->tombstones.next));
    }
    while (log->bytes > log->limits.bytes && log->entries.next != log->entries.prev) {
        log_remove_entry(log, LIST_ITEM(log->entries.next, struct memory_entry, in_log));
    }
}

static void
channel_set_keep(struct memory_channel *c,
                 const struct replay_keep *keep,
                 const struct replay_keep *otherwise)
{
    c->keep.events = keep->events != 0 ? keep->events : otherwise->events;
    c->keep.for_ms = keep->for_ms != 0 ? keep->for_ms : otherwise->for_ms;
}

static void
log_add_entry(struct memory_log *log, struct memory_channel *c, struct memory_entry *e)
{
    if (c->length == 0) {
        list_remove(&c->all);
        list_push_back(&log->busy, &c->all);
        log->tombstone_bytes -= channel_bytes(c);
    }
    e->channel = c;
    list_push_back(&c->entries, &e->in_channel);
    list_push_back(&log->entries, &e->in_log);
    c->length++;
    c->bytes += entry_bytes(e);
    log->bytes += entry_bytes(e);
    c->last = e->frame->id;
    log->head = e->frame->id;
}

int
memory_log_append(struct memory_log *log,
                  const struct replay_draft *draft,
                  uint64_t now_ms,
                  struct frame **ret_frame)
{
    struct memory_channel *c = log_find_channel(log, draft->channel);
    if (c == NULL) {
        c = log_add_channel(log, draft->channel);
    }
    struct memory_entry *e = c != NULL ? malloc(sizeof *e) : NULL;
    if (e == NULL) {
        return ERR_MEMORY;
    }
    event_id id = event_id_next(log->head, now_ms);
    const struct event_traits traits = {.slow = draft->slow,
                                        .delay_ms = event_delay_ms(id, draft->received_ms)};
    e->frame = frame_new(draft->channel, id, later(c->last, log->birth), draft->body, traits);
    if (e->frame == NULL) {
        free(e);
        return ERR_MEMORY;
    }
    channel_set_keep(c, &draft->keep, &log->limits.keep);
    log_add_entry(log, c, e);
    log_trim_channel(log, c, now_ms);
    log_trim(log);
    *ret_frame = e->frame;
    return 0;
}

event_id
memory_log_note_loss(struct memory_log *log, uint64_t now_ms)
{
    log->head = event_id_next(log->head, now_ms);
    log->birth = log->head;
    return log->head;
}

static event_id
entry_id(struct list *in_channel)
{
    return ENTRY_IN_CHANNEL(in_channel)->frame->id;
}

/* Where a walk to the first entry after the cursor begins: the newest page's end where that is nearer than the newest. */
static bool
channel_was_paged_to(const struct memory_channel *c, event_id after)
{
    return c->paged != NULL && entry_id(c->paged) <= after && after < c->last &&
           after - entry_id(c->paged) < c->last - after;
}

static struct list *
channel_seek_newest(struct memory_channel *c, uint32_t length)
{
    struct list *first = &c->entries;
    while (length-- > 0 && first->prev != &c->entries) {
        first = first->prev;
    }
    return first;
}

/* The first entry after the cursor; &c->entries where there is none. */
static struct list *
channel_seek(struct memory_channel *c, event_id after)
{
    struct list *first = &c->entries;
    if (entry_id(c->entries.next) > after) {
        return c->entries.next;
    }
    if (channel_was_paged_to(c, after)) {
        first = c->paged->next;
        while (first != &c->entries && entry_id(first) <= after) {
            first = first->next;
        }
        return first;
    }
    while (first->prev != &c->entries && entry_id(first->prev) > after) {
        first = first->prev;
    }
    return first;
}

/* True where something is missing in front of the frame: the next page begins there, and tells the gap. */
static bool
page_is_cut_at(const struct replay_page *page, const struct frame *frame)
{
    return page->length > 0 && frame->floor > page->frames[page->length - 1]->id;
}

/* Fills the page from `first` on; the page's room is limit_events. */
static void
page_fill(struct replay_page *page,
          struct memory_channel *c,
          struct list *first,
          const struct replay_page_request *request)
{
    uint64_t bytes = 0;
    struct list *node = first;
    while (node != &c->entries && page->length < request->limit_events) {
        struct frame *frame = ENTRY_IN_CHANNEL(node)->frame;
        bytes += frame->wire_size;
        bool is_large = page->length > 0 && bytes > request->limit_bytes;
        if (is_large || (request->newest == 0 && page_is_cut_at(page, frame))) {
            break;
        }
        page->floor = page_is_cut_at(page, frame) ? later(page->floor, frame->floor) : page->floor;
        page->frames[page->length++] = frame_ref(frame);
        node = node->next;
    }
    page->is_end = node == &c->entries;
    c->paged = node != first ? node->prev : c->paged;
    if (request->newest == 0 && page->length > 0 && page->frames[0]->id < page->floor) {
        page->is_end = false; /* what is missing behind them is told by the next page */
        page->floor = 0;
    }
}

static size_t
channel_room(const struct memory_channel *c, const struct replay_page_request *request)
{
    return c->length < request->limit_events ? (size_t)c->length : request->limit_events;
}

/* The page of a channel that has events, or of one that is only remembered. */
static int
page_read_channel(struct replay_page *page,
                  struct memory_channel *c,
                  const struct replay_page_request *request)
{
    if (c->length == 0) {
        page->floor = later(page->floor, c->last);
        return 0;
    }
    page->frames = malloc(channel_room(c, request) * sizeof(struct frame *));
    if (page->frames == NULL) {
        return ERR_MEMORY;
    }
    struct list *first = request->newest > 0 ? channel_seek_newest(c, request->newest)
                                             : channel_seek(c, request->after);
    page_fill(page, c, first, request);
    if (page->length > 0) {
        page->floor = later(page->floor, page->frames[0]->floor);
        page->after = request->newest > 0 ? page->frames[0]->id - 1 : page->after;
    }
    if (!page->is_end) {
        assert(page->length > 0); /* at least one event, however small the page */
        page->upto = page->frames[page->length - 1]->id;
    }
    return 0;
}

struct replay_page *
memory_log_read(struct memory_log *log, const struct replay_page_request *request, uint64_t now_ms)
{
    struct replay_page *page = calloc(1, sizeof *page);
    if (page == NULL) {
        return NULL;
    }
    struct memory_channel *c = log_find_channel(log, request->channel);
    if (c != NULL) {
        log_trim_channel(log, c, now_ms);
    }
    page->after = request->newest > 0 ? log->head : request->after;
    page->upto = log->head;
    page->is_end = true;
    page->floor = c != NULL ? log->birth : later(log->birth, log->forgotten);
    if (c != NULL && page_read_channel(page, c, request) < 0) {
        replay_page_free(page);
        return NULL;
    }
    return page;
}

void
memory_log_expire(struct memory_log *log, uint64_t now_ms)
{
    for (int i = 0; i < EXPIRE_CHANNELS && !list_is_empty(&log->busy); i++) {
        struct memory_channel *c = CHANNEL_OF(log->busy.next);
        list_remove(&c->all);
        list_push_back(&log->busy, &c->all); /* whose turn it is next time */
        log_trim_channel(log, c, now_ms);
    }
    log_trim(log);
}
