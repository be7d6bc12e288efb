#include "observability/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROCESS_STATM_SIZE_MAX = 128 };

static int
process_render_build(struct buf *out)
{
    return buf_printf(out,
                      "# HELP runnel_build_info The version that runs; always 1.\n"
                      "# TYPE runnel_build_info gauge\n"
                      "runnel_build_info{version=\"%s\"} 1\n",
                      RUNNEL_VERSION);
}

static int
process_render_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
    return buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %" PRIu64 "\n", name, help, name,
                      name, value);
}

static int
process_render_start(uint64_t started_ms, struct buf *out)
{
    return buf_printf(out,
                      "# HELP process_start_time_seconds Start of the process since the epoch.\n"
                      "# TYPE process_start_time_seconds gauge\n"
                      "process_start_time_seconds %" PRIu64 ".%03" PRIu64 "\n",
                      started_ms / 1000, started_ms % 1000);
}

static int
process_render_cpu(struct buf *out)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    uint64_t us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                  (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    return buf_printf(out,
                      "# HELP process_cpu_seconds_total User and system CPU time.\n"
                      "# TYPE process_cpu_seconds_total counter\n"
                      "process_cpu_seconds_total %" PRIu64 ".%06" PRIu64 "\n",
                      us / 1000000, us % 1000000);
}

/* /proc/self/statm: total and resident pages. */
static bool
process_read_pages(uint64_t *ret_resident)
{
    char text[PROCESS_STATM_SIZE_MAX];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t size = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    uint64_t total;
    return sscanf(text, "%" SCNu64 " %" SCNu64, &total, ret_resident) == 2;
}

static int
process_render_memory(struct buf *out)
{
    uint64_t pages;
    if (!process_read_pages(&pages)) {
        return 0;
    }
    return process_render_gauge(out, "process_resident_memory_bytes", "Resident memory.",
                                pages * (uint64_t)sysconf(_SC_PAGESIZE));
}

/*
 * Since Linux 6.2 the size of /proc/self/fd is the number of open descriptors; before, it is 0. To
 * read the directory instead would stop the loop for a tenth of a second at 100,000 connections.
 */
static int
process_render_descriptors(struct buf *out)
{
    struct stat status;
    struct rlimit limit;
    int rc = 0;
    if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0) {
        rc = process_render_gauge(out, "process_open_fds", "Open file descriptors.",
                                  (uint64_t)status.st_size);
    }
    if (rc == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        rc = process_render_gauge(out, "process_max_fds", "Most file descriptors allowed.",
                                  limit.rlim_cur);
    }
    return rc;
}

int
process_render(uint64_t started_ms, struct buf *out)
{
    int rc = process_render_build(out);
    rc = rc == 0 ? process_render_start(started_ms, out) : rc;
    rc = rc == 0 ? process_render_cpu(out) : rc;
    rc = rc == 0 ? process_render_memory(out) : rc;
    return rc == 0 ? process_render_descriptors(out) : rc;
}
