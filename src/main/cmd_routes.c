/*
 * runnel routes: what a message would become, without a broker or a daemon. The output is an event
 * stream itself: what it says about a route is a comment, the events stand as a browser gets them.
 */

#include "base/clock.h"
#include "config/config.h"
#include "config/problems.h"
#include "main/commands.h"
#include "main/settings.h"
#include "routing/table.h"
#include "sse/encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOAD_BYTES_MAX = 64 * 1024 * 1024, READ_BYTES = 64 * 1024 };

static const char usage[] =
    "usage: runnel routes -c FILE SOURCE TOPIC [PAYLOAD]\n"
    "\n"
    "Says what the routes of the config FILE make of a message that SOURCE delivers: which of "
    "them\n"
    "match, and the events as a browser gets them (with an id of now). PAYLOAD is empty if it is "
    "left\n"
    "out, and - reads it from stdin. No broker is asked.\n"
    "\n"
    "Exit status: 0 there is an event, 1 there is none, or the config has problems, 2 wrong "
    "usage.\n";

struct arguments {
    const char *path, *source, *topic;
    const char *payload; /* NULL: none; "-": stdin */
};

/* What the visitor of the table carries along. */
struct printer {
    const struct config *config;
    struct buf body;
    event_id last; /* of the events so far; 0: none */
    int err;
};

static bool
routes_parse_arguments(int argc, char **argv, struct arguments *ret_arguments, int *ret_status)
{
    bool is_help = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if ((argc == 5 || argc == 6) &&
        (strcmp(argv[1], "-c") == 0 || strcmp(argv[1], "--config") == 0)) {
        *ret_arguments = (struct arguments){argv[2], argv[3], argv[4], argc == 6 ? argv[5] : NULL};
        return true;
    }
    fputs(usage, is_help ? stdout : stderr);
    *ret_status = is_help ? EXIT_OK : EXIT_USAGE;
    return false;
}

static void
routes_print_error(int err)
{
    fprintf(stderr, "runnel: %s\n", err_text(err));
}

/* Texts of the config can hold line ends, and a comment is one line. */
static void
routes_print_text(const char *text)
{
    for (; *text != '\0'; text++) {
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
    }
}

/* ": file:line: topic" */
static void
routes_print_route(const struct printer *p, uint32_t route)
{
    const struct config_route *r = &p->config->routes[route];
    fputs(": ", stdout);
    routes_print_text(p->config->path);
    printf(":%u: ", r->mark.line);
    routes_print_text(r->topic.value);
}

static void
routes_on_event(void *arg, const struct table_event *event)
{
    struct printer *p = arg;
    char id[EVENT_ID_TEXT_SIZE_MAX];
    buf_clear(&p->body);
    int err = sse_encode_body(&p->body, event->name, event->data);
    if (err != 0) {
        p->err = err;
        return;
    }
    routes_print_route(p, event->route);
    printf(" -> channel " STR_FMT "\n", STR_ARG(event->channel));
    p->last = event_id_next(p->last, clock_wall_ms());
    size_t id_size = event_id_format(p->last, id);
    printf("id: %.*s\n", (int)id_size, id);
    fwrite(p->body.data, 1, p->body.size, stdout);
}

static const char *
routes_miss_sentence(enum table_miss why)
{
    switch (why) {
    case TABLE_MISS_WHEN:
        return "a condition of `when` does not hold";
    case TABLE_MISS_EXTRACT:
        return "a template wants a value that the payload has not (on_error: pass makes it empty)";
    case TABLE_MISS_UTF8:
        return "the data is not UTF-8 (not_utf8: base64 would encode it)";
    case TABLE_MISS_SIZE:
        return "the payload, or the data made of it, is larger than max_bytes";
    case TABLE_MISS_CHANNEL:
        return "the result of `channel` is no channel name";
    case TABLE_MISS_EVENT:
        return "the result of `event` is no event name";
    case TABLE_MISS_COUNT:
        break;
    }
    return "";
}

static void
routes_on_miss(void *arg, uint32_t route, enum table_miss why)
{
    routes_print_route(arg, route);
    printf(" -> no event (%s): %s\n\n", table_miss_text(why), routes_miss_sentence(why));
}

/* All of stdin; the buffer's limit bounds it. Errors are printed. */
static int
routes_read_stdin(struct buf *out)
{
    size_t size = 1;
    int err = 0;
    while (err == 0 && size > 0) {
        err = buf_reserve(out, READ_BYTES);
        size = err == 0 ? fread(out->data + out->size, 1, READ_BYTES, stdin) : 0;
        out->size += size;
    }
    err = ferror(stdin) ? ERR_SYSTEM : err;
    if (err == ERR_LIMIT) {
        fprintf(stderr, "runnel routes: the payload is larger than %d bytes\n", PAYLOAD_BYTES_MAX);
    } else if (err != 0) {
        fprintf(stderr, "runnel routes: stdin: %s\n", err_text(err));
    }
    return err;
}

/* By name. Where there is none, that and what could have been meant is printed. */
static bool
routes_find_source(const struct config *config, const char *name, uint32_t *ret_source)
{
    const char **names = calloc(config->sources_length + 1, sizeof(*names));
    for (uint32_t i = 0; i < config->sources_length; i++) {
        if (strcmp(config->sources[i].name, name) == 0) {
            *ret_source = i;
            free(names);
            return true;
        }
        if (names != NULL) {
            names[i] = config->sources[i].name;
        }
    }
    size_t length = names != NULL ? config->sources_length : 0;
    const char *near = problems_suggest(str_from(name), names, length);
    fprintf(stderr, "runnel routes: no source is called \"%s\"", name);
    if (near != NULL) {
        fprintf(stderr, " (did you mean \"%s\"?)", near);
    }
    for (size_t i = 0; near == NULL && i < length; i++) {
        fprintf(stderr, "%s\"%s\"", i == 0 ? ": there is " : ", ", names[i]);
    }
    fputc('\n', stderr);
    free(names);
    return false;
}

/* The exit status. */
static int
routes_route(const struct config *config, struct table *table, const struct message *message)
{
    struct printer printer = {.config = config};
    const struct table_visitor visitor = {&printer, routes_on_event, routes_on_miss};
    buf_init(&printer.body, (size_t)16 * PAYLOAD_BYTES_MAX); /* a line of data can be one byte */
    int matched = table_route(table, message, &visitor);
    buf_fini(&printer.body);
    if (matched == 0) {
        printf(": no route of this source matches the topic\n\n");
    }
    int err = matched < 0 ? matched : printer.err;
    if (err == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        err = ERR_SYSTEM;
    }
    if (err != 0) {
        routes_print_error(err);
    }
    return err == 0 && printer.last != 0 ? EXIT_OK : EXIT_FAILED;
}

static int
routes_run(const struct config *config, struct table *table, const struct arguments *a)
{
    struct message message = {.topic = str_from(a->topic), .received_ms = clock_wall_ms()};
    struct buf input;
    int err = 0;
    if (!routes_find_source(config, a->source, &message.source)) {
        return EXIT_USAGE;
    }
    buf_init(&input, PAYLOAD_BYTES_MAX + READ_BYTES); /* room to see the end of it */
    message.payload = str_from(a->payload);
    if (a->payload != NULL && strcmp(a->payload, "-") == 0) {
        err = routes_read_stdin(&input);
        message.payload = buf_str(&input);
    }
    int status = err == 0 ? routes_route(config, table, &message) : EXIT_FAILED;
    buf_fini(&input);
    return status;
}

int
cmd_routes(int argc, char **argv)
{
    int status = EXIT_FAILED;
    struct arguments arguments;
    if (!routes_parse_arguments(argc, argv, &arguments, &status)) {
        return status;
    }
    struct settings *settings = settings_load_or_explain(arguments.path);
    if (settings == NULL) {
        return EXIT_FAILED;
    }
    status = routes_run(settings->config, settings->table, &arguments);
    settings_unref(settings);
    return status;
}
