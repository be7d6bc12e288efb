#pragma once
/*
 * A request as the endpoints see it, whatever wire form it came in. Slices borrow the head's bytes.
 */

#include "base/str.h"

#include <stdbool.h>

enum request_method { REQUEST_GET, REQUEST_HEAD, REQUEST_OPTIONS, REQUEST_OTHER };

/* The header fields that anybody here looks at; all others are checked and forgotten. */
enum request_field {
    REQUEST_ACCEPT,
    REQUEST_CONTENT_LENGTH,
    REQUEST_HOST,
    REQUEST_LAST_EVENT_ID,
    REQUEST_ORIGIN,
    REQUEST_TRANSFER_ENCODING,
    REQUEST_FIELD_COUNT
};

struct request {
    enum request_method method;
    bool is_http_1_0;        /* knows no chunks */
    bool is_accept_repeated; /* several Accept lines: only the first is in `fields` */
    struct str path;         /* as sent: percent-encoded; begins with '/', or is "*" */
    struct str query;        /* as sent, without '?' */
    struct str fields[REQUEST_FIELD_COUNT]; /* without blanks around; data is NULL where absent */
    struct str lines;                       /* all field lines as they came, each with its CR LF */
};

/* The next of the field lines, its value without blanks around; false at the end. `lines` moves on. */
bool request_next_line(struct str *lines, struct str *ret_name, struct str *ret_value);

/* By name, in any case; -1 where nobody looks at it. */
int request_find_field(struct str name);

/*
 * What makes a head that is well-formed still no request (400): no Host or a wrong one, or two
 * opinions on where the body ends. NULL where there is nothing; else one static sentence.
 */
const char *request_problem(const struct request *r);

/* A body is announced. It is never read. After request_problem() found nothing. */
bool request_has_body(const struct request *r);
