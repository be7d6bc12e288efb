#pragma once
/* Programs that a test runs. They die with the test, however it ends. */

#include <sys/types.h>

/* `argv` ends with NULL; its output goes nowhere. */
pid_t child_start(const char *const *argv);

/* Sends the signal, 0 for none, and waits for the end; returns waitpid's status. */
int child_end(pid_t child, int signal);

/* A new folder under the system's folder for temporary files; removed with all it holds by
 * folder_remove(). */
char *folder_make(void);
void folder_remove(char *folder);
