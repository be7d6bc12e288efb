#include "routing/decimal.h"

/* Further out all numbers of a sign are alike: no text is so long. */
enum { EXPONENT_MAX = 1000000000 };

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t
skip_digits(struct str s, size_t at)
{
    while (at < s.size && is_digit(s.data[at])) {
        at++;
    }
    return at;
}

/* "e+12" at `at`. The end; `at` where the digits are missing. */
static size_t
read_exponent(struct str s, size_t at, int64_t *ret_exponent)
{
    size_t begin = at + 1;
    bool is_negative = begin < s.size && s.data[begin] == '-';
    begin += begin < s.size && (s.data[begin] == '-' || s.data[begin] == '+');
    size_t end = skip_digits(s, begin);
    int64_t exponent = 0;
    for (size_t i = begin; i < end; i++) {
        exponent = exponent * 10 + (s.data[i] - '0');
        exponent = exponent < EXPONENT_MAX ? exponent : EXPONENT_MAX;
    }
    *ret_exponent = is_negative ? -exponent : exponent;
    return end == begin ? at : end;
}

/* Drops the zeros on both sides; `point` is where the '.' stands, or would. */
static void
normalize(struct str mantissa, size_t point, struct decimal *d)
{
    size_t begin = 0;
    size_t end = mantissa.size;
    while (begin < end && !(is_digit(mantissa.data[begin]) && mantissa.data[begin] != '0')) {
        begin++;
    }
    while (end > begin && !(is_digit(mantissa.data[end - 1]) && mantissa.data[end - 1] != '0')) {
        end--;
    }
    d->digits = (struct str){mantissa.data + begin, end - begin};
    d->exponent += begin < point ? (int64_t)(point - begin) : -(int64_t)(begin - point - 1);
}

bool
decimal_read(struct str text, struct decimal *ret_number)
{
    struct decimal d = {.is_negative = text.size > 0 && text.data[0] == '-'};
    size_t begin = d.is_negative;
    size_t point = skip_digits(text, begin);
    size_t end = point;
    if (point == begin) {
        return false;
    }
    if (end < text.size && text.data[end] == '.') {
        end = skip_digits(text, point + 1);
        if (end == point + 1) {
            return false;
        }
    }
    struct str mantissa = {text.data + begin, end - begin};
    if (end < text.size && (text.data[end] == 'e' || text.data[end] == 'E')) {
        size_t exponent_end = read_exponent(text, end, &d.exponent);
        if (exponent_end == end) {
            return false;
        }
        end = exponent_end;
    }
    normalize(mantissa, point - begin, &d);
    *ret_number = d;
    return end == text.size;
}

/* The next digit, 0 behind the last. */
static char
next_digit(struct str *digits)
{
    if (digits->size > 0 && digits->data[0] == '.') {
        *digits = str_after(*digits, 1);
    }
    if (digits->size == 0) {
        return '0';
    }
    char c = digits->data[0];
    *digits = str_after(*digits, 1);
    return c;
}

static int
compare_digits(struct str a, struct str b)
{
    while (a.size > 0 || b.size > 0) {
        char left = next_digit(&a);
        char right = next_digit(&b);
        if (left != right) {
            return left < right ? -1 : 1;
        }
    }
    return 0;
}

/* -1, 0 or 1. */
static int
sign_of(const struct decimal *d)
{
    return d->digits.size == 0 ? 0 : d->is_negative ? -1 : 1;
}

int
decimal_compare(const struct decimal *a, const struct decimal *b)
{
    int sign = sign_of(a);
    if (sign != sign_of(b)) {
        return sign < sign_of(b) ? -1 : 1;
    }
    int order = a->exponent != b->exponent ? (a->exponent < b->exponent ? -1 : 1)
                                           : compare_digits(a->digits, b->digits);
    return sign * order;
}
