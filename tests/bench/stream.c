#include "stream.h"

#include "bench.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CARRY_MAX = 2048,
    READ_BYTES = 256 * 1024,
};

static char buffer[CARRY_MAX + READ_BYTES];

/* The port is chosen by connect(), which can share it between addresses of servers. */
static void
stream_bind(const struct stream *s, uint8_t from)
{
    int one = 1;
    struct sockaddr_in local = {.sin_family = AF_INET};
    local.sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~0xffu) | from);
    if (setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) < 0 ||
        bind(s->fd, (struct sockaddr *)&local, sizeof local) < 0) {
        bench_fail("bind");
    }
}

void
stream_start(struct stream *s, uint16_t port, uint8_t from, const char *request)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd >= 0 && from > 0) {
        stream_bind(s, from);
    }
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&to, sizeof to) < 0) {
        bench_fail("connect");
    }
    if (fcntl(s->fd, F_SETFL, O_NONBLOCK) < 0) {
        bench_fail("fcntl");
    }
    if (send(s->fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) {
        bench_fail("send");
    }
}

/* Told or not: the channel's events between the one that was next and this one. */
static void
stream_count_left_out(struct stream *s, uint64_t n, uint64_t left_out)
{
    if (s->is_gap_told) {
        s->tally->told += left_out;
        s->resumed = n;
        s->is_gap_told = false;
    } else {
        s->tally->lost += left_out;
    }
}

static void
stream_count(struct stream *s, uint64_t n, uint64_t latency_ns)
{
    struct tally *tally = s->tally;
    uint64_t *next = n < s->first ? NULL : &s->next[(n - s->first) % s->active];
    if (next == NULL || n < *next) {
        tally->doubled++;
        return;
    }
    stream_count_left_out(s, n, (n - *next) / s->active);
    *next = n + s->active;
    tally->received++;
    if (n < s->end && *next >= s->end && ++s->ended == s->active) {
        tally->finished++;
    }
    histogram_add(&tally->latency, latency_ns);
}

/* {"n":N,"t":T ... */
static void
stream_on_data(struct stream *s, const char *json, uint64_t now_ns)
{
    char *end = NULL;
    if (strncmp(json, "{\"n\":", 5) != 0) {
        return; /* an event of the server's own */
    }
    uint64_t n = strtoull(json + 5, &end, 10);
    if (strncmp(end, ",\"t\":", 5) != 0) {
        errx(1, "not an event of the publisher: %.40s", json);
    }
    uint64_t t = strtoull(end + 5, NULL, 10);
    stream_count(s, n, now_ns > t ? now_ns - t : 0);
}

static void
stream_on_head_line(struct stream *s, const char *line, size_t size)
{
    if (size >= 12 && memcmp(line, "HTTP/1.1 ", 9) == 0 && memcmp(line + 9, "200", 3) != 0) {
        errx(1, "%.*s", (int)size, line);
    }
    s->is_open = size == 0 || (size == 1 && line[0] == '\r');
}

static void
stream_on_line(struct stream *s, const char *line, size_t size, uint64_t now_ns)
{
    static const char gap[] = "event: runnel.gap";
    if (!s->is_open) {
        stream_on_head_line(s, line, size);
    } else if (size >= 6 && memcmp(line, "data: ", 6) == 0) {
        stream_on_data(s, line + 6, now_ns);
    } else if (size >= sizeof gap - 1 && memcmp(line, gap, sizeof gap - 1) == 0) {
        s->tally->gaps++;
        s->is_gap_told = true;
    }
}

static void
stream_keep_rest(struct stream *s, const char *rest, size_t size)
{
    if (size > CARRY_MAX) {
        errx(1, "a line is too long");
    }
    if (size == 0) {
        free(s->carry);
        s->carry = NULL;
    } else if (s->carry == NULL && (s->carry = malloc(CARRY_MAX)) == NULL) {
        bench_fail("malloc");
    }
    if (size > 0) {
        memcpy(s->carry, rest, size);
    }
    s->carry_size = size;
}

/* The carry goes in front of what was read, and what is left of the last line becomes the carry. */
static void
stream_on_bytes(struct stream *s, size_t size, uint64_t now_ns)
{
    char *begin = buffer + CARRY_MAX - s->carry_size;
    char *end = buffer + CARRY_MAX + size;
    char *newline = NULL;
    if (s->carry_size > 0) {
        memcpy(begin, s->carry, s->carry_size);
    }
    while ((newline = memchr(begin, '\n', (size_t)(end - begin))) != NULL) {
        stream_on_line(s, begin, (size_t)(newline - begin), now_ns);
        begin = newline + 1;
    }
    stream_keep_rest(s, begin, (size_t)(end - begin));
}

/* True where the stream is over. */
static bool
stream_check_end(struct stream *s, ssize_t size)
{
    if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) {
        return false;
    }
    close(s->fd);
    s->fd = -1;
    return true;
}

void
stream_read(struct stream *s)
{
    ssize_t size = recv(s->fd, buffer + CARRY_MAX, READ_BYTES, 0);
    if (!stream_check_end(s, size) && size > 0) {
        stream_on_bytes(s, (size_t)size, bench_now_ns());
    }
}

bool
stream_has_more(struct stream *s)
{
    int waiting = 0;
    if (ioctl(s->fd, FIONREAD, &waiting) < 0) {
        bench_fail("FIONREAD");
    }
    bool has_more = waiting > s->waiting;
    s->waiting = waiting;
    return has_more;
}
