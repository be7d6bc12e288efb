#pragma once
/*
 * Tells the service manager how it stands with the process: sd_notify(3), one datagram to
 * $NOTIFY_SOCKET. Nothing where there is no manager. Main thread.
 */

#include "event/timer.h"

/*
 * The watchdog that WatchdogSec= asks for: WATCHDOG=1 twice in its time, as long as the loop turns.
 */
struct notify_watchdog { /* fields private to notify.c */
    struct timer timer;
    uint64_t interval_ms; /* 0: nobody asks for it */
};

/* It serves; also ends a reload. `status` is a line for `systemctl status`. */
void notify_ready(const char *status);
void notify_reloading(void);
/* It ends, which may take `patience_ms`, whatever TimeoutStopSec= says. */
void notify_stopping(uint64_t patience_ms);

void notify_watchdog_start(struct notify_watchdog *w, struct loop *l);
/* Also one of zeros, that was never started. */
void notify_watchdog_stop(struct notify_watchdog *w);
