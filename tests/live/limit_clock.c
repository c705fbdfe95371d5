/* One line of the shipped source is another one; that it is there, and once, is checked. */
#include "limit_clock.h"

#include "base.h"
#include "base/alloc.h"
#include "ratelimit/limiter.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

char *limit_source_by_key(const vouch_limit_spec *specs, size_t n, size_t *size)
{
    static const char ours[] = "redis.call('TIME')", other[] = "redis.call('MGET', 's', 'u')";
    size_t length = 0, cut = sizeof ours - 1, put = sizeof other - 1;
    char *source = limiter_source(specs, n, &length);
    ck_assert_ptr_nonnull(source);
    const char *at = memmem(source, length, ours, cut);
    ck_assert_msg(at != NULL, "the script does not ask for the server's time");
    size_t before = (size_t)(at - source), after = length - before - cut;
    ck_assert_msg(!memmem(at + cut, after, "TIME", 4), "the script asks for the time twice");
    char *changed = ts_alloc(before + put + after + 1);
    memcpy(changed, source, before);
    memcpy(changed + before, other, put);
    memcpy(changed + before + put, at + cut, after);
    alloc_free(source);
    *size = before + put + after;
    return changed;
}

vouch_limiter *limit_by_key(const vouch_limit_spec *specs, size_t n)
{
    size_t size = 0;
    vouch_limiter *limiter = NULL;
    if (vouch_limiter_new(specs, n, NULL, &limiter, NULL))
        return NULL;
    vouch_limiter_free(limiter);
    char *source = limit_source_by_key(specs, n, &size);
    ck_assert_int_eq(limiter_new_with(source, size, specs, n, NULL, &limiter, NULL), VOUCH_OK);
    free(source);
    return limiter;
}
