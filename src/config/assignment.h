#pragma once
/* One scalar on its way to its field; what the setters of all types share. */

#include "config/section.h"

struct assignment {
    struct reader *r;
    struct section *s;
    const struct key *k;
    struct str text;
    struct config_mark mark;
};

typedef void (*assignment_set_fn)(struct assignment *a);

/* By type of the key; NULL where the value is no scalar. */
assignment_set_fn assignment_setter(enum key_type type);

void *assignment_field(const struct assignment *a);

/* A number, an enum or a bool, by the field's size. */
void assignment_store(const struct assignment *a, uint64_t value);

/* "<the value> <problem> (expected …)"; a secret's value is left out. */
void assignment_problem(const struct assignment *a, const char *problem);

/* The setters: number.c */
void assignment_set_number(struct assignment *a);
void assignment_set_size(struct assignment *a);
void assignment_set_duration(struct assignment *a);
void assignment_set_seconds(struct assignment *a);
void assignment_set_workers(struct assignment *a);
void assignment_set_flag(struct assignment *a);
void assignment_set_word(struct assignment *a);

/* text.c */
void assignment_set_text(struct assignment *a);
void assignment_set_marked(struct assignment *a);
void assignment_set_source_name(struct assignment *a);

/* secret.c: files that the config names */
void assignment_set_file(struct assignment *a);
void assignment_set_secret_file(struct assignment *a);

/* address.c */
void assignment_set_listen(struct assignment *a);
void assignment_set_listen_or_off(struct assignment *a);
void assignment_set_url(struct assignment *a);
