#include "routing/pattern_index.h"

#include <stdlib.h>

struct items {
    uint32_t *list;
    uint32_t length, capacity;
};

/* 0 is the root, so as a link it is "none". */
struct node {
    struct str label;      /* of the edge that leads here; points into a pattern */
    unsigned char *firsts; /* the first byte of each child's label */
    uint32_t *children;
    uint32_t child_count, child_capacity;
    uint32_t skip;     /* behind a run up to the next separator */
    struct items open; /* whatever follows */
    struct items ends; /* if the topic ends here */
};

struct pattern_index {
    enum pattern_syntax syntax;
    struct node *nodes;
    uint32_t node_count, node_capacity;
};

/* What find() carries along. */
struct search {
    const struct pattern_index *index;
    struct str topic;
    uint32_t *items;
    size_t count;
    bool is_rising; /* so far */
};

/* Room for one more; doubles. */
static int
grow(void **array, uint32_t count, uint32_t *capacity, size_t item_size)
{
    if (count < *capacity) {
        return 0;
    }
    uint32_t wanted = *capacity == 0 ? 2 : *capacity * 2;
    void *larger = reallocarray(*array, wanted, item_size);
    if (larger == NULL) {
        return ERR_MEMORY;
    }
    *array = larger;
    *capacity = wanted;
    return 0;
}

static int
node_new(struct pattern_index *x, struct str label, uint32_t *ret_node)
{
    void *nodes = x->nodes;
    int err = grow(&nodes, x->node_count, &x->node_capacity, sizeof(*x->nodes));
    x->nodes = nodes;
    if (err == 0) {
        *ret_node = x->node_count++;
        x->nodes[*ret_node] = (struct node){.label = label};
    }
    return err;
}

struct pattern_index *
pattern_index_new(enum pattern_syntax syntax)
{
    struct pattern_index *x = calloc(1, sizeof(*x));
    uint32_t root;
    if (x == NULL) {
        return NULL;
    }
    x->syntax = syntax;
    if (node_new(x, STR_NULL, &root) != 0) {
        free(x);
        return NULL;
    }
    return x;
}

void
pattern_index_free(struct pattern_index *x)
{
    if (x == NULL) {
        return;
    }
    for (uint32_t i = 0; i < x->node_count; i++) {
        free(x->nodes[i].firsts);
        free(x->nodes[i].children);
        free(x->nodes[i].open.list);
        free(x->nodes[i].ends.list);
    }
    free(x->nodes);
    free(x);
}

static int
node_add_child(struct node *n, unsigned char first, uint32_t child)
{
    uint32_t capacity = n->child_capacity;
    void *firsts = n->firsts;
    int err = grow(&firsts, n->child_count, &capacity, sizeof(*n->firsts));
    n->firsts = firsts;
    if (err != 0) {
        return err;
    }
    void *children = n->children;
    err = grow(&children, n->child_count, &n->child_capacity, sizeof(*n->children));
    n->children = children;
    if (err == 0) {
        n->firsts[n->child_count] = first;
        n->children[n->child_count++] = child;
    }
    return err;
}

static int
items_add(struct items *items, uint32_t item)
{
    void *list = items->list;
    int err = grow(&list, items->length, &items->capacity, sizeof(*items->list));
    items->list = list;
    if (err == 0) {
        items->list[items->length++] = item;
    }
    return err;
}

/* Where the child that begins with `first` stands in the node's arrays; child_count for none. */
static uint32_t
node_find_child(const struct node *n, unsigned char first)
{
    const unsigned char *at = n->child_count == 0 ? NULL : memchr(n->firsts, first, n->child_count);
    return at == NULL ? n->child_count : (uint32_t)(at - n->firsts);
}

static size_t
common_size(struct str a, struct str b)
{
    size_t size = 0;
    while (size < a.size && size < b.size && a.data[size] == b.data[size]) {
        size++;
    }
    return size;
}

/* Divides the edge to the child in `slot` of `parent` behind `size` bytes by a new node. */
static int
edge_split(struct pattern_index *x, uint32_t parent, uint32_t slot, size_t size, uint32_t *ret_node)
{
    uint32_t child = x->nodes[parent].children[slot];
    struct str label = x->nodes[child].label;
    uint32_t middle;
    int err = node_new(x, (struct str){label.data, size}, &middle);
    if (err != 0) {
        return err;
    }
    err = node_add_child(&x->nodes[middle], (unsigned char)label.data[size], child);
    if (err != 0) {
        return err; /* the new node hangs nowhere: harmless */
    }
    x->nodes[child].label = str_after(label, size);
    x->nodes[parent].children[slot] = middle;
    *ret_node = middle;
    return 0;
}

/* Follows `text` from *node on and makes what is missing. */
static int
follow_literal(struct pattern_index *x, struct str text, uint32_t *node)
{
    while (text.size > 0) {
        unsigned char first = (unsigned char)text.data[0];
        uint32_t slot = node_find_child(&x->nodes[*node], first);
        if (slot == x->nodes[*node].child_count) {
            uint32_t leaf;
            int err = node_new(x, text, &leaf);
            err = err != 0 ? err : node_add_child(&x->nodes[*node], first, leaf);
            *node = err == 0 ? leaf : *node;
            return err;
        }
        uint32_t child = x->nodes[*node].children[slot];
        size_t size = common_size(x->nodes[child].label, text);
        if (size < x->nodes[child].label.size) {
            int err = edge_split(x, *node, slot, size, &child);
            if (err != 0) {
                return err;
            }
        }
        *node = child;
        text = str_after(text, size);
    }
    return 0;
}

static int
follow_skip(struct pattern_index *x, uint32_t *node)
{
    uint32_t target = x->nodes[*node].skip;
    if (target == 0) {
        int err = node_new(x, STR_NULL, &target);
        if (err != 0) {
            return err;
        }
        x->nodes[*node].skip = target;
    }
    *node = target;
    return 0;
}

/* The literal bytes at the begin of a fixed piece. */
static struct str
literal_begin(const struct pattern *p, const struct pattern_fixed *f)
{
    size_t size = 0;
    while (size < f->size && (p->sets == NULL || p->sets[f->begin + size] == 0)) {
        size++;
    }
    return (struct str){(const char *)p->bytes + f->begin, size};
}

/* Does run k end at the next separator, whatever the topic? */
static bool
is_skip(const struct pattern *p, unsigned k)
{
    const struct pattern_fixed *behind = &p->fixed[k + 1];
    struct str literal = literal_begin(p, behind);
    if (p->runs[k].is_crossing) {
        return false;
    }
    /* nothing behind it: the end, for two runs never stand side by side */
    return behind->size == 0 ||
           (literal.size > 0 && pattern_is_separator(p->syntax, literal.data[0]));
}

int
pattern_index_add(struct pattern_index *x, const struct pattern *p, uint32_t item)
{
    uint32_t node = 0;
    for (unsigned k = 0;; k++) {
        struct str literal = literal_begin(p, &p->fixed[k]);
        int err = follow_literal(x, literal, &node);
        if (err != 0) {
            return err;
        }
        bool is_followed = literal.size == p->fixed[k].size;
        if (is_followed && k == p->run_count && !p->takes_levels) {
            return items_add(&x->nodes[node].ends, item);
        }
        if (!is_followed || k == p->run_count || !is_skip(p, k)) {
            return items_add(&x->nodes[node].open, item);
        }
        err = follow_skip(x, &node);
        if (err != 0) {
            return err;
        }
    }
}

static size_t
skip_end(enum pattern_syntax syntax, struct str topic, size_t at)
{
    while (at < topic.size && !pattern_is_separator(syntax, topic.data[at])) {
        at++;
    }
    return at;
}

static void
search_take(struct search *s, const struct items *items)
{
    for (uint32_t i = 0; i < items->length; i++) {
        uint32_t item = items->list[i];
        s->is_rising &= s->count == 0 || s->items[s->count - 1] < item;
        s->items[s->count++] = item;
    }
}

/* As deep as a pattern has edges. There is one way to a node, so each is visited at most once. */
static void
visit(struct search *s, uint32_t index, size_t at)
{
    const struct node *n = &s->index->nodes[index];
    search_take(s, &n->open);
    if (at == s->topic.size) {
        search_take(s, &n->ends);
    }
    if (n->skip != 0) {
        visit(s, n->skip, skip_end(s->index->syntax, s->topic, at));
    }
    struct str rest = str_after(s->topic, at);
    if (rest.size == 0) {
        return;
    }
    uint32_t slot = node_find_child(n, (unsigned char)rest.data[0]);
    if (slot < n->child_count) {
        struct str label = s->index->nodes[n->children[slot]].label;
        if (str_starts_with(rest, label)) {
            visit(s, n->children[slot], at + label.size);
        }
    }
}

static int
item_compare(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;
    return (*a > *b) - (*a < *b);
}

size_t
pattern_index_find(const struct pattern_index *x, struct str topic, uint32_t *ret_items)
{
    struct search s = {.index = x, .topic = topic, .items = ret_items, .is_rising = true};
    visit(&s, 0, 0);
    if (!s.is_rising) {
        qsort(ret_items, s.count, sizeof(*ret_items), item_compare);
    }
    return s.count;
}
