#include "event/loop.h"

#include "base/clock.h"
#include "event/dns.h"

#include <event2/event.h>
#include <event2/thread.h>

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Read at its first use in a turn: the wait lies between the turn's begin and its events. */
struct loop_clock {
    uint64_t mono_ms;
    uint64_t wall_ms;
    bool is_read;
};

struct loop {
    const char *name;
    struct event_base *base; /* owned */
    struct dns *dns;         /* owned, NULL until first used */
    struct list tasks;
    struct list reaps;
    uint64_t turn;            /* counts them; tasks begin with 0, which is none */
    struct loop_clock *clock; /* to clock_of_turn, for readers that hold a const loop */
    struct loop_clock clock_of_turn;
    bool is_stopping;
    _Atomic uintptr_t runner; /* loop_self of the thread that runs the loop, 0 for none */
};

/* Its address tells threads apart. */
static _Thread_local char loop_self;

static void
loop_share_libevent(void)
{
    /* For libevent's process-wide state (evdns draws its ids from one generator); the bases
     * themselves are not locked. */
    (void)evthread_use_pthreads();
}

static struct event_base *
loop_new_base(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, loop_share_libevent);
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    struct event_base *base = NULL;
    /* Mailboxes need epoll (EV_ET), whatever EVENT_NOEPOLL says. */
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) == 0) {
        base = event_base_new_with_config(config);
    }
    event_config_free(config);
    return base;
}

struct loop *
loop_new(const char *name)
{
    struct loop *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    l->name = name;
    l->clock = &l->clock_of_turn;
    list_init(&l->tasks);
    list_init(&l->reaps);
    l->base = loop_new_base();
    if (l->base == NULL) {
        free(l);
        return NULL;
    }
    return l;
}

static void
loop_run_reaps(struct loop *l)
{
    struct list *node;
    while ((node = list_pop_front(&l->reaps)) != NULL) {
        struct loop_reap *r = LIST_ITEM(node, struct loop_reap, node);
        r->free(r->object);
    }
}

void
loop_free(struct loop *l)
{
    if (l == NULL) {
        return;
    }
    assert(atomic_load(&l->runner) == 0);
    loop_run_reaps(l);
    while (list_pop_front(&l->tasks) != NULL) {
        /* unlinked, so that a cancel after us finds no dead list */
    }
    dns_free(l->dns);
    event_base_free(l->base);
    free(l);
}

static void
loop_run_tasks(struct loop *l)
{
    struct list again;
    struct list *node;
    list_init(&again);
    l->turn++;
    while ((node = list_pop_front(&l->tasks)) != NULL) {
        struct loop_task *t = LIST_ITEM(node, struct loop_task, node);
        if (t->turn == l->turn) {
            list_push_back(&again, node);
        } else {
            t->turn = l->turn;
            t->run(t->arg);
        }
    }
    list_splice_back(&l->tasks, &again);
}

static int
loop_turn(struct loop *l)
{
    int wait = list_is_empty(&l->tasks) ? EVLOOP_ONCE : EVLOOP_NONBLOCK;
    l->clock->is_read = false;
    if (event_base_loop(l->base, wait | EVLOOP_NO_EXIT_ON_EMPTY) < 0) {
        return ERR_SYSTEM;
    }
    loop_run_tasks(l);
    loop_run_reaps(l);
    return 0;
}

static void
loop_name_thread(const struct loop *l)
{
    char name[16]; /* pthread_setname_np(3) refuses longer ones */
    if (gettid() == getpid()) {
        return; /* the first thread's name is the process's */
    }
    (void)strncpy(name, l->name, sizeof name - 1);
    name[sizeof name - 1] = '\0';
    (void)pthread_setname_np(pthread_self(), name);
}

int
loop_run(struct loop *l)
{
    int err = 0;
    assert(atomic_load(&l->runner) == 0);
    loop_name_thread(l);
    atomic_store(&l->runner, (uintptr_t)&loop_self);
    while (!l->is_stopping && err == 0) {
        err = loop_turn(l);
    }
    l->is_stopping = false;
    l->clock->is_read = false;
    atomic_store(&l->runner, 0);
    return err;
}

void
loop_stop(struct loop *l)
{
    assert(loop_is_current(l));
    l->is_stopping = true;
}

bool
loop_is_current(const struct loop *l)
{
    uintptr_t runner = atomic_load(&l->runner);
    return runner == 0 || runner == (uintptr_t)&loop_self;
}

static const struct loop_clock *
loop_read_clock(const struct loop *l)
{
    assert(loop_is_current(l));
    if (!l->clock->is_read) {
        l->clock->mono_ms = clock_mono_ns() / 1000000;
        l->clock->wall_ms = clock_wall_ms();
        l->clock->is_read = atomic_load(&l->runner) != 0; /* without turns there is no "once" */
    }
    return l->clock;
}

uint64_t
loop_now_ms(const struct loop *l)
{
    return loop_read_clock(l)->mono_ms;
}

uint64_t
loop_wall_ms(const struct loop *l)
{
    return loop_read_clock(l)->wall_ms;
}

struct event_base *
loop_base(struct loop *l)
{
    return l->base;
}

struct evdns_base *
loop_dns(struct loop *l)
{
    static const struct dns_files files = {"/etc/resolv.conf", "/etc/hosts"};
    assert(loop_is_current(l));
    if (l->dns == NULL) {
        l->dns = dns_new(l, &files);
    }
    return l->dns != NULL ? dns_get(l->dns) : NULL;
}

void
loop_task_init(struct loop_task *t, void (*run)(void *arg), void *arg)
{
    *t = (struct loop_task){.run = run, .arg = arg};
    list_init(&t->node);
}

void
loop_task_schedule(struct loop *l, struct loop_task *t)
{
    assert(loop_is_current(l));
    if (list_is_unlinked(&t->node)) {
        list_push_back(&l->tasks, &t->node);
    }
}

void
loop_task_cancel(struct loop_task *t)
{
    list_remove(&t->node);
}

void
loop_reap(struct loop *l, struct loop_reap *r, void (*free)(void *object), void *object)
{
    assert(loop_is_current(l));
    *r = (struct loop_reap){.free = free, .object = object};
    list_push_back(&l->reaps, &r->node);
}
