/* Clock, descriptors, failures. */

#include "bench.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

uint64_t
bench_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

noreturn void
bench_fail(const char *what)
{
    err(1, "%s", what);
}

void
bench_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        bench_fail("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        bench_fail("setrlimit");
    }
}

uint64_t
bench_number(const char *text)
{
    char *end = NULL;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        errx(2, "not a number: %s", text);
    }
    return number;
}
