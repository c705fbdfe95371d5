/* Rate limiters without a server: what limits and calls are taken, what is refused and in which words. */
#include "command/batch.h"
#include "ratelimit/limiter.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static vouch_error error;

/* ---- limits --------------------------------------------------------------------------------- */

#define SECOND INT64_C(1000000)
#define LONG   VOUCH_LIMIT_PERIOD_MAX_US
#define MOST   VOUCH_LIMIT_MAX

/* Both sides of everything that is checked. */
static const struct {
    int kind;
    int64_t limit, period, burst;
    vouch_status want;
    const char *says;
} ranges[] = {
    {VOUCH_LIMIT_FIXED_WINDOW, 1, 1000, 0, VOUCH_OK, ""},
    {VOUCH_LIMIT_FIXED_WINDOW, 0, 1000, 0, VOUCH_EINVAL, "limit:"},
    {VOUCH_LIMIT_FIXED_WINDOW, -1, 1000, 0, VOUCH_EINVAL, "limit:"},
    {VOUCH_LIMIT_FIXED_WINDOW, INT64_MIN, 1000, 0, VOUCH_EINVAL, "limit:"},
    {VOUCH_LIMIT_FIXED_WINDOW, 1, 999, 0, VOUCH_EINVAL, "period_us:"},
    {VOUCH_LIMIT_FIXED_WINDOW, 1, INT64_MIN, 0, VOUCH_EINVAL, "period_us:"},
    {VOUCH_LIMIT_FIXED_WINDOW, MOST, LONG, 0, VOUCH_OK, ""},
    {VOUCH_LIMIT_FIXED_WINDOW, MOST + 1, LONG, 0, VOUCH_ELIMIT, "limit:"},
    {VOUCH_LIMIT_FIXED_WINDOW, MOST, LONG + 1, 0, VOUCH_ELIMIT, "period_us:"},
    {VOUCH_LIMIT_FIXED_WINDOW, INT64_MAX, INT64_MAX, 0, VOUCH_ELIMIT, "limit:"},
    {VOUCH_LIMIT_FIXED_WINDOW, 5, 1000, 5, VOUCH_EINVAL, "burst:"},
    {VOUCH_LIMIT_SLIDING_WINDOW, MOST, 1000, 0, VOUCH_OK, ""},
    {VOUCH_LIMIT_SLIDING_WINDOW, MOST, LONG, 0, VOUCH_OK, ""},
    {VOUCH_LIMIT_SLIDING_WINDOW, MOST + 1, LONG, 0, VOUCH_ELIMIT, "limit:"},
    {VOUCH_LIMIT_SLIDING_WINDOW, 5, 1000, 1, VOUCH_EINVAL, "burst:"},
    {VOUCH_LIMIT_SLIDING_LOG, 1000000, 1000000, 0, VOUCH_OK, ""},
    {VOUCH_LIMIT_SLIDING_LOG, 1000000, 999999, 0, VOUCH_ELIMIT, "one a microsecond"},
    {VOUCH_LIMIT_SLIDING_LOG, 1000001, LONG, 0, VOUCH_ELIMIT, "limit:"},
    {VOUCH_LIMIT_SLIDING_LOG, 1, 1000, 1, VOUCH_EINVAL, "burst:"},
    {VOUCH_LIMIT_TOKEN_BUCKET, 10, SECOND, 0, VOUCH_OK, ""},
    {VOUCH_LIMIT_TOKEN_BUCKET, 10, SECOND, 1, VOUCH_OK, ""},
    {VOUCH_LIMIT_TOKEN_BUCKET, 10, SECOND, -1, VOUCH_EINVAL, "burst:"},
    {VOUCH_LIMIT_TOKEN_BUCKET, 1001, 1000, 0, VOUCH_ELIMIT, "one a microsecond"},
    {VOUCH_LIMIT_TOKEN_BUCKET, 1000, 1000, MOST, VOUCH_OK, ""},
    {VOUCH_LIMIT_TOKEN_BUCKET, 1000, 1000, MOST + 1, VOUCH_ELIMIT, "burst:"},
    {VOUCH_LIMIT_GCRA, MOST, MOST, 0, VOUCH_OK, ""},
    {VOUCH_LIMIT_GCRA, MOST, MOST - 1, 0, VOUCH_ELIMIT, "one a microsecond"},
    {VOUCH_LIMIT_GCRA, MOST, LONG, MOST, VOUCH_OK, ""},
    {VOUCH_LIMIT_GCRA, MOST - 1, LONG, MOST, VOUCH_ELIMIT, "burst:"},
    {VOUCH_LIMIT_GCRA, 1, LONG, 1, VOUCH_OK, ""},
    {VOUCH_LIMIT_GCRA, 1, LONG, 2, VOUCH_ELIMIT, "burst:"},
    {VOUCH_LIMIT_GCRA, 1, LONG / 2, 2, VOUCH_OK, ""},
    {VOUCH_LIMIT_GCRA, 1, LONG, MOST, VOUCH_ELIMIT, "burst:"},
    {VOUCH_LIMIT_GCRA, 10, SECOND, INT64_MAX, VOUCH_ELIMIT, "burst:"},
    {VOUCH_LIMIT_CONCURRENCY, 100000, LONG, 0, VOUCH_OK, ""},
    {VOUCH_LIMIT_CONCURRENCY, 100001, LONG, 0, VOUCH_ELIMIT, "limit:"},
    {VOUCH_LIMIT_CONCURRENCY, 5, LONG + 1, 0, VOUCH_ELIMIT, "period_us:"},
    {VOUCH_LIMIT_CONCURRENCY, 5, SECOND, 1, VOUCH_EINVAL, "burst:"},
    {0, 5, SECOND, 0, VOUCH_EINVAL, "kind:"},
    {7, 5, SECOND, 0, VOUCH_EINVAL, "kind:"},
};

static vouch_limit_spec spec_of(int kind, int64_t limit, int64_t period)
{
    vouch_limit_spec s = VOUCH_LIMIT_SPEC_INIT;
    s.kind = (vouch_limit_kind)kind;
    s.limit = limit;
    s.period_us = period;
    return s;
}

START_TEST(ranges_are_checked_on_both_sides)
{
    vouch_limiter *l = NULL;
    vouch_limit_spec s[2] = {
        spec_of(VOUCH_LIMIT_GCRA, 1, SECOND),
        spec_of(ranges[_i].kind, ranges[_i].limit, ranges[_i].period),
    };
    s[1].burst = ranges[_i].burst;
    vouch_status status = vouch_limiter_new(s, 2, NULL, &l, &error);
    ck_assert_msg(status == ranges[_i].want, "%s: %s", vouch_status_name(status), error.message);
    ck_assert((l != NULL) == (status == VOUCH_OK));
    ck_assert_int_eq(error.status, status);
    if (status) {
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ck_assert_msg(strstr(error.message, "limit 1: "), "%s", error.message);
        ck_assert_msg(strstr(error.message, ranges[_i].says), "%s", error.message);
    }
    vouch_limiter_free(l);
}
END_TEST

static vouch_status make(const vouch_limit_spec *s, size_t n, const vouch_limiter_options *o)
{
    vouch_limiter *l = NULL;
    vouch_status status = vouch_limiter_new(s, n, o, &l, &error);
    vouch_limiter_free(l);
    return status;
}

START_TEST(what_is_no_limiter_is_refused)
{
    vouch_limit_spec s[VOUCH_LIMITS_MAX + 1];
    char name[VOUCH_SCRIPT_NAME_MAX + 1];
    vouch_limiter_options o = VOUCH_LIMITER_OPTIONS_INIT;
    for (size_t i = 0; i <= VOUCH_LIMITS_MAX; i++)
        s[i] = spec_of(VOUCH_LIMIT_GCRA, 1, SECOND);
    ck_assert_int_eq(make(s, VOUCH_LIMITS_MAX, &o), VOUCH_OK);
    ck_assert_int_eq(make(s, VOUCH_LIMITS_MAX + 1, &o), VOUCH_ELIMIT);
    ck_assert_int_eq(make(s, 0, &o), VOUCH_EINVAL);
    ck_assert_int_eq(make(NULL, 1, &o), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_limiter_new(s, 1, &o, NULL, &error), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_limiter_new(s, 0, &o, NULL, NULL), VOUCH_EINVAL);
    o.size = 0;
    ck_assert_int_eq(make(s, 1, &o), VOUCH_EINVAL);
    o.size = sizeof o;
    o.reserved = 1;
    ck_assert_int_eq(make(s, 1, &o), VOUCH_EINVAL);
    o.reserved = 0;
    memset(name, 'n', sizeof name);
    o.name = name;
    name[VOUCH_SCRIPT_NAME_MAX - 1] = 0;
    ck_assert_int_eq(make(s, 1, &o), VOUCH_OK);
    name[VOUCH_SCRIPT_NAME_MAX - 1] = 'n';
    name[VOUCH_SCRIPT_NAME_MAX] = 0;
    ck_assert_int_eq(make(s, 1, &o), VOUCH_ELIMIT);
    s[0].reserved = 1;
    ck_assert_int_eq(make(s, 1, NULL), VOUCH_EINVAL);
    s[0].reserved = 0;
    s[0].reserved2[3] = 1;
    ck_assert_int_eq(make(s, 1, NULL), VOUCH_EINVAL);
    vouch_limiter_free(NULL);
}
END_TEST

/* ---- calls ---------------------------------------------------------------------------------- */

static vouch_limiter *limiter_of(int first, int second)
{
    vouch_limit_spec s[2] = {spec_of(first, 5, SECOND), spec_of(second, 5, SECOND)};
    vouch_limiter *l = NULL;
    ck_assert_int_eq(vouch_limiter_new(s, second ? 2 : 1, NULL, &l, &error), VOUCH_OK);
    return l;
}

/* Adds a call to a batch, and tells what the batch says then. */
static vouch_status add(const vouch_limiter *l, int action, vouch_args keys, int64_t cost,
                        const vouch_limit_options *o)
{
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "PING");
    size_t index = vouch_batch_add_limit(b, l, (vouch_limit_action)action, keys, cost, o);
    vouch_status status = vouch_batch_error(b, &error);
    ck_assert_uint_eq(index, status ? VOUCH_NO_COMMAND : 1);
    ck_assert_uint_eq(vouch_batch_count(b), status ? 1 : 2);
    if (status)
        ck_assert_uint_eq(error.command, 1);
    vouch_batch_free(b);
    return status;
}

static void refused(vouch_status status, vouch_status want, const char *words)
{
    ck_assert_int_eq(status, want);
    ck_assert_msg(strstr(error.message, words), "%s", error.message);
}

START_TEST(keys_are_one_for_each_limit_different_and_in_one_slot)
{
    vouch_limiter *l = limiter_of(VOUCH_LIMIT_GCRA, VOUCH_LIMIT_SLIDING_LOG);
    ck_assert_int_eq(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("{a}1", "{a}2"), 1, NULL), VOUCH_OK);
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("a1", "b2"), 1, NULL), VOUCH_EINVAL,
            "'a1' and 'b2'");
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("{a}1", "{a}1"), 1, NULL), VOUCH_EINVAL,
            "both '{a}1'");
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("{a}1"), 1, NULL), VOUCH_EINVAL,
            "1 keys for 2 limits");
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("{a}1", "{a}2", "{a}3"), 1, NULL), VOUCH_EINVAL,
            "3 keys");
    refused(add(l, VOUCH_LIMIT_TAKE, vouch_args_of(NULL, 2), 1, NULL), VOUCH_EINVAL, "keys");
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("x", vouch_text(NULL)), 1, NULL), VOUCH_EINVAL,
            "key 1: NULL");
    /* Numbers are keys as they are sent, and bytes whatever they are. */
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS(12, "12"), 1, NULL), VOUCH_EINVAL, "both '12'");
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS(1.5, -3), 1, NULL), VOUCH_EINVAL, "'1.5' and '-3'");
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS(7u, vouch_bytes("7", 1)), 1, NULL), VOUCH_EINVAL,
            "both '7'");
    ck_assert_int_eq(add(l, VOUCH_LIMIT_TAKE,
                         VOUCH_ARGS(vouch_bytes("{\0}a", 4), vouch_bytes("{\0}b", 4)), 1, NULL),
                     VOUCH_OK);
    vouch_limiter_free(l);
}
END_TEST

START_TEST(costs_and_actions_are_checked_on_both_sides)
{
    vouch_limiter *l = limiter_of(VOUCH_LIMIT_GCRA, 0);
    vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
    int64_t costs[] = {MOST};
    ck_assert_int_eq(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 0, NULL), VOUCH_OK);
    ck_assert_int_eq(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), MOST, NULL), VOUCH_OK);
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), -1, NULL), VOUCH_EINVAL, "cost");
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), MOST + 1, NULL), VOUCH_ELIMIT, "cost");
    o.costs = costs; /* instead of the cost */
    ck_assert_int_eq(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), -1, &o), VOUCH_OK);
    costs[0]++;
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1, &o), VOUCH_ELIMIT, "cost");
    o.costs = NULL;
    o.size = 0;
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1, &o), VOUCH_EINVAL, "size");
    ck_assert_int_eq(add(l, VOUCH_LIMIT_RELEASE, VOUCH_ARGS("k"), 1, NULL), VOUCH_OK);
    refused(add(l, VOUCH_LIMIT_RELEASE + 1, VOUCH_ARGS("k"), 1, NULL), VOUCH_EINVAL, "action");
    refused(add(l, -1, VOUCH_ARGS("k"), 1, NULL), VOUCH_EINVAL, "action");
    refused(add(NULL, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1, NULL), VOUCH_EINVAL, "limiter is NULL");
    vouch_limiter_free(l);
    l = limiter_of(VOUCH_LIMIT_CONCURRENCY, 0);
    o.size = sizeof o;
    o.lease = "me";
    ck_assert_int_eq(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1000, &o), VOUCH_OK);
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1001, &o), VOUCH_ELIMIT,
            "VOUCH_LEASE_COST_MAX");
    vouch_limiter_free(l);
}
END_TEST

START_TEST(leases_are_named_where_they_are_needed)
{
    static const char longest[VOUCH_LEASE_MAX + 1];
    vouch_limiter *l = limiter_of(VOUCH_LIMIT_CONCURRENCY, VOUCH_LIMIT_GCRA);
    vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
    vouch_args keys = VOUCH_ARGS("{k}1", "{k}2");
    int64_t costs[] = {0, 1};
    for (int a = VOUCH_LIMIT_TAKE; a <= VOUCH_LIMIT_RELEASE; a++) {
        o.lease = NULL;
        if (a == VOUCH_LIMIT_PEEK)
            ck_assert_int_eq(add(l, a, keys, 1, &o), VOUCH_OK);
        else
            refused(add(l, a, keys, 1, &o), VOUCH_EINVAL, "needs a name");
        o.lease = "";
        if (a != VOUCH_LIMIT_PEEK)
            refused(add(l, a, keys, 1, &o), VOUCH_EINVAL, "needs a name");
        o.lease = "me";
        ck_assert_int_eq(add(l, a, keys, 1, &o), VOUCH_OK);
    }
    o.lease = NULL;
    o.costs = costs; /* none is taken */
    ck_assert_int_eq(add(l, VOUCH_LIMIT_TAKE, keys, 1, &o), VOUCH_OK);
    o.costs = NULL;
    o.lease = longest;
    o.lease_size = VOUCH_LEASE_MAX;
    ck_assert_int_eq(add(l, VOUCH_LIMIT_TAKE, keys, 1, &o), VOUCH_OK);
    o.lease_size++;
    refused(add(l, VOUCH_LIMIT_TAKE, keys, 1, &o), VOUCH_ELIMIT, "VOUCH_LEASE_MAX");
    vouch_limiter_free(l);
    l = limiter_of(VOUCH_LIMIT_GCRA, 0);
    o.lease_size = 0;
    o.lease = "me";
    refused(add(l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1, &o), VOUCH_EINVAL, "CONCURRENCY");
    vouch_limiter_free(l);
}
END_TEST

START_TEST(the_first_error_of_a_batch_stays)
{
    vouch_limiter *l = limiter_of(VOUCH_LIMIT_GCRA, 0);
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "AUTH", "x");
    (void)vouch_batch_add_limit(b, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), -1, NULL);
    ck_assert_int_eq(vouch_batch_error(b, &error), VOUCH_EINVAL);
    ck_assert_ptr_null(strstr(error.message, "cost"));
    vouch_batch_clear(b);
    (void)vouch_batch_add_limit(b, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), -1, NULL);
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), VOUCH_NO_COMMAND);
    refused(vouch_batch_error(b, &error), VOUCH_EINVAL, "command 0 of the batch: cost");
    vouch_batch_free(b);
    vouch_limiter_free(l);
}
END_TEST

START_TEST(what_may_run_twice_is_known)
{
    vouch_limiter *leases = limiter_of(VOUCH_LIMIT_CONCURRENCY, 0),
                  *both = limiter_of(VOUCH_LIMIT_CONCURRENCY, VOUCH_LIMIT_GCRA);
    vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
    o.lease = "me";
    static const bool want[2][5] = {{true, true, false, true, false},
                                    {false, true, false, true, false}};
    for (int i = 0; i < 10; i++) {
        struct limit_words w;
        vouch_args keys = VOUCH_ARGS("{k}1", "{k}2");
        keys.n = i < 5 ? 1 : 2;
        ck_assert_int_eq(limit_words(i < 5 ? leases : both, (vouch_limit_action)(i % 5), keys, 1,
                                     &o, &w, &error),
                         VOUCH_OK);
        ck_assert_msg(w.repeatable == want[i / 5][i % 5], "action %d", i % 5);
    }
    vouch_limiter_free(leases);
    vouch_limiter_free(both);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("limiter");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, ranges_are_checked_on_both_sides, 0, sizeof ranges / sizeof *ranges);
    tcase_add_test(c, what_is_no_limiter_is_refused);
    tcase_add_test(c, keys_are_one_for_each_limit_different_and_in_one_slot);
    tcase_add_test(c, costs_and_actions_are_checked_on_both_sides);
    tcase_add_test(c, leases_are_named_where_they_are_needed);
    tcase_add_test(c, the_first_error_of_a_batch_stays);
    tcase_add_test(c, what_may_run_twice_is_known);
    suite_add_tcase(s, c);
    return suite_run(s, CK_NOFORK);
}
