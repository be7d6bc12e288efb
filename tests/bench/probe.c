/*
 * The probe: how long a new connection waits for its first byte. Opens streams one after another,
 * --every milliseconds apart, closes each, and prints the times as JSON. A line on stdin ends it.
 */

#include "bench.h"
#include "histogram.h"
#include "stream.h"

#include <err.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_BYTE_TIMEOUT_MS = 10000 };

static void
probe_once(struct histogram *h, uint16_t port, const char *request)
{
    struct stream s = {.fd = -1};
    uint64_t begin_ns = bench_now_ns();
    stream_start(&s, port, 0, request);
    struct pollfd ready = {.fd = s.fd, .events = POLLIN};
    if (poll(&ready, 1, FIRST_BYTE_TIMEOUT_MS) != 1) {
        errx(1, "no byte within %d ms", FIRST_BYTE_TIMEOUT_MS);
    }
    histogram_add(h, bench_now_ns() - begin_ns);
    close(s.fd);
}

/* True where stdin has something within the time. */
static bool
probe_is_over(int wait_ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, wait_ms) == 1;
}

int
main(int argc, char **argv)
{
    static struct histogram histogram;
    char request[512];
    if (argc != 4) {
        errx(2, "usage: probe PORT PATH EVERY_MS");
    }
    uint16_t port = (uint16_t)bench_number(argv[1]);
    int every_ms = (int)bench_number(argv[3]);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", argv[2]);
    while (!probe_is_over(every_ms)) {
        probe_once(&histogram, port, request);
    }
    printf("{\"connections\":%llu,", (unsigned long long)histogram.length);
    histogram_print(&histogram, stdout);
    printf("}\n");
    return 0;
}
