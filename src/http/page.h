#pragma once
/* The demo page: a few files of src/http/page/, embedded when the program is built. */

#include "base/str.h"

struct page_file {
    struct str path;
    struct str content_type;
    struct str body;
};

/* NULL where the page has no such file. */
const struct page_file *page_find(struct str path);

/* Header lines that go with every file: what the page may do. */
struct str page_fields(void);
