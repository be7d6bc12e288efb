#include "options.h"

#include "bench.h"

#include <err.h>
#include <getopt.h>
#include <stdlib.h>

enum { OPTIONS_MAX = 16 };

static uint64_t
option_number(const struct option_entry *entry, const char *value, uint64_t max)
{
    uint64_t number = bench_number(value);
    if (number > max) {
        errx(2, "--%s: too large: %s", entry->name, value);
    }
    return number;
}

static void
option_set(const struct option_entry *entry, const char *value)
{
    switch (entry->kind) {
    case OPTION_U16:
        *(uint16_t *)entry->to = (uint16_t)option_number(entry, value, UINT16_MAX);
        break;
    case OPTION_U32:
        *(uint32_t *)entry->to = (uint32_t)option_number(entry, value, UINT32_MAX);
        break;
    case OPTION_U64:
        *(uint64_t *)entry->to = option_number(entry, value, UINT64_MAX);
        break;
    case OPTION_TEXT:
        *(const char **)entry->to = value;
        break;
    case OPTION_FLAG:
        *(bool *)entry->to = true;
        break;
    }
}

void
options_parse(int argc, char **argv, const struct option_entry *entries, size_t length)
{
    struct option names[OPTIONS_MAX + 1] = {{NULL, 0, NULL, 0}};
    int index = 0;
    int option = 0;
    if (length > OPTIONS_MAX) {
        errx(2, "more than %d options", OPTIONS_MAX);
    }
    for (size_t i = 0; i < length; i++) {
        int argument = entries[i].kind == OPTION_FLAG ? no_argument : required_argument;
        names[i] = (struct option){entries[i].name, argument, NULL, 0};
    }
    while ((option = getopt_long(argc, argv, "", names, &index)) != -1) {
        if (option != 0) {
            exit(2);
        }
        option_set(&entries[index], optarg);
    }
}
