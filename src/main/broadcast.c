/* Frames to all workers, a turn at a time. */

#include "main/broadcast.h"

#include "event/loop.h"
#include "event/mailbox.h"
#include "event/timer.h"
#include "observability/metrics.h"
#include "streaming/hub.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    PENDING_MAX = 1024,          /* then they are posted before the turn ends */
    PENDING_BYTES_MAX = 1 << 20, /* the same; chosen: no turn of large events is one batch */
    RETRY_MS = 20,               /* for a worker that missed frames and gets no new ones */
};

struct outlet {
    struct mailbox *hub;
    event_id missed; /* the newest id that did not fit; 0: nothing is missing */
};

struct broadcast {
    struct loop *loop;
    struct metrics_slot *metrics;
    struct outlet *outlets;
    size_t outlets_length;
    struct mail pending[PENDING_MAX]; /* each frame with one reference, the broadcast's */
    size_t pending_length;
    size_t pending_bytes;
    struct loop_task flush;
    struct timer retry;
};

static bool
mail_is_frame(const struct mail *mail)
{
    return mail->type == HUB_MAIL_FRAME;
}

/* The id that a worker stands at when it has the mail. */
static event_id
mail_position(const struct mail *mail)
{
    return mail_is_frame(mail) ? ((const struct frame *)mail->object)->id : mail->number;
}

static void
broadcast_ref_pending(struct broadcast *b, bool is_ref)
{
    for (size_t i = 0; i < b->pending_length; i++) {
        if (mail_is_frame(&b->pending[i])) {
            if (is_ref) {
                frame_ref(b->pending[i].object);
            } else {
                frame_unref(b->pending[i].object);
            }
        }
    }
}

/* What did not fit before is made good first: the hub reads it from the log. */
static bool
outlet_catch_up(struct outlet *o)
{
    if (o->missed == 0) {
        return true;
    }
    struct mail mail = {.type = HUB_MAIL_FEED_START, .number = o->missed};
    if (mailbox_post(o->hub, &mail, 1) != 0) {
        return false;
    }
    o->missed = 0;
    return true;
}

static void
broadcast_count_bytes(struct broadcast *b, int64_t by)
{
    metrics_move(b->metrics, METRIC_MEMORY, METRIC_USE_MAILBOXES, by);
}

static void
broadcast_post(struct broadcast *b, struct outlet *o)
{
    broadcast_ref_pending(b, true);
    broadcast_count_bytes(b, (int64_t)b->pending_bytes);
    if (outlet_catch_up(o) && mailbox_post(o->hub, b->pending, b->pending_length) == 0) {
        return;
    }
    broadcast_count_bytes(b, -(int64_t)b->pending_bytes);
    broadcast_ref_pending(b, false);
    if (b->pending_length > 0) {
        o->missed = mail_position(&b->pending[b->pending_length - 1]);
        metrics_add(b->metrics, METRIC_MAILBOX_DROPPED, 0, b->pending_length);
    }
    if (!timer_is_running(&b->retry)) {
        timer_start(&b->retry, RETRY_MS);
    }
}

static void
broadcast_flush(void *arg)
{
    struct broadcast *b = arg;
    for (size_t i = 0; i < b->outlets_length; i++) {
        broadcast_post(b, &b->outlets[i]);
    }
    broadcast_ref_pending(b, false);
    b->pending_length = 0;
    b->pending_bytes = 0;
}

static void
broadcast_push(struct broadcast *b, struct mail mail)
{
    if (b->pending_length == PENDING_MAX || b->pending_bytes >= PENDING_BYTES_MAX) {
        broadcast_flush(b);
    }
    b->pending[b->pending_length++] = mail;
    b->pending_bytes += mail.bytes;
    loop_task_schedule(b->loop, &b->flush);
}

struct broadcast *
broadcast_new(struct loop *loop, struct metrics_slot *metrics)
{
    struct broadcast *b = calloc(1, sizeof *b);
    if (b != NULL) {
        b->loop = loop;
        b->metrics = metrics;
        loop_task_init(&b->flush, broadcast_flush, b);
        timer_init(&b->retry, loop, broadcast_flush, b);
    }
    return b;
}

void
broadcast_free(struct broadcast *b)
{
    if (b == NULL) {
        return;
    }
    broadcast_ref_pending(b, false);
    loop_task_cancel(&b->flush);
    timer_stop(&b->retry);
    free(b->outlets);
    free(b);
}

int
broadcast_add(struct broadcast *b, struct mailbox *hub)
{
    struct outlet *outlets = realloc(b->outlets, (b->outlets_length + 1) * sizeof *outlets);
    if (outlets == NULL) {
        return ERR_MEMORY;
    }
    b->outlets = outlets;
    b->outlets[b->outlets_length++] = (struct outlet){.hub = hub};
    return 0;
}

void
broadcast_frame(struct broadcast *b, struct frame *frame)
{
    broadcast_push(b, (struct mail){.type = HUB_MAIL_FRAME,
                                    .object = frame_ref(frame),
                                    .bytes = frame_bytes(frame)});
}

void
broadcast_feed_start(struct broadcast *b, event_id position)
{
    broadcast_push(b, (struct mail){.type = HUB_MAIL_FEED_START, .number = position});
}
