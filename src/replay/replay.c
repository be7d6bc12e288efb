/* The log's interface: calls go to the backend. */

#include "replay/replay.h"

#include "replay/backend.h"

#include <stdlib.h>

int
replay_append(struct replay *r,
              const struct replay_draft *drafts,
              size_t length,
              uint64_t *ret_ticket)
{
    return r->ops->append(r, drafts, length, NULL, ret_ticket);
}

int
replay_append_marked(struct replay *r,
                     const struct replay_draft *drafts,
                     size_t length,
                     const struct mark *mark,
                     uint64_t *ret_ticket)
{
    if (length > REPLAY_MARKED_MAX) {
        return ERR_LIMIT;
    }
    return r->ops->append(r, drafts, length, mark, ret_ticket);
}

int
replay_read_mark(struct replay *r, struct str name)
{
    return r->ops->read_mark(r, name);
}

void
replay_note_loss(struct replay *r)
{
    r->ops->note_loss(r);
}

void
replay_set_config(struct replay *r, const struct config_replay *config)
{
    r->ops->set_config(r, config);
}

void
replay_queue(const struct replay *r, uint64_t *ret_length, uint64_t *ret_bytes)
{
    r->ops->queue(r, ret_length, ret_bytes);
}

void
replay_start(struct replay *r)
{
    r->ops->start(r);
}

void
replay_free(struct replay *r)
{
    if (r != NULL) {
        r->ops->free(r);
    }
}

struct replay_reader *
replay_reader_new(struct replay *r, struct loop *loop)
{
    return r->ops->reader_new(r, loop);
}

void
replay_reader_free(struct replay_reader *reader)
{
    if (reader != NULL) {
        reader->ops->free(reader);
    }
}

int
replay_reader_read(struct replay_reader *reader,
                   const struct replay_page_request *request,
                   replay_on_page_fn on_page,
                   void *arg)
{
    return reader->ops->read(reader, request, on_page, arg);
}

void
replay_page_free(struct replay_page *page)
{
    if (page == NULL) {
        return;
    }
    for (size_t i = 0; i < page->length; i++) {
        frame_unref(page->frames[i]);
    }
    free(page->frames);
    free(page);
}
