#pragma once
/*
 * The event stream format, written (WHATWG HTML, section 9.2.5 and 9.2.6). Pure functions.
 *
 * An event's wire form is  "id: <id>\n" + body.  The body is everything else, ended by a blank
 * line, and is encoded once, before the append: it is what the replay log stores.
 *
 * Data is split at CRLF, CR and LF, one `data:` line each, so a parser joins it again with LF (CR
 * and CRLF come out as LF: the format cannot carry them). Blank lines stay. NUL and a leading BOM
 * in data are carried as they are, they are no syntax inside a line. Nothing that was not sent can
 * come out.
 */

#include "base/err.h"
#include "base/str.h"
#include "sse/event_id.h"

#include <stdbool.h>

/* True where `name` can stand in an `event:` line: valid UTF-8 without CR, LF and NUL. */
bool sse_event_name_is_valid(struct str name);

/*
 * Appends "event: <name>\n" (left out where name is empty or "message": the default of the format),
 * the data lines and the blank line. `data` must be valid UTF-8, `name` valid as above:
 * ERR_SYNTAX where not, and nothing is appended. ERR_LIMIT, ERR_MEMORY from the buffer. Empty data
 * is one empty `data:` line, so that the event is dispatched.
 */
MUST_CHECK int sse_encode_body(struct buf *out, struct str name, struct str data);

/* True where `body` is what sse_encode_body writes: for bodies read back from a shared log. */
bool sse_body_is_valid(struct str body);
