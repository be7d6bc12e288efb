#pragma once
/*
 * The http source: POST /publish/<topic> with the payload as body, on the admin port. The answer
 * comes after the log has the message:
 *
 *     200 {"events":N}    N events, 0 where no route wanted it
 *     400 403 404 405     a request that cannot become a message
 *     401                 the token is missing or wrong
 *     413                 the body is beyond admin.body_bytes, or becomes more than the log takes
 *     500                 the log can never store an event of it
 *     503 Retry-After     the log's queue is full, it does not store in time, too many requests wait
 *                         for it, memory is out, or the process ends
 *
 * Without a token a request with an Origin header is refused: it comes from a web page, which any
 * site may have shown to somebody who can reach the port. Ingest loop.
 */

#include "sources/source.h"

struct evhttp_request;

/* As source_new(). */
MUST_CHECK int http_source_new(const struct source_settings *settings, struct source **ret_source);

#define HTTP_SOURCE_PREFIX "/publish/"

/* For admin_add_prefix(admin, HTTP_SOURCE_PREFIX, http_source_on_request, source). */
void http_source_on_request(struct evhttp_request *request, void *source);
