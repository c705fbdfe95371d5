/* The retry policy that callers see: what it refuses, its budgets, and its one step. */
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/retry.h>

/* ---- what is refused ------------------------------------------------------------------------ */

static const struct {
    const char *field;
    bool good;
    vouch_retry r; /* but for its size, if good */
} rows[] = {
#define WITH(...)                                                                                  \
    {                                                                                              \
        .size = sizeof(vouch_retry), __VA_ARGS__                                                   \
    }
    {"size", false, {.size = 0}},
    {"size", false, {.size = sizeof(vouch_retry) + 8}},
    {"jitter", true, WITH(.jitter = VOUCH_JITTER_NONE)},
    {"jitter", false, WITH(.jitter = VOUCH_JITTER_NONE + 1)},
    {"jitter", false, WITH(.jitter = UINT32_MAX)},
    {"base_ms", false, WITH(.base_ms = -1)},
    {"base_ms", true, WITH(.base_ms = VOUCH_RETRY_MAX_MS)},
    {"base_ms", false, WITH(.base_ms = VOUCH_RETRY_MAX_MS + 1)},
    {"cap_ms", false, WITH(.cap_ms = -1)},
    {"cap_ms", true, WITH(.cap_ms = VOUCH_RETRY_MAX_MS)},
    {"cap_ms", false, WITH(.cap_ms = VOUCH_RETRY_MAX_MS + 1)},
    {"outage_base_ms", false, WITH(.outage_base_ms = INT64_MIN)},
    {"outage_base_ms", true, WITH(.outage_base_ms = VOUCH_RETRY_MAX_MS)},
    {"outage_base_ms", false, WITH(.outage_base_ms = VOUCH_RETRY_MAX_MS + 1)},
    {"budgets", true, WITH(.conflicts = UINT32_MAX, .outages = UINT32_MAX - 1, .age = UINT32_MAX)},
};

#define ROWS ((int)(sizeof rows / sizeof *rows))

START_TEST(a_policy_has_limits_on_both_sides)
{
    vouch_error e;
    vouch_retry_state state = VOUCH_RETRY_STATE_INIT(1);
    int64_t delay = -1;
    vouch_status status = vouch_retry_check(&rows[_i].r, &e);
    ck_assert_int_eq(status, rows[_i].good ? VOUCH_OK : VOUCH_EINVAL);
    ck_assert_int_eq(e.status, status);
    if (rows[_i].good)
        return;
    ck_assert_msg(strstr(e.message, rows[_i].field), "%s", e.message);
    ck_assert(!vouch_retry_next(&rows[_i].r, &state, VOUCH_RETRY_CONFLICT, &delay));
    ck_assert(delay == -1 && state.conflicts == 0); /* nothing is counted */
}
END_TEST

START_TEST(wrong_arguments_are_no)
{
    vouch_retry_state state = VOUCH_RETRY_STATE_INIT(1);
    int64_t delay = -1;
    ck_assert_int_eq(vouch_retry_check(NULL, NULL), VOUCH_OK);
    ck_assert(!vouch_retry_next(NULL, NULL, VOUCH_RETRY_CONFLICT, &delay));
    ck_assert(!vouch_retry_next(NULL, &state, VOUCH_RETRY_CONFLICT, NULL));
    ck_assert(!vouch_retry_next(NULL, &state, (vouch_retry_kind)0, &delay));
    ck_assert(!vouch_retry_next(NULL, &state, (vouch_retry_kind)3, &delay));
    ck_assert(delay == -1 && state.conflicts == 0 && state.outages == 0);
}
END_TEST

/* ---- budgets -------------------------------------------------------------------------------- */

static unsigned steps(const vouch_retry *r, vouch_retry_state *state, vouch_retry_kind kind,
                      unsigned most)
{
    int64_t delay;
    unsigned n = 0;
    while (n < most && vouch_retry_next(r, state, kind, &delay))
        n++;
    return n;
}

START_TEST(each_kind_has_its_budget)
{
    vouch_retry_state state = VOUCH_RETRY_STATE_INIT(7);
    ck_assert_uint_eq(steps(NULL, &state, VOUCH_RETRY_CONFLICT, 100), 16);
    ck_assert_uint_eq(steps(NULL, &state, VOUCH_RETRY_OUTAGE, 100), 8);
    ck_assert(state.conflicts == 17 && state.outages == 9); /* the last ones are counted too */
    vouch_retry r = VOUCH_RETRY_INIT;
    r.conflicts = VOUCH_RETRY_NONE;
    r.outages = 3;
    state = (vouch_retry_state)VOUCH_RETRY_STATE_INIT(7);
    ck_assert_uint_eq(steps(&r, &state, VOUCH_RETRY_CONFLICT, 100), 0);
    ck_assert_uint_eq(steps(&r, &state, VOUCH_RETRY_OUTAGE, 100), 3);
    r.conflicts = 1;
    r.outages = VOUCH_RETRY_NONE;
    state = (vouch_retry_state)VOUCH_RETRY_STATE_INIT(7);
    ck_assert_uint_eq(steps(&r, &state, VOUCH_RETRY_CONFLICT, 100), 1);
    ck_assert_uint_eq(steps(&r, &state, VOUCH_RETRY_OUTAGE, 100), 0);
}
END_TEST

START_TEST(counts_stay_where_they_end)
{
    vouch_retry_state state = VOUCH_RETRY_STATE_INIT(7);
    vouch_retry r = VOUCH_RETRY_INIT;
    int64_t delay;
    r.conflicts = UINT32_MAX - 1; /* the most that is not NONE */
    state.conflicts = UINT32_MAX - 2;
    ck_assert(vouch_retry_next(&r, &state, VOUCH_RETRY_CONFLICT, &delay));
    for (int i = 0; i < 3; i++)
        ck_assert(!vouch_retry_next(&r, &state, VOUCH_RETRY_CONFLICT, &delay));
    ck_assert_uint_eq(state.conflicts, UINT32_MAX);
}
END_TEST

/* ---- waits ---------------------------------------------------------------------------------- */

/* The ceiling of conflict n with base 1 ms and a cap far away, by the header's words. */
static int64_t ceiling_us(unsigned n, unsigned age)
{
    return INT64_C(1000) << ((n - 1) % age);
}

START_TEST(waits_grow_age_and_stay_below_the_cap)
{
    vouch_retry r = VOUCH_RETRY_INIT;
    vouch_retry_state state = VOUCH_RETRY_STATE_INIT(7);
    int64_t delay;
    r.jitter = VOUCH_JITTER_NONE;
    r.conflicts = r.outages = 100;
    for (unsigned n = 1; n <= 100; n++) {
        ck_assert(vouch_retry_next(&r, &state, VOUCH_RETRY_CONFLICT, &delay));
        ck_assert_int_eq(delay, ceiling_us(n, 8));
    }
    for (unsigned n = 1; n <= 100; n++) { /* 20 ms doubled, at most 500 ms; these do not age */
        int64_t want = n <= 5 ? INT64_C(20000) << (n - 1) : 500000;
        ck_assert(vouch_retry_next(&r, &state, VOUCH_RETRY_OUTAGE, &delay));
        ck_assert_int_eq(delay, want < 500000 ? want : 500000);
    }
    r.age = VOUCH_RETRY_NONE;
    r.cap_ms = VOUCH_RETRY_MAX_MS;
    state = (vouch_retry_state)VOUCH_RETRY_STATE_INIT(7);
    for (unsigned n = 1; n <= 100; n++) {
        int64_t want = n <= 27 ? INT64_C(1000) << (n - 1) : VOUCH_RETRY_MAX_MS * 1000;
        ck_assert(vouch_retry_next(&r, &state, VOUCH_RETRY_CONFLICT, &delay));
        ck_assert_int_eq(delay, want);
    }
}
END_TEST

START_TEST(an_age_of_one_never_waits_longer)
{
    vouch_retry r = VOUCH_RETRY_INIT;
    vouch_retry_state state = VOUCH_RETRY_STATE_INIT(7);
    int64_t delay;
    r.jitter = VOUCH_JITTER_NONE;
    r.age = 1;
    for (unsigned n = 1; n <= 16; n++) {
        ck_assert(vouch_retry_next(&r, &state, VOUCH_RETRY_CONFLICT, &delay));
        ck_assert_int_eq(delay, 1000);
    }
}
END_TEST

/* Of each kind, over many draws: within its bounds, and not always the same. */
START_TEST(jitter_is_within_its_bounds)
{
    vouch_retry r = VOUCH_RETRY_INIT;
    vouch_retry_state state = VOUCH_RETRY_STATE_INIT(-1);
    int64_t before = 0, low = INT64_MAX, high = 0;
    r.jitter = (uint32_t)_i;
    r.base_ms = 4;
    r.cap_ms = 64;
    r.conflicts = 100000;
    for (unsigned n = 1; n <= 10000; n++) {
        int64_t delay = -1, ceiling = 4 * ceiling_us(n, 8), floor = 0;
        ck_assert(vouch_retry_next(&r, &state, VOUCH_RETRY_CONFLICT, &delay));
        if (_i == VOUCH_JITTER_DECORRELATED) {
            floor = 4000;
            ceiling = before > 4000 ? 3 * before : 12000;
        }
        if (ceiling > 64000)
            ceiling = 64000;
        if (_i == VOUCH_JITTER_EQUAL)
            floor = ceiling / 2;
        if (delay < floor || delay > ceiling || delay != state.delay_us)
            ck_abort_msg("wait %u is %lld", n, (long long)delay);
        before = delay;
        low = delay < low ? delay : low;
        high = delay > high ? delay : high;
    }
    ck_assert_int_gt(high, 60000);
    ck_assert_int_lt(low, 5000);
}
END_TEST

START_TEST(a_seed_decides_and_states_share_nothing)
{
    vouch_retry_state a = VOUCH_RETRY_STATE_INIT(42), b = VOUCH_RETRY_STATE_INIT(42),
                      c = VOUCH_RETRY_STATE_INIT(43);
    int equal = 0;
    for (int i = 0; i < 16; i++) {
        int64_t da, db, dc;
        ck_assert(vouch_retry_next(NULL, &a, VOUCH_RETRY_CONFLICT, &da));
        ck_assert(vouch_retry_next(NULL, &b, VOUCH_RETRY_CONFLICT, &db));
        ck_assert(vouch_retry_next(NULL, &c, VOUCH_RETRY_CONFLICT, &dc));
        ck_assert_int_eq(da, db);
        equal += da == dc;
    }
    ck_assert_int_lt(equal, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retry_policy");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, a_policy_has_limits_on_both_sides, 0, ROWS);
    tcase_add_test(c, wrong_arguments_are_no);
    tcase_add_test(c, each_kind_has_its_budget);
    tcase_add_test(c, counts_stay_where_they_end);
    tcase_add_test(c, waits_grow_age_and_stay_below_the_cap);
    tcase_add_test(c, an_age_of_one_never_waits_longer);
    tcase_add_loop_test(c, jitter_is_within_its_bounds, 0, VOUCH_JITTER_NONE);
    tcase_add_test(c, a_seed_decides_and_states_share_nothing);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_FORK_GETENV);
}
