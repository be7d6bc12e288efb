#include "base/utf8.h"

/* What the first byte says where it is not ASCII: how long the sequence is, its own bits, the least code point. */
struct utf8_lead {
    size_t size;
    uint32_t bits;
    uint32_t least;
};

static struct utf8_lead
utf8_read_lead(uint8_t byte)
{
    if (byte >= 0xC2 && byte <= 0xDF) {
        return (struct utf8_lead){2, byte & 0x1FU, 0x80};
    }
    if (byte >= 0xE0 && byte <= 0xEF) {
        return (struct utf8_lead){3, byte & 0x0FU, 0x800};
    }
    if (byte >= 0xF0 && byte <= 0xF4) {
        return (struct utf8_lead){4, byte & 0x07U, 0x10000};
    }
    return (struct utf8_lead){0};
}

size_t
utf8_decode(struct str s, uint32_t *ret_code_point)
{
    if (s.size == 0) {
        return 0;
    }
    if ((uint8_t)s.data[0] < 0x80) {
        *ret_code_point = (uint8_t)s.data[0];
        return 1;
    }
    struct utf8_lead lead = utf8_read_lead((uint8_t)s.data[0]);
    if (lead.size == 0 || lead.size > s.size) {
        return 0;
    }
    uint32_t code_point = lead.bits;
    for (size_t i = 1; i < lead.size; i++) {
        uint8_t byte = (uint8_t)s.data[i];
        if ((byte & 0xC0U) != 0x80) {
            return 0;
        }
        code_point = code_point << 6 | (byte & 0x3FU);
    }
    bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    if (code_point < lead.least || code_point > 0x10FFFF || is_surrogate) {
        return 0;
    }
    *ret_code_point = code_point;
    return lead.size;
}

/* Payloads are mostly ASCII: eight bytes at once. */
static size_t
utf8_skip_ascii(struct str s)
{
    size_t at = 0;
    while (s.size - at >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, s.data + at, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
        at += sizeof word;
    }
    return at;
}

bool
utf8_is_valid(struct str s)
{
    while (s.size > 0) {
        uint32_t code_point;
        s = str_after(s, utf8_skip_ascii(s));
        if (s.size == 0) {
            return true;
        }
        size_t size = utf8_decode(s, &code_point);
        if (size == 0) {
            return false;
        }
        s = str_after(s, size);
    }
    return true;
}
