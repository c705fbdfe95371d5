/* Functions that do not write, and are asked again when an answer is lost; two libraries in one batch. */
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

/* How often the server ran a command, such as "fcall_ro". */
static long times(const char *command)
{
    char field[64];
    (void)snprintf(field, sizeof field, "cmdstat_%s", command);
    char *text = ts_info(rig.server, "commandstats", field);
    const char *calls = text ? strstr(text, "calls=") : NULL;
    long n = calls ? strtol(calls + 6, NULL, 10) : 0;
    free(text);
    return n;
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

/* ---- without writes ------------------------------------------------------------------------- */

static const char reader[] = "#!lua name=bank\n"
                             "redis.register_function{function_name = 'balance',\n"
                             "  callback = function(keys) return redis.call('GET', keys[1]) end,\n"
                             "  flags = {'no-writes'}}\n";

START_TEST(what_does_not_write_is_asked_again)
{
    vouch_library *l = shelf_library(reader, NULL);
    vouch_batch *b = vouch_batch_new();
    ts_do(rig.server, "SET", "k", "7", NULL);
    vouch_batch_add_function(b, l, "balance", VOUCH_ARGS("k"), VOUCH_NO_ARGS);
    for (int way = 0; way < 2; way++) {
        ts_plan plan = ts_plan_none();
        int64_t n = 0;
        anew();
        int connection = rig_next_connection(&rig);
        shelf_expect(run(l, "balance", 0), VOUCH_OK, error);
        plan.to_client.cut_after = 0; /* it runs, and its answer is lost */
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
        long before = times("fcall_ro");
        if (way) {
            vouch_results *r = NULL;
            shelf_expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK, error);
            ck_assert(vouch_reply_int64(vouch_results_at(r, 0)->reply, &n));
            vouch_results_free(r);
        } else {
            shelf_expect(run(l, "balance", 0), VOUCH_OK, error);
            ck_assert(vouch_reply_int64(vouch_call_reply(call), &n));
            ck_assert_uint_ge(vouch_call_result(call)->attempts, 1);
        }
        ck_assert_int_eq(n, 7);
        ck_assert_int_ge(times("fcall_ro") - before, 1);
    }
    ck_assert_int_eq(times("fcall"), 0);
    vouch_batch_free(b);
    vouch_library_free(l);
}
END_TEST

/* The server's version writes: it is not run by those who rely on the contrary. */
START_TEST(what_writes_elsewhere_is_not_run)
{
    vouch_library *l = shelf_library(reader, NULL);
    shelf_put(rig.server, "#!lua name=bank\n"
                          "redis.register_function('balance', function(keys)\n"
                          "  return redis.call('INCR', keys[1])\n"
                          "end)\n");
    shelf_expect(run(l, "balance", 0), VOUCH_ESERVER, error);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_int_eq(held("k"), 0);
    vouch_library_free(l);
}
END_TEST

/* ---- two libraries -------------------------------------------------------------------------- */

static vouch_batch *of_both(const vouch_library *a, const vouch_library *b)
{
    vouch_batch *batch = vouch_batch_new();
    for (int i = 0; i < 6; i++)
        vouch_batch_add_function(batch, i % 2 ? b : a, i % 2 ? "gift" : "deposit",
                                 i % 2 ? VOUCH_ARGS("two") : VOUCH_ARGS("one"), VOUCH_ARGS(1));
    return batch;
}

static const char gifts[] = "#!lua name=gifts\n"
                            "redis.register_function('gift', function(keys, args)\n"
                            "  return redis.call('INCRBY', keys[1], args[1])\n"
                            "end)\n";

START_TEST(two_libraries_in_one_batch)
{
    vouch_library *a = bank(true), *b = shelf_library(gifts, NULL);
    vouch_batch *batch = of_both(a, b);
    for (int turn = 0; turn < 8; turn++) {
        shelf_clear(rig.server);
        if (turn & 1)
            shelf_put(rig.server, plain);
        if (turn & 2)
            anew();
        if (turn & 4) {
            vouch_tx_result *r = NULL;
            shelf_expect(vouch_transaction_exec(client, batch, NULL, &r, &error), VOUCH_OK, error);
            vouch_tx_result_free(r);
        } else {
            vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
            vouch_results *r = NULL;
            o.reorder_ok = 1; /* one may be there when the other is missing */
            shelf_expect(vouch_pipeline_run(client, batch, &o, &r, &error), VOUCH_OK, error);
            vouch_results_free(r);
        }
        ck_assert_int_eq(held("one"), 3 * turn + 3);
        ck_assert_int_eq(held("two"), 3 * turn + 3);
    }
    vouch_batch_free(batch);
    vouch_library_free(a);
    vouch_library_free(b);
}
END_TEST

/* One of them cannot be loaded: its name is another's, or it is broken. The other's calls run. */
START_TEST(one_of_two_libraries_cannot_be_loaded)
{
    vouch_library_options honest = VOUCH_LIBRARY_OPTIONS_INIT;
    honest.honest = 1;
    for (int turn = 0; turn < 4; turn++) {
        bool broken = turn & 1;
        vouch_library *a = bank(true);
        vouch_library *b =
            shelf_library(broken ? "#!lua name=gifts\n"
                                   "redis.register_function('gift', function() end)\n"
                                   "local today = nil + 1\n"
                                 : "#!lua name=gifts\n"
                                   "redis.register_function('gift', function() end)\n"
                                   "redis.register_function('other', function() end)\n",
                          turn & 2 ? &honest : NULL);
        vouch_batch *batch = of_both(a, b);
        vouch_results *r = NULL;
        shelf_clear(rig.server);
        ts_do(rig.server, "FLUSHALL", NULL);
        anew();
        if (!broken)
            shelf_put(rig.server, "#!lua name=thief\n"
                                  "redis.register_function('other', function() end)\n");
        shelf_expect(vouch_pipeline_run(client, batch, NULL, &r, &error), VOUCH_EPARTIAL, error);
        int64_t applied = 0;
        for (size_t i = 0; i < 6; i++) {
            const vouch_result *x = vouch_results_at(r, i);
            ck_assert_int_eq(x->effect == VOUCH_APPLIED, i % 2 == 0 && x->status == VOUCH_OK);
            ck_assert_int_ne(x->effect, VOUCH_MAYBE_APPLIED);
            applied += x->effect == VOUCH_APPLIED;
        }
        ck_assert_int_eq(held("one"), applied);
        ck_assert_int_ge(applied, 1);
        vouch_results_free(r);
        vouch_batch_free(batch);
        vouch_library_free(a);
        vouch_library_free(b);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("function mixed");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, what_does_not_write_is_asked_again);
        tcase_add_test(c, what_writes_elsewhere_is_not_run);
        tcase_add_test(c, two_libraries_in_one_batch);
        tcase_add_test(c, one_of_two_libraries_cannot_be_loaded);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
