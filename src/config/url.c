#include "config/url.h"

#include "config/arena.h"

#include <arpa/inet.h>

enum {
    REDIS_PORT = 6379, /* IANA; also with TLS, for want of another */
    MQTT_PORT = 1883,  /* IANA */
    MQTTS_PORT = 8883, /* IANA */
    DATABASE_MAX = 65535,
    HOST_SIZE_MAX = 253 /* RFC 1035 2.3.4, less the wire form's two bytes */
};

static const struct {
    struct str prefix;
    struct url url;
} schemes[] = {
    {{"redis://", 8}, {.port = REDIS_PORT}},
    {{"rediss://", 9}, {.port = REDIS_PORT, .is_tls = true}},
    {{"mqtt://", 7}, {.port = MQTT_PORT, .is_mqtt = true}},
    {{"mqtts://", 8}, {.port = MQTTS_PORT, .is_mqtt = true, .is_tls = true}},
};

/* What is left to read, and where the result goes. */
struct url_reader {
    struct str rest;
    struct arena *arena;
    struct url url;
    const char *problem; /* NULL with ERR_SYNTAX never */
};

static int
fail(struct url_reader *r, const char *problem)
{
    r->problem = problem;
    return ERR_SYNTAX;
}

static int
read_scheme(struct url_reader *r)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct str begin = {r->rest.data, schemes[i].prefix.size};
        if (r->rest.size >= begin.size && str_equal_nocase(begin, schemes[i].prefix)) {
            r->url = schemes[i].url;
            r->rest = str_after(r->rest, begin.size);
            return 0;
        }
    }
    bool has_scheme = r->rest.size > 0 && memmem(r->rest.data, r->rest.size, "://", 3) != NULL;
    return fail(r, has_scheme ? "has another scheme" : "has no scheme");
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 2.1. A NUL cannot be kept in a terminated string, so it is an error too. */
static int
decode(struct url_reader *r, struct str text, char **ret_text)
{
    char *copy = arena_alloc(r->arena, text.size + 1, 1);
    size_t size = 0;
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 1 < text.size ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return fail(r, "has a % without two hex digits (a % itself is %25)");
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0') {
            return fail(r, "has a NUL character");
        }
        copy[size++] = c;
    }
    *ret_text = copy;
    return 0;
}

static int
read_user(struct url_reader *r, struct str user)
{
    const char *colon = user.size == 0 ? NULL : memchr(user.data, ':', user.size);
    size_t name_size = colon == NULL ? user.size : (size_t)(colon - user.data);
    int err = 0;
    if (name_size > 0) {
        err = decode(r, (struct str){user.data, name_size}, &r->url.username);
    }
    if (err == 0 && colon != NULL && name_size + 1 < user.size) {
        err = decode(r, str_after(user, name_size + 1), &r->url.password);
    }
    return err;
}

static bool
host_is_name(struct str host)
{
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_') {
            return false;
        }
    }
    return host.size > 0 && host.size <= HOST_SIZE_MAX;
}

static int
keep_host(struct url_reader *r, struct str host)
{
    r->url.host = arena_text(r->arena, host);
    return r->url.host == NULL ? ERR_MEMORY : 0;
}

/* What is behind the bracket goes to `ret_port`, with its colon. */
static int
read_ipv6(struct url_reader *r, struct str authority, struct str *ret_port)
{
    unsigned char address[sizeof(struct in6_addr)];
    const char *end = memchr(authority.data, ']', authority.size);
    if (end == NULL) {
        return fail(r, "has a [ without a ]");
    }
    struct str host = {authority.data + 1, (size_t)(end - authority.data) - 1};
    *ret_port = str_after(authority, host.size + 2);
    if (host.size == 0 || memchr(host.data, '\0', host.size) != NULL) {
        return fail(r, "has no IPv6 address in its brackets");
    }
    int err = keep_host(r, host);
    if (err == 0 && inet_pton(AF_INET6, r->url.host, address) != 1) {
        return fail(r, "has no IPv6 address in its brackets");
    }
    return err;
}

static int
read_name(struct url_reader *r, struct str authority, struct str *ret_port)
{
    const char *colon = authority.size == 0 ? NULL : memchr(authority.data, ':', authority.size);
    size_t host_size = colon == NULL ? authority.size : (size_t)(colon - authority.data);
    struct str host = {authority.data, host_size};
    *ret_port = str_after(authority, host_size);
    if (host_size == 0) {
        return fail(r, "has no host");
    }
    if (!host_is_name(host)) {
        return fail(r, "has a host that is neither a name nor an address");
    }
    if (colon != NULL && memchr(colon + 1, ':', authority.size - host_size - 1) != NULL) {
        return fail(r, "has more than one colon in its host (an IPv6 address needs brackets)");
    }
    return keep_host(r, host);
}

static int
read_host(struct url_reader *r, struct str authority)
{
    struct str port = STR_NULL;
    uint64_t number;
    bool is_ipv6 = authority.size > 0 && authority.data[0] == '[';
    int err = is_ipv6 ? read_ipv6(r, authority, &port) : read_name(r, authority, &port);
    if (err != 0 || port.size == 0) {
        return err;
    }
    if (port.data[0] != ':' || str_to_u64(str_after(port, 1), UINT16_MAX, &number) != 0 ||
        number == 0) {
        return fail(r, "has a port that is no number from 1 to 65535");
    }
    r->url.port = (uint16_t)number;
    return 0;
}

static int
read_authority(struct url_reader *r)
{
    size_t size = 0;
    while (size < r->rest.size && memchr("/?#", r->rest.data[size], 3) == NULL) {
        size++;
    }
    struct str authority = {r->rest.data, size};
    r->rest = str_after(r->rest, size);
    if (r->rest.size > 0 && memchr(r->rest.data, '@', r->rest.size) != NULL) {
        return fail(r, "has a /, ? or # in its user or password (write %2F, %3F, %23)");
    }
    const char *at = size == 0 ? NULL : memchr(authority.data, '@', size);
    size_t user_size = at == NULL ? 0 : (size_t)(at - authority.data);
    struct str host = str_after(authority, at == NULL ? 0 : user_size + 1);
    if (host.size > 0 && memchr(host.data, '@', host.size) != NULL) {
        return fail(r, "has more than one @ (in a user or password write %40)");
    }
    int err = read_user(r, (struct str){authority.data, user_size});
    return err == 0 ? read_host(r, host) : err;
}

static int
read_path(struct url_reader *r)
{
    uint64_t database;
    if (r->rest.size == 0 || str_equal(r->rest, STR("/"))) {
        return 0;
    }
    if (r->rest.data[0] != '/') {
        return fail(r, "has a ? or #, which mean nothing here");
    }
    if (r->url.is_mqtt) {
        return fail(r, "has a path, which means nothing here");
    }
    if (str_to_u64(str_after(r->rest, 1), DATABASE_MAX, &database) != 0) {
        return fail(r, "has a database that is no number from 0 to 65535");
    }
    r->url.database = (uint32_t)database;
    return 0;
}

int
url_parse(struct str text, struct arena *arena, struct url *ret_url, const char **ret_problem)
{
    struct url_reader r = {.rest = text, .arena = arena};
    int err = read_scheme(&r);
    if (err == 0) {
        err = read_authority(&r);
    }
    if (err == 0) {
        err = read_path(&r);
    }
    if (err == 0) {
        *ret_url = r.url;
    } else if (err == ERR_SYNTAX) {
        *ret_problem = r.problem;
    }
    return err;
}
