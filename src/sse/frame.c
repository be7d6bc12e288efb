#include "sse/frame.h"

#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ID_LINE_SIZE_MAX = EVENT_ID_TEXT_SIZE_MAX + sizeof("id: \n") };

static size_t
frame_write_id_line(event_id id, char ret_line[static ID_LINE_SIZE_MAX])
{
    const struct str name = STR("id: ");
    memcpy(ret_line, name.data, name.size);
    size_t size = name.size + event_id_format(id, ret_line + name.size);
    ret_line[size++] = '\n';
    return size;
}

struct frame *
frame_new(
    struct str channel, event_id id, event_id floor, struct str body, struct event_traits traits)
{
    char id_line[ID_LINE_SIZE_MAX];
    size_t id_line_size = frame_write_id_line(id, id_line);
    assert(channel.size <= UINT8_MAX);
    if (body.size > UINT32_MAX - id_line_size) {
        return NULL;
    }
    size_t wire_size = id_line_size + body.size;
    struct frame *f = malloc(offsetof(struct frame, bytes) + channel.size + wire_size);
    if (f == NULL) {
        return NULL;
    }
    atomic_init(&f->refs, 1);
    f->wire_size = (uint32_t)wire_size;
    f->body_offset = (uint8_t)id_line_size;
    f->channel_size = (uint8_t)channel.size;
    f->traits = traits;
    f->id = id;
    f->floor = floor;
    f->channel_hash = map_hash(channel);
    char *wire = f->bytes + channel.size;
    if (channel.size > 0) {
        memcpy(f->bytes, channel.data, channel.size);
    }
    memcpy(wire, id_line, id_line_size);
    if (body.size > 0) {
        memcpy(wire + id_line_size, body.data, body.size);
    }
    return f;
}

struct frame *
frame_ref(struct frame *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void
frame_unref(struct frame *f)
{
    /* acq_rel, not release and a fence on the last: thread sanitizer does not follow fences. */
    if (f != NULL && atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1) {
        free(f);
    }
}
