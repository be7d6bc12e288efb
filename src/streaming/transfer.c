#include "streaming/transfer.h"

#include "streaming/account.h"
#include "streaming/hub_private.h"
#include "streaming/subscriber.h"
#include "streaming/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct unsent {
    uint32_t size, begin; /* bytes; sent is what stands before begin */
    char bytes[];
};

enum transfer
transfer_of_errno(int error)
{
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR) {
        return TRANSFER_BLOCKED;
    }
    return error == EPIPE || error == ECONNRESET ? TRANSFER_GONE : TRANSFER_FAILED;
}

/* One send. TRANSFER_DONE: the socket took *ret_sent bytes, which may be fewer than `size`. */
static enum transfer
transfer_send(struct subscriber *s, const char *bytes, size_t size, size_t *ret_sent)
{
    struct hub *h = s->hub;
    ssize_t sent = send(s->fd, bytes, size, MSG_NOSIGNAL);
    metrics_add(h->metrics, METRIC_SENDS, 0, 1);
    if (sent < 0) {
        return transfer_of_errno(errno);
    }
    metrics_add(h->metrics, METRIC_SENT_BYTES, 0, (uint64_t)sent);
    h->sent_bytes += (uint64_t)sent;
    s->sent_ms = loop_now_ms(h->loop);
    *ret_sent = (size_t)sent;
    return TRANSFER_DONE;
}

static enum transfer
transfer_keep_unsent(struct subscriber *s, const char *bytes, size_t size)
{
    struct hub *h = s->hub;
    bool has_room = h->unsent_bytes + size <= h->config->unsent_bytes;
    struct unsent *unsent = has_room ? malloc(sizeof *unsent + size) : NULL;
    if (unsent == NULL) {
        return TRANSFER_MEMORY;
    }
    *unsent = (struct unsent){.size = (uint32_t)size};
    memcpy(unsent->bytes, bytes, size);
    s->unsent = unsent;
    h->unsent_bytes += size;
    metrics_set(h->metrics, METRIC_MEMORY, METRIC_USE_UNSENT, (int64_t)h->unsent_bytes);
    return TRANSFER_BLOCKED;
}

void
transfer_drop_unsent(struct subscriber *s)
{
    struct hub *h = s->hub;
    h->unsent_bytes -= s->unsent->size;
    metrics_set(h->metrics, METRIC_MEMORY, METRIC_USE_UNSENT, (int64_t)h->unsent_bytes);
    free(s->unsent);
    s->unsent = NULL;
}

enum transfer
transfer_bytes(struct subscriber *s, struct str bytes)
{
    size_t sent = 0;
    enum transfer outcome = transfer_send(s, bytes.data, bytes.size, &sent);
    bool is_begun = outcome == TRANSFER_DONE || outcome == TRANSFER_BLOCKED;
    if (!is_begun || sent == bytes.size) {
        return outcome;
    }
    return transfer_keep_unsent(s, bytes.data + sent, bytes.size - sent);
}

enum transfer
transfer_unsent(struct subscriber *s)
{
    size_t sent = 0;
    struct unsent *unsent = s->unsent;
    enum transfer outcome =
        transfer_send(s, unsent->bytes + unsent->begin, unsent->size - unsent->begin, &sent);
    if (outcome != TRANSFER_DONE) {
        return outcome;
    }
    unsent->begin += (uint32_t)sent;
    if (unsent->begin < unsent->size) {
        return TRANSFER_BLOCKED;
    }
    transfer_drop_unsent(s);
    return TRANSFER_DONE;
}

/* How many events of the run begin within the first `sent` bytes. */
static size_t
run_count_begun(const struct tail_run *run, size_t sent)
{
    size_t low = 0;
    size_t high = run->length; /* the answer is in [low, high] */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tail_run_size(run, middle) < sent) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

enum transfer
transfer_run(struct subscriber *s, const struct tail_run *run)
{
    size_t sent = 0;
    enum transfer outcome = transfer_send(s, run->bytes, tail_run_size(run, run->length), &sent);
    return outcome == TRANSFER_DONE ? transfer_run_taken(s, run, sent) : outcome;
}

enum transfer
transfer_run_taken(struct subscriber *s, const struct tail_run *run, size_t sent)
{
    size_t size = tail_run_size(run, run->length);
    size_t begun = sent == size ? run->length : run_count_begun(run, sent);
    if (begun > 0) {
        s->cursor = run->entries[begun - 1].id;
        s->told = s->cursor;
        account_deliveries(s, run, begun);
    }
    if (sent == size) {
        return TRANSFER_DONE;
    }
    size_t rest = tail_run_size(run, begun) - sent;
    return rest > 0 ? transfer_keep_unsent(s, run->bytes + sent, rest) : TRANSFER_BLOCKED;
}

size_t
transfer_frame(const struct subscriber *s, char *to, struct str event)
{
    if (s->is_chunked) {
        return wire_put_chunk(to, event);
    }
    memcpy(to, event.data, event.size);
    return event.size;
}

/* Such events are small: with their framing they fit into the scratch memory. */
enum transfer
transfer_event(struct subscriber *s, struct str event)
{
    char *to = s->hub->scratch.bytes;
    return transfer_bytes(s, (struct str){to, transfer_frame(s, to, event)});
}
