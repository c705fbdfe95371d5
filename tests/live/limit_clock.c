/* One line of the shipped source is another one; that it is there, and once, is checked. */
#include "limit_clock.h"

#include "base.h"
#include "base/alloc.h"
#include "ratelimit/limiter.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

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

struct limit_stage limit_stage_open(ts_server_kind kind)
{
    char url[TS_URL_MAX];
    ts_server_options o = {.kind = kind};
    vouch_client_options co = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_error e;
    struct limit_stage stage = {.server = ts_server_start(&o)};
    ck_assert_ptr_nonnull(stage.server);
    co.deadline_ms = 60000; /* a batch is long, and the machine may be busy */
    vouch_status status =
        vouch_client_open(ts_server_url(stage.server, url, sizeof url), &co, &stage.client, &e);
    ck_assert_msg(status == VOUCH_OK, "%s", e.message);
    return stage;
}

void limit_stage_close(struct limit_stage *stage)
{
    vouch_client_close(stage->client);
    ts_server_free(stage->server);
}

void limit_set_clock(const struct limit_stage *stage, int64_t now)
{
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    vouch_batch_add(b, "MSET", "s", now / 1000000, "u", now % 1000000);
    ck_assert_int_eq(vouch_pipeline_run(stage->client, b, NULL, &r, NULL), VOUCH_OK);
    vouch_results_free(r);
    vouch_batch_free(b);
}

vouch_limit_spec limit_spec(int kind, int64_t limit, int64_t period)
{
    vouch_limit_spec s = VOUCH_LIMIT_SPEC_INIT;
    s.kind = (vouch_limit_kind)kind;
    s.limit = limit;
    s.period_us = period;
    return s;
}
