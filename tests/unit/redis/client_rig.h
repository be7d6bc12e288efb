#pragma once
/*
 * A client on a loop of its own, and what it told: how often it was up and down and why, what it received. The test has
 * the server; it changes `broker` and `settings` before the start.
 */
#include "config/config.h"
#include "redis/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLIENT_RIG_DIARY_SIZE = 4096 };

struct client_rig {
    struct loop *loop;
    struct config_broker broker;
    struct redis_settings settings;
    struct redis_client *client; /* NULL before the start */
    size_t ups;
    size_t downs;
    int status;                           /* of the last down */
    char why[512];                        /* its */
    size_t answered;                      /* by the test's own callbacks */
    char messages[CLIENT_RIG_DIARY_SIZE]; /* filter:channel=payload, a blank behind each */
    size_t wanted;                        /* what the conditions compare with */
};

/* A loop and small limits; the test names the broker. The rig stays where it is. */
void client_rig_init(struct client_rig *r);

/* The client and the loop; what is on the loop ends before. */
void client_rig_fini(struct client_rig *r);

/* As redis_client_new(). */
int client_rig_try(struct client_rig *r);

/* There is one, or the test fails. */
void client_rig_start(struct client_rig *r);

void client_rig_wait_ups(struct client_rig *r, size_t ups);
void client_rig_wait_downs(struct client_rig *r, size_t downs);
void client_rig_wait_answers(struct client_rig *r, size_t answers);

/* The loop goes on. */
void client_rig_let_pass(struct client_rig *r, uint64_t ms);

/* As much of them as `text`, which they then are. */
void client_rig_wait_messages(struct client_rig *r, const char *text);

/* Adds `text` and a blank. */
void client_rig_note(char diary[CLIENT_RIG_DIARY_SIZE], const char *text);
