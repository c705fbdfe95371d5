/* Rate limiters as they are: every way to call them, what they leave behind, what becomes of them when the
 * connection breaks or memory is short. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)

static struct rig rig;
static vouch_client *client;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin(ts_server_kind kind)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 3, 1000);
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
    rig_stop(&rig);
}

static vouch_limiter *limiter_of(int kind, int64_t limit, int64_t period)
{
    vouch_limit_spec s = VOUCH_LIMIT_SPEC_INIT;
    vouch_limiter *l = NULL;
    s.kind = (vouch_limit_kind)kind;
    s.limit = limit;
    s.period_us = period;
    expect(vouch_limiter_new(&s, 1, NULL, &l, &error), VOUCH_OK);
    return l;
}

static uint64_t trips(void)
{
    vouch_stats stats = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(client, &stats), VOUCH_OK);
    return stats.round_trips;
}

static void is(const vouch_decision *d, int64_t allowed, int64_t remaining)
{
    ck_assert_uint_eq(d->n, 1);
    ck_assert_int_eq(d->all.allowed, allowed);
    ck_assert_int_eq(d->all.limit, 10);
    ck_assert_int_eq(d->all.remaining, remaining);
    ck_assert_int_gt(d->all.reset_after_us, 0);
    ck_assert((d->all.retry_after_us > 0) == (allowed == 0));
}

/* ---- ways to call --------------------------------------------------------------------------- */

START_TEST(it_is_called_in_four_ways)
{
    vouch_limiter *l = limiter_of(VOUCH_LIMIT_GCRA, 10, HOUR);
    vouch_decision d;
    vouch_op *op = NULL;
    uint64_t before = trips();
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1, NULL, &d, &error),
           VOUCH_OK);
    is(&d, 1, 9);
    ck_assert_uint_eq(trips() - before, 2); /* it had to be loaded */
    expect(vouch_limit_start(client, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 2, NULL, &op, &error),
           VOUCH_OK);
    rig_drive(client, op);
    expect(vouch_limit_finish(op, &d, &error), VOUCH_OK);
    is(&d, 1, 7);
    ck_assert_uint_eq(trips() - before, 3);
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(vouch_batch_add_limit(b, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 3, NULL),
                          i);
    expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(vouch_limit_read(vouch_results_at(r, i)->reply, &d));
        is(&d, i < 2, i ? 1 : 4);
    }
    ck_assert_uint_eq(trips() - before, 4);
    vouch_results_free(r);
    vouch_tx_result *t = NULL;
    expect(vouch_transaction_exec(client, b, NULL, &t, &error), VOUCH_OK);
    ck_assert(vouch_limit_read(vouch_tx_result_reply(t, 2), &d));
    is(&d, 0, 1);
    vouch_tx_result_free(t);
    vouch_batch_free(b);
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 11, NULL, &d, &error),
           VOUCH_OK);
    ck_assert_int_eq(d.all.allowed, 0);
    ck_assert_int_eq(d.all.retry_after_us, VOUCH_LIMIT_NEVER);
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_REFUND, VOUCH_ARGS("k"), 11, NULL, &d, &error),
           VOUCH_OK);
    ck_assert_int_eq(d.all.remaining, 10);
    ck_assert_int_eq(d.all.reset_after_us, 0);
    vouch_limiter_free(l);
}
END_TEST

START_TEST(mistakes_are_told_before_anything_is_sent)
{
    vouch_limiter *l = limiter_of(VOUCH_LIMIT_GCRA, 10, HOUR);
    vouch_decision d = {.all.allowed = 1};
    vouch_op *op = NULL;
    uint64_t before = trips();
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), -1, NULL, &d, &error),
           VOUCH_EINVAL);
    ck_assert_int_eq(d.all.allowed, 0);
    expect(vouch_limit_start(client, NULL, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1, NULL, &op, &error),
           VOUCH_EINVAL);
    ck_assert_ptr_null(op);
    expect(vouch_limit_start(client, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1, NULL, NULL, &error),
           VOUCH_EINVAL);
    ck_assert_int_eq(
        vouch_limit_call(NULL, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1, NULL, NULL, NULL),
        VOUCH_EINVAL);
    ck_assert_int_eq(vouch_limit_finish(NULL, NULL, NULL), VOUCH_EINVAL);
    ck_assert_uint_eq(trips(), before);
    vouch_limiter_free(l);
}
END_TEST

static int64_t ask_int(const char *command, const char *key)
{
    const char *words[] = {command, key};
    ts_reply *r = rig_ask(&rig, key ? 2 : 1, words);
    int64_t n = r->integer;
    ck_assert_int_eq(r->type, TS_REPLY_INTEGER);
    ts_reply_free(r);
    return n;
}

/* ---- what may go wrong ---------------------------------------------------------------------- */

/* The reply to the next command is lost. */
static void lose_reply(void)
{
    ts_plan plan = ts_plan_none();
    plan.to_client.cut_after = 1; /* at 0 it would be lost before anything is sent */
    ts_proxy_plan_from_here(rig.proxy, rig_next_connection(&rig) - 1, &plan);
}

START_TEST(what_is_in_doubt_was_counted_or_not_and_is_not_sent_again)
{
    vouch_limiter *l = limiter_of(VOUCH_LIMIT_GCRA, 10, HOUR);
    vouch_decision d;
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1, NULL, &d, &error),
           VOUCH_OK);
    lose_reply();
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 1, NULL, &d, &error),
           VOUCH_EUNKNOWN);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(d.all.allowed, 0);
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_PEEK, VOUCH_ARGS("k"), 1, NULL, &d, &error),
           VOUCH_OK);
    is(&d, 1, 8);
    lose_reply(); /* a peek goes again */
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_PEEK, VOUCH_ARGS("k"), 1, NULL, &d, &error),
           VOUCH_OK);
    is(&d, 1, 8);
    vouch_limiter_free(l);
}
END_TEST

START_TEST(a_lease_is_taken_once_however_often_it_is_asked_for)
{
    vouch_limiter *l = limiter_of(VOUCH_LIMIT_CONCURRENCY, 10, HOUR);
    vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
    vouch_decision d;
    o.lease = "me";
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_PEEK, VOUCH_ARGS("k"), 1, &o, &d, &error),
           VOUCH_OK);
    lose_reply();
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), 3, &o, &d, &error),
           VOUCH_OK);
    is(&d, 1, 7);
    lose_reply();
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_EXTEND, VOUCH_ARGS("k"), 1, &o, &d, &error),
           VOUCH_OK);
    is(&d, 1, 7);
    ck_assert_int_eq(ask_int("ZCARD", "k"), 3);
    o.lease = "another";
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_RELEASE, VOUCH_ARGS("k"), 1, &o, &d, &error),
           VOUCH_OK);
    ck_assert_int_eq(d.all.allowed, 0);
    ck_assert_int_eq(d.all.retry_after_us, VOUCH_LIMIT_NEVER);
    ck_assert_int_eq(d.all.remaining, 7);
    o.lease = "me";
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_RELEASE, VOUCH_ARGS("k"), 1, &o, &d, &error),
           VOUCH_OK);
    ck_assert_int_eq(d.all.allowed, 1);
    ck_assert_int_eq(ask_int("EXISTS", "k"), 0);
    vouch_limiter_free(l);
}
END_TEST

static void config(const char *name, const char *value)
{
    const char *words[] = {"CONFIG", "SET", name, value};
    ts_reply *r = rig_ask(&rig, 4, words);
    ck_assert_int_eq(r->type, TS_REPLY_STATUS);
    ts_reply_free(r);
}

START_TEST(without_memory_it_is_refused_whole)
{
    vouch_limit_spec s[3] = {VOUCH_LIMIT_SPEC_INIT, VOUCH_LIMIT_SPEC_INIT, VOUCH_LIMIT_SPEC_INIT};
    vouch_limiter *l = NULL;
    vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
    vouch_decision d;
    for (int i = 0; i < 3; i++) {
        s[i].kind = (vouch_limit_kind)(2 * i + 1);
        s[i].limit = 10;
        s[i].period_us = HOUR;
    }
    expect(vouch_limiter_new(s, 3, NULL, &l, &error), VOUCH_OK);
    vouch_args keys = VOUCH_ARGS("{k}1", "{k}2", "{k}3");
    o.outages = 1;
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_PEEK, keys, 1, &o, &d, &error), VOUCH_OK);
    config("maxmemory", "1");
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_TAKE, keys, 1, &o, &d, &error), VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_str_eq(error.code, "OOM");
    ck_assert_int_eq(ask_int("DBSIZE", NULL), 0);
    config("maxmemory", "0");
    expect(vouch_limit_call(client, l, VOUCH_LIMIT_TAKE, keys, 1, &o, &d, &error), VOUCH_OK);
    ck_assert_uint_eq(d.n, 3);
    ck_assert_int_eq(d.all.remaining, 9);
    vouch_limiter_free(l);
}
END_TEST

/* ---- what is left behind -------------------------------------------------------------------- */

/* Every key of the database ends; how many there are. */
static size_t check_ends(void)
{
    const char *all[] = {"KEYS", "*"};
    ts_reply *keys = rig_ask(&rig, 2, all);
    size_t n = keys->count;
    for (size_t i = 0; i < n; i++) {
        int64_t ms = ask_int("PTTL", keys->elements[i]->text);
        ck_assert_msg(ms >= 0 || ms == -2, "%s does not end", keys->elements[i]->text);
        ck_assert_int_le(ms, 2 * HOUR / 1000);
    }
    ts_reply_free(keys);
    return n;
}

START_TEST(no_key_is_left_that_does_not_end)
{
    static const int64_t limits[] = {1, 3, 10, 1000}, periods[] = {1000, 20000, SECOND, HOUR};
    unsigned chance = 1;
    size_t seen = 0;
    vouch_limiter *l[6][16];
    for (int i = 0; i < 96; i++)
        l[i / 16][i % 16] = limiter_of(i / 16 + 1, limits[i % 4], periods[i / 4 % 4]);
    for (int turn = 0; turn < 60; turn++) {
        vouch_batch *b = vouch_batch_new();
        vouch_results *r = NULL;
        for (int i = 0; i < 100; i++) {
            char key[24], lease[2] = {0};
            vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
            chance = chance * 1103515245u + 12345u;
            int kind = (int)(chance >> 16) % 6, which = (int)(chance >> 8) & 15,
                action = (int)(chance >> 12) % 8;
            (void)snprintf(key, sizeof key, "%d:%d", kind, which);
            lease[0] = (char)('a' + (chance >> 20) % 5);
            o.lease = kind == 5 ? lease : NULL;
            vouch_batch_add_limit(b, l[kind][which],
                                  action > 4 ? VOUCH_LIMIT_TAKE : (vouch_limit_action)action,
                                  VOUCH_ARGS(key), 1 + (chance >> 24) % 4, &o);
        }
        expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK);
        vouch_results_free(r);
        vouch_batch_free(b);
        seen += check_ends();
    }
    ck_assert_uint_gt(seen, 960);
    for (int i = 0; i < 96; i++)
        vouch_limiter_free(l[i / 16][i % 16]);
}
END_TEST

static Suite *suite(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("limit");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 120);
        tcase_add_checked_fixture(c, servers[i].begin, end);
        tcase_add_test(c, it_is_called_in_four_ways);
        tcase_add_test(c, mistakes_are_told_before_anything_is_sent);
        tcase_add_test(c, what_is_in_doubt_was_counted_or_not_and_is_not_sent_again);
        tcase_add_test(c, a_lease_is_taken_once_however_often_it_is_asked_for);
        tcase_add_test(c, without_memory_it_is_refused_whole);
        tcase_add_test(c, no_key_is_left_that_does_not_end);
        suite_add_tcase(s, c);
    }
    return s;
}

int main(void)
{
    return rig_main(suite());
}
