#include "observability/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROCESS_STATM_SIZE_MAX = 128 };

enum process_metric {
#define SYSTEM(name, text, type, help) PROCESS_##name,
#include "observability/metrics.def"
};

static const struct {
    const char *name;
    const char *help;
    bool is_counter;
} process_table[] = {
#define COUNTER                        true
#define GAUGE                          false
#define SYSTEM(name, text, type, help) [PROCESS_##name] = {text, help, type},
#include "observability/metrics.def"
#undef COUNTER
#undef GAUGE
};

static int
process_render_head(struct buf *out, enum process_metric metric)
{
    const char *name = process_table[metric].name;
    return buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s", name, process_table[metric].help, name,
                      process_table[metric].is_counter ? "counter" : "gauge", name);
}

static int
process_render_build(struct buf *out)
{
    int rc = process_render_head(out, PROCESS_BUILD_INFO);
    return rc == 0 ? buf_printf(out, "{version=\"%s\"} 1\n", RUNNEL_VERSION) : rc;
}

static int
process_render_number(struct buf *out, enum process_metric metric, uint64_t value)
{
    int rc = process_render_head(out, metric);
    return rc == 0 ? buf_printf(out, " %" PRIu64 "\n", value) : rc;
}

static int
process_render_seconds(struct buf *out, enum process_metric metric, uint64_t us)
{
    int rc = process_render_head(out, metric);
    return rc == 0 ? buf_printf(out, " %" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000)
                   : rc;
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
    return process_render_seconds(out, PROCESS_CPU, us);
}

/* /proc/self/statm: total and resident pages. */
static bool
process_read_pages(uint64_t *ret_virtual, uint64_t *ret_resident)
{
    char text[PROCESS_STATM_SIZE_MAX];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t size = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    return sscanf(text, "%" SCNu64 " %" SCNu64, ret_virtual, ret_resident) == 2;
}

static int
process_render_memory(struct buf *out)
{
    uint64_t total, resident;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (!process_read_pages(&total, &resident)) {
        return 0;
    }
    int rc = process_render_number(out, PROCESS_RESIDENT, resident * page);
    return rc == 0 ? process_render_number(out, PROCESS_VIRTUAL, total * page) : rc;
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
        rc = process_render_number(out, PROCESS_OPEN_FDS, (uint64_t)status.st_size);
    }
    if (rc == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        rc = process_render_number(out, PROCESS_MAX_FDS, limit.rlim_cur);
    }
    return rc;
}

int
process_render(uint64_t started_ms, struct buf *out)
{
    int rc = process_render_build(out);
    rc = rc == 0 ? process_render_seconds(out, PROCESS_START, started_ms * 1000) : rc;
    rc = rc == 0 ? process_render_cpu(out) : rc;
    rc = rc == 0 ? process_render_memory(out) : rc;
    return rc == 0 ? process_render_descriptors(out) : rc;
}
