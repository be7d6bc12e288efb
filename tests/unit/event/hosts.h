#pragma once
/* Names of the test's own for lookups on a loop. */

struct loop;

/* `lines` as /etc/hosts has them; the first address of a name is found first. */
void hosts_load(struct loop *l, const char *lines);
