#pragma once
/*
 * `runnel tail`: an EventSource for the terminal (WHATWG HTML, section 9.2).
 *
 *     connect -> head -> events ... end -> wait -> connect ...
 *
 * Like a browser it follows redirects, comes back after every end with the last event id and the
 * stream's own retry time, and stops for good at a status other than 200 or another content type.
 * Unlike one it also stops where its first connection shows that nothing better will come: no valid
 * certificate, no HTTP. It runs a loop of its own on the calling thread.
 */

#include "base/str.h"
#include "main/tail_url.h"

#include <stdbool.h>
#include <stdint.h>

struct tail_options {
    struct tail_url url;
    struct str last_event_id; /* empty: none */
    uint64_t count;           /* ends after so many events other than runnel's own; 0: never */
    bool is_verbose;          /* heartbeats, too */
};

/* Until it ends by itself or by SIGINT or SIGTERM. Returns the exit status. */
int tail_client_run(const struct tail_options *options);
