#include "generator/description.h"

#include <stdio.h>

const char *
description_of(const struct key *k, const char *restart, char ret_text[static DESCRIPTION_SIZE])
{
    snprintf(ret_text, DESCRIPTION_SIZE, "%s%s%s", k->help,
             (k->flags & KEY_WITH_TLS) != 0 ? " Only with TLS." : "",
             (k->flags & KEY_RESTART) != 0 ? restart : "");
    return ret_text;
}
