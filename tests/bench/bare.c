/*
 * The bare loop: what the kernel alone costs. Takes the events from Redis pub/sub and sends each to
 * every client of its channel with one send(), and nothing else: no log, no resume, no slow
 * clients. Prints its port; serves when --clients clients have come.
 */

#include "bench.h"
#include "options.h"

#include <hiredis/hiredis.h>

#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct room {
    int *fds;
    size_t length;
};

struct bare {
    uint16_t redis_port;
    size_t clients, channels;
    int listener;
    redisContext *redis;
    struct room *rooms; /* one for each channel */
};

static const char head[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

static void
room_add(struct room *room, int fd)
{
    room->fds = realloc(room->fds, (room->length + 1) * sizeof *room->fds);
    if (room->fds == NULL) {
        bench_fail("realloc");
    }
    room->fds[room->length++] = fd;
}

/* Reads a request, answers the head, and puts the client into its channel: the number at the path's
 * end. */
static void
bare_take_client(struct bare *b)
{
    char request[2048];
    int one = 1;
    int fd = accept(b->listener, NULL, NULL);
    ssize_t size = fd < 0 ? -1 : recv(fd, request, sizeof request - 1, 0);
    if (size <= 0) {
        bench_fail("accept");
    }
    request[size] = '\0';
    const char *number = strstr(request, "bench.");
    size_t channel = number != NULL ? strtoul(number + 6, NULL, 10) : SIZE_MAX;
    if (channel >= b->channels || send(fd, head, sizeof head - 1, MSG_NOSIGNAL) < 0) {
        errx(1, "no such channel");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    room_add(&b->rooms[channel], fd);
}

static void
room_send(const struct room *room, const char *data, size_t size, uint64_t number)
{
    char event[4096];
    char frame[4200];
    int length = snprintf(event, sizeof event, "id: 1700000000000-%" PRIu64 "\ndata: %.*s\n\n",
                          number, (int)size, data);
    int framed = snprintf(frame, sizeof frame, "%x\r\n%s\r\n", (unsigned)length, event);
    for (size_t i = 0; i < room->length; i++) {
        if (send(room->fds[i], frame, (size_t)framed, MSG_NOSIGNAL) < 0) {
            bench_fail("send");
        }
    }
}

static void
bare_on_message(const struct bare *b, const redisReply *reply, uint64_t number)
{
    size_t channel = strtoul(reply->element[2]->str + 6, NULL, 10);
    if (channel < b->channels) {
        room_send(&b->rooms[channel], reply->element[3]->str, reply->element[3]->len, number);
    }
}

static void
bare_listen(struct bare *b)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t address_size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    b->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (b->listener < 0 || bind(b->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(b->listener, 4096) < 0 ||
        getsockname(b->listener, (struct sockaddr *)&address, &address_size) < 0) {
        bench_fail("listen");
    }
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void
bare_subscribe(struct bare *b)
{
    b->redis = redisConnect("127.0.0.1", b->redis_port);
    redisReply *reply = b->redis != NULL && b->redis->err == 0
                            ? redisCommand(b->redis, "PSUBSCRIBE bench.*")
                            : NULL;
    if (reply == NULL) {
        errx(1, "cannot subscribe at redis");
    }
    freeReplyObject(reply);
}

static void
bare_parse(struct bare *b, int argc, char **argv)
{
    const struct option_entry entries[] = {
        OPTION("redis", &b->redis_port),
        OPTION("clients", &b->clients),
        OPTION("channels", &b->channels),
    };
    options_parse(argc, argv, entries, sizeof entries / sizeof entries[0]);
}

int
main(int argc, char **argv)
{
    struct bare b = {.redis_port = 6379, .clients = 1, .channels = 1};
    bare_parse(&b, argc, argv);
    bench_raise_descriptors();
    b.rooms = calloc(b.channels, sizeof *b.rooms);
    if (b.rooms == NULL) {
        bench_fail("calloc");
    }
    bare_subscribe(&b);
    bare_listen(&b);
    for (size_t i = 0; i < b.clients; i++) {
        bare_take_client(&b);
    }
    redisReply *reply = NULL;
    for (uint64_t n = 0; redisGetReply(b.redis, (void **)&reply) == REDIS_OK; n++) {
        if (reply->elements == 4) {
            bare_on_message(&b, reply, n);
        }
        freeReplyObject(reply);
    }
    return 0;
}
