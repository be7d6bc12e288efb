#undef NDEBUG
/* The promises of every log, kept in memory. */
#include "conformance.h"

static void
prepare(struct config_replay *config)
{
    (void)config; /* each log is its own */
}

int
main(void)
{
    const struct conformance backend = {
        .name = "replay.memory_conformance", .new_log = replay_memory_new, .prepare = prepare};
    return conformance_run(&backend);
}
