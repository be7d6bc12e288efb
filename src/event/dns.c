#include "event/dns.h"

#include "event/loop.h"

#include <event2/dns.h>
#include <event2/event.h>

#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

/* evdns_base_resolv_conf_parse()'s results that leave a usable resolver (127.0.0.1). */
enum { DNS_NO_FILE = 1, DNS_NO_NAMESERVER = 6 };

/* So that no request waits for others: see dns_renew(). More names than any config has. */
#define DNS_IN_FLIGHT_MAX "4096"

/*
 * A lookup ends 3 s after the first answer, A or AAAA, or with connect_timeout. With evdns' own 5 s it
 * never found out that a nameserver is dead, and each lookup had asked that one for A or for AAAA.
 * resolv.conf may say otherwise.
 */
#define DNS_TIMEOUT_S    "1"
#define DNS_TIMEOUTS_MAX "1" /* in a row, of a nameserver that counts as alive */

struct dns_file {
    const char *path;
    struct stat seen; /* all zero: no file */
};

struct dns {
    struct loop *loop;
    struct evdns_base *base; /* owned */
    struct dns_file resolv_conf;
    struct dns_file hosts;
    struct loop_task renew;
};

/* Since it was asked last. */
static bool
dns_file_has_changed(struct dns_file *f)
{
    const struct stat before = f->seen;
    if (stat(f->path, &f->seen) != 0) {
        f->seen = (struct stat){.st_size = 0};
    }
    const struct stat *now = &f->seen;
    return now->st_dev != before.st_dev || now->st_ino != before.st_ino ||
           now->st_size != before.st_size || now->st_mtim.tv_sec != before.st_mtim.tv_sec ||
           now->st_mtim.tv_nsec != before.st_mtim.tv_nsec;
}

static bool
dns_read_nameservers(struct dns *d)
{
    int options = DNS_OPTION_SEARCH | DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC;
    int result = evdns_base_resolv_conf_parse(d->base, options, d->resolv_conf.path);
    return result == 0 || result == DNS_NO_FILE || result == DNS_NO_NAMESERVER;
}

/* Without a file it knows localhost. */
static void
dns_read_hosts(struct dns *d)
{
    evdns_base_clear_host_addresses(d->base);
    (void)evdns_base_load_hosts(d->base, d->hosts.path);
}

/*
 * At the end of the turn, when no callback of a nameserver that goes is still to run: libevent 2.1
 * does not look after those. Nor does it after a request that waits for its turn, to which it may
 * give a nameserver that is gone already.
 */
static void
dns_renew(void *arg)
{
    struct dns *d = arg;
    (void)evdns_base_clear_nameservers_and_suspend(d->base);
    evdns_base_search_clear(d->base);
    if (!dns_read_nameservers(d)) {
        d->resolv_conf.seen = (struct stat){.st_size = 0}; /* again at the next lookup */
    }
    (void)evdns_base_resume(d->base);
}

struct evdns_base *
dns_get(struct dns *d)
{
    if (dns_file_has_changed(&d->hosts)) {
        dns_read_hosts(d);
    }
    if (dns_file_has_changed(&d->resolv_conf)) {
        loop_task_schedule(d->loop, &d->renew);
    }
    return d->base;
}

static bool
dns_set_options(struct evdns_base *base)
{
    return evdns_base_set_option(base, "max-inflight:", DNS_IN_FLIGHT_MAX) == 0 &&
           evdns_base_set_option(base, "timeout:", DNS_TIMEOUT_S) == 0 &&
           evdns_base_set_option(base, "max-timeouts:", DNS_TIMEOUTS_MAX) == 0;
}

struct dns *
dns_new(struct loop *l, const struct dns_files *files)
{
    struct dns *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return NULL;
    }
    d->loop = l;
    d->resolv_conf.path = files->resolv_conf;
    d->hosts.path = files->hosts;
    loop_task_init(&d->renew, dns_renew, d);
    d->base = evdns_base_new(loop_base(l), 0);
    if (d->base == NULL || !dns_set_options(d->base)) {
        dns_free(d);
        return NULL;
    }
    (void)dns_file_has_changed(&d->hosts);
    (void)dns_file_has_changed(&d->resolv_conf);
    dns_read_hosts(d);
    if (!dns_read_nameservers(d)) {
        dns_free(d);
        return NULL;
    }
    return d;
}

void
dns_free(struct dns *d)
{
    if (d == NULL) {
        return;
    }
    loop_task_cancel(&d->renew);
    if (d->base != NULL) {
        /* Cancelled requests end in callbacks that evdns defers to the base and that use its lock. */
        (void)event_base_loop(loop_base(d->loop), EVLOOP_NONBLOCK);
        evdns_base_free(d->base, 0);
    }
    free(d);
}
