#pragma once
/*
 * Intrusive, circular, doubly linked list. A node is in at most one list; an unlinked node points
 * to itself, so list_remove() of an unlinked node is harmless.
 */

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_ITEM(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Safe against removal of the current node only. */
#define LIST_FOR_EACH_SAFE(node, following, head)                                                  \
    for (struct list *node = (head)->next, *following = node->next; node != (head);                \
         node = following, following = node->next)

static inline void
list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool
list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool
list_has_one(const struct list *head)
{
    return head->next != head && head->next == head->prev;
}

/* Also: is this node in no list? */
static inline bool
list_is_unlinked(const struct list *node)
{
    return node->next == node;
}

static inline void
list_push_back(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void
list_push_front(struct list *head, struct list *node)
{
    list_push_back(head->next, node);
}

static inline void
list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* The first node, unlinked; NULL where the list is empty. */
static inline struct list *
list_pop_front(struct list *head)
{
    struct list *node = head->next;
    if (node == head) {
        return NULL;
    }
    list_remove(node);
    return node;
}

/* Moves the nodes of `from` that stand before `end`, which is one of them or `from` itself, behind the last of `to`. */
static inline void
list_splice_back_until(struct list *to, struct list *from, struct list *end)
{
    struct list *first = from->next;
    struct list *last = end->prev;
    if (first == end) {
        return;
    }
    from->next = end;
    end->prev = from;
    first->prev = to->prev;
    to->prev->next = first;
    last->next = to;
    to->prev = last;
}

/* Moves all nodes of `from` behind the last of `to`; `from` is empty afterwards. */
static inline void
list_splice_back(struct list *to, struct list *from)
{
    list_splice_back_until(to, from, from);
}
