#undef NDEBUG
#include "hosts.h"

#include "event/loop.h"

#include <event2/dns.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

void
hosts_load(struct loop *l, const char *lines)
{
    char path[] = "/tmp/runnel-hosts-XXXXXX";
    int fd = mkstemp(path);
    assert_true(dprintf(fd, "%s", lines) > 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(evdns_base_load_hosts(loop_dns(l), path), 0);
    assert_int_equal(unlink(path), 0);
}
