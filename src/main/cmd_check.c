/* runnel check: every problem of a config at once, also those of patterns and templates. */

#include "config/config.h"
#include "main/commands.h"
#include "main/settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: runnel check -c FILE\n"
    "\n"
    "Reads the config FILE as `runnel serve` would, and starts nothing. Every problem is a line on "
    "stderr:\n"
    "file:line:column: key: what is wrong (what is expected). Variables, ${NAME}, are taken from "
    "the\n"
    "environment, and files with secrets are read: run it where the daemon will run.\n"
    "\n"
    "Exit status: 0 the config is good, 1 it has problems, 2 wrong usage.\n";

static bool
check_is_either(const char *word, const char *first, const char *second)
{
    return strcmp(word, first) == 0 || strcmp(word, second) == 0;
}

static int
check_usage_error(const char *problem, const char *word)
{
    (void)fprintf(stderr, "runnel check: %s%s\n%s", problem, word, usage);
    return EXIT_USAGE;
}

/* The file, or NULL with the exit status. */
static const char *
check_parse_arguments(int argc, char **argv, int *ret_status)
{
    if (argc == 2 && check_is_either(argv[1], "--help", "-h")) {
        (void)fputs(usage, stdout);
        *ret_status = EXIT_OK;
    } else if (argc < 2) {
        *ret_status = check_usage_error("which file? -c FILE", "");
    } else if (!check_is_either(argv[1], "-c", "--config")) {
        *ret_status = check_usage_error("-c FILE first, not ", argv[1]);
    } else if (argc == 2) {
        *ret_status = check_usage_error("which file behind ", argv[1]);
    } else if (argc > 3) {
        *ret_status = check_usage_error("one file only, not also ", argv[3]);
    } else {
        return argv[2];
    }
    return NULL;
}

int
cmd_check(int argc, char **argv)
{
    int status = EXIT_FAILED;
    const char *path = check_parse_arguments(argc, argv, &status);
    if (path == NULL) {
        return status;
    }
    struct settings *settings = settings_load_or_explain(path);
    if (settings == NULL) {
        return EXIT_FAILED;
    }
    const struct config *config = settings->config;
    printf("%s: ok, %zu source%s, %zu route%s\n", path, config->sources_length,
           config->sources_length == 1 ? "" : "s", config->routes_length,
           config->routes_length == 1 ? "" : "s");
    settings_unref(settings);
    return EXIT_OK;
}
