#include "http/proxy_protocol.h"

enum {
    V1_SIZE_MAX = 107, /* proxy-protocol.txt 2.1, with CR LF */
    V2_FIXED_SIZE = 16,
    V2_COMMAND_LOCAL = 0x20,
    V2_COMMAND_PROXY = 0x21,
    V2_TCP_V4 = 0x11,
    V2_TCP_V6 = 0x21,
    V2_FAMILY_MAX = 3,
    V2_TRANSPORT_MAX = 2,
    V2_ADDRESSES_V4_SIZE = 12,
    V2_ADDRESSES_V6_SIZE = 36,
};

static const struct str v1_begin = {"PROXY ", 6};
static const struct str v2_begin = {"\r\n\r\n\0\r\nQUIT\n", 12};

/* What is there of a constant fits. */
static bool
proxy_protocol_may_begin(struct str data, struct str constant)
{
    size_t size = data.size < constant.size ? data.size : constant.size;
    return size == 0 || memcmp(data.data, constant.data, size) == 0;
}

/* The part of a line before a blank, or to its end; then there is no rest, which is not an empty one. */
static struct str
v1_take_word(struct str *line)
{
    const char *blank = line->size == 0 ? NULL : memchr(line->data, ' ', line->size);
    struct str word = *line;
    *line = STR_NULL;
    if (blank != NULL) {
        size_t size = (size_t)(blank - word.data);
        *line = (struct str){blank + 1, word.size - size - 1};
        word.size = size;
    }
    return word;
}

static bool
v1_port_is_valid(struct str word)
{
    uint64_t port;
    bool has_leading_zero = word.size > 1 && word.data[0] == '0';
    return !has_leading_zero && str_to_u64(word, UINT16_MAX, &port) == 0;
}

static bool
v1_address_is_valid(struct str word, bool is_v4, struct address *ret_address)
{
    bool has_colon = word.size > 0 && memchr(word.data, ':', word.size) != NULL;
    return has_colon == !is_v4 && address_parse(word, ret_address) == 0;
}

/* The line behind "PROXY ", without its end. */
static int
v1_parse_line(struct str line, struct proxy_protocol *ret_header)
{
    struct address destination;
    struct str protocol = v1_take_word(&line);
    if (str_equal(protocol, STR("UNKNOWN"))) {
        return 0;
    }
    bool is_v4 = str_equal(protocol, STR("TCP4"));
    if (!is_v4 && !str_equal(protocol, STR("TCP6"))) {
        return PROXY_PROTOCOL_E_REFUSED;
    }
    bool is_valid = v1_address_is_valid(v1_take_word(&line), is_v4, &ret_header->source) &&
                    v1_address_is_valid(v1_take_word(&line), is_v4, &destination) &&
                    v1_port_is_valid(v1_take_word(&line)) && v1_port_is_valid(v1_take_word(&line));
    ret_header->has_source = is_valid;
    return is_valid && line.data == NULL ? 0 : PROXY_PROTOCOL_E_REFUSED;
}

static int
v1_parse(struct str data, struct proxy_protocol *ret_header)
{
    size_t looked_at = data.size < V1_SIZE_MAX ? data.size : V1_SIZE_MAX;
    const char *end = memchr(data.data, '\n', looked_at);
    const char *cr = memchr(data.data, '\r', looked_at);
    if (cr != NULL && cr + 1 < data.data + looked_at && cr[1] != '\n') {
        return PROXY_PROTOCOL_E_REFUSED;
    }
    if (end == NULL) {
        return looked_at < V1_SIZE_MAX ? PROXY_PROTOCOL_E_MORE : PROXY_PROTOCOL_E_REFUSED;
    }
    if (cr != end - 1) {
        return PROXY_PROTOCOL_E_REFUSED;
    }
    ret_header->size = (size_t)(end - data.data) + 1;
    struct str line = {data.data, ret_header->size - 2};
    return v1_parse_line(str_after(line, v1_begin.size), ret_header);
}

/* The addresses of what is forwarded; other families than TCP's are valid and say nothing to us. */
static int
v2_parse_addresses(unsigned family, struct str addresses, struct proxy_protocol *ret_header)
{
    const uint8_t *source = (const uint8_t *)addresses.data;
    if (family == V2_TCP_V4 && addresses.size >= V2_ADDRESSES_V4_SIZE) {
        ret_header->source = address_from_v4(source);
    } else if (family == V2_TCP_V6 && addresses.size >= V2_ADDRESSES_V6_SIZE) {
        memcpy(ret_header->source.bytes, source, sizeof(ret_header->source.bytes));
    } else {
        return family == V2_TCP_V4 || family == V2_TCP_V6 ? PROXY_PROTOCOL_E_REFUSED : 0;
    }
    ret_header->has_source = true;
    return 0;
}

static int
v2_parse(struct str data, struct proxy_protocol *ret_header)
{
    const uint8_t *bytes = (const uint8_t *)data.data;
    unsigned command = data.size > 12 ? bytes[12] : V2_COMMAND_LOCAL;
    unsigned family = data.size > 13 ? bytes[13] : 0;
    if ((command != V2_COMMAND_LOCAL && command != V2_COMMAND_PROXY) ||
        family >> 4 > V2_FAMILY_MAX || (family & 0xf) > V2_TRANSPORT_MAX) {
        return PROXY_PROTOCOL_E_REFUSED;
    }
    if (data.size < V2_FIXED_SIZE) {
        return PROXY_PROTOCOL_E_MORE;
    }
    size_t size = V2_FIXED_SIZE + ((size_t)bytes[14] << 8 | bytes[15]);
    if (size > PROXY_PROTOCOL_SIZE_MAX) {
        return PROXY_PROTOCOL_E_REFUSED;
    }
    if (data.size < size) {
        return PROXY_PROTOCOL_E_MORE;
    }
    ret_header->size = size;
    struct str addresses = {data.data + V2_FIXED_SIZE, size - V2_FIXED_SIZE};
    return command == V2_COMMAND_LOCAL ? 0 : v2_parse_addresses(family, addresses, ret_header);
}

int
proxy_protocol_parse(struct str data, struct proxy_protocol *ret_header)
{
    int rc = PROXY_PROTOCOL_E_REFUSED;
    struct proxy_protocol header = {.size = 0};
    bool may_be_v1 = proxy_protocol_may_begin(data, v1_begin);
    bool may_be_v2 = proxy_protocol_may_begin(data, v2_begin);
    if (may_be_v1) {
        rc = data.size < v1_begin.size ? PROXY_PROTOCOL_E_MORE : v1_parse(data, &header);
    } else if (may_be_v2) {
        rc = data.size < v2_begin.size ? PROXY_PROTOCOL_E_MORE : v2_parse(data, &header);
    }
    if (rc == 0) {
        *ret_header = header;
    }
    return rc;
}
