#include "replay/redis_page.h"

#include "sse/encoder.h"

#include <stdlib.h>

/* The script's reply: head, what is vouched for, is_end, entries; an entry: id, [f, floor, b, body,
 * d, delay, s<keep>, slow]. Versions before the traits wrote entries without them. */
enum { PAGE_ITEMS = 4, ENTRY_ITEMS = 2, ENTRY_FIELDS_MIN = 4, ENTRY_FIELDS = 8 };

struct page_builder {
    struct replay_page *page;
    struct str channel;
    event_id head;
    event_id last;    /* id of the last entry, usable or not */
    event_id hole;    /* the newest floor that says that something is missing between two entries */
    bool is_newest;   /* of the newest N events: what is missing among them stands before them */
    bool is_cut;      /* in front of such a hole: the next page begins there, and tells the gap */
    uint64_t invalid; /* entries left out */
};

static bool
entry_is_event(const struct redis_reply *entry)
{
    if (entry->type != REDIS_TYPE_ARRAY || entry->length != ENTRY_ITEMS) {
        return false;
    }
    const struct redis_reply *fields = &entry->items[1];
    return fields->type == REDIS_TYPE_ARRAY && fields->length >= ENTRY_FIELDS_MIN &&
           str_equal(redis_reply_text(&fields->items[0]), STR("f")) &&
           str_equal(redis_reply_text(&fields->items[2]), STR("b"));
}

/* Of an entry that is an event. */
static struct event_traits
entry_traits(const struct redis_reply *entry)
{
    const struct redis_reply *fields = &entry->items[1];
    if (fields->length < ENTRY_FIELDS) {
        return (struct event_traits){.slow = 0};
    }
    return event_traits_read(redis_reply_text(&fields->items[5]),
                             redis_reply_text(&fields->items[7]));
}

/* An entry that is no event is skipped. ERR_MEMORY. */
static int
page_add(struct page_builder *b, const struct redis_reply *entry)
{
    event_id id = 0;
    event_id floor = 0;
    b->invalid++;
    if (!entry_is_event(entry) || event_id_parse(redis_reply_text(&entry->items[0]), &id) != 0 ||
        id <= b->last || id > b->head) {
        return 0;
    }
    event_id before = b->last;
    b->last = id;
    struct str body = redis_reply_text(&entry->items[1].items[3]);
    if (event_id_parse(redis_reply_text(&entry->items[1].items[1]), &floor) != 0 || floor >= id ||
        !sse_body_is_valid(body)) {
        return 0;
    }
    if (b->page->length > 0 && floor > before) {
        b->hole = floor;
        if (!b->is_newest) {
            b->is_cut = true;
            b->last = before;
            b->invalid--;
            return 0;
        }
    }
    struct frame *frame = frame_new(b->channel, id, floor, body, entry_traits(entry));
    if (frame == NULL) {
        return ERR_MEMORY;
    }
    b->page->frames[b->page->length++] = frame;
    b->invalid--;
    return 0;
}

static int
page_add_all(struct page_builder *b, const struct redis_reply *entries)
{
    int err = 0;
    if (entries->length == 0) {
        return 0;
    }
    b->page->frames = calloc(entries->length, sizeof *b->page->frames);
    if (b->page->frames == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < entries->length && err == 0 && !b->is_cut; i++) {
        err = page_add(b, &entries->items[i]);
    }
    return err;
}

/* The frames are in; says what they cover. `vouched` is the script's. */
static void
page_set_bounds(struct page_builder *b, const struct replay_page_request *request, event_id vouched)
{
    struct replay_page *page = b->page;
    page->is_end = page->is_end && !b->is_cut;
    page->floor = vouched;
    page->upto = page->is_end ? b->head : b->last;
    page->after = request->newest > 0 ? page->upto : request->after;
    if (page->length > 0) {
        event_id floor = page->frames[0]->floor;
        floor = b->is_newest && b->hole > floor ? b->hole : floor;
        page->floor = floor > vouched ? floor : vouched;
        page->after = request->newest > 0 ? page->frames[0]->id - 1 : request->after;
    }
    if (!page->is_end && page->upto <= page->after) {
        /* Nothing usable, and no way past it: a gap up to the head. */
        page->is_end = true;
        page->upto = b->head;
        page->floor = b->head;
    }
}

static bool
page_is_readable(const struct redis_reply *reply)
{
    return reply->type == REDIS_TYPE_ARRAY && reply->length == PAGE_ITEMS &&
           reply->items[2].type == REDIS_TYPE_INTEGER && reply->items[3].type == REDIS_TYPE_ARRAY;
}

int
redis_page_new(const struct redis_reply *reply,
               const struct replay_page_request *request,
               uint64_t *ret_invalid,
               struct replay_page **ret_page)
{
    event_id head = 0;
    event_id vouched = 0;
    if (!page_is_readable(reply) ||
        event_id_parse(redis_reply_text(&reply->items[0]), &head) != 0 ||
        event_id_parse(redis_reply_text(&reply->items[1]), &vouched) != 0) {
        return ERR_PROTOCOL;
    }
    struct page_builder b = {.page = calloc(1, sizeof *b.page),
                             .channel = request->channel,
                             .head = head,
                             .is_newest = request->newest > 0};
    if (b.page == NULL) {
        return ERR_MEMORY;
    }
    b.page->is_end = reply->items[2].integer != 0;
    int err = page_add_all(&b, &reply->items[3]);
    if (err != 0) {
        replay_page_free(b.page);
        return err;
    }
    page_set_bounds(&b, request, vouched);
    *ret_invalid = b.invalid;
    *ret_page = b.page;
    return 0;
}
