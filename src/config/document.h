#pragma once
/*
 * A text, read as one YAML document within bounds: size, nesting, number of values, anchors,
 * aliases. So what libyaml does with it takes time and memory in proportion. One thread.
 *
 * Aliases share one node of the document, also several times over: who walks it must count its
 * steps.
 */

#include "base/err.h"
#include "base/str.h"
#include "config/config.h"

#include <yaml.h>

struct problems;

enum {
    DOCUMENT_SIZE_MAX = 8 << 20,
    DOCUMENT_DEPTH_MAX = 32, /* the keys need 7 */
    DOCUMENT_VALUES_MAX = 1000000,
    DOCUMENT_ANCHORS_MAX = 256, /* libyaml looks each alias up in a list */
    DOCUMENT_ALIASES_MAX = 100000
};

/*
 * ERR_CONFIG with problems added, ERR_MEMORY. A tag is a problem too, but reading goes on: 0. The
 * caller deletes the document.
 */
MUST_CHECK int
document_load(struct str text, struct problems *problems, yaml_document_t *ret_document);

struct config_mark document_mark(yaml_mark_t mark);
