/* What the scripts of the rate limiters do when something is not as it should be: arguments, keys, the clock,
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

enum { KINDS = 6, LIMIT = 10 };

#define SECOND INT64_C(1000000)
#define YEAR   (INT64_C(365) * 86400 * SECOND)
#define NOW    INT64_C(4102444800123456) /* in 2100, so that no key comes to its end */

static ts_server *server;
static vouch_client *client;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin(ts_server_kind kind)
{
    char url[TS_URL_MAX];
    ts_server_options o = {.kind = kind};
    server = ts_server_start(&o);
    ck_assert_ptr_nonnull(server);
    expect(vouch_client_open(ts_server_url(server, url, sizeof url), NULL, &client, &error),
           VOUCH_OK);
}

static void begin_redis(void)
{
    begin(TS_REDIS);
}

static void begin_valkey(void)
{
    begin(TS_VALKEY);
}

static void end(void)
{
    vouch_client_close(client);
    ts_server_free(server);
}

static void forget(void)
{
    ts_do(server, "FLUSHALL", NULL);
}

static void set_clock(int64_t now)
{
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    vouch_batch_add(b, "MSET", "s", now / SECOND, "u", now % SECOND);
    expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK);
    vouch_results_free(r);
    vouch_batch_free(b);
}

static vouch_limit_spec spec_of(int kind, int64_t limit, int64_t period)
{
    vouch_limit_spec s = VOUCH_LIMIT_SPEC_INIT;
    s.kind = (vouch_limit_kind)kind;
    s.limit = limit;
    s.period_us = period;
    return s;
}

/* One call at that time, of a limiter with one limit. */
static vouch_limit ask(const vouch_limiter *l, const char *key, int64_t now,
                       vouch_limit_action action, int64_t cost, const char *lease)
{
    vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
    vouch_decision d;
    o.lease = lease;
    set_clock(now);
    expect(vouch_limit_call(client, l, action, VOUCH_ARGS(key), cost, &o, &d, &error), VOUCH_OK);
    return d.all;
}

/* ---- arguments ------------------------------------------------------------------------------ */

enum { WORDS = 2 + 5 * KINDS };

static const char *const keys[] = {"{k}0", "{k}1", "{k}2", "{k}3", "{k}4", "{k}5", "{k}5"};
static const char *const good[WORDS] = {
    "take", "me",                       /* */
    "f",    "10", "1000000", "10", "1", /* */
    "w",    "10", "1000000", "10", "1", /* */
    "l",    "10", "1000000", "10", "1", /* */
    "b",    "10", "1000000", "5",  "1", /* */
    "g",    "10", "1000000", "5",  "1", /* */
    "c",    "10", "1000000", "10", "1",
};

static vouch_script *script_of_all(void)
{
    vouch_limit_spec s[KINDS];
    vouch_script *script = NULL;
    size_t size = 0;
    for (int i = 0; i < KINDS; i++)
        s[i] = spec_of(i + 1, LIMIT, SECOND);
    char *source = limit_source_by_key(s, KINDS, &size);
    expect(vouch_script_new(source, size, NULL, &script, &error), VOUCH_OK);
    free(source);
    return script;
}

static vouch_status call(const vouch_script *s, size_t key_count, const char *const *words,
                         size_t n)
{
    vouch_arg k[7], v[WORDS + 1];
    for (size_t i = 0; i < key_count; i++)
        k[i] = vouch_text(keys[i]);
    for (size_t i = 0; i < n; i++)
        v[i] = vouch_text(words[i]);
    return vouch_script_call(client, s, vouch_args_of(k, key_count), vouch_args_of(v, n), NULL,
                             NULL, &error);
}

/* Refused by the script's own words, and there is nothing but the clock. */
static void refused(vouch_status status, const char *what)
{
    ck_assert_msg(status == VOUCH_ESERVER, "%s is taken", what);
    ck_assert_msg(strstr(error.message, "vouch rate limiter: "), "%s: %s", what, error.message);
    ck_assert_int_eq(ts_int(server, "DBSIZE", NULL), 2);
}

START_TEST(bad_arguments_are_refused_before_anything_is_written)
{
    static const char *const bad[] = {"",     "x",        "-1", "0.5", "1e300",         "nan",
                                      "-inf", "67108865", " ",  "1 2", "31622400000001"};
    vouch_script *s = script_of_all();
    const char *words[WORDS + 1];
    char what[80];
    forget();
    set_clock(NOW);
    for (size_t i = 0; i < WORDS; i++)
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            memcpy(words, good, sizeof good);
            words[i] = bad[j];
            bool fine = (i == 1 && j > 0) ||                   /* any lease will do but none */
                        (i > 1 && (i - 2) % 5 == 2 && j == 7); /* so long a period is one */
            (void)snprintf(what, sizeof what, "argument %zu '%s'", i + 1, bad[j]);
            if (!fine)
                refused(call(s, KINDS, words, WORDS), what);
        }
    memcpy(words, good, sizeof good);
    words[WORDS] = "1";
    refused(call(s, KINDS, words, WORDS + 1), "one more");
    refused(call(s, KINDS, words, WORDS - 1), "one less");
    refused(call(s, KINDS - 1, words, WORDS), "a key less");
    refused(call(s, KINDS + 1, words, WORDS), "a key more");
    refused(call(s, 0, words, 2), "no key at all");
    words[27] = "f"; /* the sixth limit has the key of the fifth */
    memcpy(words + 27, good + 22, 5 * sizeof *good);
    expect(call(s, KINDS, good, WORDS), VOUCH_OK);
    vouch_script_free(s);
}
END_TEST

START_TEST(the_ranges_of_each_kind_hold_in_the_script_too)
{
    /* Limit, period, burst, cost; what is one less is taken. */
    static const struct {
        const char *kind, *limit, *period, *burst, *cost;
    } bad[] = {
        {"f", "0", "1000", "0", "1"},
        {"f", "1", "999", "1", "1"},
        {"f", "67108865", "1000", "67108865", "1"},
        {"w", "5", "1000", "6", "1"},
        {"l", "1000001", "31622400000000", "1000001", "1"},
        {"l", "1001", "1000", "1001", "1"},
        {"b", "1001", "1000", "1001", "1"},
        {"b", "1", "31622400000000", "2", "1"},
        {"g", "1001", "1000", "1001", "1"},
        {"g", "67108863", "31622400000000", "67108864", "1"},
        {"g", "10", "1000", "67108865", "1"},
        {"g", "10", "1000", "10", "67108865"},
        {"c", "100001", "1000", "100001", "1"},
        {"c", "1000", "1000", "1000", "1001"},
    };
    vouch_script *s = script_of_all();
    forget();
    set_clock(NOW);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *words[] = {"take",        "me",         bad[i].kind, bad[i].limit,
                               bad[i].period, bad[i].burst, bad[i].cost};
        refused(call(s, 1, words, 7), bad[i].kind);
    }
    for (int i = 0; i < 2; i++) {
        const char *words[] = {"take",           "me",       i ? "g" : "b", "67108864",
                               "31622400000000", "67108864", "67108864"};
        forget();
        set_clock(NOW);
        expect(call(s, 1, words, 7), VOUCH_OK);
    }
    vouch_script_free(s);
}
END_TEST

/* ---- keys ----------------------------------------------------------------------------------- */

/* The first limit's state is one that has to be put right: not even that is done. */
START_TEST(a_key_that_holds_something_else_stops_all)
{
    static const char *const foreign[] = {"", "f1,2x", "x1,2", "g-1,0", "12"};
    vouch_limit_spec s[2] = {spec_of(VOUCH_LIMIT_GCRA, 10, SECOND), spec_of(_i, 10, SECOND)};
    vouch_limiter *l = limit_by_key(s, 2);
    bool set = _i == VOUCH_LIMIT_SLIDING_LOG || _i == VOUCH_LIMIT_CONCURRENCY;
    vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
    o.lease = _i == VOUCH_LIMIT_CONCURRENCY ? "me" : NULL;
    for (size_t i = 0; i < 1 + sizeof foreign / sizeof *foreign; i++) {
        forget();
        set_clock(NOW);
        ts_do(server, "SET", "{k}a", "g9000000000000000,0", "PX", "3600000", NULL);
        if (i == 0)
            ts_do(server, "LPUSH", "{k}b", "x", NULL);
        else
            ts_do(server, "SET", "{k}b", foreign[i - 1], NULL);
        for (int action = VOUCH_LIMIT_TAKE; action <= VOUCH_LIMIT_RELEASE; action++) {
            vouch_decision d = {.all.allowed = 1};
            expect(vouch_limit_call(client, l, (vouch_limit_action)action,
                                    VOUCH_ARGS("{k}a", "{k}b"), 1, &o, &d, &error),
                   VOUCH_ESERVER);
            ck_assert_int_eq(d.all.allowed, 0);
            ck_assert_str_eq(error.code, i == 0 || set ? "WRONGTYPE" : "ERR");
        }
        char *held = ts_text(server, "GET", "{k}a", NULL);
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
    vouch_limit_spec spec = spec_of(_i, LIMIT, SECOND);
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
            ck_assert_int_ge(ts_int(server, "PTTL", "k", NULL), 0);
        }
    vouch_limiter_free(l);
}
END_TEST

/* A clock that goes to and fro gives no more than one that went as far forward in one go. */
START_TEST(a_clock_that_goes_to_and_fro_gives_nothing)
{
    static const int64_t swings[] = {1, 1000, SECOND / 7, SECOND - 1};
    vouch_limit_spec spec = spec_of(_i, LIMIT, SECOND);
    vouch_limiter *l = limit_by_key(&spec, 1);
    int64_t start = NOW - NOW % SECOND + SECOND / 2;
    for (size_t i = 0; i < sizeof swings / sizeof *swings; i++) {
        int64_t admitted = 0;
        forget();
        for (int turn = 0; turn < 60; turn++) {
            char lease[8];
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
        vouch_limit_spec s = spec_of(_i, limits[i / 4], periods[i % 4]);
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
        ck_assert_int_ne(ts_int(server, "PEXPIRETIME", "k", NULL), -1);
    }
    for (int i = 0; i < 16; i++)
        vouch_limiter_free(l[i]);
}
END_TEST

/* When a key comes to its end it says what its absence says. */
START_TEST(a_key_ends_when_it_says_nothing_any_more)
{
    vouch_limit_spec spec = spec_of(_i, LIMIT, 999983);
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
        int64_t ends = ts_int(server, "PEXPIRETIME", "k", NULL) * 1000;
        ck_assert_int_gt(ends, now);
        vouch_limit there = ask(l, "k", ends, VOUCH_LIMIT_PEEK, LIMIT, lease);
        ts_do(server, "DEL", "k", NULL);
        vouch_limit gone = ask(l, "k", ends, VOUCH_LIMIT_PEEK, LIMIT, lease);
        ck_assert(memcmp(&there, &gone, sizeof there) == 0);
    }
    vouch_limiter_free(l);
}
END_TEST

START_TEST(a_long_log_is_swept_in_pieces_and_counts_right)
{
    enum { LONG = 2500 };
    vouch_limit_spec spec = spec_of(VOUCH_LIMIT_SLIDING_LOG, 2 * LONG, SECOND);
    vouch_limiter *l = limit_by_key(&spec, 1);
    forget();
    for (int i = 0; i < LONG; i++)
        ck_assert_int_eq(ask(l, "k", NOW + i, VOUCH_LIMIT_TAKE, 1, NULL).remaining,
                         2 * LONG - i - 1);
    /* All but the last hundred are over. */
    int64_t now = NOW + SECOND + LONG - 101;
    for (int64_t i = 0; i < 4; i++) {
        vouch_limit d = ask(l, "k", now, VOUCH_LIMIT_TAKE, 1, NULL);
        ck_assert_int_eq(d.remaining, 2 * LONG - 100 - i - 1);
        /* "0" is one of a thousand that go, and comes again; all these are of one microsecond. */
        int64_t left = LONG - 999 * (i + 1) - 1 > 100 ? LONG - 999 * (i + 1) - 1 : 100;
        ck_assert_int_eq(ts_int(server, "ZCARD", "k", NULL), left + 2);
    }
    vouch_limit d = ask(l, "k", now + 10 * SECOND, VOUCH_LIMIT_TAKE, 1, NULL);
    ck_assert_int_eq(d.remaining, 2 * LONG - 1);
    ck_assert_int_eq(ts_int(server, "ZCARD", "k", NULL), 1);
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
        tcase_add_test(c, bad_arguments_are_refused_before_anything_is_written);
        tcase_add_test(c, the_ranges_of_each_kind_hold_in_the_script_too);
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
