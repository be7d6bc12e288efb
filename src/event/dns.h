#pragma once
/*
 * Name resolution on a loop by the system's files, which are looked at again before each lookup: a
 * machine may get its network, or another one, while we run. Loop's thread.
 */

struct dns;
struct evdns_base;
struct loop;

/* Texts that outlive it. */
struct dns_files {
    const char *resolv_conf;
    const char *hosts;
};

/* NULL on failure. */
struct dns *dns_new(struct loop *l, const struct dns_files *files);

/* Before the loop's base goes; NULL is fine. */
void dns_free(struct dns *d);

/*
 * For one lookup. It finds the hosts as they are; other nameservers are asked from the end of the
 * turn on, also what is under way.
 */
struct evdns_base *dns_get(struct dns *d);
