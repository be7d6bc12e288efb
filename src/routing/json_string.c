#include "routing/json_string.h"

enum { STRING_E_END = 1 };

static unsigned
hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static unsigned
hex_unit(const char *four)
{
    return hex_digit(four[0]) << 12 | hex_digit(four[1]) << 8 | hex_digit(four[2]) << 4 |
           hex_digit(four[3]);
}

static size_t
utf8_write(unsigned c, char ret_bytes[static 4])
{
    if (c < 0x80) {
        ret_bytes[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        ret_bytes[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    static const unsigned char begin[] = {0, 0, 0xc0, 0xe0, 0xf0};
    ret_bytes[0] = (char)(begin[size] | c);
    return size;
}

/* \uXXXX, or two of them, at the begin of `raw`. */
static int
read_unicode(struct str *raw, char scratch[static 4], struct str *ret_piece)
{
    unsigned c = hex_unit(raw->data + 2);
    *raw = str_after(*raw, 6);
    if (c >= 0xdc00 && c <= 0xdfff) {
        return ERR_SYNTAX;
    }
    if (c >= 0xd800 && c <= 0xdbff) {
        if (!str_starts_with(*raw, STR("\\u"))) {
            return ERR_SYNTAX;
        }
        unsigned low = hex_unit(raw->data + 2);
        if (low < 0xdc00 || low > 0xdfff) {
            return ERR_SYNTAX;
        }
        *raw = str_after(*raw, 6);
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    *ret_piece = (struct str){scratch, utf8_write(c, scratch)};
    return 0;
}

static char
unescape(char kind)
{
    switch (kind) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return kind; /* " \ / */
    }
}

/* The next piece: all up to a backslash, or one escape in `scratch`. STRING_E_END, ERR_SYNTAX. */
static int
next_piece(struct str *raw, char scratch[static 4], struct str *ret_piece)
{
    if (raw->size == 0) {
        return STRING_E_END;
    }
    const char *backslash = memchr(raw->data, '\\', raw->size);
    size_t size = backslash == NULL ? raw->size : (size_t)(backslash - raw->data);
    if (size > 0) {
        *ret_piece = (struct str){raw->data, size};
        *raw = str_after(*raw, size);
        return 0;
    }
    if (raw->data[1] == 'u') {
        return read_unicode(raw, scratch, ret_piece);
    }
    scratch[0] = unescape(raw->data[1]);
    *ret_piece = (struct str){scratch, 1};
    *raw = str_after(*raw, 2);
    return 0;
}

int
json_string_append(struct str raw, struct buf *out)
{
    char scratch[4];
    struct str piece;
    int err;
    while ((err = next_piece(&raw, scratch, &piece)) == 0) {
        err = buf_append_str(out, piece);
        if (err != 0) {
            return err;
        }
    }
    return err == STRING_E_END ? 0 : err;
}

bool
json_string_equals(struct str raw, struct str plain)
{
    char scratch[4];
    struct str piece;
    int err;
    while ((err = next_piece(&raw, scratch, &piece)) == 0) {
        if (!str_starts_with(plain, piece)) {
            return false;
        }
        plain = str_after(plain, piece.size);
    }
    return err == STRING_E_END && plain.size == 0;
}
