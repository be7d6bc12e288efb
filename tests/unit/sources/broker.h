#pragma once
/* A real mosquitto of the test's own: loopback, free port, temporary folder. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { BROKER_PATH_SIZE_MAX = 64, BROKER_CONFIG_SIZE_MAX = 2048 };

struct broker {
    char folder[BROKER_PATH_SIZE_MAX];
    char config[BROKER_CONFIG_SIZE_MAX]; /* lines behind the listener's, with %s for the folder */
    uint16_t port;
    bool is_tls; /* the publishers below use TLS, too */
    pid_t pid;   /* 0: not running */
};

/* Makes the folder. */
void broker_init(struct broker *b);
/* Ends it and removes the folder. */
void broker_fini(struct broker *b);

/* `config`: more lines of mosquitto.conf. Returns when the port answers; again on the same port. */
void broker_start(struct broker *b, const char *config);
void broker_restart(struct broker *b);

/* SIGTERM, and waits: with `persistence true` it keeps its sessions. */
void broker_stop(struct broker *b);

/* Runs a shell command in the folder; fails the test where it fails. */
void broker_run(const struct broker *b, const char *command);

/* Publishes and waits for the acknowledgement. */
void broker_publish(const struct broker *b, const char *topic, const char *payload, int qos);
/* On one connection: "0", "1", and so on. */
void broker_publish_many(const struct broker *b, const char *topic, int count);
void broker_retain(const struct broker *b, const char *topic, const char *payload);

/* Another client connects, subscribes to nothing and leaves at once. */
void broker_take_over(const struct broker *b, const char *client_id);
