/* Calls of scripts with a token or a marker: run once, whatever is lost; and what is known then of a script
 * that fails. Against both servers. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;
static vouch_call *call;
static vouch_script *incr, *plain; /* the first may answer with errors of its own, the other not */

static const char incr_source[] = "local n = redis.call('INCR', KEYS[1])\n"
                                  "if n > tonumber(ARGV[1]) then\n"
                                  "  return redis.error_reply('FULL no more than ' .. ARGV[1])\n"
                                  "end\n"
                                  "return n\n";
static const char plain_source[] = "return redis.call('INCRBY', KEYS[1], ARGV[1])";

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin(ts_server_kind kind)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 3, 1000);
    expect(vouch_script_new(incr_source, 0, NULL, &incr, &error), VOUCH_OK);
    expect(vouch_script_new(plain_source, 0, NULL, &plain, &error), VOUCH_OK);
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
    vouch_script_free(incr);
    vouch_script_free(plain);
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
    static const char *const words[] = {"SCRIPT", "FLUSH"};
    ts_reply_free(rig_ask(&rig, 2, words));
}

static int64_t get(const char *key)
{
    const char *words[] = {"GET", key};
    ts_reply *r = rig_ask(&rig, 2, words);
    int64_t v = r->text ? strtoll(r->text, NULL, 10) : 0;
    ts_reply_free(r);
    return v;
}

static vouch_status run(const vouch_script *s, const char *key, int argument,
                        const vouch_call_options *o)
{
    vouch_call_free(call);
    return vouch_script_call(client, s, VOUCH_ARGS(key), VOUCH_ARGS(argument), o, &call, &error);
}

static int64_t answer(void)
{
    int64_t n = -1;
    ck_assert(vouch_reply_int64(vouch_call_reply(call), &n));
    return n;
}

START_TEST(with_a_token_it_runs_once)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    o.token = "order-1";
    uint64_t before = trips();
    expect(run(plain, "k", 7, &o), VOUCH_OK);
    ck_assert_int_eq(answer(), 7);
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_COMMITTED);
    ck_assert_uint_eq(trips() - before, 2);
    expect(run(plain, "k", 7, &o), VOUCH_OK);
    ck_assert_ptr_null(vouch_call_reply(call));
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_ALREADY);
    ck_assert_int_eq(get("k"), 7);
    o.token = NULL;
    o.resolve = 1;
    flush();
    expect(run(plain, "k", 7, &o), VOUCH_OK);
    ck_assert_int_eq(answer(), 14);
    o.resolve = 0;
    o.strict = 1;
    flush();
    before = trips();
    expect(run(plain, "k", 7, &o), VOUCH_OK);
    ck_assert_int_eq(answer(), 21);
    ck_assert_uint_eq(trips() - before, 1);
}
END_TEST

START_TEST(an_error_with_a_token_is_the_calls_error)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    o.token = "order-2";
    expect(run(incr, "k", 0, &o), VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_str_eq(error.code, "FULL");
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_ERRORS);
    ck_assert_int_eq(get("k"), 1);
}
END_TEST

/* The connection is cut behind so many bytes of answers. True if it was, before the call had its own. (A call before
 * it, on the same connection, so that INFO need not be asked, with its thousands of bytes.) */
static bool run_cut_at(int64_t at, bool fails, const vouch_call_options *o)
{
    vouch_call_options first = VOUCH_CALL_OPTIONS_INIT;
    first.resolve = 1;
    expect(run(plain, "warm", 1, &first), VOUCH_OK);
    int connection = rig_next_connection(&rig) - 1;
    ts_plan plan = ts_plan_cut(TS_TO_CLIENT, at);
    ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    int64_t before = get("k");
    vouch_status status = run(incr, "k", fails ? 0 : INT32_MAX, o);
    vouch_effect effect = vouch_call_result(call)->effect;
    ck_assert_int_eq(get("k"), before + 1);
    if (vouch_call_outcome(call) != VOUCH_OUTCOME_SETTLED) {
        ck_assert_msg(status == (fails ? VOUCH_ESERVER : VOUCH_OK), "%s", error.message);
        ck_assert_int_eq(effect, fails ? VOUCH_MAYBE_APPLIED : VOUCH_APPLIED);
        return false;
    }
    ck_assert_int_eq(status, VOUCH_OK);
    ck_assert_int_eq(error.effect, VOUCH_APPLIED);
    ck_assert_int_eq(effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(vouch_call_result(call)->status, VOUCH_EUNKNOWN);
    ck_assert_ptr_null(vouch_call_reply(call));
    return true;
}

/* The script writes, fails or not, and the answer is lost: it ran, once; how it ended nobody knows. */
START_TEST(what_was_settled_may_have_failed)
{
    for (int turn = 0; turn < 4; turn++) {
        vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
        int settled = 0, number = 0;
        const ts_plan none = ts_plan_none(); /* and nothing left of the turn before */
        if (turn)
            ts_proxy_plan_from_here(rig.proxy, rig_next_connection(&rig) - 1, &none);
        expect(run(incr, "k", INT32_MAX, &o), VOUCH_OK); /* connected */
        char token[24];
        int64_t size = 1;
        o.resolve = 1;
        for (int64_t at = 0; at < size; at += 7) {
            int before = rig_next_connection(&rig);
            (void)snprintf(token, sizeof token, "order-%d-%d", turn, number++);
            o.token = turn / 2 ? token : NULL;
            settled += run_cut_at(at, turn % 2, &o);
            size = rig_next_connection(&rig) > before ? at + 8 : size;
        }
        ck_assert_int_gt(settled, 3);
        ck_assert_int_gt(number, settled + 3);
    }
}
END_TEST

static Suite *suite(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("script token");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 120);
        tcase_add_checked_fixture(c, servers[i].begin, end);
        tcase_add_test(c, with_a_token_it_runs_once);
        tcase_add_test(c, an_error_with_a_token_is_the_calls_error);
        tcase_add_test(c, what_was_settled_may_have_failed);
        suite_add_tcase(s, c);
    }
    return s;
}

int main(void)
{
    return rig_main(suite());
}
