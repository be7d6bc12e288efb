/* runnel check: every problem of a config at once, also those of patterns and templates. */

#include "config/config.h"
#include "main/commands.h"
#include "main/settings.h"

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

/* The file, or NULL with the exit status. */
static const char *
check_parse_arguments(int argc, char **argv, int *ret_status)
{
    bool is_help = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (argc == 3 && (strcmp(argv[1], "-c") == 0 || strcmp(argv[1], "--config") == 0)) {
        return argv[2];
    }
    fputs(usage, is_help ? stdout : stderr);
    *ret_status = is_help ? EXIT_OK : EXIT_USAGE;
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
