#include "redis_server.h"

#include "base/clock.h"
#include "children.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { OPTIONS_MAX = 32, PORT_TEXT_SIZE = 8, PORTS_TO_TRY = 5 };

static const uint64_t ready_max_ns = UINT64_C(30000000000);

struct redis_server {
    pid_t pid; /* 0: not running */
    uint16_t port;
    char *folder;
    const char *const *options;
    redisContext *client; /* NULL until asked */
};

uint16_t
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&address, &size), 0);
    assert_int_equal(close(fd), 0);
    return ntohs(address.sin_port);
}

static void
redis_server_spawn(struct redis_server *s)
{
    char port[PORT_TEXT_SIZE];
    const char *argv[OPTIONS_MAX] = {"redis-server", "--port",  port,     "--bind", "127.0.0.1",
                                     "--dir",        s->folder, "--save", ""};
    size_t length = 9;
    (void)snprintf(port, sizeof port, "%u", (unsigned)s->port);
    for (size_t i = 0; s->options != NULL && s->options[i] != NULL; i++) {
        assert_true(length + 1 < OPTIONS_MAX);
        argv[length++] = s->options[i];
    }
    s->pid = child_start(argv);
}

/* Any answer but "loading" will do: it may ask for a password. */
static bool
redis_server_answers(const struct redis_server *s)
{
    redisContext *client = redisConnect("127.0.0.1", s->port);
    redisReply *reply = client != NULL && client->err == 0 ? redisCommand(client, "PING") : NULL;
    bool answers = reply != NULL &&
                   (reply->type != REDIS_REPLY_ERROR || strncmp(reply->str, "LOADING", 7) != 0);
    freeReplyObject(reply);
    redisFree(client);
    return answers;
}

/* False where it has ended: its port was taken meanwhile. */
static bool
redis_server_wait(struct redis_server *s)
{
    uint64_t begin = clock_mono_ns();
    while (!redis_server_answers(s)) {
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = 0;
            return false;
        }
        assert_true(clock_mono_ns() - begin < ready_max_ns);
        (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    return true;
}

struct redis_server *
redis_server_start(const char *const *options)
{
    struct redis_server *s = calloc(1, sizeof *s);
    bool is_ready = false;
    assert_non_null(s);
    s->options = options;
    s->folder = folder_make();
    for (int i = 0; i < PORTS_TO_TRY && !is_ready; i++) {
        s->port = free_port();
        redis_server_spawn(s);
        is_ready = redis_server_wait(s);
    }
    assert_true(is_ready);
    return s;
}

static void
redis_server_disconnect(struct redis_server *s)
{
    if (s->client != NULL) {
        redisFree(s->client);
        s->client = NULL;
    }
}

void
redis_server_kill(struct redis_server *s)
{
    redis_server_disconnect(s);
    if (s->pid != 0) {
        (void)child_end(s->pid, SIGKILL);
        s->pid = 0;
    }
}

void
redis_server_start_again(struct redis_server *s)
{
    redis_server_spawn(s);
    assert_true(redis_server_wait(s));
}

void
redis_server_free(struct redis_server *s)
{
    if (s == NULL) {
        return;
    }
    redis_server_kill(s);
    folder_remove(s->folder);
    free(s);
}

uint16_t
redis_server_port(const struct redis_server *s)
{
    return s->port;
}

const char *
redis_server_folder(const struct redis_server *s)
{
    return s->folder;
}

static redisReply *
redis_server_ask_v(struct redis_server *s, const char *format, va_list arguments)
{
    if (s->client == NULL) {
        s->client = redisConnect("127.0.0.1", s->port);
        assert_true(s->client != NULL && s->client->err == 0);
    }
    redisReply *reply = redisvCommand(s->client, format, arguments);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) {
        print_error("%s\n", reply->str);
    }
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    return reply;
}

redisReply *
redis_server_ask(struct redis_server *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redis_server_ask_v(s, format, arguments);
    va_end(arguments);
    return reply;
}

void
redis_server_do(struct redis_server *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    freeReplyObject(redis_server_ask_v(s, format, arguments));
    va_end(arguments);
}
