/* SHA-1, by which servers name scripts. Not for secrecy; OpenSSL computes it. */
#include "script/script.h"

#include <openssl/evp.h>

bool digest_of(const char *bytes, size_t size, unsigned char out[static DIGEST_BYTES])
{
    unsigned n = 0;
    return EVP_Digest(bytes, size, out, &n, EVP_sha1(), NULL) == 1 && n == DIGEST_BYTES;
}

void digest_write(const unsigned char digest[static DIGEST_BYTES],
                  char out[static VOUCH_DIGEST_MAX])
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    out[VOUCH_DIGEST_MAX - 1] = 0;
}

uint64_t digest_short(const unsigned char digest[static DIGEST_BYTES])
{
    uint64_t v = 0;
    for (size_t i = 0; i < sizeof v; i++)
        v = v << 8 | digest[i];
    return v;
}
