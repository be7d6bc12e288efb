#pragma once
/*
 * A timer wheel: very many timeouts of the same kind for one timer of the loop. Resolution is one
 * slot; a timeout never fires early and at most one slot late. Starting and stopping are O(1).
 * Loop's thread.
 */

#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct wheel;

struct wheel_node {
    struct list node;
    uint64_t due_slot; /* private to wheel.c */
};

/*
 * `slot_ms` resolution, `span_ms` the longest timeout that may be asked for. `fire` is called with
 * the node, which is out of the wheel by then and may be started again. NULL on failure.
 */
struct wheel *wheel_new(struct loop *l,
                        uint32_t slot_ms,
                        uint32_t span_ms,
                        void (*fire)(void *arg, struct wheel_node *node),
                        void *arg);
void wheel_free(struct wheel *w); /* the nodes are the callers' */

void wheel_node_init(struct wheel_node *n);
/* (Re)starts the node. `ms` is capped to the span. */
void wheel_start(struct wheel *w, struct wheel_node *n, uint32_t ms);
void wheel_stop(struct wheel_node *n);
