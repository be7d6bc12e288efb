#pragma once
/*
 * How a source's broker connection stands: told to health, to the metrics and, one line a change,
 * to the log. Ingest loop.
 */

#include "sources/source.h"

enum { STATUS_TEXT_SIZE_MAX = 240 }; /* with the terminator; longer sentences are cut */

enum status_kind {
    STATUS_UP,
    STATUS_DOWN,    /* unreachable, broken, or waiting: it may pass by itself */
    STATUS_REFUSED, /* the broker said no: credentials, rights, version */
};

struct status {
    const struct source_settings *settings; /* borrowed */
    char component[SOURCE_COMPONENT_SIZE_MAX];
    char broker[CONFIG_BROKER_ADDRESS_SIZE_MAX];
    enum status_kind kind;
    bool is_connected;              /* of those who say so; it may be REFUSED all the same */
    char why[STATUS_TEXT_SIZE_MAX]; /* as logged last; "" while up */
};

/* Begins as down, "connecting", which is not told before status_publish(). */
void status_init(struct status *s, const struct source_settings *settings);

/* Tells health and metrics: when the source starts; status_set() does it afterwards. */
void status_publish(const struct status *s);

/* `why` is one sentence, "" where up. What is said already is not said again. */
void status_set(struct status *s, enum status_kind kind, const char *why);

/*
 * For a redis_client's on_up and on_down. The connection stands, whatever else there is to say; it is gone, which is
 * counted, or an attempt failed: `err` and `why` as on_down has them.
 */
void status_set_connected(struct status *s);
void status_set_down(struct status *s, int err, const char *why);
