/* Requests are pipelined on one connection; an answer is counted by its status line. */

#include "bench.h"
#include "target.h"

#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { OUT_BYTES = 1024 * 1024, IN_BYTES = 64 * 1024 };

static const char status_line[] = "HTTP/1.1 20";

struct http {
    int fd;
    size_t out_size;
    size_t in_size;    /* not yet searched: what may be the begin of a status line */
    uint64_t answered; /* and not yet waited for */
    char out[OUT_BYTES];
    char in[IN_BYTES];
};

static void
http_flush(struct http *h)
{
    size_t sent = 0;
    while (sent < h->out_size) {
        ssize_t size = send(h->fd, h->out + sent, h->out_size - sent, MSG_NOSIGNAL);
        if (size < 0) {
            bench_fail("send");
        }
        sent += (size_t)size;
    }
    h->out_size = 0;
}

static void
http_send(void *self, uint64_t channel, const char *payload, size_t size)
{
    struct http *h = self;
    char head[256];
    int head_size = snprintf(head, sizeof head,
                             "POST /pub/bench.%" PRIu64 " HTTP/1.1\r\nHost: bench\r\n"
                             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                             channel, size);
    if ((size_t)head_size + size > OUT_BYTES - h->out_size) {
        http_flush(h);
    }
    memcpy(h->out + h->out_size, head, (size_t)head_size);
    memcpy(h->out + h->out_size + head_size, payload, size);
    h->out_size += (size_t)head_size + size;
}

/* Counts the status lines, and keeps the end that may be the begin of one. */
static void
http_count_answers(struct http *h)
{
    const char *begin = h->in;
    const char *end = h->in + h->in_size;
    const char *found = NULL;
    while ((found = memmem(begin, (size_t)(end - begin), status_line, sizeof status_line - 1)) !=
           NULL) {
        h->answered++;
        begin = found + sizeof status_line - 1;
    }
    size_t rest = (size_t)(end - begin);
    rest = rest < sizeof status_line - 2 ? rest : sizeof status_line - 2;
    memmove(h->in, end - rest, rest);
    h->in_size = rest;
}

static void
http_wait(void *self, uint64_t answers)
{
    struct http *h = self;
    http_flush(h);
    while (h->answered < answers) {
        ssize_t size = recv(h->fd, h->in + h->in_size, IN_BYTES - h->in_size, 0);
        if (size <= 0) {
            errx(1, "http: the server closed the connection");
        }
        h->in_size += (size_t)size;
        if (memmem(h->in, h->in_size, "HTTP/1.1 4", 10) != NULL ||
            memmem(h->in, h->in_size, "HTTP/1.1 5", 10) != NULL) {
            errx(1, "http: refused: %.200s", h->in);
        }
        http_count_answers(h);
    }
    h->answered -= answers;
}

struct target
target_http_new(uint16_t port)
{
    int one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct http *h = calloc(1, sizeof *h);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (h == NULL) {
        bench_fail("calloc");
    }
    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (h->fd < 0 || connect(h->fd, (struct sockaddr *)&to, sizeof to) < 0 ||
        setsockopt(h->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0) {
        bench_fail("connect");
    }
    return (struct target){.send = http_send, .wait = http_wait, .self = h};
}
