#pragma once
/* A client, a server that says what the test wants, both on one loop, and what the client's owner was told. */

#include "client_rig.h"

struct fake_server;

enum { SHORT_MS = 30, PATIENT_MS = 300 }; /* above what a busy machine delays */

struct scripted_rig {
    struct client_rig rig;
    struct fake_server *server;
    size_t failed;
    int failure;
    char replies[CLIENT_RIG_DIARY_SIZE]; /* texts of replies, a blank behind each */
    bool frees_in_reply;
};

/* Of cmocka; the settings may be changed before client_rig_start(). */
int scripted_rig_setup(void **state);
int scripted_rig_teardown(void **state);

/* Starts the client with the channel "news" and the pattern "news.*", which the server confirms. */
void scripted_rig_subscribe(struct scripted_rig *f);

/* Sends GET; what is answered goes into the diary, as with every command that has scripted_rig_on_reply(). */
int scripted_rig_get(struct scripted_rig *f, const char *key);
void scripted_rig_on_reply(void *arg, int status, const struct redis_reply *reply);
