#pragma once
/* What every backend of the replay log promises (replay.h), as tests. */

#include "log_rig.h"

struct conformance {
    const char *name;
    log_rig_new_fn new_log;
    /* Points the configuration at a log that nobody used before. Called once a test. */
    void (*prepare)(struct config_replay *config);
};

/* Returns how many tests failed. */
int conformance_run(const struct conformance *conformance);
