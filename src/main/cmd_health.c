/*
 * runnel health: asks the admin port of a runnel that runs, for health checks of images without a
 * shell or curl. Blocking sockets: the process does nothing else.
 */

#include "base/clock.h"
#include "main/commands.h"
#include "main/tail_response.h"
#include "main/tail_url.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    HEALTH_PATIENCE_S = 3, /* chosen: of each step; a usual health check's own is longer */
    HEALTH_PIECE_SIZE = 4096,
    HEALTH_REQUEST_SIZE_MAX = 16 * 1024,
    STATUS_OK = 200,
};

#define NS_PER_S UINT64_C(1000000000)

static const char usage[] =
    "usage: runnel health [URL]\n"
    "\n"
    "Asks the admin port of a runnel that runs, and prints what it says. The URL is\n"
    "http://127.0.0.1:8081/healthz unless another is given, such as one that ends in /servez or\n"
    "/readyz.\n"
    "\n"
    "Exit status: 0 the answer was 200, 1 it was another or none came, 2 wrong usage.\n";

static int
health_on_head(void *arg, const struct tail_response_head *head)
{
    int *status = arg;
    *status = head->status;
    return 0;
}

static int
health_on_body(void *arg, struct str data)
{
    (void)arg;
    (void)fwrite(data.data, 1, data.size, stdout); /* main() looks whether stdout took it */
    return 0;
}

/* A connected socket to one of the addresses, or -1 with errno. */
static int
health_connect_any(const struct addrinfo *addresses)
{
    const struct timeval patience = {.tv_sec = HEALTH_PATIENCE_S};
    int fd = -1;
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
            connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
            return fd;
        }
        if (fd >= 0) {
            int cause = errno;
            close(fd);
            errno = cause;
        }
    }
    return -1;
}

/* A socket, or -1 with the reason. */
static int
health_connect(const struct tail_url *url, const char **ret_why)
{
    char port[8];
    struct addrinfo *addresses = NULL;
    (void)snprintf(port, sizeof port, "%u", (unsigned)url->port);
    int err =
        getaddrinfo(url->host, port, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &addresses);
    if (err != 0) {
        *ret_why = gai_strerror(err);
        return -1;
    }
    int fd = health_connect_any(addresses);
    freeaddrinfo(addresses);
    if (fd < 0) {
        *ret_why = errno == EINPROGRESS ? "no answer" : strerrordesc_np(errno);
    }
    return fd;
}

/* Up to the end of the response. False with the reason where it does not come to one. */
static bool
health_read(int fd, struct tail_response *response, const char **ret_why)
{
    char piece[HEALTH_PIECE_SIZE];
    uint64_t end_ns = clock_mono_ns() + HEALTH_PATIENCE_S * NS_PER_S;
    while (!tail_response_is_done(response)) {
        ssize_t size = recv(fd, piece, sizeof piece, 0);
        if (size > 0 && clock_mono_ns() > end_ns) {
            *ret_why = "the answer does not end";
            return false;
        }
        if (size <= 0) {
            *ret_why = size == 0 ? "the connection ended early" : "no answer";
            return false;
        }
        int err = tail_response_feed(response, (struct str){piece, (size_t)size});
        if (err != 0) {
            *ret_why = err_text(err);
            return false;
        }
    }
    return true;
}

static int
health_send(int fd, const struct tail_url *url)
{
    struct buf request;
    buf_init(&request, HEALTH_REQUEST_SIZE_MAX);
    int err = buf_printf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                         url->target, url->authority);
    if (err == 0 && send(fd, request.data, request.size, MSG_NOSIGNAL) != (ssize_t)request.size) {
        err = ERR_SYSTEM;
    }
    buf_fini(&request);
    return err;
}

/* The answer's status, or 0 with the reason why there is none. */
static int
health_ask(const struct tail_url *url, const char **ret_why)
{
    static const struct tail_response_handler handler = {health_on_head, health_on_body};
    struct tail_response response;
    int status = 0;
    int fd = health_connect(url, ret_why);
    if (fd < 0) {
        return 0;
    }
    tail_response_init(&response, &handler, &status);
    int err = health_send(fd, url);
    if (err != 0) {
        *ret_why = err_text(err);
    }
    bool is_whole = err == 0 && health_read(fd, &response, ret_why);
    tail_response_fini(&response);
    close(fd);
    return is_whole ? status : 0;
}

static int
health_check(const char *text)
{
    struct tail_url url;
    const char *why = NULL;
    if (!str_starts_with(str_from(text), STR("http://")) ||
        tail_url_parse(str_from(text), &url) != 0) {
        (void)fprintf(stderr, "runnel health: not an http URL: %s\n%s", text, usage);
        return EXIT_USAGE;
    }
    int status = health_ask(&url, &why);
    if (status == 0) {
        (void)fprintf(stderr, "runnel health: %s: %s\n", text, why);
    }
    tail_url_fini(&url);
    return status == STATUS_OK ? EXIT_OK : EXIT_FAILED;
}

int
cmd_health(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(usage, stdout);
        return EXIT_OK;
    }
    if (argc > 2) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return health_check(argc == 2 ? argv[1] : "http://127.0.0.1:8081/healthz");
}
