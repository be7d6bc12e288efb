/* Spans: a growing buffer of chunks and the index of their ids. */

#include "streaming/span.h"

#include "streaming/wire.h"

#include <stdlib.h>
#include <string.h>

enum {
    SPAN_SIZE_MAX =
        64 * 1024, /* chosen: as much as one send takes; a larger event has a span alone */
    ENTRIES_FIRST = 4,
    SPAN_OVERHEAD = 320, /* measured: 400 bytes for an empty span and its channel */
};

struct span *
span_new(event_id low)
{
    struct span *s = calloc(1, sizeof *s);
    if (s != NULL) {
        list_init(&s->node);
        list_init(&s->lru);
        s->low = low;
        s->high = low;
    }
    return s;
}

void
span_free(struct span *s)
{
    if (s == NULL) {
        return;
    }
    list_remove(&s->node);
    list_remove(&s->lru);
    free(s->bytes);
    free(s->entries);
    free(s);
}

/* With what the allocator adds, and the channel that a span may be the last reason to keep. */
uint64_t
span_bytes(const struct span *s)
{
    return SPAN_OVERHEAD + sizeof *s + s->capacity +
           (uint64_t)s->entries_capacity * sizeof *s->entries;
}

bool
span_is_full_for(const struct span *s, const struct frame *frame)
{
    return s->length > 0 && s->size + wire_chunk_size(frame->wire_size) > SPAN_SIZE_MAX;
}

/* The first event gets exactly its size (most channels are quiet), later ones doubling room. */
static int
span_reserve_bytes(struct span *s, size_t more)
{
    size_t needed = s->size + more;
    if (needed <= s->capacity) {
        return 0;
    }
    if (needed > UINT32_MAX) {
        return ERR_LIMIT;
    }
    size_t capacity = (size_t)s->capacity * 2;
    if (capacity > SPAN_SIZE_MAX) {
        capacity = SPAN_SIZE_MAX;
    }
    if (capacity < needed) {
        capacity = needed;
    }
    char *bytes = realloc(s->bytes, capacity);
    if (bytes == NULL) {
        return ERR_MEMORY;
    }
    s->bytes = bytes;
    s->capacity = (uint32_t)capacity;
    return 0;
}

static int
span_reserve_entry(struct span *s)
{
    if (s->length < s->entries_capacity) {
        return 0;
    }
    uint32_t capacity = s->entries_capacity == 0 ? ENTRIES_FIRST : s->entries_capacity * 2;
    struct tail_entry *entries = realloc(s->entries, capacity * sizeof *entries);
    if (entries == NULL) {
        return ERR_MEMORY;
    }
    s->entries = entries;
    s->entries_capacity = capacity;
    return 0;
}

int
span_append(struct span *s, const struct frame *frame)
{
    int r = span_reserve_bytes(s, wire_chunk_size(frame->wire_size));
    if (r == 0) {
        r = span_reserve_entry(s);
    }
    if (r < 0) {
        return r;
    }
    s->size += (uint32_t)wire_put_chunk(s->bytes + s->size, frame_wire(frame));
    s->entries[s->length++] =
        (struct tail_entry){.id = frame->id, .end = s->size, .delay_ms = frame->traits.delay_ms};
    s->high = frame->id;
    return 0;
}

uint32_t
span_find(const struct span *s, event_id cursor)
{
    /* Nearly everybody is one event behind: look at the end first. */
    if (s->length == 0 || s->entries[s->length - 1].id <= cursor) {
        return s->length;
    }
    if (s->length == 1 || s->entries[s->length - 2].id <= cursor) {
        return s->length - 1;
    }
    uint32_t low = 0;
    uint32_t high = s->length - 2; /* entries[high].id > cursor */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->entries[middle].id > cursor) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return high;
}

struct tail_run
span_run(const struct span *s, uint32_t index)
{
    uint32_t origin = index == 0 ? 0 : s->entries[index - 1].end;
    return (struct tail_run){
        .bytes = s->bytes + origin,
        .entries = s->entries + index,
        .length = s->length - index,
        .origin = origin,
    };
}
