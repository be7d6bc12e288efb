#pragma once
/*
 * The only way between loops: a bounded queue of small items by value, written by any thread, read
 * by the loop that owns it. The only mutex of the program. The reader swaps the whole queue out
 * under the lock and works without it; the eventfd is written only when the box was empty.
 */

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct loop;
struct mailbox;

struct mail {
    uint32_t type;   /* an enum of the mailbox's owner */
    void *object;    /* owner's use; a reference or ownership that moves with the mail */
    uint64_t number; /* owner's use */
    size_t bytes;    /* of memory that it keeps by `object`, for the limit on bytes */
};

enum { MAILBOX_E_FULL = 1 };

/* Loop's thread. All mail of one wake-up at once, in order. */
typedef void (*mailbox_on_mail_fn)(void *arg, const struct mail *mails, size_t length);

/* `limit` items wait at most. NULL on failure. */
struct mailbox *
mailbox_new(struct loop *reader, size_t limit, mailbox_on_mail_fn on_mail, void *arg);

/*
 * Any thread. From now on also at most `limit_bytes` of what mails keep wait (before: any); where none
 * do, one post may be larger. Each box counts what it keeps, shared or not, until its reader takes it.
 * What waits already stays.
 */
void mailbox_set_limits(struct mailbox *m, size_t limit, size_t limit_bytes);

/*
 * Loop's thread or when it has stopped. Mail that was never read is handed to on_mail once more, so
 * that references it carries can be dropped. NULL is fine.
 */
void mailbox_free(struct mailbox *m);

/*
 * Any thread. All or nothing: 0, or MAILBOX_E_FULL with nothing posted (the caller keeps what the
 * mails carry). ERR_MEMORY.
 */
MUST_CHECK int mailbox_post(struct mailbox *m, const struct mail *mails, size_t length);

/*
 * Any thread. Like mailbox_post for one mail that must not be lost (stop, reset): takes a place
 * beyond the limits. Fails only with ERR_MEMORY.
 */
MUST_CHECK int mailbox_post_urgent(struct mailbox *m, const struct mail *mail);
