/* runnel tail URL: options, and what is wrong with them. */

#include "main/commands.h"
#include "main/tail_client.h"

#include <stdio.h>

static const char usage[] =
    "usage: runnel tail [--last-event-id ID] [--count N] [--verbose] URL\n"
    "\n"
    "Prints the events of a stream as a browser gets them, one line for each line of data:\n"
    "id, event name, data, with tabs between. Comes back after a drop, where it left off.\n"
    "\n"
    "  --last-event-id ID  begin after this event\n"
    "  --count N           end after N events; those named runnel.* do not count\n"
    "  -v, --verbose       print heartbeats (runnel.beat), too\n"
    "\n"
    "Exit status: 0 the N events came, or the reader or the server said stop, 1 no stream,\n"
    "2 wrong usage.\n";

/* One option's or the URL's error; false, for the callers to return. */
static bool
cmd_tail_usage_error(const char *problem, const char *argument)
{
    (void)fprintf(stderr, "runnel tail: %s%s\n%s", problem, argument, usage);
    return false;
}

/* `--name value` and `--name=value`. False where argv[*i] is not this option. */
static bool
cmd_tail_option_is(struct str name, char **argv, int *i, const char **ret_value)
{
    const char *argument = argv[*i];
    if (strncmp(argument, name.data, name.size) != 0) {
        return false;
    }
    if (argument[name.size] == '=') {
        *ret_value = argument + name.size + 1;
        return true;
    }
    if (argument[name.size] != '\0') {
        return false;
    }
    *i += 1;
    *ret_value = argv[*i]; /* NULL behind the last */
    return true;
}

static bool
cmd_tail_take_last_event_id(struct tail_options *o, const char *value)
{
    if (value == NULL || strpbrk(value, "\r\n") != NULL) {
        return cmd_tail_usage_error("--last-event-id needs an id of one line", "");
    }
    o->last_event_id = str_from(value);
    return true;
}

static bool
cmd_tail_take_count(struct tail_options *o, const char *value)
{
    if (str_to_u64(str_from(value), UINT64_MAX, &o->count) != 0 || o->count == 0) {
        return cmd_tail_usage_error("--count needs a number from 1 on", "");
    }
    return true;
}

static bool
cmd_tail_take_url(struct tail_options *o, const char *value)
{
    if (o->url.host != NULL) {
        return cmd_tail_usage_error("one URL only, not also ", value);
    }
    if (tail_url_parse(str_from(value), &o->url) != 0) {
        return cmd_tail_usage_error("not an http or https URL: ", value);
    }
    return true;
}

static bool
cmd_tail_take_argument(struct tail_options *o, char **argv, int *i)
{
    const char *value;
    if (cmd_tail_option_is(STR("--last-event-id"), argv, i, &value)) {
        return cmd_tail_take_last_event_id(o, value);
    }
    if (cmd_tail_option_is(STR("--count"), argv, i, &value)) {
        return cmd_tail_take_count(o, value);
    }
    if (strcmp(argv[*i], "--verbose") == 0 || strcmp(argv[*i], "-v") == 0) {
        o->is_verbose = true;
        return true;
    }
    if (argv[*i][0] == '-') {
        return cmd_tail_usage_error("unknown option ", argv[*i]);
    }
    return cmd_tail_take_url(o, argv[*i]);
}

static bool
cmd_tail_take_arguments(struct tail_options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!cmd_tail_take_argument(o, argv, &i)) {
            return false;
        }
    }
    return o->url.host != NULL || cmd_tail_usage_error("which URL?", "");
}

static bool
cmd_tail_asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

int
cmd_tail(int argc, char **argv)
{
    struct tail_options options = {0};
    int status = EXIT_USAGE;
    if (cmd_tail_asks_for_help(argc, argv)) {
        (void)fputs(usage, stdout);
        return EXIT_OK;
    }
    if (cmd_tail_take_arguments(&options, argc, argv)) {
        status = tail_client_run(&options);
    }
    tail_url_fini(&options.url);
    return status;
}
