#pragma once
/* Threads: signals are the main thread's, so that others begin with all of them blocked. */

#include "base/err.h"

#include <pthread.h>

/* ERR_SYSTEM. */
MUST_CHECK int thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg);
