#pragma once
/*
 * What all readers of parts of a config share: the document, where the values go, where in the file
 * they are, and the problems. One thread, one file.
 *
 * A problem of the file is added and reading goes on. What ends it (memory, bounds) is kept in
 * `failure`: from then on nodes are not found and nothing is read.
 */

#include "base/str.h"
#include "config/arena.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/problems.h"

#include <yaml.h>

enum {
    READER_PATH_SIZE = 256,
    READER_STEPS_MAX = 4000000,  /* values read, with aliases counted each time */
    READER_VALUE_MAX = 64 << 10, /* bytes of one value, its variables filled in */
    READER_MEMORY_MAX = 256 << 20,
    READER_SOURCES_MAX = 256,
    READER_ROUTES_MAX = 65536
};

struct reader {
    yaml_document_t *document;
    struct arena *arena;
    struct problems *problems;
    struct config *config;
    const yaml_node_t *sources, *routes;   /* for after the root: NULL where not given */
    struct config_mark channels_of_routes; /* where http.allow_channels says `routes` */
    bool source_is_broken[READER_SOURCES_MAX];
    struct buf expanded; /* the latest scalar that had variables */
    char path[READER_PATH_SIZE];
    size_t path_size;
    char full_path[READER_PATH_SIZE];
    size_t steps_left;
    int failure; /* 0, ERR_MEMORY, ERR_LIMIT */
};

struct config_mark reader_mark(const yaml_node_t *node);

/* A step into "name" or "name[3]" of the path; returns what reader_leave() needs to step back. */
size_t reader_enter(struct reader *r, const char *name);
size_t reader_enter_item(struct reader *r, const char *name, size_t index);
void reader_leave(struct reader *r, size_t path_size);

/* The path and `name` in it ("" for the path itself), until the next call. */
const char *reader_path(struct reader *r, const char *name);

/* The node of an index of the document; NULL once reading has failed. */
const yaml_node_t *reader_node(struct reader *r, int index);

/* The items of a sequence: their number; the n-th. */
size_t reader_length(const yaml_node_t *sequence);
const yaml_node_t *reader_item(struct reader *r, const yaml_node_t *sequence, size_t n);

/* Nothing at all, not even quotes. */
bool reader_is_nothing(const yaml_node_t *node);

struct str reader_raw(const yaml_node_t *scalar);

/*
 * The scalar with its variables filled in, until the next call. False with a problem added for
 * `name` of the path.
 */
bool
reader_scalar(struct reader *r, const yaml_node_t *scalar, const char *name, struct str *ret_text);

/* From the arena; NULL with `failure` set. */
void *reader_alloc(struct reader *r, size_t length, size_t size);
char *reader_text(struct reader *r, struct str text);

/*
 * "is a list (expected a map)", for `name` of the path. With reader_wrong_kind_of_text() also that
 * braces and brackets need quotes where those made the list or map.
 */
void reader_wrong_kind(struct reader *r,
                       const yaml_node_t *node,
                       const char *name,
                       const char *expected);
void reader_wrong_kind_of_text(struct reader *r,
                               const yaml_node_t *node,
                               const char *name,
                               const char *expected);
