/*
 * The directories of the path and of what it leads to are watched, and whatever happens there makes us look:
 *
 *     something happened ─> wait ─> another file than was read? ─> wait ─> still the same one? ─> tell
 *                            ^                                                 │ no
 *                            └─────────────────────────────────────────────────┘
 */

#include "main/watch.h"

#include "base/log.h"
#include "event/loop.h"
#include "event/timer.h"

#include <event2/event.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WATCH_SETTLE_MS = 200,   /* chosen: an editor's writes are closer to each other */
    WATCH_MISSING_MS = 2000, /* a directory that is gone may come back */
    WATCH_READ_SIZE = 4096,  /* of events, which are not looked at */
};

static const uint32_t watch_mask = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO |
                                   IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                                   IN_ONLYDIR;

/* What makes a file another one; all zero: there is none. */
struct version {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct watch {
    const char *path;
    void (*on_change)(void *arg);
    void *arg;
    int fd; /* inotify's */
    struct event *event;
    struct timer settle;
    struct version known; /* what was read, or told */
    struct version seen;  /* at the last look */
};

static struct version
version_of(const char *path)
{
    struct stat s;
    if (stat(path, &s) != 0) {
        return (struct version){.size = 0};
    }
    return (struct version){s.st_dev, s.st_ino, s.st_size, s.st_mtim, s.st_ctim};
}

static bool
time_is_same(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
version_is_same(const struct version *a, const struct version *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           time_is_same(&a->modified, &b->modified) && time_is_same(&a->changed, &b->changed);
}

/* Adding one that is watched already is nothing. */
static bool
watch_add_directory_of(const struct watch *w, const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int size = slash == NULL
                   ? snprintf(directory, sizeof directory, ".")
                   : snprintf(directory, sizeof directory, "%.*s", (int)(slash - path) + 1, path);
    return size > 0 && (size_t)size < sizeof directory &&
           inotify_add_watch(w->fd, directory, watch_mask) >= 0;
}

/* False where the path's own directory cannot be watched. */
static bool
watch_follow(const struct watch *w)
{
    char target[PATH_MAX];
    if (realpath(w->path, target) != NULL) {
        (void)watch_add_directory_of(w, target);
    }
    return watch_add_directory_of(w, w->path);
}

static void
watch_look(void *arg)
{
    struct watch *w = arg;
    if (!watch_follow(w)) {
        timer_start(&w->settle, WATCH_MISSING_MS);
    }
    struct version now = version_of(w->path);
    if (version_is_same(&now, &w->known)) {
        return;
    }
    if (version_is_same(&now, &w->seen)) {
        w->known = now;
        w->on_change(w->arg);
        return;
    }
    w->seen = now;
    timer_start(&w->settle, WATCH_SETTLE_MS);
}

/* Does not begin anew with each event: a busy directory would put it off for ever. */
static void
watch_look_soon(struct watch *w)
{
    if (!timer_is_running(&w->settle)) {
        timer_start(&w->settle, WATCH_SETTLE_MS);
    }
}

static void
watch_on_events(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;
    char events[WATCH_READ_SIZE];
    (void)what;
    while (read(fd, events, sizeof events) > 0) {
    }
    watch_look_soon(w);
}

static bool
watch_open(struct watch *w, struct loop *loop)
{
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0 || !watch_follow(w)) {
        return false;
    }
    w->event = event_new(loop_base(loop), w->fd, EV_READ | EV_PERSIST, watch_on_events, w);
    return w->event != NULL && event_add(w->event, NULL) == 0;
}

struct watch *
watch_new(struct loop *loop, const char *path, void (*on_change)(void *arg), void *arg)
{
    struct watch *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return NULL;
    }
    *w = (struct watch){.path = path, .on_change = on_change, .arg = arg, .fd = -1};
    timer_init(&w->settle, loop, watch_look, w);
    watch_note_read(w);
    if (!watch_open(w, loop)) {
        log_warn("config.unwatched", LOG_TEXT("file", path), LOG_I64("errno", errno),
                 LOG_TEXT("remedy", "send SIGHUP after a change"));
        watch_free(w);
        return NULL;
    }
    return w;
}

void
watch_free(struct watch *w)
{
    if (w == NULL) {
        return;
    }
    timer_stop(&w->settle);
    if (w->event != NULL) {
        event_free(w->event);
    }
    if (w->fd >= 0) {
        close(w->fd);
    }
    free(w);
}

void
watch_note_read(struct watch *w)
{
    if (w != NULL) {
        w->known = version_of(w->path);
        w->seen = w->known;
    }
}

bool
watch_confirm_read(struct watch *w)
{
    if (w == NULL) {
        return true;
    }
    struct version now = version_of(w->path);
    bool is_same = version_is_same(&now, &w->known);
    if (!is_same) {
        watch_look_soon(w);
    }
    return is_same;
}
