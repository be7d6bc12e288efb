#include "sources/http_request.h"

#include <openssl/crypto.h>

static int
http_request_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3986, 2.1: one byte, or an escape of three. */
static int
http_request_byte(struct str *rest, char *ret_byte)
{
    char c = rest->data[0];
    if (c != '%') {
        *rest = str_after(*rest, 1);
        *ret_byte = c;
        return 0;
    }
    int high = rest->size > 2 ? http_request_hex(rest->data[1]) : -1;
    int low = rest->size > 2 ? http_request_hex(rest->data[2]) : -1;
    if (high < 0 || low < 0) {
        return ERR_SYNTAX;
    }
    *rest = str_after(*rest, 3);
    *ret_byte = (char)(high << 4 | low);
    return 0;
}

int
http_request_topic(struct str path, struct str prefix, struct buf *topic)
{
    struct str rest = str_starts_with(path, prefix) ? str_after(path, prefix.size) : STR_NULL;
    while (rest.size > 0) {
        char byte = '\0';
        int err = http_request_byte(&rest, &byte);
        if (err == 0) {
            err = buf_append_char(topic, byte);
        }
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

bool
http_request_has_token(struct str authorization, struct str token)
{
    struct str scheme = {authorization.data, sizeof("Bearer") - 1};
    if (authorization.size <= scheme.size || !str_equal_nocase(scheme, STR("Bearer")) ||
        authorization.data[scheme.size] != ' ') {
        return false;
    }
    struct str given = str_after(authorization, scheme.size);
    while (given.size > 0 && given.data[0] == ' ') {
        given = str_after(given, 1);
    }
    while (given.size > 0 && given.data[given.size - 1] == ' ') {
        given.size--;
    }
    return given.size == token.size && CRYPTO_memcmp(given.data, token.data, token.size) == 0;
}
