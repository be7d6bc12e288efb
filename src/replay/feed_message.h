#pragma once
/*
 * A message of the feed, read. The append script writes one for each batch:
 *
 *     1 <before> <birth> <after>\n
 *     <id> <floor> <channel bytes> <body bytes> <delay> <slow>\n<channel><body>
 *
 * The head line has the log's head before the batch, its birth, and its head after it; then comes
 * each event, in order, with its traits; one without a body is a loss (frame.h).
 *
 * `before` chains the messages: where it is not the last message's `after`, one was lost. Pure, no
 * copies.
 */

#include "base/err.h"
#include "base/str.h"
#include "sse/event_id.h"
#include "sse/event_traits.h"

#include <stdint.h>

struct feed_message {
    event_id before;
    event_id birth; /* of the log, as of this batch */
    event_id after;
    struct str rest;   /* events not read yet */
    event_id previous; /* id of the event read last */
};

/* Borrows from the message. */
struct feed_event {
    event_id id;
    event_id floor;
    struct str channel;
    struct str body;
    struct event_traits traits;
};

enum { FEED_MESSAGE_E_END = 1 };

/* Reads the head line. ERR_SYNTAX: nothing that the script wrote. */
MUST_CHECK int feed_message_open(struct str bytes, struct feed_message *ret_message);

/* The next event: its id is higher than the one before, not higher than `after`, and higher than
 * its floor. ERR_SYNTAX. */
MUST_CHECK int feed_message_next(struct feed_message *m, struct feed_event *ret_event);
