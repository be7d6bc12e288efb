#include "http/listener.h"

#include "base/log.h"
#include "event/loop.h"
#include "event/timer.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LISTENER_LAST_MAX = 4096, /* accepted before it closes: more than usually wait */
    LISTENER_BATCH = 64,      /* accepted in one turn, so that streams are not kept waiting */
    LISTENER_PAUSE_MS = 250,  /* until the next attempt to get the spare descriptor back */
};

struct listener {
    struct event event;
    struct timer pause;
    int fd;
    int spare_fd; /* -1: given away, accepting is paused */
    listener_on_accept_fn on_accept;
    void *arg;
};

/* False with errno where there is nobody. */
static bool
listener_accept(struct listener *l, bool is_last)
{
    union {
        struct sockaddr any;
        struct sockaddr_in6 v6; /* the larger one */
    } from;
    socklen_t size = sizeof(from);
    int fd = accept4(l->fd, &from.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        struct address peer = address_of(&from.any);
        l->on_accept(l->arg, fd, &peer, is_last);
    }
    return fd >= 0;
}

/* Until the spare descriptor is back nothing is accepted. */
static void
listener_pause(struct listener *l)
{
    event_del(&l->event);
    timer_start(&l->pause, LISTENER_PAUSE_MS);
}

static void
listener_on_exhausted(struct listener *l, int why)
{
    log_warn("http.descriptors",
             LOG_TEXT("problem", why == EMFILE ? "the process has no file descriptor left"
                                               : "the system has no file descriptor left"),
             LOG_TEXT("remedy", "raise LimitNOFILE (ulimit -n), or lower http.connections"));
    listener_pause(l);
    close(l->spare_fd);
    l->spare_fd = -1;
    (void)listener_accept(l, true);
}

/* Everything but these two is the affair of one connection, or passes by itself. */
static bool
listener_is_exhausted(int why)
{
    return why == EMFILE || why == ENFILE;
}

static void
listener_on_failure(struct listener *l, int why)
{
    if (listener_is_exhausted(why)) {
        listener_on_exhausted(l, why);
    } else if (why == ENOBUFS || why == ENOMEM) {
        listener_pause(l);
    }
}

static void
listener_on_readable(evutil_socket_t socket, short what, void *arg)
{
    struct listener *l = arg;
    (void)socket;
    (void)what;
    for (int i = 0; i < LISTENER_BATCH; i++) {
        if (!listener_accept(l, false) && errno != ECONNABORTED && errno != EINTR) {
            listener_on_failure(l, errno);
            break;
        }
    }
}

static bool
listener_take_spare(struct listener *l)
{
    if (l->spare_fd < 0) {
        l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    return l->spare_fd >= 0;
}

void
listener_resume(struct listener *l)
{
    if (!timer_is_running(&l->pause)) {
        return;
    }
    if (listener_take_spare(l) && event_add(&l->event, NULL) == 0) {
        timer_stop(&l->pause);
    }
}

static void
listener_on_pause_over(void *arg)
{
    struct listener *l = arg;
    timer_start(&l->pause, LISTENER_PAUSE_MS); /* again, if it is too early */
    listener_resume(l);
}

static bool
listener_init(struct listener *l, struct loop *loop)
{
    timer_init(&l->pause, loop, listener_on_pause_over, l);
    return event_assign(&l->event, loop_base(loop), l->fd, EV_READ | EV_PERSIST,
                        listener_on_readable, l) == 0 &&
           listener_take_spare(l) && event_add(&l->event, NULL) == 0;
}

struct listener *
listener_new(struct loop *loop, int fd, listener_on_accept_fn on_accept, void *arg)
{
    struct listener *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        close(fd);
        return NULL;
    }
    *l = (struct listener){.fd = fd, .spare_fd = -1, .on_accept = on_accept, .arg = arg};
    if (!listener_init(l, loop)) {
        listener_free(l);
        return NULL;
    }
    return l;
}

int
listener_fd(const struct listener *l)
{
    return l->fd;
}

void
listener_close(struct listener *l)
{
    for (int i = 0; i < LISTENER_LAST_MAX; i++) {
        if (!listener_accept(l, false) && errno != ECONNABORTED && errno != EINTR) {
            break;
        }
    }
    timer_stop(&l->pause);
    event_del(&l->event);
    close(l->fd);
    l->fd = -1;
}

void
listener_free(struct listener *l)
{
    if (l == NULL) {
        return;
    }
    timer_stop(&l->pause);
    if (event_initialized(&l->event)) {
        event_del(&l->event);
    }
    if (l->spare_fd >= 0) {
        close(l->spare_fd);
    }
    if (l->fd >= 0) {
        close(l->fd);
    }
    free(l);
}
