#include "waiting.h"

#include "base/clock.h"
#include "event/loop.h"
#include "event/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LOOK_EVERY_MS = 2 };

/* Far beyond anything that a busy machine needs; only a defect gets there. */
static const uint64_t wait_max_ns = UINT64_C(30000000000);

struct waiting {
    struct loop *loop;
    struct timer timer;
    bool (*is_true)(void *arg);
    void *arg;
    uint64_t begin_ns;
    bool is_late;
};

static void
waiting_look(void *arg)
{
    struct waiting *w = arg;
    w->is_late = clock_mono_ns() - w->begin_ns > wait_max_ns;
    if (w->is_late || w->is_true(w->arg)) {
        loop_stop(w->loop);
        return;
    }
    timer_start(&w->timer, LOOK_EVERY_MS);
}

void
wait_until(struct loop *l, bool (*is_true)(void *arg), void *arg)
{
    struct waiting w = {.loop = l, .is_true = is_true, .arg = arg, .begin_ns = clock_mono_ns()};
    timer_init(&w.timer, l, waiting_look, &w);
    timer_start(&w.timer, 0);
    assert_int_equal(loop_run(l), 0);
    timer_stop(&w.timer);
    assert_false(w.is_late);
}
