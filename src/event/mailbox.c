#include "event/mailbox.h"

#include "event/loop.h"

#include <event2/event.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MAILBOX_CAPACITY_MIN = 16 };

struct mail_array {
    struct mail *items;
    size_t length;
    size_t capacity; /* grows up to the limit and the urgent mail, never shrinks */
};

struct mailbox {
    struct loop *loop;
    mailbox_on_mail_fn on_mail;
    void *arg;
    int wake_fd;
    struct event *wake;        /* owned */
    struct mail_array reading; /* loop only */
    struct {
        pthread_mutex_t lock;
        struct mail_array waiting;
        size_t waiting_bytes; /* what its mails keep */
        size_t limit, limit_bytes;
    } shared; /* lock held */
};

static int
mail_array_reserve(struct mail_array *a, size_t length)
{
    size_t needed = a->length + length;
    if (needed <= a->capacity) {
        return 0;
    }
    size_t capacity = a->capacity < MAILBOX_CAPACITY_MIN ? MAILBOX_CAPACITY_MIN : a->capacity * 2;
    capacity = capacity < needed ? needed : capacity;
    struct mail *items = realloc(a->items, capacity * sizeof *items);
    if (items == NULL) {
        return ERR_MEMORY;
    }
    a->items = items;
    a->capacity = capacity;
    return 0;
}

/* Swaps the two arrays; true where there is mail to read. */
static bool
mailbox_swap(struct mailbox *m)
{
    struct mail_array empty = m->reading;
    empty.length = 0;
    pthread_mutex_lock(&m->shared.lock);
    m->reading = m->shared.waiting;
    m->shared.waiting = empty;
    m->shared.waiting_bytes = 0;
    pthread_mutex_unlock(&m->shared.lock);
    return m->reading.length > 0;
}

static void
mailbox_deliver(struct mailbox *m)
{
    if (mailbox_swap(m)) {
        m->on_mail(m->arg, m->reading.items, m->reading.length);
    }
}

/* The eventfd is never read, which saves a call: each write is an edge, and 2^64 of them do not come. */
static void
mailbox_on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct mailbox *m = arg;
    (void)fd;
    (void)what;
    assert(loop_is_current(m->loop));
    mailbox_deliver(m);
}

static void
mailbox_wake(int fd)
{
    uint64_t one = 1;
    ssize_t size;
    do {
        size = write(fd, &one, sizeof one);
    } while (size < 0 && errno == EINTR);
    assert(size == (ssize_t)sizeof one);
}

static int
mailbox_open(struct mailbox *m)
{
    m->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (m->wake_fd < 0) {
        return ERR_SYSTEM;
    }
    m->wake =
        event_new(loop_base(m->loop), m->wake_fd, EV_READ | EV_PERSIST | EV_ET, mailbox_on_wake, m);
    if (m->wake == NULL || event_add(m->wake, NULL) != 0) {
        return ERR_MEMORY;
    }
    return 0;
}

static void
mailbox_close(struct mailbox *m)
{
    if (m->wake != NULL) {
        event_free(m->wake);
    }
    if (m->wake_fd >= 0) {
        close(m->wake_fd);
    }
    pthread_mutex_destroy(&m->shared.lock);
    free(m->reading.items);
    free(m->shared.waiting.items);
    free(m);
}

struct mailbox *
mailbox_new(struct loop *reader, size_t limit, mailbox_on_mail_fn on_mail, void *arg)
{
    struct mailbox *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    m->loop = reader;
    m->on_mail = on_mail;
    m->arg = arg;
    m->shared.limit = limit;
    m->shared.limit_bytes = SIZE_MAX;
    pthread_mutex_init(&m->shared.lock, NULL);
    if (mailbox_open(m) != 0) {
        mailbox_close(m);
        return NULL;
    }
    return m;
}

void
mailbox_set_limits(struct mailbox *m, size_t limit, size_t limit_bytes)
{
    pthread_mutex_lock(&m->shared.lock);
    m->shared.limit = limit;
    m->shared.limit_bytes = limit_bytes;
    pthread_mutex_unlock(&m->shared.lock);
}

void
mailbox_free(struct mailbox *m)
{
    if (m == NULL) {
        return;
    }
    assert(loop_is_current(m->loop));
    mailbox_deliver(m);
    mailbox_close(m);
}

static size_t
mails_bytes(const struct mail *mails, size_t length)
{
    size_t bytes = 0;
    for (size_t i = 0; i < length; i++) {
        bytes += mails[i].bytes;
    }
    return bytes;
}

/* True where `more` fits; `used` may be over the limit. */
static bool
limit_has_room(size_t limit, size_t used, size_t more)
{
    return used <= limit && more <= limit - used;
}

/* The lock is held. Where no bytes wait, any may come: an event larger than the limit must get through. */
static bool
mailbox_has_room(const struct mailbox *m, size_t length, size_t bytes)
{
    return limit_has_room(m->shared.limit, m->shared.waiting.length, length) &&
           (m->shared.waiting_bytes == 0 ||
            limit_has_room(m->shared.limit_bytes, m->shared.waiting_bytes, bytes));
}

/* The lock is held. */
static int
mailbox_push(struct mailbox *m, const struct mail *mails, size_t length, size_t bytes)
{
    struct mail_array *waiting = &m->shared.waiting;
    int err = mail_array_reserve(waiting, length);
    if (err != 0) {
        return err;
    }
    memcpy(waiting->items + waiting->length, mails, length * sizeof *mails);
    waiting->length += length;
    m->shared.waiting_bytes += bytes;
    return 0;
}

static int
mailbox_put(struct mailbox *m, const struct mail *mails, size_t length, bool is_urgent)
{
    int result = MAILBOX_E_FULL;
    int fd = m->wake_fd;
    size_t bytes = mails_bytes(mails, length);
    pthread_mutex_lock(&m->shared.lock);
    bool was_empty = m->shared.waiting.length == 0;
    if (is_urgent || mailbox_has_room(m, length, bytes)) {
        result = mailbox_push(m, mails, length, bytes);
    }
    pthread_mutex_unlock(&m->shared.lock);
    if (was_empty && result == 0) {
        mailbox_wake(fd);
    }
    return result;
}

int
mailbox_post(struct mailbox *m, const struct mail *mails, size_t length)
{
    return length == 0 ? 0 : mailbox_put(m, mails, length, false);
}

int
mailbox_post_urgent(struct mailbox *m, const struct mail *mail)
{
    return mailbox_put(m, mail, 1, true);
}
