/*
 * The memory backend: the log's data (memory_log.c) on the ingest loop. Nothing waits: an append is
 * done when the call returns, and is told at the end of the turn. Workers' readers ask by mail and
 * are answered by mail.
 *
 *     reader (worker) --read--> log's mailbox (ingest) --page--> reader's mailbox (worker)
 */

#include "base/clock.h"
#include "config/config.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "event/timer.h"
#include "observability/metrics.h"
#include "replay/backend.h"
#include "replay/memory_log.h"
#include "replay/memory_marks.h"
#include "sse/event_id.h"

#include <stdlib.h>
#include <string.h>

enum {
    EXPIRE_EVERY_MS = 1000,
    READS_MAX = 65536, /* waiting in the log's mailbox; more than all workers may have under way */
};

struct memory {
    struct replay replay;
    struct memory_log *log;
    struct memory_marks marks;
    struct loop *loop;
    struct replay_listener listener;
    struct metrics_slot *metrics;
    struct mailbox *reads; /* of struct memory_read */
    struct timer expire;
    struct loop_task announce;
    uint64_t ticket;  /* of the last draft */
    uint64_t dropped; /* the first since the last announcement that found no memory; 0: none */
    bool is_started;  /* the feed's start was told */
};

struct memory_reader {
    struct replay_reader reader;
    struct memory *memory;
    struct mailbox *pages;
    struct list waiting; /* of struct memory_read */
};

/* A read under way. Who has it as mail owns it: the log, then the reader. */
struct memory_read {
    struct list node;
    struct memory_reader *reader;
    replay_on_page_fn on_page;
    void *arg;
    struct replay_page_request request; /* its channel points to name */
    struct replay_page *page;           /* NULL: out of memory */
    char name[];
};

static struct memory *
memory_of(struct replay *r)
{
    return (struct memory *)(void *)r;
}

static void
memory_tell_marks(struct memory *m)
{
    struct memory_told *told;
    while ((told = memory_marks_pop(&m->marks)) != NULL) {
        m->listener.on_mark(m->listener.arg, &told->mark, told->is_refused);
        free(told);
    }
}

/* Some of those behind the first may have found memory again; who is told otherwise sends them again. */
static void
memory_tell_dropped(struct memory *m, uint64_t last)
{
    uint64_t first = m->dropped;
    m->dropped = 0;
    for (uint64_t ticket = first; first > 0 && ticket <= last; ticket++) {
        m->listener.on_dropped(m->listener.arg, ticket);
    }
}

/* End of the turn: the feed's start once, the marks that were asked for, and what was stored. */
static void
memory_announce(void *arg)
{
    struct memory *m = arg;
    if (!m->is_started) {
        m->is_started = true;
        metrics_set(m->metrics, METRIC_REPLAY_UP, 0, 1);
        metrics_add(m->metrics, METRIC_REPLAY_FEED_STARTS, 0, 1);
        m->listener.on_state(m->listener.arg, true, "");
        m->listener.on_feed_start(m->listener.arg, memory_log_head(m->log));
    }
    uint64_t ticket = m->ticket; /* a listener may append */
    memory_tell_marks(m);
    memory_tell_dropped(m, ticket);
    m->listener.on_stored(m->listener.arg, ticket);
}

static void
memory_set_gauge(struct memory *m)
{
    metrics_set(m->metrics, METRIC_MEMORY, METRIC_USE_LOG, (int64_t)memory_log_bytes(m->log));
}

/* Does nothing where there is none. MEMORY_MARKS_E_REFUSED, ERR_MEMORY. */
static int
memory_move_mark(struct memory *m, const struct mark *mark)
{
    if (mark == NULL) {
        return 0;
    }
    int outcome = memory_marks_move(&m->marks, mark);
    m->ticket += outcome >= 0;
    return outcome;
}

static int
memory_append(struct replay *r,
              const struct replay_draft *drafts,
              size_t length,
              const struct mark *mark,
              uint64_t *ret_ticket)
{
    struct memory *m = memory_of(r);
    int outcome = memory_move_mark(m, mark);
    if (outcome < 0) {
        return outcome;
    }
    if (outcome == MEMORY_MARKS_E_REFUSED) {
        m->ticket += length;
        length = 0;
    }
    for (size_t i = 0; i < length; i++) {
        struct frame *frame = NULL;
        m->ticket++;
        if (memory_log_append(m->log, &drafts[i], loop_wall_ms(m->loop), &frame) < 0) {
            metrics_add(m->metrics, METRIC_REPLAY_DROPPED, METRIC_UNSTORED_MEMORY, 1);
            m->dropped = m->dropped > 0 ? m->dropped : m->ticket;
            replay_note_loss(r);
            continue;
        }
        metrics_add(m->metrics, METRIC_REPLAY_APPENDS, 0, 1);
        metrics_observe(m->metrics, METRIC_REPLAY_APPEND_SECONDS, 0, 0, 1);
        if (m->is_started) {
            m->listener.on_frame(m->listener.arg, frame);
        }
    }
    *ret_ticket = m->ticket;
    memory_set_gauge(m);
    loop_task_schedule(m->loop, &m->announce);
    return 0;
}

static int
memory_read_mark(struct replay *r, struct str name)
{
    struct memory *m = memory_of(r);
    int err = memory_marks_read(&m->marks, name);
    if (err == 0) {
        loop_task_schedule(m->loop, &m->announce);
    }
    return err;
}

static void
memory_note_loss(struct replay *r)
{
    struct memory *m = memory_of(r);
    event_id position = memory_log_note_loss(m->log, loop_wall_ms(m->loop));
    if (m->is_started) {
        metrics_add(m->metrics, METRIC_REPLAY_FEED_STARTS, 0, 1);
        metrics_add(m->metrics, METRIC_REPLAY_FEED_GAPS, METRIC_FEED_GAP_LOST, 1);
        m->listener.on_feed_start(m->listener.arg, position);
    }
}

static void
memory_tell_limit(struct memory *m, const struct config_replay *config)
{
    metrics_set(m->metrics, METRIC_MEMORY_LIMIT, METRIC_USE_LOG, (int64_t)config->memory_bytes);
}

static struct memory_limits
memory_limits_of(const struct config_replay *config)
{
    return (struct memory_limits){
        .keep = {.events = config->keep.events, .for_ms = config->keep.for_ms},
        .bytes = config->memory_bytes,
        .channel_bytes = config->channel_bytes,
    };
}

static void
memory_set_config(struct replay *r, const struct config_replay *config)
{
    struct memory_limits limits = memory_limits_of(config);
    memory_log_set_limits(memory_of(r)->log, &limits);
    memory_tell_limit(memory_of(r), config);
}

static void
memory_queue(const struct replay *r, uint64_t *ret_length, uint64_t *ret_bytes)
{
    (void)r;
    *ret_length = 0;
    *ret_bytes = 0;
}

static void
memory_on_expire(void *arg)
{
    struct memory *m = arg;
    memory_log_expire(m->log, loop_wall_ms(m->loop));
    memory_set_gauge(m);
    timer_start(&m->expire, EXPIRE_EVERY_MS);
}

static void
memory_start(struct replay *r)
{
    struct memory *m = memory_of(r);
    timer_start(&m->expire, EXPIRE_EVERY_MS);
    loop_task_schedule(m->loop, &m->announce);
}

/* Ingest loop. */
static void
memory_answer(struct memory *m, struct memory_read *read)
{
    struct mail answer = {.object = read};
    read->page = memory_log_read(m->log, &read->request, loop_wall_ms(m->loop));
    if (mailbox_post_urgent(read->reader->pages, &answer) < 0) {
        /* Out of memory for a mail: the read stays unanswered until the reader goes. */
        replay_page_free(read->page);
        read->page = NULL;
    }
}

static void
memory_on_reads(void *arg, const struct mail *mails, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        struct memory_read *read = mails[i].object;
        if (read->reader != NULL) {
            memory_answer(arg, read);
        } else {
            free(read); /* its reader is gone */
        }
    }
}

static void
memory_free(struct replay *r)
{
    struct memory *m = memory_of(r);
    timer_stop(&m->expire);
    loop_task_cancel(&m->announce);
    mailbox_free(m->reads);
    memory_log_free(m->log);
    memory_marks_fini(&m->marks);
    free(m);
}

/* --- the workers' side --- */

static struct memory_reader *
memory_reader_of(struct replay_reader *reader)
{
    return (struct memory_reader *)(void *)reader;
}

static void
memory_read_finish(struct memory_read *read, int status)
{
    list_remove(&read->node);
    read->on_page(read->arg, status, read->page);
    free(read);
}

static void
memory_reader_on_pages(void *arg, const struct mail *mails, size_t length)
{
    (void)arg;
    for (size_t i = 0; i < length; i++) {
        struct memory_read *read = mails[i].object;
        memory_read_finish(read, read->page != NULL ? 0 : ERR_MEMORY);
    }
}

static struct memory_read *
memory_read_new(struct memory_reader *reader,
                const struct replay_page_request *request,
                replay_on_page_fn on_page,
                void *arg)
{
    struct memory_read *read = calloc(1, sizeof *read + request->channel.size);
    if (read != NULL) {
        memcpy(read->name, request->channel.data, request->channel.size);
        read->reader = reader;
        read->on_page = on_page;
        read->arg = arg;
        read->request = *request;
        read->request.channel.data = read->name;
        list_init(&read->node);
    }
    return read;
}

static int
memory_reader_read(struct replay_reader *base,
                   const struct replay_page_request *request,
                   replay_on_page_fn on_page,
                   void *arg)
{
    struct memory_reader *reader = memory_reader_of(base);
    struct memory_read *read = memory_read_new(reader, request, on_page, arg);
    if (read == NULL) {
        return ERR_MEMORY;
    }
    struct mail mail = {.object = read};
    int r = mailbox_post(reader->memory->reads, &mail, 1);
    if (r != 0) {
        free(read);
        return r == MAILBOX_E_FULL ? ERR_LIMIT : r;
    }
    list_push_back(&reader->waiting, &read->node);
    return 0;
}

static void
memory_reader_free(struct replay_reader *base)
{
    struct memory_reader *reader = memory_reader_of(base);
    mailbox_free(reader->pages);
    LIST_FOR_EACH_SAFE (node, following, &reader->waiting) {
        struct memory_read *read = LIST_ITEM(node, struct memory_read, node);
        list_remove(&read->node);
        read->reader = NULL; /* the log's mailbox still has it */
        read->on_page(read->arg, ERR_CLOSED, NULL);
    }
    free(reader);
}

static struct replay_reader *
memory_reader_new(struct replay *r, struct loop *loop)
{
    static const struct replay_reader_ops ops = {
        .free = memory_reader_free,
        .read = memory_reader_read,
    };
    struct memory_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return NULL;
    }
    reader->reader.ops = &ops;
    reader->memory = memory_of(r);
    list_init(&reader->waiting);
    reader->pages = mailbox_new(loop, READS_MAX, memory_reader_on_pages, reader);
    if (reader->pages == NULL) {
        free(reader);
        return NULL;
    }
    return &reader->reader;
}

static const struct replay_ops memory_ops = {
    .append = memory_append,
    .read_mark = memory_read_mark,
    .note_loss = memory_note_loss,
    .set_config = memory_set_config,
    .queue = memory_queue,
    .start = memory_start,
    .free = memory_free,
    .reader_new = memory_reader_new,
};

struct replay *
replay_memory_new(const struct config_replay *config,
                  struct loop *ingest,
                  const struct replay_listener *listener,
                  struct metrics *metrics)
{
    struct memory *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    struct memory_limits limits = memory_limits_of(config);
    m->replay.ops = &memory_ops;
    memory_marks_init(&m->marks);
    m->loop = ingest;
    m->listener = *listener;
    m->metrics = metrics != NULL ? metrics_slot(metrics, 0) : NULL;
    memory_tell_limit(m, config);
    timer_init(&m->expire, ingest, memory_on_expire, m);
    loop_task_init(&m->announce, memory_announce, m);
    m->log = memory_log_new(&limits, event_id_next(0, clock_wall_ms()));
    m->reads = mailbox_new(ingest, READS_MAX, memory_on_reads, m);
    if (m->log == NULL || m->reads == NULL) {
        memory_free(&m->replay);
        return NULL;
    }
    return &m->replay;
}
