#include "config/value.h"

#include <arpa/inet.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static int
parse_with_unit(struct str text, const struct unit *units, size_t units_length, uint64_t *ret_value)
{
    size_t digits = 0;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    struct str name = str_after(text, digits);
    for (size_t i = 0; i < units_length && digits > 0; i++) {
        uint64_t value;
        if (!str_equal(name, str_from(units[i].name))) {
            continue;
        }
        if (str_to_u64((struct str){text.data, digits}, UINT64_MAX / units[i].factor, &value) !=
            0) {
            return VALUE_E_LARGE;
        }
        *ret_value = value * units[i].factor;
        return 0;
    }
    return digits > 0 && name.size == 0 ? VALUE_E_NO_UNIT : ERR_SYNTAX;
}

int
value_number(struct str text, uint64_t *ret_value)
{
    return parse_with_unit(text, &(struct unit){"", 1}, 1, ret_value);
}

int
value_size(struct str text, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"K", UINT64_C(1) << 10}, {"M", UINT64_C(1) << 20}, {"G", UINT64_C(1) << 30}};
    return parse_with_unit(text, units, sizeof(units) / sizeof(units[0]), ret_bytes);
}

int
value_duration(struct str text, uint64_t *ret_ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    return parse_with_unit(text, units, sizeof(units) / sizeof(units[0]), ret_ms);
}

int
value_flag(struct str text, bool *ret_value)
{
    if (!str_equal(text, STR("true")) && !str_equal(text, STR("false"))) {
        return ERR_SYNTAX;
    }
    *ret_value = str_equal(text, STR("true"));
    return 0;
}

/* Splits at the last colon; "8080" is all port. The brackets of an IPv6 address stay on. */
static void
split_port(struct str text, struct str *ret_host, struct str *ret_port)
{
    const char *colon = text.size == 0 ? NULL : memrchr(text.data, ':', text.size);
    size_t host_size = colon == NULL ? 0 : (size_t)(colon - text.data);
    *ret_host = (struct str){text.data, host_size};
    *ret_port = colon == NULL ? text : str_after(text, host_size + 1);
}

int
value_listen(struct str text, char ret_host[static VALUE_HOST_SIZE_MAX], uint16_t *ret_port)
{
    struct str host;
    struct str port_text;
    uint64_t port;
    unsigned char address[sizeof(struct in6_addr)];
    char terminated[VALUE_HOST_SIZE_MAX];
    int family = AF_INET;

    split_port(text, &host, &port_text);
    if (str_to_u64(port_text, UINT16_MAX, &port) != 0) {
        return ERR_SYNTAX;
    }
    if (host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']') {
        host = (struct str){host.data + 1, host.size - 2};
        family = AF_INET6;
    }
    if (host.size >= sizeof(terminated) || (host.size > 0 && memchr(host.data, '\0', host.size))) {
        return ERR_SYNTAX;
    }
    memcpy(terminated, host.size > 0 ? host.data : "", host.size);
    terminated[host.size] = '\0';
    bool is_any = host.size == 0 && family == AF_INET;
    if (!is_any && inet_pton(family, terminated, address) != 1) {
        return ERR_SYNTAX;
    }
    memcpy(ret_host, terminated, sizeof(terminated));
    *ret_port = (uint16_t)port;
    return 0;
}
