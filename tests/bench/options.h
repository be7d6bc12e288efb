#pragma once
/* The options of a benchmark's program: a table of names and of the variables that they set. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind { OPTION_U16, OPTION_U32, OPTION_U64, OPTION_TEXT, OPTION_FLAG };

struct option_entry {
    const char *name; /* without its dashes */
    void *to;
    enum option_kind kind;
};

/* --name, and the variable whose type says what stands behind it; behind a flag nothing does. */
#define OPTION(name, to)                                                                             \
    {                                                                                                \
        (name), (to),                                                                              \
            _Generic((to),                                                                         \
                uint16_t *: OPTION_U16,                                                            \
                uint32_t *: OPTION_U32,                                                            \
                uint64_t *: OPTION_U64,                                                            \
                const char **: OPTION_TEXT,                                                        \
                bool *: OPTION_FLAG) \
    }

/* Sets what the command line names. Ends the program where that is wrong. */
void options_parse(int argc, char **argv, const struct option_entry *entries, size_t length);
