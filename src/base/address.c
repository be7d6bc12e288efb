#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const uint8_t address_v4_mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct address
address_from_v4(const uint8_t bytes[static 4])
{
    struct address a;
    memcpy(a.bytes, address_v4_mapped, sizeof(address_v4_mapped));
    memcpy(a.bytes + sizeof(address_v4_mapped), bytes, ADDRESS_V4_BITS / 8);
    return a;
}

struct address
address_of(const struct sockaddr *from)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct address a;
    if (from->sa_family == AF_INET) {
        memcpy(&v4, from, sizeof(v4));
        return address_from_v4((const uint8_t *)&v4.sin_addr);
    }
    memcpy(&v6, from, sizeof(v6));
    memcpy(a.bytes, &v6.sin6_addr, sizeof(a.bytes));
    return a;
}

int
address_parse(struct str text, struct address *ret_address)
{
    char terminated[ADDRESS_TEXT_SIZE_MAX];
    struct address v6;
    uint8_t v4[ADDRESS_V4_BITS / 8];
    if (text.size == 0 || text.size >= sizeof(terminated) || memchr(text.data, '\0', text.size)) {
        return ERR_SYNTAX;
    }
    memcpy(terminated, text.data, text.size);
    terminated[text.size] = '\0';
    if (inet_pton(AF_INET, terminated, v4) == 1) {
        *ret_address = address_from_v4(v4);
        return 0;
    }
    if (inet_pton(AF_INET6, terminated, v6.bytes) == 1) {
        *ret_address = v6;
        return 0;
    }
    return ERR_SYNTAX;
}

bool
address_is_v4(const struct address *a)
{
    return memcmp(a->bytes, address_v4_mapped, sizeof(address_v4_mapped)) == 0;
}

const char *
address_format(const struct address *a, char ret_text[static ADDRESS_TEXT_SIZE_MAX])
{
    bool is_v4 = address_is_v4(a);
    const uint8_t *from = is_v4 ? a->bytes + sizeof(address_v4_mapped) : a->bytes;
    return inet_ntop(is_v4 ? AF_INET : AF_INET6, from, ret_text, ADDRESS_TEXT_SIZE_MAX);
}

struct network
address_network(const struct address *a, uint8_t prefix)
{
    struct network n = {.address = *a, .prefix = prefix};
    for (size_t i = 0; i < sizeof(a->bytes); i++) {
        size_t bits = prefix > i * 8 ? prefix - i * 8 : 0;
        if (bits < 8) {
            n.address.bytes[i] &= (uint8_t)(0xff00U >> bits);
        }
    }
    return n;
}

int
network_parse(struct str text, struct network *ret_network)
{
    struct address a;
    const char *slash = text.size == 0 ? NULL : memchr(text.data, '/', text.size);
    size_t size = slash == NULL ? text.size : (size_t)(slash - text.data);
    if (address_parse((struct str){text.data, size}, &a) != 0) {
        return ERR_SYNTAX;
    }
    /* By the way it is written: "::ffff:10.0.0.0/104" counts as IPv6 does. */
    uint64_t most = memchr(text.data, ':', size) == NULL ? ADDRESS_V4_BITS : ADDRESS_BITS;
    uint64_t prefix = most;
    if (slash != NULL && str_to_u64(str_after(text, size + 1), most, &prefix) != 0) {
        return ERR_SYNTAX;
    }
    struct network n = address_network(&a, (uint8_t)(ADDRESS_BITS - most + prefix));
    if (memcmp(n.address.bytes, a.bytes, sizeof(a.bytes)) != 0) {
        return ERR_SYNTAX;
    }
    *ret_network = n;
    return 0;
}

bool
network_has(const struct network *n, const struct address *a)
{
    struct network other = address_network(a, n->prefix);
    return memcmp(other.address.bytes, n->address.bytes, sizeof(a->bytes)) == 0;
}

bool
networks_have(const struct networks *n, const struct address *a)
{
    for (size_t i = 0; i < n->length; i++) {
        if (network_has(&n->items[i], a)) {
            return true;
        }
    }
    return false;
}
