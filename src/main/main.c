/* runnel: the program and its commands. */

#include "main/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *synopsis;
} commands[] = {
    {"serve", cmd_serve, "serve [-c FILE]                         serve channels to browsers"},
    {"check", cmd_check,
     "check -c FILE                           every problem of a config at once"},
    {"routes", cmd_routes, "routes -c FILE SOURCE TOPIC [PAYLOAD]   what a message would become"},
    {"tail", cmd_tail, "tail URL [--last-event-id ID]           an EventSource for the terminal"},
    {"health", cmd_health,
     "health [URL]                            what the admin port says, as an exit status"},
};

static const size_t commands_length = sizeof commands / sizeof commands[0];

static void
print_usage(FILE *to)
{
    fputs("runnel: from Redis and MQTT to browsers, as Server-Sent Events\n\n", to);
    for (size_t i = 0; i < commands_length; i++) {
        fprintf(to, "  runnel %s\n", commands[i].synopsis);
    }
    fputs("  runnel --help | --version\n\nrunnel COMMAND --help says more.\n", to);
}

static int
run_command(int argc, char **argv)
{
    for (size_t i = 0; i < commands_length; i++) {
        if (strcmp(argv[0], commands[i].name) == 0) {
            return commands[i].run(argc, argv);
        }
    }
    fprintf(stderr, "runnel: unknown command \"%s\"\n\n", argv[0]);
    print_usage(stderr);
    return EXIT_USAGE;
}

static int
run_arguments(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("runnel " RUNNEL_VERSION);
        return EXIT_OK;
    }
    return run_command(argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
    int status = run_arguments(argc, argv);
    errno = 0;
    /* A reader that has seen enough (EPIPE) is no failure. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE) {
        fputs("runnel: stdout cannot be written\n", stderr);
        status = status == EXIT_OK ? EXIT_FAILED : status;
    }
    return status;
}
