#pragma once
/* A real redis-server of the test's own, on a free port of the loopback, in a folder that goes with
 * it. */

#include <hiredis/hiredis.h>

#include <stdint.h>

struct redis_server;

/* `options` are words of its command line, up to NULL. Answers when this returns. */
struct redis_server *redis_server_start(const char *const *options);

/* Ends it, removes its folder. NULL is fine. */
void redis_server_free(struct redis_server *s);

uint16_t redis_server_port(const struct redis_server *s);
const char *redis_server_folder(const struct redis_server *s);

/* SIGKILL; then the same port and folder again. */
void redis_server_kill(struct redis_server *s);
void redis_server_start_again(struct redis_server *s);

/* Runs a command that must not fail, and frees its reply. */
void redis_server_do(struct redis_server *s, const char *format, ...);

/* The same; the reply is the caller's: freeReplyObject(). */
redisReply *redis_server_ask(struct redis_server *s, const char *format, ...);

/* A port that was free a moment ago. */
uint16_t free_port(void);
