/* Calls of scripts with a token or a marker: run once, whatever is lost; and what is known then of a script
 * that fails. Against both servers. */
#include "script_scene.h"

#include <stdio.h>
#include <string.h>

START_TEST(with_a_token_it_runs_once)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    o.token = "order-1";
    uint64_t before = callee_trips(client);
    expect(run(plain, "k", 7, &o), VOUCH_OK);
    ck_assert_int_eq(answer(), 7);
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_COMMITTED);
    ck_assert_uint_eq(callee_trips(client) - before, 2);
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
    before = callee_trips(client);
    expect(run(plain, "k", 7, &o), VOUCH_OK);
    ck_assert_int_eq(answer(), 21);
    ck_assert_uint_eq(callee_trips(client) - before, 1);
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
