#pragma once
/*
 * The transfer framing of a stream on HTTP/1.1: each event is one chunk (RFC 9112, section 7.1).
 * Kept apart from the event's own bytes, so that another wire form can join. Pure.
 */

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* The last chunk and no trailers: a clean end. */
#define WIRE_LAST_CHUNK STR("0\r\n\r\n")

/* Bytes of `size` bytes of payload as a chunk. */
size_t wire_chunk_size(size_t size);

/* Writes the chunk to `to`, which has room for wire_chunk_size(payload.size); returns that size. */
size_t wire_put_chunk(char *to, struct str payload);

/* The payload inside one whole chunk that wire_put_chunk wrote. */
struct str wire_chunk_payload(struct str chunk);
