/* What the scripts of the rate limiters do when something is not as it should be: keys, the clock,
 * limits that were changed, logs that were left alone for long. The clock is in a key. */
#include "base.h"
#include "limit_clock.h"
#include "server.h"
#include "suite.h"
#include "truth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

enum { LIMIT = 10 };

#define SECOND INT64_C(1000000)
#define YEAR   (INT64_C(365) * 86400 * SECOND)
#define NOW    INT64_C(4102444800123456) /* in 2100, so that no key comes to its end */

static struct limit_stage stage;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

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

static void forget(void)
{
    ts_do(stage.server, "FLUSHALL", NULL);
}

/* One call at that time, of a limiter with one limit. */
static vouch_limit ask(const vouch_limiter *l, const char *key, int64_t now,
                       vouch_limit_action action, int64_t cost, const char *lease)
{
    vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
    vouch_decision d;
    o.lease = lease;
    limit_set_clock(&stage, now);
    expect(vouch_limit_call(stage.client, l, action, VOUCH_ARGS(key), cost, &o, &d, &error),
           VOUCH_OK);
    return d.all;
}

/* ---- keys ----------------------------------------------------------------------------------- */

/* The first limit's state is one that has to be put right: not even that is done. */
START_TEST(a_key_that_holds_something_else_stops_all)
{
    static const char *const foreign[] = {"", "f1,2x", "x1,2", "g-1,0", "12"};
    vouch_limit_spec s[2] = {limit_spec(VOUCH_LIMIT_GCRA, 10, SECOND), limit_spec(_i, 10, SECOND)};
    vouch_limiter *l = limit_by_key(s, 2);
    bool set = _i == VOUCH_LIMIT_SLIDING_LOG || _i == VOUCH_LIMIT_CONCURRENCY;
    vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
    o.lease = _i == VOUCH_LIMIT_CONCURRENCY ? "me" : NULL;
    for (size_t i = 0; i < 1 + sizeof foreign / sizeof *foreign; i++) {
        forget();
        limit_set_clock(&stage, NOW);
        ts_do(stage.server, "SET", "{k}a", "g9000000000000000,0", "PX", "3600000", NULL);
        if (i == 0)
            ts_do(stage.server, "LPUSH", "{k}b", "x", NULL);
        else
            ts_do(stage.server, "SET", "{k}b", foreign[i - 1], NULL);
        for (int action = VOUCH_LIMIT_TAKE; action <= VOUCH_LIMIT_RELEASE; action++) {
            vouch_decision d = {.all.allowed = 1};
            expect(vouch_limit_call(stage.client, l, (vouch_limit_action)action,
                                    VOUCH_ARGS("{k}a", "{k}b"), 1, &o, &d, &error),
                   VOUCH_ESERVER);
            ck_assert_int_eq(d.all.allowed, 0);
            ck_assert_str_eq(error.code, i == 0 || set ? "WRONGTYPE" : "ERR");
        }
        char *held = ts_text(stage.server, "GET", "{k}a", NULL);
        ck_assert_str_eq(held, "g9000000000000000,0");
        free(held);
    }
    vouch_limiter_free(l);
}
END_TEST

/* ---- the clock ------------------------------------------------------------------------------ */

/* How long one waits at most for one more, when all is used up and no clock goes wrong. */
static int64_t longest(int kind, int64_t period)
{
    return kind == VOUCH_LIMIT_SLIDING_WINDOW ? 2 * period : period;
}

/* All is used, then the clock goes back: at most so much longer one waits as it went back, and never longer
 * than twice a whole period; what is admitted meanwhile is never more than without the step. */
START_TEST(a_clock_set_back_gives_nothing_and_locks_nobody_out)
{
    static const int64_t steps[] = {1,          1000,          SECOND / 3, SECOND,
                                    3 * SECOND, 3600 * SECOND, 40 * YEAR};
    vouch_limit_spec spec = limit_spec(_i, LIMIT, SECOND);
    vouch_limiter *l = limit_by_key(&spec, 1);
    const char *lease = _i == VOUCH_LIMIT_CONCURRENCY ? "first" : NULL,
               *other = lease ? "second" : NULL;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        for (int first = 0; first < 2; first++) { /* what finds out: a peek, a take */
            int64_t back = NOW - steps[i];
            forget();
            ck_assert_int_eq(ask(l, "k", NOW, VOUCH_LIMIT_TAKE, LIMIT, lease).allowed, 1);
            vouch_limit d =
                ask(l, "k", back, first ? VOUCH_LIMIT_TAKE : VOUCH_LIMIT_PEEK, 1, other);
            int64_t most = longest(_i, SECOND);
            ck_assert_int_eq(d.allowed, 0);
            ck_assert_int_gt(d.retry_after_us, 0);
            ck_assert_int_le(d.retry_after_us, most + (steps[i] < SECOND ? steps[i] : SECOND));
            /* Kept, whatever was said, until then; and not a moment longer. */
            int64_t then = back + d.retry_after_us;
            ck_assert_int_eq(ask(l, "k", then - 1, VOUCH_LIMIT_TAKE, 1, other).allowed, 0);
            ck_assert_int_eq(ask(l, "k", then, VOUCH_LIMIT_TAKE, 1, other).allowed, 1);
            ck_assert_int_ge(ts_int(stage.server, "PTTL", "k", NULL), 0);
        }
    vouch_limiter_free(l);
}
END_TEST

/* A clock that goes to and fro gives no more than one that went as far forward in one go. */
START_TEST(a_clock_that_goes_to_and_fro_gives_nothing)
{
    static const int64_t swings[] = {1, 1000, SECOND / 7, SECOND - 1};
    vouch_limit_spec spec = limit_spec(_i, LIMIT, SECOND);
    vouch_limiter *l = limit_by_key(&spec, 1);
    int64_t start = NOW - NOW % SECOND + SECOND / 2;
    for (size_t i = 0; i < sizeof swings / sizeof *swings; i++) {
        int64_t admitted = 0;
        forget();
        for (int turn = 0; turn < 60; turn++) {
            char lease[16];
            (void)snprintf(lease, sizeof lease, "%d", turn);
            admitted += ask(l, "k", turn % 2 ? start - swings[i] : start, VOUCH_LIMIT_TAKE, 1,
                            _i == VOUCH_LIMIT_CONCURRENCY ? lease : NULL)
                            .allowed;
        }
        ck_assert_int_eq(admitted, LIMIT);
    }
    vouch_limiter_free(l);
}
END_TEST

/* ---- changes and long absence --------------------------------------------------------------- */

/* Whatever a key was used for before: the answers are sane, and the time that is told holds. */
START_TEST(a_limit_that_is_changed_in_use_stays_a_limit)
{
    static const int64_t limits[] = {1, 3, 10, 1000},
                         periods[] = {1000, 999983, SECOND, 60 * SECOND};
    vouch_limiter *l[16];
    int64_t now = NOW;
    unsigned chance = (unsigned)_i;
    const char *lease = _i == VOUCH_LIMIT_CONCURRENCY ? "me" : NULL;
    for (int i = 0; i < 16; i++) {
        vouch_limit_spec s = limit_spec(_i, limits[i / 4], periods[i % 4]);
        l[i] = limit_by_key(&s, 1);
        ck_assert_ptr_nonnull(l[i]);
    }
    forget();
    for (int turn = 0; turn < 500; turn++) {
        chance = chance * 1103515245u + 12345u;
        int i = chance >> 16 & 15;
        int64_t period = periods[i % 4], limit = limits[i / 4], cost = 1 + (chance >> 20) % limit;
        now += (chance >> 8) % (period / 2);
        vouch_limit d = ask(l[i], "k", now, VOUCH_LIMIT_TAKE, cost, lease);
        ck_assert_int_le(d.remaining, limit);
        ck_assert_int_le(d.reset_after_us, 2 * period);
        ck_assert_int_le(d.retry_after_us, longest(_i, period) + period);
        if (!d.allowed) {
            now += d.retry_after_us;
            ck_assert_int_eq(ask(l[i], "k", now, VOUCH_LIMIT_TAKE, cost, lease).allowed, 1);
        }
        ck_assert_int_ne(ts_int(stage.server, "PEXPIRETIME", "k", NULL), -1);
    }
    for (int i = 0; i < 16; i++)
        vouch_limiter_free(l[i]);
}
END_TEST

/* When a key comes to its end it says what its absence says. */
START_TEST(a_key_ends_when_it_says_nothing_any_more)
{
    vouch_limit_spec spec = limit_spec(_i, LIMIT, 999983);
    vouch_limiter *l = limit_by_key(&spec, 1);
    const char *lease = _i == VOUCH_LIMIT_CONCURRENCY ? "me" : NULL;
    unsigned chance = 1;
    for (int turn = 0; turn < 50; turn++) {
        int64_t now = NOW;
        forget();
        for (int i = 0; i < 5; i++) {
            chance = chance * 1103515245u + 12345u;
            (void)ask(l, "k", now += chance >> 14, VOUCH_LIMIT_TAKE, 1 + (chance >> 8) % 4, lease);
        }
        int64_t ends = ts_int(stage.server, "PEXPIRETIME", "k", NULL) * 1000;
        ck_assert_int_gt(ends, now);
        vouch_limit there = ask(l, "k", ends, VOUCH_LIMIT_PEEK, LIMIT, lease);
        ts_do(stage.server, "DEL", "k", NULL);
        vouch_limit gone = ask(l, "k", ends, VOUCH_LIMIT_PEEK, LIMIT, lease);
        ck_assert(memcmp(&there, &gone, sizeof there) == 0);
    }
    vouch_limiter_free(l);
}
END_TEST

START_TEST(a_long_log_is_swept_in_pieces_and_counts_right)
{
    const int64_t entries = 2500;
    vouch_limit_spec spec = limit_spec(VOUCH_LIMIT_SLIDING_LOG, 2 * entries, SECOND);
    vouch_limiter *l = limit_by_key(&spec, 1);
    forget();
    for (int64_t i = 0; i < entries; i++)
        ck_assert_int_eq(ask(l, "k", NOW + i, VOUCH_LIMIT_TAKE, 1, NULL).remaining,
                         2 * entries - i - 1);
    /* All but the last hundred are over. */
    int64_t now = NOW + SECOND + entries - 101;
    for (int64_t i = 0; i < 4; i++) {
        vouch_limit d = ask(l, "k", now, VOUCH_LIMIT_TAKE, 1, NULL);
        ck_assert_int_eq(d.remaining, 2 * entries - 100 - i - 1);
        /* "0" is one of a thousand that go, and comes again; all these are of one microsecond. */
        int64_t left = entries - 999 * (i + 1) - 1 > 100 ? entries - 999 * (i + 1) - 1 : 100;
        ck_assert_int_eq(ts_int(stage.server, "ZCARD", "k", NULL), left + 2);
    }
    vouch_limit d = ask(l, "k", now + 10 * SECOND, VOUCH_LIMIT_TAKE, 1, NULL);
    ck_assert_int_eq(d.remaining, 2 * entries - 1);
    ck_assert_int_eq(ts_int(stage.server, "ZCARD", "k", NULL), 1);
    vouch_limiter_free(l);
}
END_TEST

static void add_kinds(TCase *c, const TTest *t)
{
    tcase_add_loop_test(c, t, VOUCH_LIMIT_FIXED_WINDOW, VOUCH_LIMIT_CONCURRENCY + 1);
}

static Suite *suite(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("limit_script");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 240);
        tcase_add_unchecked_fixture(c, servers[i].begin, end);
        tcase_add_test(c, a_long_log_is_swept_in_pieces_and_counts_right);
        add_kinds(c, a_key_that_holds_something_else_stops_all);
        add_kinds(c, a_clock_set_back_gives_nothing_and_locks_nobody_out);
        add_kinds(c, a_clock_that_goes_to_and_fro_gives_nothing);
        add_kinds(c, a_limit_that_is_changed_in_use_stays_a_limit);
        add_kinds(c, a_key_ends_when_it_says_nothing_any_more);
        suite_add_tcase(s, c);
    }
    return s;
}

int main(void)
{
    return suite_run(suite(), CK_NOFORK);
}
