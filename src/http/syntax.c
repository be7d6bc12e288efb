#include "http/syntax.h"

static bool
syntax_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
syntax_is_alnum(char c)
{
    return syntax_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

bool
syntax_is_token(char c)
{
    return syntax_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool
syntax_is_field_value(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

bool
syntax_is_visible(char c)
{
    return c > 0x20 && c < 0x7f;
}

int
syntax_hex(char c)
{
    if (syntax_is_digit(c)) {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool
syntax_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str
syntax_trim(struct str s)
{
    while (s.size > 0 && syntax_is_blank(s.data[0])) {
        s = str_after(s, 1);
    }
    while (s.size > 0 && syntax_is_blank(s.data[s.size - 1])) {
        s.size--;
    }
    return s;
}

/* What may follow the host: nothing, or a colon and any number of digits. */
static bool
syntax_is_port(struct str s)
{
    if (s.size == 0) {
        return true;
    }
    for (size_t i = 1; i < s.size; i++) {
        if (!syntax_is_digit(s.data[i])) {
            return false;
        }
    }
    return s.data[0] == ':';
}

static bool
syntax_is_ip_literal(struct str s)
{
    size_t i = 1;
    while (i < s.size && s.data[i] != ']') {
        if (!syntax_is_alnum(s.data[i]) && strchr(":.-_~", s.data[i]) == NULL) {
            return false;
        }
        i++;
    }
    return i > 1 && i < s.size && syntax_is_port(str_after(s, i + 1));
}

/* One character of a reg-name; 0 where it is none, else its size: 3 for a percent-encoded one. */
static size_t
syntax_reg_name(struct str s)
{
    char c = s.data[0];
    if (c == '%') {
        bool is_hex = s.size >= 3 && syntax_hex(s.data[1]) >= 0 && syntax_hex(s.data[2]) >= 0;
        return is_hex ? 3 : 0;
    }
    return syntax_is_alnum(c) || (c != '\0' && strchr("-._~!$&'()*+,;=", c) != NULL) ? 1 : 0;
}

bool
syntax_is_authority(struct str s)
{
    if (s.size > 0 && s.data[0] == '[') {
        return syntax_is_ip_literal(s);
    }
    size_t begin = s.size;
    while (s.size > 0 && s.data[0] != ':') {
        size_t size = syntax_reg_name(s);
        if (size == 0) {
            return false;
        }
        s = str_after(s, size);
    }
    return (begin == 0 || begin > s.size) && syntax_is_port(s);
}
