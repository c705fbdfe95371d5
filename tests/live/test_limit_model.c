/* The scripts of the rate limiters against the model, reply by reply and time to live by time to live: random
 * limits, calls and clocks, in batches that a real server answers. The script is the one that is shipped, but
 * for the call of TIME, instead of which it reads a key.
 *
 * VOUCH_LIMIT_WORLDS=n runs more worlds, VOUCH_LIMIT_SEED=n only that one. */
#include "limit_clock.h"
#include "limit_model.h"
#include "suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

enum { CALLS = 150, LIMITS = 4, KEY_MAX = 48, WORLDS = 40 };

/* Years 2050, 2100 and 2220: keys must not come to their end while it runs, since the model's do not. */
#define CLOCK_MIN   INT64_C(2524608000000000)
#define CLOCK_START INT64_C(4102444800000000)
#define CLOCK_MAX   INT64_C(7889238000000000)

static struct limit_stage stage;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

/* ---- chance --------------------------------------------------------------------------------- */

static uint64_t seed;

static uint64_t dice(void)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From low to high. */
static int64_t between(int64_t low, int64_t high)
{
    return high > low ? low + (int64_t)(dice() % (uint64_t)(high - low + 1)) : low;
}

static bool chance(int percent)
{
    return between(1, 100) <= percent;
}

/* ---- worlds --------------------------------------------------------------------------------- */

struct call {
    int64_t now;
    vouch_limit_action action;
    int64_t costs[LIMITS];
    int lease;
    vouch_decision want;
    int64_t expires[LIMITS];
};

struct world {
    uint64_t seed;
    vouch_limit_spec specs[LIMITS];
    size_t n;
    bool back; /* its clock goes back at times */
    vouch_limiter *limiter;
    struct limit_model *model;
    char keys[LIMITS][KEY_MAX];
    vouch_arg words[LIMITS];
    struct call calls[CALLS];
    size_t count;
};

static int64_t one_of(const int64_t *values, size_t n, int64_t most)
{
    int64_t v = chance(30) ? between(1, most) : values[dice() % n];
    return v > most ? most : v;
}

static vouch_limit_spec any_spec(vouch_limit_kind kind)
{
    static const int64_t limits[] = {1, 2, 3, 5, 7, 10, 100, 1000, 65537, 99991, VOUCH_LIMIT_MAX};
    static const int64_t periods[] = {1000,           1001,     999983,
                                      1000000,        60000000, 86399999999,
                                      86400000000000, 7,        VOUCH_LIMIT_PERIOD_MAX_US};
    vouch_limit_spec s = VOUCH_LIMIT_SPEC_INIT;
    s.kind = kind;
    s.limit = one_of(limits, sizeof limits / sizeof *limits,
                     kind == VOUCH_LIMIT_CONCURRENCY   ? 40
                     : kind == VOUCH_LIMIT_SLIDING_LOG ? VOUCH_LIMIT_LOG_MAX
                                                       : VOUCH_LIMIT_MAX);
    s.period_us = one_of(periods, sizeof periods / sizeof *periods, VOUCH_LIMIT_PERIOD_MAX_US);
    if ((kind == VOUCH_LIMIT_GCRA || kind == VOUCH_LIMIT_TOKEN_BUCKET) && chance(60))
        s.burst = one_of(limits, sizeof limits / sizeof *limits, VOUCH_LIMIT_MAX);
    return s;
}

static void make(struct world *w, uint64_t number, vouch_limit_kind kind)
{
    memset(w, 0, sizeof *w);
    seed = w->seed = number;
    w->back = chance(50);
    while (!w->limiter) {
        w->n = kind ? 1 : (size_t)between(2, LIMITS);
        for (size_t i = 0; i < w->n; i++)
            w->specs[i] = any_spec(kind ? kind : (vouch_limit_kind)between(1, 6));
        w->limiter = limit_by_key(w->specs, w->n);
    }
    w->model = limit_model_new(w->specs, w->n);
    for (size_t i = 0; i < w->n; i++) {
        (void)snprintf(w->keys[i], KEY_MAX, "{w%" PRIu64 "-%d}:%zu", number, (int)kind, i);
        w->words[i] = vouch_text(w->keys[i]);
    }
}

static int64_t most_of(const vouch_limit_spec *s)
{
    return s->burst ? s->burst : s->limit;
}

static int64_t any_cost(const vouch_limit_spec *s)
{
    int64_t most = most_of(s), cost;
    int which = (int)between(1, 100);
    cost = which <= 8    ? 0
           : which <= 45 ? 1
           : which <= 65 ? between(1, most)
           : which <= 80 ? (most + 2) / 3
           : which <= 92 ? most
           : which <= 97 ? most + 1
                         : between(1, VOUCH_LIMIT_MAX);
    if (s->kind == VOUCH_LIMIT_CONCURRENCY && cost > VOUCH_LEASE_COST_MAX)
        cost = VOUCH_LEASE_COST_MAX;
    return cost > VOUCH_LIMIT_MAX ? VOUCH_LIMIT_MAX : cost;
}

/* When the call before was refused for a while: that moment, or the microsecond before. */
static int64_t retry_of(const struct call *c, size_t n)
{
    int64_t wait = 0;
    for (size_t i = 0; i < n; i++)
        wait = c->want.each[i].retry_after_us > wait ? c->want.each[i].retry_after_us : wait;
    return wait;
}

static int64_t move(const struct world *w, int64_t now)
{
    const vouch_limit_spec *s = &w->specs[(size_t)between(0, (int64_t)w->n - 1)];
    int64_t p = s->period_us, step = p / s->limit + 1;
    int which = (int)between(1, 100);
    if (w->back && which > 88)
        return now - (which > 98   ? between(0, 10 * p)
                      : which > 96 ? between(0, 2 * p)
                      : which > 93 ? between(0, p)
                      : which > 90 ? between(0, 3 * step)
                                   : 1);
    return now + (which <= 20   ? 0
                  : which <= 35 ? 1
                  : which <= 55 ? between(0, 3 * step)
                  : which <= 70 ? between(0, p)
                  : which <= 74 ? 2 * p
                  : which <= 86 ? p - now % p + between(-1, 1) /* around the next period */
                                : step);
}

/* The next call, as the model answers it. */
static struct call *add(struct world *w, int64_t now, vouch_limit_action action,
                        const int64_t *costs, int lease)
{
    struct call *c = &w->calls[w->count++];
    c->now = now;
    c->action = action;
    c->lease = lease;
    memcpy(c->costs, costs, sizeof c->costs);
    limit_model_call(w->model, now, action, costs, lease, &c->want);
    for (size_t i = 0; i < w->n; i++)
        c->expires[i] = limit_model_expires(w->model, i);
    return c;
}

static bool allowed(const struct call *c, size_t n)
{
    bool all = true;
    for (size_t i = 0; i < n; i++)
        all = all && c->want.each[i].allowed;
    return all;
}

/* After a refusal: a microsecond before the time that was told it is refused, then it is not. */
static int64_t come_back(struct world *w, struct call *c)
{
    int64_t wait = retry_of(c, w->n), now = c->now;
    bool exact =
        true; /* leases of one's own among those waited for: the time may be later than need be */
    for (size_t i = 0; i < w->n; i++)
        exact = exact && w->specs[i].kind != VOUCH_LIMIT_CONCURRENCY &&
                c->want.each[i].retry_after_us != VOUCH_LIMIT_NEVER;
    if (!wait || now + wait > CLOCK_MAX || w->count + 2 > CALLS)
        return now;
    struct call *before = add(w, now + wait - 1, VOUCH_LIMIT_PEEK, c->costs, c->lease);
    ck_assert_msg(!exact || !allowed(before, w->n), "world %" PRIu64 ": told too late", w->seed);
    struct call *then = add(w, now + wait, VOUCH_LIMIT_TAKE, c->costs, c->lease);
    ck_assert_msg(!exact || allowed(then, w->n), "world %" PRIu64 ": told too early", w->seed);
    return now + wait;
}

static void play(struct world *w)
{
    int64_t now = CLOCK_START + between(0, 1000000000000);
    while (w->count < CALLS) {
        int64_t costs[LIMITS] = {0};
        int which = (int)between(1, 100);
        for (size_t i = 0; i < w->n; i++)
            costs[i] = any_cost(&w->specs[i]);
        now = move(w, now);
        now = now < CLOCK_MIN ? CLOCK_MIN : now > CLOCK_MAX ? CLOCK_MAX : now;
        struct call *c = add(w, now,
                             which <= 65   ? VOUCH_LIMIT_TAKE
                             : which <= 75 ? VOUCH_LIMIT_PEEK
                             : which <= 88 ? VOUCH_LIMIT_REFUND
                             : which <= 94 ? VOUCH_LIMIT_EXTEND
                                           : VOUCH_LIMIT_RELEASE,
                             costs, (int)between(0, MODEL_LEASES - 1));
        if (c->action == VOUCH_LIMIT_TAKE && chance(60))
            now = come_back(w, c);
    }
}

/* ---- the same on a server ------------------------------------------------------------------- */

static bool has_leases(const struct world *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->specs[i].kind == VOUCH_LIMIT_CONCURRENCY)
            return true;
    return false;
}

static vouch_batch *batch_of(const struct world *w)
{
    vouch_batch *b = vouch_batch_new();
    for (size_t i = 0; i < w->count; i++) {
        const struct call *c = &w->calls[i];
        vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
        char lease[2] = {(char)('a' + c->lease), 0};
        o.costs = c->costs;
        o.lease = has_leases(w) ? lease : NULL;
        vouch_batch_add(b, "MSET", "s", c->now / 1000000, "u", c->now % 1000000);
        vouch_batch_add_limit(b, w->limiter, c->action, vouch_args_of(w->words, w->n), 1, &o);
        for (size_t k = 0; k < w->n; k++)
            vouch_batch_add(b, "PEXPIRETIME", w->keys[k]);
    }
    return b;
}

static void tell(const struct world *w, size_t number)
{
    const struct call *c = &w->calls[number];
    printf("world %" PRIu64 ", call %zu: action %d at %" PRId64 " (%+" PRId64 "), lease %d\n",
           w->seed, number, (int)c->action, c->now, number ? c->now - c[-1].now : 0, c->lease);
    for (size_t i = 0; i < w->n; i++) {
        const vouch_limit_spec *s = &w->specs[i];
        printf("  kind %d: limit %" PRId64 ", period %" PRId64 ", burst %" PRId64 "; cost %" PRId64
               "\n",
               (int)s->kind, s->limit, s->period_us, s->burst, c->costs[i]);
    }
}

static void compare(const struct world *w, size_t number, size_t i, const vouch_limit *got,
                    int64_t expires)
{
    const vouch_limit *want = &w->calls[number].want.each[i];
    if (memcmp(want, got, sizeof *want) == 0 && expires == w->calls[number].expires[i])
        return;
    tell(w, number);
    ck_abort_msg("limit %zu: allowed %d, remaining %" PRId64 ", retry %" PRId64 ", reset %" PRId64
                 ", of %" PRId64 ", until %" PRId64 "; should be %d, %" PRId64 ", %" PRId64
                 ", %" PRId64 ", of %" PRId64 ", until %" PRId64,
                 i, (int)got->allowed, got->remaining, got->retry_after_us, got->reset_after_us,
                 got->limit, expires, (int)want->allowed, want->remaining, want->retry_after_us,
                 want->reset_after_us, want->limit, w->calls[number].expires[i]);
}

static void check(struct world *w)
{
    vouch_batch *b = batch_of(w);
    vouch_results *r = NULL;
    vouch_status status = vouch_pipeline_run(stage.client, b, NULL, &r, &error);
    if (status)
        tell(w, 0);
    expect(status, VOUCH_OK);
    for (size_t i = 0; i < w->count; i++) {
        vouch_decision got;
        size_t at = i * (2 + w->n) + 1;
        ck_assert(vouch_limit_read(vouch_results_at(r, at)->reply, &got));
        ck_assert_uint_eq(got.n, w->n);
        for (size_t k = 0; k < w->n; k++) {
            int64_t expires = 0;
            ck_assert(vouch_reply_int64(vouch_results_at(r, at + 1 + k)->reply, &expires));
            compare(w, i, k, &got.each[k], expires);
        }
    }
    vouch_results_free(r);
    vouch_batch_free(b);
}

static void run(uint64_t number, vouch_limit_kind kind)
{
    struct world *w = calloc(1, sizeof *w);
    ck_assert_ptr_nonnull(w);
    make(w, number, kind);
    play(w);
    check(w);
    limit_model_free(w->model);
    vouch_limiter_free(w->limiter);
    free(w);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void run_all(vouch_limit_kind kind)
{
    uint64_t only = setting("VOUCH_LIMIT_SEED", 0), worlds = setting("VOUCH_LIMIT_WORLDS", WORLDS);
    for (uint64_t i = only ? only : 1; i <= (only ? only : worlds); i++)
        run(i, kind);
}

START_TEST(each_kind_is_what_it_is_by_definition)
{
    run_all((vouch_limit_kind)_i);
}
END_TEST

START_TEST(several_at_once_are_taken_all_or_none)
{
    run_all((vouch_limit_kind)0);
}
END_TEST

/* ---- suite ---------------------------------------------------------------------------------- */

static void begin_redis(void)
{
    stage = limit_stage_open(TS_REDIS);
}

static void begin_valkey(void)
{
    stage = limit_stage_open(TS_VALKEY);
}

static void end(void)
{
    limit_stage_close(&stage);
}

static Suite *suite(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("limit_model");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 240);
        tcase_add_unchecked_fixture(c, servers[i].begin, end);
        tcase_add_loop_test(c, each_kind_is_what_it_is_by_definition, VOUCH_LIMIT_FIXED_WINDOW,
                            VOUCH_LIMIT_CONCURRENCY + 1);
        tcase_add_test(c, several_at_once_are_taken_all_or_none);
        suite_add_tcase(s, c);
    }
    return s;
}

int main(void)
{
    return suite_run(suite(), CK_NOFORK);
}
