#include "sources/stream_list.h"

#include <stdlib.h>

int
stream_list_init(struct stream_list *l,
                 void *owner,
                 const char *source_name,
                 const struct source_subscription *subscriptions,
                 size_t length)
{
    *l = (struct stream_list){.streams = calloc(length + 1, sizeof *l->streams),
                              .words = calloc(STREAM_LIST_HEAD + 2 * length, sizeof *l->words),
                              .ids = calloc(length + 1, sizeof *l->ids)};
    map_init(&l->by_key);
    if (l->streams == NULL || l->words == NULL || l->ids == NULL) {
        return ERR_MEMORY;
    }
    int err = 0;
    for (size_t i = 0; i < length && err == 0; i++) {
        struct stream *s = &l->streams[l->length++];
        err = stream_init(s, owner, source_name, subscriptions[i].filter);
        err = err != 0 ? err : map_add(&l->by_key, &s->node);
    }
    return err;
}

void
stream_list_fini(struct stream_list *l)
{
    map_fini(&l->by_key);
    for (size_t i = 0; i < l->length; i++) {
        stream_fini(&l->streams[i]);
    }
    free(l->streams);
    free(l->words);
    free(l->ids);
    *l = (struct stream_list){.length = 0};
}

struct stream *
stream_list_find(const struct stream_list *l, struct str key)
{
    struct map_node *node = map_find(&l->by_key, key);
    return node != NULL ? MAP_ITEM(node, struct stream, node) : NULL;
}

void
stream_list_continue(struct stream_list *l, const struct stream_list *old)
{
    for (size_t i = 0; i < l->length; i++) {
        const struct stream *known = stream_list_find(old, l->streams[i].node.key);
        if (known != NULL) {
            stream_continue(&l->streams[i], known);
        }
    }
}
