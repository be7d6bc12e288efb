#include "main/tail_url.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include <stdlib.h>

enum { URL_SIZE_MAX = 64 * 1024, PORT_HTTP = 80, PORT_HTTPS = 443, PORT_MAX = 65535 };

static bool
url_char_is_fine(char c)
{
    return c > ' ' && c < 0x7f && strchr("\"<>\\^`{|}", c) == NULL;
}

/* Terminated. */
static int
url_escape(struct str text, struct buf *out)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < text.size; i++) {
        char c = text.data[i];
        err = url_char_is_fine(c) ? buf_append_char(out, c)
                                  : buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
    return err == 0 ? buf_append_char(out, '\0') : err;
}

static int
url_take_scheme(const struct evhttp_uri *uri, struct tail_url *u)
{
    struct str scheme = str_from(evhttp_uri_get_scheme(uri));
    u->is_tls = str_equal_nocase(scheme, STR("https"));
    return u->is_tls || str_equal_nocase(scheme, STR("http")) ? 0 : ERR_SYNTAX;
}

/* Without the brackets of an address. ERR_SYNTAX for an escaped name: no resolver, no certificate
 * knows it. */
static int
url_take_host(const struct evhttp_uri *uri, struct tail_url *u)
{
    struct str host = str_from(evhttp_uri_get_host(uri));
    if (str_starts_with(host, STR("["))) {
        host = (struct str){host.data + 1, host.size - 2};
    }
    if (host.size == 0) {
        return ERR_SYNTAX;
    }
    u->host = str_dup(host);
    if (u->host == NULL) {
        return ERR_MEMORY;
    }
    return strchr(u->host, '%') == NULL ? 0 : ERR_SYNTAX;
}

static int
url_take_authority(const struct evhttp_uri *uri, struct tail_url *u)
{
    int usual_port = u->is_tls ? PORT_HTTPS : PORT_HTTP;
    int port = evhttp_uri_get_port(uri) >= 0 ? evhttp_uri_get_port(uri) : usual_port;
    if (evhttp_uri_get_userinfo(uri) != NULL || port == 0 || port > PORT_MAX) {
        return ERR_SYNTAX;
    }
    struct buf authority;
    buf_init(&authority, URL_SIZE_MAX);
    int err = buf_append_str(&authority, str_from(evhttp_uri_get_host(uri)));
    if (err == 0 && port != usual_port) {
        err = buf_printf(&authority, ":%d", port);
    }
    u->port = (uint16_t)port;
    u->authority = str_dup(buf_str(&authority));
    buf_fini(&authority);
    return err;
}

static int
url_take_target(const struct evhttp_uri *uri, struct tail_url *u)
{
    struct str path = str_from(evhttp_uri_get_path(uri));
    const char *query = evhttp_uri_get_query(uri);
    struct buf target;
    buf_init(&target, URL_SIZE_MAX);
    int err = path.size > 0 ? buf_append_str(&target, path) : buf_append_char(&target, '/');
    if (err == 0 && query != NULL) {
        err = buf_printf(&target, "?%s", query);
    }
    u->target = str_dup(buf_str(&target));
    buf_fini(&target);
    return err;
}

static int
url_take(const struct evhttp_uri *uri, struct tail_url *ret_url)
{
    struct tail_url u = {0};
    int err = url_take_scheme(uri, &u);
    if (err == 0) {
        err = url_take_host(uri, &u);
    }
    if (err == 0) {
        err = url_take_authority(uri, &u);
    }
    if (err == 0) {
        err = url_take_target(uri, &u);
    }
    if (err == 0 && (u.authority == NULL || u.target == NULL)) {
        err = ERR_MEMORY;
    }
    if (err != 0) {
        tail_url_fini(&u);
        return err;
    }
    *ret_url = u;
    return 0;
}

int
tail_url_parse(struct str text, struct tail_url *ret_url)
{
    struct buf escaped;
    struct evhttp_uri *uri = NULL;
    buf_init(&escaped, URL_SIZE_MAX);
    int err = url_escape(text, &escaped);
    if (err == 0) {
        /* Not conformant: brackets in a query, for instance, which browsers leave as they are. */
        uri = evhttp_uri_parse_with_flags(escaped.data, EVHTTP_URI_NONCONFORMANT);
        err = uri != NULL ? url_take(uri, ret_url) : ERR_SYNTAX;
    }
    if (uri != NULL) {
        evhttp_uri_free(uri);
    }
    buf_fini(&escaped);
    return err;
}

/* RFC 3986, section 3.1. */
static bool
url_char_is_of_scheme(char c)
{
    int lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.';
}

static bool
url_has_scheme(struct str reference)
{
    size_t at = 0;
    while (at < reference.size && url_char_is_of_scheme(reference.data[at])) {
        at++;
    }
    return at > 0 && at < reference.size && reference.data[at] == ':';
}

/* What of base's target a relative reference keeps. */
static struct str
url_kept_target(const struct tail_url *base, struct str reference)
{
    struct str target = str_from(base->target);
    struct str path = {target.data, strcspn(target.data, "?")};
    if (reference.size == 0 || reference.data[0] == '#') {
        return target;
    }
    if (reference.data[0] == '?') {
        return path;
    }
    if (reference.data[0] == '/') {
        return STR("");
    }
    while (path.size > 0 && path.data[path.size - 1] != '/') {
        path.size--;
    }
    return path;
}

static int
url_join(const struct tail_url *base, struct str reference, struct buf *out)
{
    int err = 0;
    if (!url_has_scheme(reference)) {
        err = buf_printf(out, "%s:", base->is_tls ? "https" : "http");
        if (err == 0 && !str_starts_with(reference, STR("//"))) {
            err = buf_printf(out, "//%s" STR_FMT, base->authority,
                             STR_ARG(url_kept_target(base, reference)));
        }
    }
    return err == 0 ? buf_append_str(out, reference) : err;
}

int
tail_url_resolve(const struct tail_url *base, struct str reference, struct tail_url *ret_url)
{
    struct buf whole;
    buf_init(&whole, URL_SIZE_MAX);
    int err = url_join(base, reference, &whole);
    if (err == 0) {
        err = tail_url_parse(buf_str(&whole), ret_url);
    }
    buf_fini(&whole);
    return err;
}

void
tail_url_fini(struct tail_url *u)
{
    free(u->host);
    free(u->authority);
    free(u->target);
    *u = (struct tail_url){0};
}
