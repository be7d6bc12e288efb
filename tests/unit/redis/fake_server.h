#pragma once
/*
 * A Redis server that says what the test tells it to: on the test's own loop, on a free port of the
 * loopback. Each command is counted and answered by its first word.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_server;
struct loop;

/* How its bytes go out. */
enum fake_pace {
    FAKE_WHOLE,
    FAKE_BYTE_A_TURN, /* one byte, then nothing until the loop has turned */
};

struct fake_server *fake_server_new(struct loop *l);
void fake_server_free(struct fake_server *s);
uint16_t fake_server_port(const struct fake_server *s);

/* The server answers PING, SELECT, CLIENT and AUTH well until told otherwise. NULL: says nothing.
 * Static texts. */
void fake_server_answer(struct fake_server *s, const char *command, const char *reply);

/* From the next time on: answers `command` with `reply`, then closes. */
void fake_server_close_after(struct fake_server *s, const char *command, const char *reply);

void fake_server_set_pace(struct fake_server *s, enum fake_pace pace);

/* Of the connections to come; the kernel holds little for them. */
void fake_server_read_slowly(struct fake_server *s, size_t bytes_per_second);

/* Of the connections there are. */
void fake_server_stop_reading(struct fake_server *s);

/* How often a command came, "" for all. */
size_t fake_server_count(const struct fake_server *s, const char *command);

/* The words behind the first one, of the newest such command, with blanks between; "" where none
 * came. */
const char *fake_server_words(const struct fake_server *s, const char *command);

/* How many connections there were, and are. */
size_t fake_server_accepted(const struct fake_server *s);
size_t fake_server_open(const struct fake_server *s);

/* To every connection. */
void fake_server_send(struct fake_server *s, const char *bytes);
void fake_server_close_all(struct fake_server *s);

/* The port refuses. */
void fake_server_stop_listening(struct fake_server *s);
void fake_server_listen_again(struct fake_server *s);
