#include "redis/script.h"

#include <openssl/evp.h>

enum { SHA1_SIZE = 20 };

int
redis_script_init(struct redis_script *s, struct str text)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char sha1[SHA1_SIZE];
    if (EVP_Digest(text.data, text.size, sha1, NULL, EVP_sha1(), NULL) != 1) {
        return ERR_SYSTEM;
    }
    s->text = text;
    for (size_t i = 0; i < SHA1_SIZE; i++) {
        s->digest[2 * i] = hex[sha1[i] >> 4];
        s->digest[2 * i + 1] = hex[sha1[i] & 15];
    }
    return 0;
}

void
redis_script_words(const struct redis_script *s, bool is_known, struct str ret_words[static 2])
{
    ret_words[0] = is_known ? STR("EVALSHA") : STR("EVAL");
    ret_words[1] = is_known ? (struct str){s->digest, SCRIPT_DIGEST_SIZE} : s->text;
}
