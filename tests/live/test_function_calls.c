/* Calls of functions where the server has another version, or lost it in the middle; libraries whose names
 * are computed. */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;
static vouch_call *call;

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
    vouch_call_free(call);
    call = NULL;
    vouch_client_close(client);
    rig_stop(&rig);
}

static void anew(void)
{
    vouch_client_close(client);
    client = rig_client(&rig, 3, 1000);
}

static vouch_status run(const vouch_library *l, const char *function, int amount)
{
    vouch_call_free(call);
    return vouch_function_call(client, l, function, VOUCH_ARGS("k"), VOUCH_ARGS(amount), NULL,
                               &call, &error);
}

static int64_t held(const char *key)
{
    int64_t n = ts_int(rig.server, "GET", key, NULL);
    return n == TS_NIL ? 0 : n;
}

static uint64_t trips(void)
{
    vouch_stats stats = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(client, &stats), VOUCH_OK);
    return stats.round_trips;
}

static const char plain[] = "#!lua name=bank\n"
                            "redis.register_function('deposit', function(keys, args)\n"
                            "  return redis.call('INCRBY', keys[1], args[1])\n"
                            "end)\n"
                            "redis.register_function('draw', function(keys, args)\n"
                            "  return redis.call('DECRBY', keys[1], args[1])\n"
                            "end)\n";

static vouch_library *bank(bool honest)
{
    vouch_library_options o = VOUCH_LIBRARY_OPTIONS_INIT;
    o.honest = honest;
    return shelf_library(plain, &o);
}

/* ---- lost in the middle --------------------------------------------------------------------- */

static vouch_batch *flushed_in_the_middle(const vouch_library *l, size_t flushes)
{
    vouch_batch *b = vouch_batch_new();
    for (size_t i = 0; i <= flushes; i++) {
        for (int k = 0; k < 3; k++)
            vouch_batch_add_function(b, l, "deposit", VOUCH_ARGS("k"), VOUCH_ARGS(1));
        if (i < flushes)
            vouch_batch_add(b, "FUNCTION", "FLUSH");
    }
    return b;
}

/* Whoever had loaded it before, and whatever this connection knew: a flush is no reason to fail. */
START_TEST(a_flush_in_the_middle_of_a_pipeline)
{
    for (int turn = 0; turn < 8; turn++) {
        vouch_library *l = bank(turn & 1);
        bool there = turn & 2, known = turn & 4;
        vouch_results *r = NULL;
        shelf_clear(rig.server);
        ts_do(rig.server, "DEL", "k", NULL);
        if (there)
            shelf_put(rig.server, plain);
        anew();
        if (known) {
            shelf_expect(run(l, "deposit", 0), VOUCH_OK, error);
        }
        vouch_batch *b = flushed_in_the_middle(l, 1);
        vouch_status status = vouch_pipeline_run(client, b, NULL, &r, &error);
        ck_assert_msg(status == VOUCH_OK, "honest %d, there %d, known %d: %s", turn & 1, there,
                      known, error.message);
        ck_assert_int_eq(held("k"), 6);
        for (size_t i = 4, want = 4; i < 7; i++, want++) {
            int64_t n = 0;
            ck_assert(vouch_reply_int64(vouch_results_at(r, i)->reply, &n));
            ck_assert_int_eq(n, (int64_t)want);
        }
        vouch_results_free(r);
        vouch_batch_free(b);
        vouch_library_free(l);
    }
}
END_TEST

/* FUNCTION DELETE is no other than a flush. */
START_TEST(deleted_by_another)
{
    vouch_library *l = bank(true), *m = bank(false);
    for (int turn = 1; turn <= 4; turn++) {
        shelf_expect(run(turn % 2 ? l : m, "deposit", 1), VOUCH_OK, error);
        ck_assert_int_eq(held("k"), turn);
        ts_do(rig.server, "FUNCTION", "DELETE", "bank", NULL);
    }
    vouch_library_free(l);
    vouch_library_free(m);
}
END_TEST

/* ---- another version ------------------------------------------------------------------------ */

static const char half[] = "#!lua name=bank\n"
                           "redis.register_function('deposit', function(keys, args)\n"
                           "  return redis.call('INCRBY', keys[1], args[1] * 10)\n"
                           "end)\n";

START_TEST(a_version_with_some_of_the_functions)
{
    for (int honest = 0; honest < 2; honest++) {
        vouch_library *l = bank(honest);
        vouch_batch *b = vouch_batch_new();
        vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
        vouch_results *r = NULL;
        ts_do(rig.server, "DEL", "k", NULL);
        shelf_put(rig.server, half);
        anew();
        for (int i = 0; i < 3; i++) {
            vouch_batch_add_function(b, l, "deposit", VOUCH_ARGS("k"), VOUCH_ARGS(1));
            vouch_batch_add_function(b, l, "draw", VOUCH_ARGS("k"), VOUCH_ARGS(1));
        }
        o.reorder_ok = 1;
        shelf_expect(vouch_pipeline_run(client, b, &o, &r, &error), VOUCH_EPARTIAL, error);
        for (size_t i = 0; i < 6; i++)
            ck_assert_int_eq(vouch_results_at(r, i)->effect,
                             i % 2 ? VOUCH_NOT_APPLIED : VOUCH_APPLIED);
        ck_assert_int_eq(held("k"), 30);
        ck_assert_uint_le(trips(), 12); /* a budget of eight outages, and no more */
        vouch_results_free(r);
        vouch_batch_free(b);
        shelf_expect(run(l, "draw", 1), VOUCH_ESERVER, error);
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ck_assert_msg(strstr(error.message, "already exists"), "%s", error.message);
        ck_assert_int_eq(held("k"), 30);
        vouch_library_free(l);
    }
}
END_TEST

START_TEST(such_a_version_in_a_transaction_is_flagged)
{
    for (int turn = 0; turn < 6; turn++) {
        vouch_library *l = bank(turn % 2);
        vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
        vouch_tx_result *r = NULL;
        vouch_batch *b = vouch_batch_new();
        ts_do(rig.server, "DEL", "k", NULL);
        shelf_put(rig.server, half);
        o.load_inside = turn / 2 == 1;
        o.resolve = turn / 2 == 2;
        vouch_batch_add_function(b, l, "deposit", VOUCH_ARGS("k"), VOUCH_ARGS(1));
        vouch_batch_add_function(b, l, "draw", VOUCH_ARGS("k"), VOUCH_ARGS(1));
        shelf_expect(vouch_transaction_exec(client, b, &o, &r, &error), VOUCH_EPARTIAL, error);
        ck_assert_int_eq(vouch_tx_result_outcome(r), VOUCH_OUTCOME_ERRORS);
        ck_assert_int_eq(vouch_tx_result_at(r, 0)->effect, VOUCH_APPLIED);
        ck_assert_int_eq(vouch_tx_result_at(r, 1)->effect,
                         turn % 2 ? VOUCH_NOT_APPLIED : VOUCH_MAYBE_APPLIED);
        ck_assert_uint_eq(vouch_tx_exec_errors(r, NULL), 1);
        ck_assert_int_eq(held("k"), 10);
        vouch_tx_result_free(r);
        vouch_batch_free(b);
        vouch_library_free(l);
    }
}
END_TEST

/* A deployment that takes a function away from those who still call it. */
START_TEST(a_replacement_drops_a_function_that_others_call)
{
    vouch_library *old = bank(true), *new = shelf_library(half, NULL);
    vouch_library_report report = VOUCH_LIBRARY_REPORT_INIT;
    vouch_client *deployer = rig_client(&rig, 2, 1000);
    shelf_expect(run(old, "draw", 1), VOUCH_OK, error);
    shelf_expect(vouch_library_install(deployer, new, VOUCH_INSTALL_DIFFERENT, 0, &report, &error),
                 VOUCH_OK, error);
    ck_assert_int_eq(report.installed, 1);
    for (int i = 0; i < 2; i++) {
        shelf_expect(run(old, "draw", 1), VOUCH_ESERVER, error);
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ck_assert_int_eq(held("k"), -1);
    }
    shelf_expect(run(old, "deposit", 1), VOUCH_OK, error);
    ck_assert_int_eq(held("k"), 9);
    vouch_client_close(deployer);
    vouch_library_free(old);
    vouch_library_free(new);
}
END_TEST

/* ---- names that are computed ---------------------------------------------------------------- */

START_TEST(names_that_are_computed)
{
    vouch_library *l = shelf_library("#!lua name=bank\n"
                                     "local function add(keys, args)\n"
                                     "  return redis.call('INCRBY', keys[1], args[1])\n"
                                     "end\n"
                                     "redis.register_function('de' .. 'posit', add)\n"
                                     "redis.register_function('gi' .. 'ft', add)\n",
                                     NULL);
    for (int turn = 0; turn < 2; turn++) {
        shelf_clear(rig.server);
        shelf_expect(run(l, "gift", 1), VOUCH_OK, error);
        shelf_expect(run(l, "deposit", 1), VOUCH_OK, error);
        ck_assert_int_eq(held("k"), 2 * turn + 2);
        /* Nobody can tell whether it has that one: the words may be its own. */
        vouch_status status = run(l, "theft", 1);
        ck_assert_msg(status == VOUCH_ESERVER, "%s", vouch_status_name(status));
        ck_assert_msg(strstr(error.message, "not found"), "%s", error.message);
        ck_assert_int_eq(held("k"), 2 * turn + 2);
    }
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    shelf_clear(rig.server);
    vouch_batch_add_function(b, l, "gift", VOUCH_ARGS("k"), VOUCH_ARGS(1));
    vouch_batch_add_function(b, l, "theft", VOUCH_ARGS("k"), VOUCH_ARGS(1));
    shelf_expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_EUNKNOWN, error);
    ck_assert_int_eq(vouch_results_at(r, 0)->effect, VOUCH_APPLIED);
    ck_assert_int_eq(vouch_results_at(r, 1)->status, VOUCH_ESERVER);
    ck_assert_int_eq(vouch_results_at(r, 1)->effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(held("k"), 5);
    vouch_results_free(r);
    vouch_batch_free(b);
    vouch_library_free(l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("function calls");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, a_flush_in_the_middle_of_a_pipeline);
        tcase_add_test(c, deleted_by_another);
        tcase_add_test(c, a_version_with_some_of_the_functions);
        tcase_add_test(c, such_a_version_in_a_transaction_is_flagged);
        tcase_add_test(c, a_replacement_drops_a_function_that_others_call);
        tcase_add_test(c, names_that_are_computed);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
