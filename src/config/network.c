/* Networks in lists: an address, or with a prefix (CIDR). */

#include "base/address.h"
#include "config/list.h"

void
network_read(struct reader *r, const yaml_node_t *node, struct str text, void *to)
{
    char shown[PROBLEMS_EXCERPT_SIZE];
    if (network_parse(text, to) != 0) {
        problems_add(r->problems, reader_mark(node), reader_path(r, ""),
                     "%s is no network (expected an address, or one with a prefix behind which all "
                     "bits are 0: 10.0.0.0/8)",
                     problems_excerpt(text, shown));
    }
}
