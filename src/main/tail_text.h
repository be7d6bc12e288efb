#pragma once
/*
 * Events as text for a terminal, for grep and cut: one line for each line of data,
 *
 *     <id> TAB <event name> TAB <line of data>
 *
 * with "-" for an id that is empty. Control characters (in id and name tabs, too) and bytes that
 * are not UTF-8 are written as \xNN: no stream can act upon the terminal or write a line of its
 * own.
 */

#include "base/str.h"
#include "sse/parser.h"

#include <stdio.h>

/* Whether it could be written, ferror() tells. */
void tail_text_print_event(FILE *out, const struct sse_event *event);

/* For what a server says and a notice repeats. */
void tail_text_print(FILE *out, struct str text);
