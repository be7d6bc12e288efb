#pragma once
/* The answers of the http source. The request is evhttp's again afterwards. Ingest loop. */

#include <stdint.h>

struct evhttp_request;

/* 200 {"events":N} */
void http_answer_events(struct evhttp_request *request, uint32_t events);

/* `why` is one sentence, for the client's developer. 503 asks to come back (Retry-After). */
void http_answer_error(struct evhttp_request *request, int code, const char *why);
