/* What runs inside the server: scripts/lua/ratelimit/, embedded, of which a limiter takes the parts it needs. That
 * keeps short what the server sets up in each call; one GCRA limit has a script of its own. Pure. */
#include "ratelimit/limiter.h"

#include "base/alloc.h"

#include <string.h>

#include "ratelimit/sources.inc"

struct part {
    const char *bytes;
    size_t size;
};

static const struct kind {
    vouch_limit_kind kind;
    const char *letter;
    struct part part;
} kinds[] = {
    {VOUCH_LIMIT_FIXED_WINDOW, "f", {lua_fixed_window, sizeof lua_fixed_window}},
    {VOUCH_LIMIT_SLIDING_WINDOW, "w", {lua_sliding_window, sizeof lua_sliding_window}},
    {VOUCH_LIMIT_SLIDING_LOG, "l", {lua_sliding_log, sizeof lua_sliding_log}},
    {VOUCH_LIMIT_TOKEN_BUCKET, "b", {lua_token_bucket, sizeof lua_token_bucket}},
    {VOUCH_LIMIT_GCRA, "g", {lua_gcra, sizeof lua_gcra}},
    {VOUCH_LIMIT_CONCURRENCY, "c", {lua_concurrency, sizeof lua_concurrency}},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

const char *limiter_letter(vouch_limit_kind kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind)
            return kinds[i].letter;
    return NULL;
}

static bool wanted(const vouch_limit_spec *specs, size_t n, vouch_limit_kind kind)
{
    for (size_t i = 0; i < n; i++)
        if (specs[i].kind == kind)
            return true;
    return false;
}

static size_t append(char *out, size_t size, struct part part)
{
    if (out)
        memcpy(out + size, part.bytes, part.size);
    return size + part.size;
}

/* Writes it to `out`, or only measures it. */
static size_t assemble(const vouch_limit_spec *specs, size_t n, char *out)
{
    if (n == 1 && specs[0].kind == VOUCH_LIMIT_GCRA)
        return append(out, 0, (struct part){lua_gcra_alone, sizeof lua_gcra_alone});
    size_t size = append(out, 0, (struct part){lua_prelude, sizeof lua_prelude});
    for (size_t i = 0; i < KINDS; i++)
        if (wanted(specs, n, kinds[i].kind))
            size = append(out, size, kinds[i].part);
    return append(out, size, (struct part){lua_decide, sizeof lua_decide});
}

char *limiter_source(const vouch_limit_spec *specs, size_t n, size_t *size)
{
    *size = assemble(specs, n, NULL);
    char *source = alloc_get(*size);
    if (source)
        (void)assemble(specs, n, source);
    return source;
}
