/* runnel serve: the daemon. */

#include "base/log.h"
#include "config/config.h"
#include "main/commands.h"
#include "main/daemon.h"
#include "main/settings.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static const char usage[] =
    "usage: runnel serve [-c FILE]\n"
    "\n"
    "Runs until SIGTERM or SIGINT, then waits for stream.drain_delay (not with SIGINT) and ends "
    "its\n"
    "streams over stream.drain; a second signal ends at once. SIGHUP, or a change of FILE, "
    "reloads:\n"
    "checked first, then applied without ending a stream.\n"
    "Without -c: memory log, http source on 127.0.0.1:8081, streams on 127.0.0.1:8080.\n";

/*
 * Without any stream: the loops, ports, mailboxes, name servers and connections to brokers. Counted,
 * and rounded up: with so few there would be next to none left for streams.
 */
enum { DESCRIPTORS = 32, DESCRIPTORS_OF_WORKER = 12, DESCRIPTORS_OF_SOURCE = 4 };

/* Every stream is a descriptor: takes what the system allows. Returns how many that is. */
static uint64_t
serve_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return UINT64_MAX;
    }
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (before < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        log_warn("serve.descriptors", LOG_U64("limit", before));
        return before;
    }
    return limit.rlim_max;
}

/* Said here: what fails later for want of descriptors cannot tell it from other failures. */
static int
serve_take_descriptors(const struct config *config)
{
    uint64_t limit = serve_raise_descriptors();
    uint64_t needed = DESCRIPTORS + DESCRIPTORS_OF_WORKER * (uint64_t)config->http.workers +
                      DESCRIPTORS_OF_SOURCE * (uint64_t)config->sources_length;
    if (limit >= needed) {
        return 0;
    }
    log_error(
        "serve.descriptors", LOG_TEXT("problem", "too few file descriptors to start"),
        LOG_U64("limit", limit), LOG_U64("needed", needed),
        LOG_TEXT("remedy", "raise the limit (ulimit -n, LimitNOFILE=) or lower http.workers"));
    return ERR_LIMIT;
}

static void
serve_explain_default(void)
{
    log_info("serve.default_config",
             LOG_TEXT("note", "no -c FILE: memory log, http source, loopback only"),
             LOG_TEXT("publish", "curl -d hello http://127.0.0.1:8081/publish/demo"),
             LOG_TEXT("watch", "http://127.0.0.1:8080/?channel=demo"));
}

static int
serve_run(struct settings *settings, const char *path)
{
    struct daemon *daemon = NULL;
    const struct config *config = settings->config;
    log_configure(config->log.level, config->log.format);
    signal(SIGPIPE, SIG_IGN);
    int r = serve_take_descriptors(config);
    if (r == 0) {
        r = daemon_new(settings, path, &daemon);
    }
    if (r == 0) {
        r = daemon_run(daemon);
    }
    daemon_free(daemon);
    return r;
}

/* NULL: no file. EXIT_USAGE through *ret_status where the words are wrong. */
static const char *
serve_parse_arguments(int argc, char **argv, int *ret_status)
{
    *ret_status = EXIT_OK;
    if (argc == 1) {
        return NULL;
    }
    if (argc == 3 && (strcmp(argv[1], "-c") == 0 || strcmp(argv[1], "--config") == 0)) {
        return argv[2];
    }
    bool is_help = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    fputs(usage, is_help ? stdout : stderr);
    *ret_status = is_help ? -1 : EXIT_USAGE;
    return NULL;
}

int
cmd_serve(int argc, char **argv)
{
    int status = EXIT_OK;
    const char *path = serve_parse_arguments(argc, argv, &status);
    if (status != EXIT_OK) {
        return status < 0 ? EXIT_OK : status;
    }
    struct settings *settings = settings_load_or_explain(path);
    if (settings == NULL) {
        return EXIT_FAILED;
    }
    if (path == NULL) {
        serve_explain_default();
    }
    return serve_run(settings, path) == 0 ? EXIT_OK : EXIT_FAILED;
}
