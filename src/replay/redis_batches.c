#include "replay/redis_batches.h"

#include <assert.h>
#include <stdlib.h>

#define DRAFT_OF(list_node) LIST_ITEM(list_node, struct draft, node)

void
batches_init(struct batches *b)
{
    *b = (struct batches){.first = 0};
    list_init(&b->waiting);
}

void
drafts_free(struct list *drafts)
{
    LIST_FOR_EACH_SAFE (node, following, drafts) {
        free(DRAFT_OF(node));
    }
    list_init(drafts);
}

void
batches_fini(struct batches *b)
{
    while (b->length > 0) {
        batches_drop_oldest(b);
    }
    drafts_free(&b->waiting);
}

struct draft *
draft_new(struct str stream, const struct replay_draft *from)
{
    size_t key_size = stream.size + from->channel.size;
    struct draft *d = malloc(sizeof *d + key_size + from->body.size);
    if (d == NULL) {
        return NULL;
    }
    *d = (struct draft){.keep = from->keep,
                        .received_ms = from->received_ms,
                        .slow = from->slow,
                        .key_size = (uint32_t)key_size,
                        .body_size = (uint32_t)from->body.size};
    list_init(&d->node);
    memcpy(d->bytes, stream.data, stream.size);
    memcpy(d->bytes + stream.size, from->channel.data, from->channel.size);
    memcpy(d->bytes + key_size, from->body.data, from->body.size);
    return d;
}

struct draft *
draft_new_mark(const struct mark *mark)
{
    const struct str parts[] = {mark->name, mark->position, mark->before};
    struct draft *d = malloc(sizeof *d + parts[0].size + parts[1].size + parts[2].size);
    if (d == NULL) {
        return NULL;
    }
    *d = (struct draft){.is_mark = true,
                        .key_size = (uint32_t)parts[0].size,
                        .body_size = (uint32_t)parts[1].size,
                        .before_size = (uint32_t)parts[2].size};
    list_init(&d->node);
    char *end = d->bytes;
    for (int i = 0; i < 3; i++) {
        if (parts[i].size > 0) {
            memcpy(end, parts[i].data, parts[i].size);
            end += parts[i].size;
        }
    }
    return d;
}

static uint64_t
draft_size(const struct draft *d)
{
    return sizeof *d + d->key_size + d->body_size + d->before_size;
}

void
batches_push(struct batches *b, struct draft *d)
{
    d->follows_loss = b->is_loss_noted;
    b->is_loss_noted = false;
    d->ticket = ++b->ticket;
    list_push_back(&b->waiting, &d->node);
    b->drafts++;
    b->bytes += draft_size(d);
}

struct batch *
batches_at(struct batches *b, size_t index)
{
    assert(index < b->length);
    return &b->ring[(b->first + index) % BATCHES_MAX];
}

/* Drafts that must not be parted. */
struct run {
    size_t length;
    size_t events;
    uint64_t bytes;
};

static struct run
run_first(struct list *waiting)
{
    struct run run = {.length = 0};
    LIST_FOR_EACH_SAFE (node, following, waiting) {
        const struct draft *d = DRAFT_OF(node);
        if (run.length > 0 && !d->is_joined) {
            break;
        }
        run.length++;
        run.events += !d->is_mark;
        run.bytes += draft_size(d);
    }
    return run;
}

static void
batch_take(struct batch *batch, struct list *waiting)
{
    struct draft *d = DRAFT_OF(list_pop_front(waiting));
    list_push_back(&batch->drafts, &d->node);
    batch->length++;
    batch->events += !d->is_mark;
    batch->ticket = d->ticket;
    if (d->follows_loss) { /* a mark that moves past what was lost is not stored without the loss */
        batch->loss = batch->events + d->is_mark;
    }
}

/* Moves drafts over until the batch is full; one run always fits. */
static void
batch_fill(struct batch *batch, struct list *waiting)
{
    uint64_t bytes = 0;
    while (!list_is_empty(waiting)) {
        struct run run = run_first(waiting);
        bytes += run.bytes;
        if (batch->length > 0 &&
            (batch->events + run.events > BATCH_EVENTS_MAX ||
             batch->length + run.length > BATCH_DRAFTS_MAX || bytes > BATCH_BYTES_MAX)) {
            return;
        }
        for (size_t i = 0; i < run.length; i++) {
            batch_take(batch, waiting);
        }
    }
}

struct batch *
batches_cut(struct batches *b)
{
    bool has_work = !list_is_empty(&b->waiting) || b->is_loss_noted;
    if (!has_work || b->length == BATCHES_MAX) {
        return NULL;
    }
    b->length++;
    struct batch *batch = batches_at(b, b->length - 1);
    *batch = (struct batch){.number = ++b->number, .ticket = b->ticket};
    list_init(&batch->drafts);
    batch_fill(batch, &b->waiting);
    if (list_is_empty(&b->waiting) && b->is_loss_noted) {
        batch->loss = batch->events + 1;
        b->is_loss_noted = false;
    }
    return batch;
}

uint64_t
batch_event_ticket(const struct batch *batch, uint64_t index)
{
    for (struct list *node = batch->drafts.next; node != &batch->drafts; node = node->next) {
        const struct draft *d = DRAFT_OF(node);
        index -= !d->is_mark;
        if (index == 0) {
            return d->ticket;
        }
    }
    return 0;
}

void
batches_drop_oldest(struct batches *b)
{
    struct batch *batch = batches_at(b, 0);
    LIST_FOR_EACH_SAFE (node, following, &batch->drafts) {
        b->bytes -= draft_size(DRAFT_OF(node));
    }
    b->drafts -= batch->length;
    drafts_free(&batch->drafts);
    b->first = (b->first + 1) % BATCHES_MAX;
    b->length--;
}

uint64_t
batches_oldest_ms(const struct batches *b)
{
    const struct list *oldest = b->length > 0 ? &b->ring[b->first].drafts : &b->waiting;
    return list_is_empty(oldest) ? 0 : LIST_ITEM(oldest->next, struct draft, node)->queued_ms;
}
