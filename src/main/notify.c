#include "main/notify.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { MESSAGE_SIZE_MAX = 512, PATIENCE_US = 500000 };

static const char *
environment(const char *name)
{
    return getenv(name); /* NOLINT(concurrency-mt-unsafe) nothing in runnel sets a variable */
}

/* "/path", or "@name" for an abstract one. ERR_SYNTAX for what is neither, or too long. */
static int
notify_address(const char *name, struct sockaddr_un *ret_address, socklen_t *ret_size)
{
    size_t size = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || size >= sizeof(ret_address->sun_path)) {
        return ERR_SYNTAX;
    }
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, name, size);
    if (name[0] == '@') {
        ret_address->sun_path[0] = '\0';
    }
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (name[0] == '/'));
    return 0;
}

/*
 * A manager that does not read is waited for a moment, as it may be starting anew, and not for ever:
 * the ingest loop stands still meanwhile. Not at all with MSG_DONTWAIT in `flags`.
 */
static void
notify_send(const char *message, int flags)
{
    const char *name = environment("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t size;
    if (name == NULL) {
        return;
    }
    if (notify_address(name, &address, &size) != 0) {
        log_warn("notify.failed", LOG_TEXT("socket", name), LOG_TEXT("error", "no path or @name"));
        return;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_usec = PATIENCE_US};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
        sendto(fd, message, strlen(message), flags | MSG_NOSIGNAL,
               (const struct sockaddr *)&address, size) < 0) {
        log_warn("notify.failed", LOG_TEXT("socket", name),
                 LOG_TEXT("error", strerrordesc_np(errno)));
    }
    if (fd >= 0) {
        close(fd);
    }
}

void
notify_ready(const char *status)
{
    char message[MESSAGE_SIZE_MAX];
    snprintf(message, sizeof(message), "READY=1\nSTATUS=%s", status);
    notify_send(message, 0);
}

void
notify_reloading(void)
{
    char message[MESSAGE_SIZE_MAX];
    snprintf(message, sizeof(message),
             "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reading the config again",
             clock_mono_ns() / 1000);
    notify_send(message, 0);
}

void
notify_stopping(uint64_t patience_ms)
{
    char message[MESSAGE_SIZE_MAX];
    snprintf(message, sizeof(message),
             "STOPPING=1\nSTATUS=Ending the streams\nEXTEND_TIMEOUT_USEC=%" PRIu64,
             patience_ms * 1000);
    notify_send(message, 0);
}

/* The half of WATCHDOG_USEC; 0 where it is not given, or meant for another process. */
static uint64_t
watchdog_interval_ms(void)
{
    uint64_t usec;
    uint64_t pid;
    const char *for_pid = environment("WATCHDOG_PID");
    if (for_pid != NULL &&
        (str_to_u64(str_from(for_pid), UINT64_MAX, &pid) != 0 || pid != (uint64_t)getpid())) {
        return 0;
    }
    if (str_to_u64(str_from(environment("WATCHDOG_USEC")), UINT64_MAX, &usec) != 0) {
        return 0;
    }
    return usec / 2000;
}

static void
notify_watchdog_ping(void *arg)
{
    struct notify_watchdog *w = arg;
    notify_send("WATCHDOG=1", MSG_DONTWAIT);
    timer_start(&w->timer, w->interval_ms);
}

void
notify_watchdog_start(struct notify_watchdog *w, struct loop *l)
{
    w->interval_ms = watchdog_interval_ms();
    if (w->interval_ms > 0) {
        timer_init(&w->timer, l, notify_watchdog_ping, w);
        timer_start(&w->timer, w->interval_ms);
    }
}

void
notify_watchdog_stop(struct notify_watchdog *w)
{
    if (w->interval_ms > 0) {
        timer_stop(&w->timer);
        w->interval_ms = 0;
    }
}
