/* Calls of scripts: by themselves, in pipelines, in transactions; missing before, flushed between: against
 * both servers, with the round trips counted. */
#include "script_scene.h"

#include <stdio.h>
#include <string.h>

START_TEST(what_is_honest_is_read_off_the_source)
{
    ck_assert(!vouch_script_is_honest(incr));
    ck_assert(vouch_script_is_honest(plain));
}
END_TEST

START_TEST(a_script_that_is_missing_costs_one_round_trip_more)
{
    uint64_t before = callee_trips(client);
    expect(run(plain, "k", 5, NULL), VOUCH_OK);
    ck_assert_int_eq(answer(), 5);
    ck_assert_uint_eq(callee_trips(client) - before, 2);
    ck_assert_uint_eq(vouch_call_loads(call), 1);
    expect(run(plain, "k", 5, NULL), VOUCH_OK);
    ck_assert_int_eq(answer(), 10);
    ck_assert_uint_eq(callee_trips(client) - before, 3);
    ck_assert_uint_eq(vouch_call_loads(call), 0);
    flush();
    expect(run(plain, "k", 5, NULL), VOUCH_OK);
    ck_assert_int_eq(answer(), 15);
    ck_assert_uint_eq(callee_trips(client) - before, 5);
    ck_assert_int_eq(get("k"), 15);
}
END_TEST

/* Its source goes ahead where the connection has not seen it loaded; and what says "missing" is checked. */
START_TEST(one_with_errors_of_its_own_is_asked_for_before_it_runs_again)
{
    uint64_t before = callee_trips(client);
    expect(run(incr, "k", 100, NULL), VOUCH_OK);
    ck_assert_uint_eq(callee_trips(client) - before, 1);
    flush();
    expect(run(incr, "k", 100, NULL), VOUCH_OK);
    ck_assert_int_eq(answer(), 2);
    ck_assert_uint_eq(callee_trips(client) - before, 4);
    ck_assert_int_eq(get("k"), 2);
}
END_TEST

START_TEST(its_own_error_may_have_come_after_a_write)
{
    expect(run(incr, "k", 0, NULL), VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_str_eq(error.code, "FULL");
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_ERRORS);
    vouch_script_error e;
    ck_assert(vouch_script_error_read(vouch_call_reply(call), &e));
    ck_assert_str_eq(e.code, "FULL");
    ck_assert_int_eq(e.line, 0);
    ck_assert_uint_eq(e.message.size, strlen("no more than 0"));
    ck_assert_int_eq(get("k"), 1);
}
END_TEST

START_TEST(an_error_that_was_raised_tells_its_line)
{
    vouch_script *s = NULL;
    expect(
        vouch_script_new("local a = 1\n\nreturn redis.call('INCR', KEYS[1])", 0, NULL, &s, &error),
        VOUCH_OK);
    const char *words[] = {"LPUSH", "list", "x"};
    ts_reply_free(rig_ask(&rig, 3, words));
    expect(run(s, "list", 0, NULL), VOUCH_ESERVER);
    vouch_script_error e;
    ck_assert(vouch_script_error_read(vouch_call_reply(call), &e));
    ck_assert_str_eq(e.code, "WRONGTYPE");
    ck_assert_int_eq(e.line, 3);
    ck_assert(e.message.size == strlen("Operation against a key holding the wrong kind of value"));
    bool nameless = strstr(e.words.data, "script: on @") != NULL; /* Valkey 9.1 */
    ck_assert(nameless ? e.script.size == 0 : e.script.size >= 40);
    vouch_script_free(s);
}
END_TEST

static void forge(const char *line)
{
    char source[400];
    vouch_script *s = NULL;
    (void)snprintf(source, sizeof source,
                   "redis.call('INCR', KEYS[1]) return redis.error_reply(\"%s\")", line);
    expect(vouch_script_new(source, 0, NULL, &s, &error), VOUCH_OK);
    ck_assert(!vouch_script_is_honest(s));
    int64_t before = get("forged");
    expect(run(s, "forged", 0, NULL), VOUCH_ESERVER);
    ck_assert_msg(error.effect == VOUCH_MAYBE_APPLIED, "%s: %s", line, error.message);
    ck_assert_msg(get("forged") == before + 1, "%s: ran %d times", line,
                  (int)(get("forged") - before));
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    vouch_batch_add_script(b, s, VOUCH_ARGS("forged"), VOUCH_NO_ARGS);
    vouch_batch_add(b, "PING");
    expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_EUNKNOWN);
    ck_assert_int_eq(vouch_results_at(r, 0)->effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(vouch_results_at(r, 1)->effect, VOUCH_APPLIED);
    ck_assert_msg(get("forged") == before + 2, "%s: ran %d times", line,
                  (int)(get("forged") - before));
    vouch_results_free(r);
    vouch_batch_free(b);
    vouch_script_free(s);
}

START_TEST(no_forged_words_are_believed)
{
    static const char *const lines[] = {
        "NOSCRIPT No matching script. Please use EVAL.",
        "NOSCRIPT No matching script.",
        "NOSCRIPT x",
        "ERR Function not found",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.",
        "LOADING Redis is loading the dataset in memory",
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "NOREPLICAS Not enough good replicas to write.",
        "MISCONF x",
        "TRYAGAIN x",
        "CLUSTERDOWN x",
        "MOVED 1 1.2.3.4:5",
        "ASK 1 1.2.3.4:5",
        "NOAUTH Authentication required.",
        "WRONGTYPE x",
        "EXECABORT x",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        forge(lines[i]);
}
END_TEST

START_TEST(in_a_pipeline_the_load_travels_along)
{
    vouch_batch *b = vouch_batch_new();
    for (int i = 0; i < 100; i++)
        vouch_batch_add_script(b, i % 2 ? incr : plain, VOUCH_ARGS("k"),
                               VOUCH_ARGS(i % 2 ? 1000 : 1));
    for (int turn = 0; turn < 2; turn++) {
        vouch_results *r = NULL;
        uint64_t before = callee_trips(client);
        expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK);
        ck_assert_uint_eq(callee_trips(client) - before, 1);
        vouch_results_free(r);
    }
    ck_assert_int_eq(get("k"), 200);
    flush();
    vouch_results *r = NULL;
    expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK);
    ck_assert_int_eq(get("k"), 300);
    for (size_t i = 0; i < 100; i++) {
        int64_t n = 0;
        ck_assert(vouch_reply_int64(vouch_results_at(r, i)->reply, &n));
        ck_assert_int_eq(n, 201 + (int64_t)i);
    }
    vouch_results_free(r);
    vouch_batch_free(b);
}
END_TEST

START_TEST(in_a_transaction_it_is_loaded_inside)
{
    vouch_batch *b = vouch_batch_new();
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_batch_add(b, "INCR", "k");
    vouch_batch_add_script(b, plain, VOUCH_ARGS("k"), VOUCH_ARGS(10));
    vouch_batch_add_script(b, incr, VOUCH_ARGS("k"), VOUCH_ARGS(1000));
    vouch_batch_add_script(b, plain, VOUCH_ARGS("k"), VOUCH_ARGS(100));
    for (int turn = 0; turn < 8; turn++) {
        vouch_tx_result *r = NULL;
        int64_t n = 0;
        uint64_t before = callee_trips(client);
        o.resolve = (uint32_t)turn % 2;
        o.load_inside = (uint32_t)turn / 2 % 2;
        if (turn >= 4)
            flush();
        expect(vouch_transaction_exec(client, b, &o, &r, &error), VOUCH_OK);
        ck_assert_uint_eq(callee_trips(client) - before, turn % 2 ? 2 : 1);
        ck_assert_uint_eq(vouch_tx_result_count(r), 4);
        ck_assert(vouch_reply_int64(vouch_tx_result_reply(r, 3), &n));
        ck_assert_int_eq(n, (turn + 1) * INT64_C(112));
        vouch_tx_result_free(r);
    }
    vouch_batch_free(b);
}
END_TEST

static vouch_tx_step add_twice(vouch_tx *tx, void *user)
{
    const vouch_reply *value = vouch_tx_read(tx, "GET", "k");
    int64_t n = 0;
    (void)user;
    if (!value)
        return VOUCH_TX_READ;
    (void)vouch_reply_int64(value, &n);
    ck_assert_uint_eq(vouch_tx_queue_script(tx, plain, VOUCH_ARGS("k"), VOUCH_ARGS(n + 1)), 0);
    ck_assert_uint_eq(vouch_tx_queue_script(tx, incr, VOUCH_ARGS("k"), VOUCH_ARGS(1000)), 1);
    return VOUCH_TX_COMMIT;
}

START_TEST(a_body_queues_scripts)
{
    vouch_tx_result *r = NULL;
    for (int turn = 0; turn < 3; turn++) {
        uint64_t before = callee_trips(client);
        flush();
        expect(vouch_transaction_run(client, add_twice, NULL, NULL, &r, &error), VOUCH_OK);
        ck_assert_uint_eq(callee_trips(client) - before, 2);
        vouch_tx_result_free(r);
    }
    ck_assert_int_eq(get("k"), 14);
}
END_TEST

START_TEST(what_does_not_compile_is_said_with_the_servers_words)
{
    vouch_script *s = NULL;
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    expect(vouch_script_new("return (", 0, NULL, &s, &error), VOUCH_OK);
    for (int turn = 0; turn < 2; turn++) {
        o.strict = (uint32_t)turn;
        expect(run(s, "k", 0, &o), VOUCH_ESERVER);
        ck_assert_msg(strstr(error.message, "ompiling"), "%s", error.message);
        ck_assert_str_eq(error.code, "NOSCRIPT");
    }
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    vouch_batch_add_script(b, s, VOUCH_ARGS("k"), VOUCH_NO_ARGS);
    vouch_status status = vouch_pipeline_run(client, b, NULL, &r, &error);
    ck_assert_msg(status == VOUCH_EPARTIAL, "%s", error.message);
    ck_assert_msg(strstr(error.message, "ompiling"), "%s", error.message);
    vouch_results_free(r);
    vouch_batch_free(b);
    vouch_script_free(s);
}
END_TEST

START_TEST(what_only_reads_is_called_so)
{
    vouch_script *s = NULL;
    expect(vouch_script_new("#!lua flags=no-writes\nreturn redis.call('SET', KEYS[1], 1)", 0, NULL,
                            &s, &error),
           VOUCH_OK);
    expect(run(s, "k", 0, NULL), VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_int_eq(get("k"), 0);
    vouch_script_free(s);
}
END_TEST

static Suite *suite(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("script");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 120);
        tcase_add_checked_fixture(c, servers[i].begin, end);
        tcase_add_test(c, what_is_honest_is_read_off_the_source);
        tcase_add_test(c, a_script_that_is_missing_costs_one_round_trip_more);
        tcase_add_test(c, one_with_errors_of_its_own_is_asked_for_before_it_runs_again);
        tcase_add_test(c, its_own_error_may_have_come_after_a_write);
        tcase_add_test(c, an_error_that_was_raised_tells_its_line);
        tcase_add_test(c, no_forged_words_are_believed);
        tcase_add_test(c, in_a_pipeline_the_load_travels_along);
        tcase_add_test(c, in_a_transaction_it_is_loaded_inside);
        tcase_add_test(c, a_body_queues_scripts);
        tcase_add_test(c, what_does_not_compile_is_said_with_the_servers_words);
        tcase_add_test(c, what_only_reads_is_called_so);
        suite_add_tcase(s, c);
    }
    return s;
}

int main(void)
{
    return rig_main(suite());
}
