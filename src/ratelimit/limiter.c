/* Limiters: limits whose arithmetic is exact, and the script for them. Pure.
 *
 * Invariant: a limiter does not change after vouch_limiter_new, so that any thread may read it. */
#include "ratelimit/limiter.h"

#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

static vouch_status wrong(vouch_error *e, size_t i, const char *what)
{
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "limit %zu: %s", i, what);
}

static vouch_status over(vouch_error *e, size_t i, const char *what)
{
    return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, "limit %zu: %s", i, what);
}

static bool has_burst(vouch_limit_kind kind)
{
    return kind == VOUCH_LIMIT_TOKEN_BUCKET || kind == VOUCH_LIMIT_GCRA;
}

/* How long an empty bucket takes to be full, rounded down; in steps, since the product of burst and
 * period may not fit. */
static bool comes_back_in_time(int64_t limit, int64_t period, int64_t burst)
{
    int64_t step = period / limit, rest = period % limit;
    return step <= VOUCH_LIMIT_PERIOD_MAX_US / burst &&
           burst * step + burst * rest / limit <= VOUCH_LIMIT_PERIOD_MAX_US;
}

/* The highest limit of a kind. */
static int64_t most(vouch_limit_kind kind)
{
    return kind == VOUCH_LIMIT_SLIDING_LOG   ? VOUCH_LIMIT_LOG_MAX
           : kind == VOUCH_LIMIT_CONCURRENCY ? VOUCH_LIMIT_LEASES_MAX
                                             : VOUCH_LIMIT_MAX;
}

static vouch_status check_ranges(const vouch_limit_spec *s, size_t i, vouch_error *e)
{
    bool paced = has_burst(s->kind) || s->kind == VOUCH_LIMIT_SLIDING_LOG;
    int64_t burst = s->burst ? s->burst : s->limit;
    if (s->limit < 1)
        return wrong(e, i, "limit: less than 1");
    if (s->period_us < VOUCH_LIMIT_PERIOD_MIN_US)
        return wrong(e, i, "period_us: less than VOUCH_LIMIT_PERIOD_MIN_US");
    if (s->burst < 0 || (s->burst && !has_burst(s->kind)))
        return wrong(e, i, "burst: negative, or of a kind that has none");
    if (s->limit > most(s->kind))
        return over(e, i, "limit: more than this kind's highest");
    if (s->period_us > VOUCH_LIMIT_PERIOD_MAX_US)
        return over(e, i, "period_us: more than VOUCH_LIMIT_PERIOD_MAX_US");
    if (burst > VOUCH_LIMIT_MAX)
        return over(e, i, "burst: more than VOUCH_LIMIT_MAX");
    if (paced && s->limit > s->period_us)
        return over(e, i, "more than one a microsecond");
    if (has_burst(s->kind) && !comes_back_in_time(s->limit, s->period_us, burst))
        return over(e, i, "burst: takes longer than VOUCH_LIMIT_PERIOD_MAX_US to come back");
    return VOUCH_OK;
}

static vouch_status check_spec(const vouch_limit_spec *s, size_t i, vouch_error *e)
{
    static const int64_t zeros[sizeof s->reserved2 / sizeof *s->reserved2];
    if (!limiter_letter(s->kind))
        return wrong(e, i, "kind: there is no such kind");
    if (s->reserved || memcmp(s->reserved2, zeros, sizeof zeros) != 0)
        return wrong(e, i, "reserved: begin with VOUCH_LIMIT_SPEC_INIT");
    return check_ranges(s, i, e);
}

static vouch_status check(const vouch_limit_spec *specs, size_t n, const vouch_limiter_options *o,
                          vouch_error *e)
{
    if (!specs || !n)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "a limiter without limits");
    if (n > VOUCH_LIMITS_MAX)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, "more limits than VOUCH_LIMITS_MAX");
    if (o->size != sizeof *o)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "options->size: not set by VOUCH_LIMITER_OPTIONS_INIT");
    if (o->reserved)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "options->reserved: not 0");
    for (size_t i = 0; i < n; i++) {
        vouch_status status = check_spec(&specs[i], i, e);
        if (status)
            return status;
    }
    return VOUCH_OK;
}

static vouch_status make_script(struct vouch_limiter *l, const char *source, size_t size,
                                const char *name, vouch_error *error)
{
    vouch_script_options so = VOUCH_SCRIPT_OPTIONS_INIT;
    so.name = name ? name : "limiter";
    so.honest = 1; /* what it refuses it raises, and it catches nothing */
    return vouch_script_new(source, size, &so, &l->script, error);
}

static void take_specs(struct vouch_limiter *l, const vouch_limit_spec *specs, size_t n)
{
    memcpy(l->specs, specs, n * sizeof *specs);
    l->n = n;
    l->only_leases = true;
    for (size_t i = 0; i < n; i++) {
        bool lease = l->specs[i].kind == VOUCH_LIMIT_CONCURRENCY;
        l->leases = l->leases || lease;
        l->only_leases = l->only_leases && lease;
        if (!l->specs[i].burst)
            l->specs[i].burst = l->specs[i].limit;
    }
}

vouch_status limiter_new_with(const char *source, size_t size, const vouch_limit_spec *specs,
                              size_t n, const vouch_limiter_options *options, vouch_limiter **out,
                              vouch_error *error)
{
    struct vouch_limiter *l = source ? alloc_zeroed(1, sizeof *l) : NULL;
    if (!l)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a limiter");
    take_specs(l, specs, n);
    vouch_status status = make_script(l, source, size, options ? options->name : NULL, error);
    if (status)
        vouch_limiter_free(l);
    else
        *out = l;
    return status;
}

vouch_status vouch_limiter_new(const vouch_limit_spec *specs, size_t n,
                               const vouch_limiter_options *options, vouch_limiter **out,
                               vouch_error *error)
{
    static const vouch_limiter_options none = VOUCH_LIMITER_OPTIONS_INIT;
    size_t size = 0;
    error_clear(error);
    if (!out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "out is NULL");
    *out = NULL;
    vouch_status status = check(specs, n, options ? options : &none, error);
    if (status)
        return status;
    char *source = limiter_source(specs, n, &size);
    status = limiter_new_with(source, size, specs, n, options, out, error);
    alloc_free(source);
    return status;
}

void vouch_limiter_free(vouch_limiter *l)
{
    if (!l)
        return;
    vouch_script_free(l->script);
    alloc_free(l);
}

const vouch_script *vouch_limiter_script(const vouch_limiter *l)
{
    return l ? l->script : NULL;
}
