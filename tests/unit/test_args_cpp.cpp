// The headers as C++17, and the same arguments as in C: the same bytes.
#include <vouch/vouch.h>

#include "command/batch.h"

#include <cstdio>
#include <cstring>
#include <string>

static int failures;

static void check(bool ok, const char *what)
{
    if (!ok) {
        std::printf("FAILED: %s\n", what);
        failures++;
    }
}

static void check_bytes(const vouch_batch *b, const std::string &want)
{
    check(std::string(b->bytes, b->size) == want, want.c_str());
}

int main()
{
    vouch_batch *b = vouch_batch_new();
    const std::string key = "key";
    short s = -3;
    unsigned long long u = ~0ULL;
    check(vouch_batch_add(b, "SET", key.c_str(), vouch_bytes("a\0b", 3)) == 0, "index");
    check_bytes(b, std::string("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$3\r\na\0b\r\n", 31));
    vouch_batch_clear(b);
    check(vouch_batch_add(b, "X", s, 7, 8u, 9L, u, 1.5, 0.5f) == 0, "index");
    check_bytes(b, "*8\r\n$1\r\nX\r\n$2\r\n-3\r\n$1\r\n7\r\n$1\r\n8\r\n$1\r\n9\r\n"
                   "$20\r\n18446744073709551615\r\n$3\r\n1.5\r\n$3\r\n0.5\r\n");
    vouch_batch_clear(b);
    vouch_batch_begin(b, "DEL");
    vouch_batch_arg(b, "a");
    vouch_batch_arg(b, 2);
    check(vouch_batch_end(b) == 0, "index");
    check_bytes(b, "*3\r\n$3\r\nDEL\r\n$1\r\na\r\n$1\r\n2\r\n");
    vouch_client_options co = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_pipeline_options po = VOUCH_PIPELINE_OPTIONS_INIT;
    check(co.size == sizeof co && po.size == sizeof po, "initialisers");
    check(vouch_batch_add(b, "MULTI") == VOUCH_NO_COMMAND, "refusal");
    vouch_batch_free(b);
    return failures != 0;
}
