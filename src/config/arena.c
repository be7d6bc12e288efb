#include "config/arena.h"

#include <stdlib.h>

/* One malloc() for each piece, so that a sanitizer sees the edges of each. */
struct arena_block {
    struct arena_block *next;
    max_align_t bytes[];
};

void
arena_init(struct arena *a, size_t limit_bytes)
{
    *a = (struct arena){.left_bytes = limit_bytes};
}

void
arena_fini(struct arena *a)
{
    while (a->blocks != NULL) {
        struct arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
}

void *
arena_alloc(struct arena *a, size_t count, size_t size)
{
    if (a->left_bytes < sizeof(struct arena_block) ||
        (size > 0 && count > (a->left_bytes - sizeof(struct arena_block)) / size)) {
        a->is_full = true;
        return NULL;
    }
    size_t needed = sizeof(struct arena_block) + count * size;
    struct arena_block *block = calloc(1, needed);
    if (block == NULL) {
        return NULL;
    }
    block->next = a->blocks;
    a->blocks = block;
    a->left_bytes -= needed;
    return block->bytes;
}

char *
arena_text(struct arena *a, struct str text)
{
    char *copy = arena_alloc(a, text.size + 1, 1);
    if (copy != NULL && text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return copy;
}
