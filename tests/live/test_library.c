/* Function libraries: their calls, and installing them by every policy, against both servers. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client, *other;
static vouch_error error;
static vouch_call *call;
static vouch_library *one, *two; /* versions of one library */

static const char one_source[] =
    "#!lua name=bank\n"
    "-- version: 1.0\n"
    "local function deposit(keys, args)\n"
    "  return redis.call('INCRBY', keys[1], args[1])\n"
    "end\n"
    "redis.register_function('deposit', deposit)\n"
    "redis.register_function{function_name = 'balance',\n"
    "  callback = function(keys) return redis.call('GET', keys[1]) end,\n"
    "  flags = {'no-writes'}}\n";
static const char two_source[] = "#!lua name=bank\n"
                                 "-- version: 1.10\n"
                                 "redis.register_function('deposit', function(keys, args)\n"
                                 "  return redis.call('INCRBY', keys[1], 2 * args[1])\n"
                                 "end)\n";

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static vouch_library *library(const char *source)
{
    vouch_library_options o = VOUCH_LIBRARY_OPTIONS_INIT;
    vouch_library *l = NULL;
    o.honest = 1;
    expect(vouch_library_new(source, 0, &o, &l, &error), VOUCH_OK);
    return l;
}

static void begin(ts_server_kind kind)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 3, 1000);
    other = rig_client(&rig, 2, 1000);
    one = library(one_source);
    two = library(two_source);
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
    vouch_client_close(other);
    vouch_library_free(one);
    vouch_library_free(two);
    rig_stop(&rig);
}

static uint64_t trips(void)
{
    vouch_stats stats = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(client, &stats), VOUCH_OK);
    return stats.round_trips;
}

static void flush(void)
{
    static const char *const words[] = {"FUNCTION", "FLUSH"};
    ts_reply_free(rig_ask(&rig, 2, words));
}

static vouch_status deposit(const vouch_library *l, int amount, const vouch_call_options *o)
{
    vouch_call_free(call);
    return vouch_function_call(client, l, "deposit", VOUCH_ARGS("k"), VOUCH_ARGS(amount), o, &call,
                               &error);
}

static int64_t answer(void)
{
    int64_t n = -1;
    ck_assert(vouch_reply_int64(vouch_call_reply(call), &n));
    return n;
}

START_TEST(a_library_tells_its_name_version_and_functions)
{
    ck_assert_str_eq(vouch_library_name(one), "bank");
    ck_assert_str_eq(vouch_library_version(two), "1.10");
    ck_assert(vouch_library_is_honest(one));
    vouch_call_free(call);
    expect(vouch_function_call(client, two, "balance", VOUCH_ARGS("k"), VOUCH_NO_ARGS, NULL, &call,
                               &error),
           VOUCH_EINVAL);
    ck_assert_msg(strstr(error.message, "balance"), "%s", error.message);
    vouch_batch *b = vouch_batch_new();
    ck_assert(vouch_batch_add_function(b, two, "balance", VOUCH_ARGS("k"), VOUCH_NO_ARGS) ==
              VOUCH_NO_COMMAND);
    expect(vouch_batch_error(b, &error), VOUCH_EINVAL);
    ck_assert_msg(strstr(error.message, "balance"), "%s", error.message);
    vouch_batch_free(b);
}
END_TEST

START_TEST(a_function_that_is_missing_costs_one_round_trip_more)
{
    uint64_t before = trips();
    expect(deposit(one, 5, NULL), VOUCH_OK);
    ck_assert_uint_eq(trips() - before, 2);
    expect(deposit(one, 5, NULL), VOUCH_OK);
    ck_assert_uint_eq(trips() - before, 3);
    flush();
    expect(deposit(one, 5, NULL), VOUCH_OK);
    ck_assert_int_eq(answer(), 15);
    ck_assert_uint_eq(trips() - before, 5);
    expect(vouch_function_call(client, one, "balance", VOUCH_ARGS("k"), VOUCH_NO_ARGS, NULL, NULL,
                               &error),
           VOUCH_OK);
}
END_TEST

START_TEST(one_that_another_version_lacks_is_refused_and_left_alone)
{
    expect(vouch_library_install(client, two, VOUCH_INSTALL_MISSING, 0, NULL, &error), VOUCH_OK);
    vouch_call_free(call);
    expect(vouch_function_call(client, one, "balance", VOUCH_ARGS("k"), VOUCH_NO_ARGS, NULL, &call,
                               &error),
           VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_msg(strstr(error.message, "already exists"), "%s", error.message);
    expect(deposit(one, 5, NULL), VOUCH_OK); /* the other version's */
    ck_assert_int_eq(answer(), 10);
}
END_TEST

START_TEST(pipelines_and_transactions_load_it)
{
    vouch_batch *b = vouch_batch_new();
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    for (int i = 0; i < 10; i++) {
        vouch_batch_add_function(b, one, "deposit", VOUCH_ARGS("k"), VOUCH_ARGS(1));
        vouch_batch_add_function(b, one, "balance", VOUCH_ARGS("k"), VOUCH_NO_ARGS);
    }
    for (int turn = 0; turn < 6; turn++) {
        int64_t n = 0;
        flush();
        if (turn < 2) {
            vouch_results *r = NULL;
            expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK);
            ck_assert(vouch_reply_int64(vouch_results_at(r, 19)->reply, &n));
            vouch_results_free(r);
        } else {
            vouch_tx_result *r = NULL;
            o.resolve = (uint32_t)turn % 2;
            o.load_inside = turn >= 4;
            expect(vouch_transaction_exec(client, b, &o, &r, &error), VOUCH_OK);
            ck_assert(vouch_reply_int64(vouch_tx_result_reply(r, 19), &n));
            vouch_tx_result_free(r);
        }
        ck_assert_int_eq(n, INT64_C(10) * (turn + 1));
    }
    vouch_batch_free(b);
}
END_TEST

/* Inside MULTI it is loaded in any case; that it is there already is no error of the transaction. */
START_TEST(what_is_there_is_left_inside_multi_too)
{
    vouch_batch *b = vouch_batch_new();
    vouch_tx_result *r = NULL;
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_batch_add_function(b, one, "deposit", VOUCH_ARGS("k"), VOUCH_ARGS(1));
    for (int turn = 0; turn < 4; turn++) {
        o.load_inside = (uint32_t)turn % 2;
        expect(vouch_transaction_exec(client, b, &o, &r, &error), VOUCH_OK);
        vouch_tx_result_free(r);
    }
    vouch_batch_free(b);
    vouch_call_options c = VOUCH_CALL_OPTIONS_INIT;
    c.token = "t";
    expect(deposit(one, 5, &c), VOUCH_OK);
    ck_assert_int_eq(answer(), 9);
    expect(deposit(one, 5, &c), VOUCH_OK);
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_ALREADY);
}
END_TEST

static vouch_library_report install(vouch_client *c, const vouch_library *l, vouch_install policy)
{
    vouch_library_report r = VOUCH_LIBRARY_REPORT_INIT;
    expect(vouch_library_install(c, l, policy, 0, &r, &error), VOUCH_OK);
    return r;
}

static void expect_report(vouch_library_report r, vouch_library_state state, bool installed,
                          const char *version)
{
    ck_assert_int_eq(r.state, state);
    ck_assert_int_eq(r.installed, installed);
    ck_assert_str_eq(r.version, version);
}

START_TEST(every_policy)
{
    for (int i = 0; i < 2; i++) {
        vouch_client *c = i ? client : other;
        flush();
        expect_report(install(c, one, VOUCH_INSTALL_NEVER), VOUCH_LIBRARY_MISSING, false, "");
        expect_report(install(c, one, VOUCH_INSTALL_MISSING), VOUCH_LIBRARY_MISSING, true, "");
        expect_report(install(c, one, VOUCH_INSTALL_MISSING), VOUCH_LIBRARY_SAME, false, "1.0");
        expect_report(install(c, two, VOUCH_INSTALL_MISSING), VOUCH_LIBRARY_DIFFERENT, false,
                      "1.0");
        expect_report(install(c, two, VOUCH_INSTALL_NEWER), VOUCH_LIBRARY_DIFFERENT, true, "1.0");
        expect_report(install(c, one, VOUCH_INSTALL_NEWER), VOUCH_LIBRARY_DIFFERENT, false, "1.10");
        expect_report(install(c, one, VOUCH_INSTALL_DIFFERENT), VOUCH_LIBRARY_DIFFERENT, true,
                      "1.10");
        expect_report(install(c, one, VOUCH_INSTALL_DIFFERENT), VOUCH_LIBRARY_SAME, false, "1.0");
    }
    vouch_library_report r = VOUCH_LIBRARY_REPORT_INIT;
    expect(vouch_library_status(client, two, 0, &r, &error), VOUCH_OK);
    expect_report(r, VOUCH_LIBRARY_DIFFERENT, false, "1.0");
}
END_TEST

START_TEST(a_name_that_another_library_owns)
{
    vouch_library *thief = library("#!lua name=thief\n"
                                   "redis.register_function('deposit', function() return 1 end)\n");
    (void)install(client, thief, VOUCH_INSTALL_MISSING);
    vouch_library_report r = VOUCH_LIBRARY_REPORT_INIT;
    expect(vouch_library_install(client, one, VOUCH_INSTALL_DIFFERENT, 0, &r, &error),
           VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_int_eq(r.state, VOUCH_LIBRARY_TAKEN);
    ck_assert_str_eq(r.owner, "thief");
    ck_assert_str_eq(r.function, "deposit");
    expect(vouch_library_status(client, one, 0, &r, &error), VOUCH_OK);
    ck_assert_int_eq(r.state, VOUCH_LIBRARY_TAKEN);
    vouch_library_free(thief);
}
END_TEST

START_TEST(a_library_that_fails_to_load_leaves_the_old_one)
{
    vouch_library *broken = library("#!lua name=bank\n"
                                    "redis.register_function('deposit', function() return 1 end)\n"
                                    "local today = nil + 1\n");
    (void)install(client, one, VOUCH_INSTALL_MISSING);
    vouch_library_report r = VOUCH_LIBRARY_REPORT_INIT;
    expect(vouch_library_install(client, broken, VOUCH_INSTALL_DIFFERENT, 0, &r, &error),
           VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_msg(strstr(error.message, "arithmetic on a nil"), "%s", error.message);
    ck_assert_int_eq(r.installed, 0);
    expect_report(install(client, one, VOUCH_INSTALL_NEVER), VOUCH_LIBRARY_SAME, false, "1.0");
    expect(deposit(one, 5, NULL), VOUCH_OK);
    ck_assert_int_eq(answer(), 5);
    vouch_library_free(broken);
}
END_TEST

START_TEST(what_is_required_is_there_in_one_round_trip)
{
    vouch_script *s = NULL, *bad = NULL;
    expect(vouch_script_new("return redis.call('INCR', KEYS[1])", 0, NULL, &s, &error), VOUCH_OK);
    expect(vouch_script_new("return (", 0, NULL, &bad, &error), VOUCH_OK);
    const vouch_script *scripts[] = {s, bad};
    const vouch_library *libraries[] = {one};
    for (int turn = 0; turn < 2; turn++) {
        uint64_t before = trips();
        expect(vouch_client_require(client, scripts, 1, libraries, 1, 0, &error), VOUCH_OK);
        ck_assert_uint_eq(trips() - before, 1);
        expect(deposit(one, 5, NULL), VOUCH_OK);
        ck_assert_uint_eq(trips() - before, 2);
    }
    expect(vouch_client_require(client, scripts, 2, libraries, 1, 0, &error), VOUCH_ESERVER);
    ck_assert_uint_eq(error.command, 1);
    ck_assert_msg(strstr(error.message, "ompiling"), "%s", error.message);
    scripts[1] = NULL;
    expect(vouch_client_require(client, scripts, 2, libraries, 1, 0, &error), VOUCH_EINVAL);
    expect(vouch_client_require(client, NULL, 0, NULL, 0, 0, &error), VOUCH_OK);
    vouch_script_free(s);
    vouch_script_free(bad);
}
END_TEST

START_TEST(libraries_go_from_server_to_server)
{
    expect(vouch_functions_dump(client, 0, &call, &error), VOUCH_OK);
    vouch_call *empty = call;
    call = NULL;
    (void)install(client, one, VOUCH_INSTALL_MISSING);
    expect(vouch_functions_dump(client, 0, &call, &error), VOUCH_OK);
    vouch_string bytes = vouch_reply_string(vouch_call_reply(call));
    ck_assert(bytes.size > 100);
    expect(vouch_functions_restore(client, bytes.data, bytes.size, VOUCH_RESTORE_APPEND, 0, &error),
           VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    (void)install(client, two, VOUCH_INSTALL_DIFFERENT);
    expect(
        vouch_functions_restore(client, bytes.data, bytes.size, VOUCH_RESTORE_REPLACE, 0, &error),
        VOUCH_OK);
    expect_report(install(client, one, VOUCH_INSTALL_NEVER), VOUCH_LIBRARY_SAME, false, "1.0");
    vouch_string none = vouch_reply_string(vouch_call_reply(empty));
    expect(vouch_functions_restore(client, none.data, none.size, VOUCH_RESTORE_FLUSH, 0, &error),
           VOUCH_OK);
    expect_report(install(client, one, VOUCH_INSTALL_NEVER), VOUCH_LIBRARY_MISSING, false, "");
    vouch_call_free(empty);
}
END_TEST

static Suite *suite(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("library");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 120);
        tcase_add_checked_fixture(c, servers[i].begin, end);
        tcase_add_test(c, a_library_tells_its_name_version_and_functions);
        tcase_add_test(c, a_function_that_is_missing_costs_one_round_trip_more);
        tcase_add_test(c, one_that_another_version_lacks_is_refused_and_left_alone);
        tcase_add_test(c, pipelines_and_transactions_load_it);
        tcase_add_test(c, what_is_there_is_left_inside_multi_too);
        tcase_add_test(c, every_policy);
        tcase_add_test(c, a_name_that_another_library_owns);
        tcase_add_test(c, a_library_that_fails_to_load_leaves_the_old_one);
        tcase_add_test(c, what_is_required_is_there_in_one_round_trip);
        tcase_add_test(c, libraries_go_from_server_to_server);
        suite_add_tcase(s, c);
    }
    return s;
}

int main(void)
{
    return rig_main(suite());
}
