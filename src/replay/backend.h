#pragma once
/* What a backend of the replay log implements; private to this room. See replay.h for the
 * contracts. */

#include "replay/replay.h"

struct replay_ops {
    /* `mark` is NULL for none. */
    int (*append)(struct replay *r,
                  const struct replay_draft *drafts,
                  size_t length,
                  const struct mark *mark,
                  uint64_t *ret_ticket);
    int (*read_mark)(struct replay *r, struct str name);
    void (*note_loss)(struct replay *r);
    void (*set_config)(struct replay *r, const struct config_replay *config);
    void (*queue)(const struct replay *r, uint64_t *ret_length, uint64_t *ret_bytes);
    void (*start)(struct replay *r);
    void (*free)(struct replay *r);
    struct replay_reader *(*reader_new)(struct replay *r, struct loop *loop);
};

struct replay_reader_ops {
    void (*free)(struct replay_reader *reader);
    int (*read)(struct replay_reader *reader,
                const struct replay_page_request *request,
                replay_on_page_fn on_page,
                void *arg);
};

/* First member of each backend's struct. */
struct replay {
    const struct replay_ops *ops;
};

struct replay_reader {
    const struct replay_reader_ops *ops;
};
