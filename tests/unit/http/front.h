#pragma once
/*
 * The public front end over loopback: a loop with a server, clients that are looked after each
 * millisecond, a double of the hub that keeps what it is given, and doubles of send(),
 * timer_start() and wheel_start() (by the linker's --wrap).
 */

#include "config/config.h"
#include "event/timer.h"
#include "observability/metrics.h"
#include "streaming/hub.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    CLIENTS_MAX = 80,
    IN_SIZE_MAX = 64 * 1024,
    TICK_MS = 1,
    PATIENCE_TICKS = 10000, /* then the awaited never comes */
    LONG_MS = 60000,        /* a timeout that no test waits for */
};

struct hub {
    size_t opened;
    int fails_with; /* what hub_open() answers; 0: it opens */
    int fd;
    bool is_chunked;
    char head[1024];
    char channels[256]; /* with commas */
    struct hub_start start;
    bool is_full; /* has no room for channels */
    uint64_t ticket;
    void (*on_closed)(void *arg, uint64_t ticket);
    void *on_closed_arg;
};

extern struct hub hub;

/* The stream that was opened last ends. */
void hub_close_stream(void);

enum { SEND_NOTHING = -1 };

/* At most so many bytes a call, and EAGAIN each second time; 0: as it is. */
extern int send_most;

/* A listener's pause is ended by nothing but a closed descriptor. */
extern bool pauses_are_endless;

/* The longest time that a wheel is given at once; 0: as it is. */
extern uint32_t wheel_most_ms;

ssize_t __real_send(int fd, const void *data, size_t size, int flags); /* the linker's name */

struct client {
    int fd;
    char in[IN_SIZE_MAX];
    size_t size;
    bool is_over;  /* the peer has closed */
    bool is_reset; /* and not cleanly */
};

struct fixture {
    struct config config;
    struct loop *loop;
    struct metrics *metrics;
    struct admission *admission;
    struct server *server;
    struct timer tick;
    size_t ticks;
    bool (*is_reached)(struct fixture *f);
    struct client *clients[CLIENTS_MAX];
    size_t clients_length;
};

#define HOST "Host: h\r\n"

/* Runs the loop until the condition holds; fails where it never does. */
void run_until(struct fixture *f, bool (*is_reached)(struct fixture *f));

/* For cmocka: with a server, or with a config only and fixture_start() to follow. */
int setup(void **state);
int setup_not_started(void **state);
int teardown(void **state);
void fixture_start(struct fixture *f);

/* One more server; server_parts.port. */
int fixture_serve(struct fixture *f, uint16_t port, struct server **ret_server);

/* A socket that is not connected yet; the fixture closes it. */
struct client *client_new(struct fixture *f);
void client_connect(struct fixture *f, struct client *c);
void client_connect_from(struct fixture *f, struct client *c, const char *address);
void client_send(const struct client *c, const char *text);

/* A new client that has connected and sent this. */
struct client *client_ask(struct fixture *f, const char *text);

int64_t count(const struct fixture *f, enum metric metric, size_t label);

/* As the hubs of two workers count them. */
void set_streams(struct fixture *f, int64_t streams);

/* Conditions. */
bool is_opened(struct fixture *f);
bool is_last_client_over(struct fixture *f);
bool are_clients_over(struct fixture *f);
bool has_connection(struct fixture *f);
bool has_no_connection(struct fixture *f);

/* About what the client has received. */
void assert_begins(const struct client *c, const char *begin);
void assert_holds(const struct client *c, const char *part);
