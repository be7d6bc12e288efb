#include "http/accept.h"

#include "http/syntax.h"

/* The piece before the next separator; `rest` moves behind it. */
static struct str
accept_next_piece(struct str *rest, char separator)
{
    const char *end = rest->size > 0 ? memchr(rest->data, separator, rest->size) : NULL;
    struct str piece = {rest->data, end != NULL ? (size_t)(end - rest->data) : rest->size};
    *rest = str_after(*rest, piece.size + 1);
    return syntax_trim(piece);
}

/* "q=0", "q=0.0", ... : this type is not wanted. */
static bool
accept_is_zero_weight(struct str parameter)
{
    if (parameter.size < 3 || (parameter.data[0] | 0x20) != 'q' || parameter.data[1] != '=') {
        return false;
    }
    for (size_t i = 2; i < parameter.size; i++) {
        if (parameter.data[i] != '0' && parameter.data[i] != '.') {
            return false;
        }
    }
    return parameter.data[2] == '0';
}

/* How closely a range names text/event-stream: 0 not at all, 3 exactly. */
static int
accept_precision(struct str range)
{
    if (str_equal_nocase(range, STR("text/event-stream"))) {
        return 3;
    }
    if (str_equal_nocase(range, STR("text/*"))) {
        return 2;
    }
    return str_equal(range, STR("*/*")) ? 1 : 0;
}

bool
accept_allows_event_stream(struct str accept)
{
    int best = 0;
    bool is_allowed = syntax_trim(accept).size == 0;
    while (accept.size > 0) {
        struct str range = accept_next_piece(&accept, ',');
        int precision = accept_precision(accept_next_piece(&range, ';'));
        bool is_wanted = true;
        while (range.size > 0) {
            is_wanted = !accept_is_zero_weight(accept_next_piece(&range, ';')) && is_wanted;
        }
        if (precision > best) { /* the most precise range decides */
            best = precision;
            is_allowed = is_wanted;
        }
    }
    return is_allowed;
}
