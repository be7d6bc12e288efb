#include "routing/base64.h"

#include <openssl/evp.h>

enum { CHUNK_BYTES = 3 << 20 }; /* whole groups of three; the library counts in int */

int
base64_append(struct str bytes, struct buf *out)
{
    int err = buf_reserve(out, (bytes.size + 2) / 3 * 4 + 1); /* it writes a terminator */
    while (err == 0 && bytes.size > 0) {
        size_t size = bytes.size < CHUNK_BYTES ? bytes.size : CHUNK_BYTES;
        int written = EVP_EncodeBlock((unsigned char *)out->data + out->size,
                                      (const unsigned char *)bytes.data, (int)size);
        out->size += (size_t)written;
        bytes = str_after(bytes, size);
    }
    return err;
}
