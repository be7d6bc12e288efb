/*
 * Writes config/reference.md and config/runnel.schema.json from keys.def, config/metrics.md from
 * metrics.def. A build tool, no part of runnel; the tests unit.config.* hold that the committed files
 * are what this prints.
 */

#include "base/err.h"
#include "generator/pages.h"

#include <string.h>

int
main(int argc, char **argv)
{
    const char *page = argc == 2 ? argv[1] : "";
    int err = 0;
    if (strcmp(page, "reference") == 0) {
        reference_write(stdout);
    } else if (strcmp(page, "schema") == 0) {
        err = schema_write(stdout);
    } else if (strcmp(page, "metrics") == 0) {
        metrics_write(stdout);
    } else {
        fputs("usage: generator metrics | reference | schema\n", stderr);
        return 2;
    }
    if (err != 0) {
        fprintf(stderr, "generator: %s\n", err_text(err));
    }
    return err != 0 || ferror(stdout) != 0;
}
