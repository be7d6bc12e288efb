#include "event/farewell.h"

#include "event/loop.h"

#include <event2/event.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FAREWELL_READ_SIZE = 4096 };

void
farewell_stop(struct farewell *g)
{
    if (g->fd >= 0) {
        timer_stop(&g->timer);
        event_del(&g->event);
        close(g->fd);
        g->fd = -1;
    }
}

static void
farewell_on_timeout(void *arg)
{
    farewell_stop(arg);
}

static void
farewell_on_readable(evutil_socket_t fd, short what, void *arg)
{
    char rest[FAREWELL_READ_SIZE];
    ssize_t size = recv(fd, rest, sizeof(rest), 0);
    (void)what;
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
        farewell_stop(arg);
    }
}

void
farewell_init(struct farewell *g, struct loop *loop)
{
    *g = (struct farewell){.loop = loop, .fd = -1};
    timer_init(&g->timer, loop, farewell_on_timeout, g);
}

void
farewell_start(struct farewell *g, int fd, uint64_t ms)
{
    g->fd = fd;
    timer_start(&g->timer, ms);
    if (event_assign(&g->event, loop_base(g->loop), fd, EV_READ | EV_PERSIST, farewell_on_readable,
                     g) != 0 ||
        event_add(&g->event, NULL) != 0 || shutdown(fd, SHUT_WR) != 0) {
        farewell_stop(g);
    }
}

bool
farewell_is_over(const struct farewell *g)
{
    return g->fd < 0;
}
