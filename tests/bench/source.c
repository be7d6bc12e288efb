#include "source.h"

#include "bench.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, RETRY_MS = 3000, REQUEST_MAX = 1024 };

void
source_init(struct source *s, uint32_t index)
{
    *s = (struct source){.state = SOURCE_WAITING, .fd = -1, .index = index, .retry_ms = RETRY_MS};
    for (size_t i = 0; i < SEQUENCES_MAX; i++) {
        s->next[i] = 1;
    }
}

static void
source_close(struct source *s, enum source_state state)
{
    close(s->fd);
    s->fd = -1;
    s->state = state;
    s->due_ms = bench_now_ns() / 1000000 + s->retry_ms;
}

static void
source_begin(struct source *s)
{
    s->state = SOURCE_CONNECTING;
    s->is_chunked = s->is_sized = s->is_over = s->has_data = false;
    s->chunk = CHUNK_SIZE;
    s->chunk_left = 0;
    s->line_size = 0;
    s->event[0] = s->data[0] = '\0';
    memcpy(s->id, s->last_id, sizeof s->id);
}

void
source_connect(struct source *s,
               const struct source_settings *settings,
               struct fleet_counts *counts)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(settings->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    source_begin(s);
    counts->connects++;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0 ||
        (connect(s->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)) {
        bench_fail("connect");
    }
}

/* False where there is no connection. */
static bool
source_send_request(struct source *s, const struct source_settings *settings)
{
    char request[REQUEST_MAX];
    int size = snprintf(request, sizeof request, "GET /events?");
    for (uint32_t i = 0; i < settings->sequences_length; i++) {
        size += snprintf(request + size, sizeof request - (size_t)size, "%schannel=%s/%" PRIu32,
                         i > 0 ? "&" : "", settings->sequences[i], s->index % settings->channels);
    }
    size += snprintf(request + size, sizeof request - (size_t)size,
                     " HTTP/1.1\r\nHost: fleet\r\nAccept: text/event-stream\r\n%s%s%s\r\n",
                     s->last_id[0] != '\0' ? "Last-Event-ID: " : "", s->last_id,
                     s->last_id[0] != '\0' ? "\r\n" : "");
    return send(s->fd, request, (size_t)size, MSG_NOSIGNAL) == size;
}

static void
source_count(struct source *s, size_t sequence, struct fleet_counts *counts)
{
    const char *number = strstr(s->data, "\"n\":\"");
    const char *time = strstr(s->data, "\"t\":\"");
    if (number == NULL || time == NULL) {
        errx(1, "not an event of the publishers: %s", s->data);
    }
    uint64_t n = strtoull(number + 5, NULL, 10);
    if (n < s->next[sequence]) {
        counts->doubled++;
        return;
    }
    counts->lost += n - s->next[sequence];
    counts->events++;
    s->next[sequence] = n + 1;
    uint64_t now_ns = bench_now_ns();
    uint64_t t = strtoull(time + 5, NULL, 10);
    histogram_add(&counts->latency, now_ns > t ? now_ns - t : 0);
}

static void
source_dispatch(struct source *s,
                const struct source_settings *settings,
                struct fleet_counts *counts)
{
    s->has_been_live = s->has_been_live || strcmp(s->event, "runnel.live") == 0;
    counts->refused += strcmp(s->event, "runnel.unavailable") == 0;
    counts->gaps += strcmp(s->event, "runnel.gap") == 0;
    for (size_t i = 0; i < settings->sequences_length; i++) {
        if (strcmp(s->event, settings->sequences[i]) == 0) {
            source_count(s, i, counts);
        }
    }
}

/* The value of the field `name` goes into `to`; false where the line has another one. */
static bool
source_read_field(const struct source *s, const char *name, char *to, size_t size)
{
    size_t length = strlen(name);
    if (strncmp(s->line, name, length) != 0 || s->line[length] != ':') {
        return false;
    }
    const char *value = s->line + length + 1;
    (void)snprintf(to, size, "%s", value + (*value == ' ' ? 1 : 0));
    return true;
}

static void
source_on_line(struct source *s,
               const struct source_settings *settings,
               struct fleet_counts *counts)
{
    char retry[SOURCE_TEXT_MAX];
    if (s->line[0] == '\0') {
        memcpy(s->last_id, s->id, sizeof s->last_id);
        if (s->has_data) {
            source_dispatch(s, settings, counts);
        }
        s->event[0] = s->data[0] = '\0';
        s->has_data = false;
    } else if (source_read_field(s, "data", s->data, sizeof s->data)) {
        s->has_data = true;
    } else if (source_read_field(s, "retry", retry, sizeof retry)) {
        s->retry_ms = bench_number(retry);
    } else if (!source_read_field(s, "event", s->event, sizeof s->event)) {
        (void)source_read_field(s, "id", s->id, sizeof s->id);
    }
}

static void
source_on_head_line(struct source *s, struct fleet_counts *counts)
{
    if (strncmp(s->line, "HTTP/1.", 7) == 0 && strncmp(s->line + 8, " 200", 4) != 0) {
        warnx("gives up: %s", s->line);
        counts->dead++;
        source_close(s, SOURCE_DEAD);
    } else if (strncasecmp(s->line, "transfer-encoding: chunked", 26) == 0) {
        s->is_chunked = true;
    } else if (strncasecmp(s->line, "content-length: ", 16) == 0) {
        s->is_sized = true;
        s->body_left = bench_number(s->line + 16);
    } else if (s->line[0] == '\0') {
        s->state = SOURCE_OPEN;
        counts->opens++;
    }
}

/* True for a byte of the body. */
static bool
source_unchunk(struct source *s, char c)
{
    switch (s->chunk) {
    case CHUNK_SIZE:
    case CHUNK_EXTENSION:
        if (c == '\n') {
            s->is_over = s->chunk_left == 0;
            s->chunk = CHUNK_DATA;
        } else if (s->chunk == CHUNK_SIZE && strchr("0123456789abcdefABCDEF", c) != NULL) {
            const char digit[] = {c, '\0'};
            s->chunk_left = s->chunk_left * 16 + strtoull(digit, NULL, 16);
        } else {
            s->chunk = CHUNK_EXTENSION;
        }
        return false;
    case CHUNK_DATA:
        s->chunk = --s->chunk_left == 0 ? CHUNK_CR : CHUNK_DATA;
        return true;
    case CHUNK_CR:
        s->chunk = CHUNK_LF;
        return false;
    case CHUNK_LF:
        s->chunk = CHUNK_SIZE;
        return false;
    }
    return false;
}

static void
source_take(struct source *s,
            char c,
            const struct source_settings *settings,
            struct fleet_counts *counts)
{
    bool is_body = s->state == SOURCE_OPEN;
    if (is_body && s->is_chunked && !source_unchunk(s, c)) {
        return;
    }
    if (is_body && s->is_sized) {
        s->is_over = --s->body_left == 0;
    }
    if (c != '\n') {
        if (s->line_size == sizeof s->line - 1) {
            errx(1, "a line is too long: %.*s", (int)s->line_size, s->line);
        }
        s->line[s->line_size++] = c;
        return;
    }
    s->line_size -= s->line_size > 0 && s->line[s->line_size - 1] == '\r' ? 1 : 0;
    s->line[s->line_size] = '\0';
    s->line_size = 0;
    if (is_body) {
        source_on_line(s, settings, counts);
    } else {
        source_on_head_line(s, counts);
    }
}

static void
source_read(struct source *s, const struct source_settings *settings, struct fleet_counts *counts)
{
    static char bytes[READ_BYTES];
    ssize_t size = recv(s->fd, bytes, sizeof bytes, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    for (ssize_t i = 0; i < size && s->state != SOURCE_DEAD && !s->is_over; i++) {
        source_take(s, bytes[i], settings, counts);
    }
    if (s->state != SOURCE_DEAD && (size <= 0 || s->is_over)) {
        counts->ends += s->state == SOURCE_OPEN;
        counts->failed += s->state == SOURCE_HEAD;
        source_close(s, SOURCE_WAITING);
    }
}

void
source_go_on(struct source *s, const struct source_settings *settings, struct fleet_counts *counts)
{
    if (s->state != SOURCE_CONNECTING) {
        source_read(s, settings, counts);
        return;
    }
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0 &&
        source_send_request(s, settings)) {
        s->state = SOURCE_HEAD;
    } else {
        counts->failed++;
        source_close(s, SOURCE_WAITING);
    }
}
