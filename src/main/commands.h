#pragma once
/* The commands of the program. Each takes its own argv (argv[0] its name) and returns the exit
 * status. */

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int cmd_serve(int argc, char **argv);  /* the daemon */
int cmd_check(int argc, char **argv);  /* every problem of a config at once */
int cmd_routes(int argc, char **argv); /* what a message would become */
int cmd_tail(int argc, char **argv);   /* an EventSource for the terminal */
int cmd_health(int argc, char **argv); /* what the admin port says, as an exit status */
