#include "http/listen_socket.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel cuts it at net.core.somaxconn. */
enum { LISTEN_SOCKET_BACKLOG = 65535 };

union listen_socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union listen_socket_address
listen_socket_any(sa_family_t family, uint16_t port)
{
    if (family == AF_INET6) {
        return (union listen_socket_address){
            .v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    }
    return (union listen_socket_address){.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
}

static int
listen_socket_address(const char *host, uint16_t port, union listen_socket_address *ret_address)
{
    union listen_socket_address v4 = listen_socket_any(AF_INET, port);
    union listen_socket_address v6 = listen_socket_any(AF_INET6, port);
    if (inet_pton(AF_INET, host, &v4.v4.sin_addr) == 1) {
        *ret_address = v4;
        return 0;
    }
    if (inet_pton(AF_INET6, host, &v6.v6.sin6_addr) == 1) {
        *ret_address = v6;
        return 0;
    }
    return ERR_ADDRESS;
}

static bool
listen_socket_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* `is_dual`: [::] takes IPv4 too, whatever net.ipv6.bindv6only says; [::1] and such never do. */
static bool
listen_socket_bind(int fd, const union listen_socket_address *a, bool is_shared, bool is_dual)
{
    if (!listen_socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
        (is_shared && !listen_socket_set(fd, SOL_SOCKET, SO_REUSEPORT, 1))) {
        return false;
    }
    if (a->any.sa_family == AF_INET6 &&
        !listen_socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_dual ? 0 : 1)) {
        return false;
    }
    socklen_t size = a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
    return bind(fd, &a->any, size) == 0;
}

static int
listen_socket_new(const union listen_socket_address *a, bool is_shared, bool is_dual)
{
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    /* Accepted sockets inherit TCP_NODELAY: one call less for each. */
    if (listen_socket_bind(fd, a, is_shared, is_dual) &&
        listen_socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
        listen(fd, LISTEN_SOCKET_BACKLOG) == 0) {
        return fd;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/*
 * With SO_REUSEPORT a second program on the same port would silently take half of the connections.
 * A socket without the option finds it out.
 */
static bool
listen_socket_is_free(const union listen_socket_address *a, bool is_dual)
{
    int fd = listen_socket_new(a, false, is_dual);
    if (fd < 0) {
        return false;
    }
    close(fd);
    return true;
}

static int
listen_socket_try(const union listen_socket_address *a,
                  enum listen_socket_sharing sharing,
                  bool is_dual)
{
    if (sharing == LISTEN_SOCKET_FIRST && !listen_socket_is_free(a, is_dual)) {
        return -1;
    }
    return listen_socket_new(a, sharing != LISTEN_SOCKET_ALONE, is_dual);
}

static const char *
listen_socket_remedy(int why)
{
    switch (why) {
    case EADDRINUSE:
        return "another program listens there: stop it, or choose another port";
    case EADDRNOTAVAIL:
        return "this machine has no such address: choose one of its own, or none for all";
    case EACCES:
        return "ports below 1024 need CAP_NET_BIND_SERVICE: choose a higher one";
    default:
        return "choose another address or port";
    }
}

static int
listen_socket_fail(const char *name, const struct config_listen *listen, uint16_t port, int why)
{
    char problem[128];
    log_error("listen.failed", LOG_TEXT("what", name),
              LOG_TEXT("host", listen->host[0] != '\0' ? listen->host : "*"), LOG_U64("port", port),
              LOG_TEXT("problem", strerror_r(why, problem, sizeof(problem))),
              LOG_TEXT("remedy", listen_socket_remedy(why)));
    return ERR_ADDRESS;
}

int
listen_socket_open(const struct config_listen *listen,
                   uint16_t port,
                   enum listen_socket_sharing sharing,
                   const char *name,
                   int *ret_fd)
{
    bool is_any = listen->host[0] == '\0';
    union listen_socket_address address = listen_socket_any(AF_INET6, port);
    if (!is_any && listen_socket_address(listen->host, port, &address) != 0) {
        return listen_socket_fail(name, listen, port, EADDRNOTAVAIL);
    }
    int fd = listen_socket_try(&address, sharing, is_any);
    if (fd < 0 && is_any && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        address = listen_socket_any(AF_INET, port); /* a machine without IPv6 */
        fd = listen_socket_try(&address, sharing, false);
    }
    if (fd < 0) {
        return listen_socket_fail(name, listen, port, errno);
    }
    *ret_fd = fd;
    return 0;
}

uint16_t
listen_socket_port(int fd)
{
    union listen_socket_address a = listen_socket_any(AF_INET, 0);
    socklen_t size = sizeof(a);
    if (getsockname(fd, &a.any, &size) != 0) {
        return 0;
    }
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}
