/* Scripts and functions that a server does not start for now: short of memory, a replica, without replicas, unable to
 * save, loading, held by another script or function. An honest one is tried again until it runs, once,
 * or refused with the true effect; another's error is not believed. And the one that holds the server
 * is ended, where it may be. */
#include "callee.h"
#include "obstacles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS 5

static struct rig rig;
static vouch_client *client;
static vouch_error error;
static struct callee honest, forger, reader;

/* ---- the scene ------------------------------------------------------------------------------ */

/* With a shebang, so that it is refused before it starts. */
static struct callee script(const char *body, int is_honest)
{
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    o.honest = (uint32_t)is_honest;
    return callee_of(body, &o);
}

static void make_scripts(void)
{
    honest = script("#!lua\nreturn redis.call('INCR', KEYS[1])", 1);
    forger = script("#!lua\nif ARGV[1] == 'x' then return redis.error_reply('OOM x') end "
                    "return redis.call('INCR', KEYS[1])",
                    0);
    reader = script("#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])", 0);
}

static void make_functions(void)
{
    honest = callee_function_counter(CALLEE_HONEST, 1);
    forger = callee_function_counter(CALLEE_FORGER, 2);
    reader = callee_function_counter(CALLEE_READONLY, 3);
}

/* What loop tests go through: two servers, scripts and functions. */
#define SCENES 4

/* The server has them all; the client is connected, and knows. */
static void begin(int scene, uint32_t outages)
{
    ts_server_options so = {.kind = scene % 2 ? TS_VALKEY : TS_REDIS};
    vouch_client_options o = rig_options(3, 1000);
    struct callee *all[] = {&honest, &forger, &reader};
    obstacles_options(&so);
    rig = rig_start_with(&so);
    obstacles_on(rig.server);
    o.outages = outages;
    client = rig_open(&rig, &o);
    (scene / 2 ? make_functions : make_scripts)();
    for (size_t i = 0; i < 3; i++) {
        vouch_call *call = NULL;
        ck_assert_int_eq(
            callee_call(client, all[i], VOUCH_ARGS("warm"), VOUCH_NO_ARGS, NULL, &call, &error),
            VOUCH_OK);
        vouch_call_free(call);
    }
}

static void end(void)
{
    vouch_client_close(client);
    callee_free(&honest);
    callee_free(&forger);
    callee_free(&reader);
    obstacle_end();
    rig_stop(&rig);
}

static int64_t held(const char *key)
{
    int64_t n = ts_int(rig.server, "GET", key, NULL);
    return n == TS_NIL ? 0 : n;
}

/* ---- what passes ---------------------------------------------------------------------------- */

static vouch_batch *batch(void)
{
    char key[RIG_KEY_MAX];
    vouch_batch *b = vouch_batch_new();
    for (size_t i = 0; i < COMMANDS; i++)
        callee_add(b, &honest, VOUCH_ARGS(rig_key(i, key)), VOUCH_NO_ARGS);
    return b;
}

/* Until it was refused at least once, and waits. */
static void wait_for_refusal(const vouch_op *op)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    vouch_stats before = VOUCH_STATS_INIT, now = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(client, &before), VOUCH_OK);
    do {
        ck_assert_msg(!vouch_op_done(op) && !ts_passed(limit), "it does not wait");
        rig_turn(client, 2);
        ck_assert_int_eq(vouch_client_stats(client, &now), VOUCH_OK);
    } while (now.waits < before.waits + 3);
}

START_TEST(what_passes_is_waited_for)
{
    const struct obstacle *o = &obstacles[_i / SCENES];
    vouch_call *call = NULL;
    vouch_results *r = NULL;
    vouch_tx_result *t = NULL;
    vouch_op *ops[4];
    vouch_retry retry = VOUCH_RETRY_INIT;
    vouch_tx_options to = VOUCH_TX_OPTIONS_INIT;
    begin(_i % SCENES, 1000000);
    vouch_batch *b = batch();
    to.retry = &retry;
    retry.outages = 1000000;
    o->set(true);
    ck_assert_int_eq(
        callee_start(client, &honest, VOUCH_ARGS("single"), VOUCH_NO_ARGS, NULL, &ops[0], &error),
        VOUCH_OK);
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &ops[1], &error), VOUCH_OK);
    ck_assert_int_eq(
        callee_start(client, &reader, VOUCH_ARGS("single"), VOUCH_NO_ARGS, NULL, &ops[2], &error),
        VOUCH_OK);
    ck_assert_int_eq(vouch_transaction_exec_start(client, b, &to, &ops[3], &error), VOUCH_OK);
    for (int i = 0; i < 4; i++)
        if (i != 2 || o->reads)
            wait_for_refusal(ops[i]);
    o->set(false);
    for (int i = 0; i < 4; i++)
        rig_drive(client, ops[i]);
    ck_assert_msg(!vouch_call_finish(ops[0], &call, &error), "%s: %s", o->code, error.message);
    ck_assert_uint_gt(vouch_call_result(call)->attempts, o->set != obstacle_loading);
    ck_assert_int_eq(held("single"), 1);
    vouch_call_free(call);
    ck_assert_msg(!vouch_pipeline_finish(ops[1], &r, &error), "%s: %s", o->code, error.message);
    vouch_results_free(r);
    ck_assert_msg(!vouch_call_finish(ops[2], NULL, &error), "%s: %s", o->code, error.message);
    ck_assert_msg(!vouch_transaction_finish(ops[3], &t, &error), "%s: %s", o->code, error.message);
    vouch_tx_result_free(t);
    int64_t *times = rig_held(&rig, COMMANDS);
    for (size_t i = 0; i < COMMANDS; i++)
        ck_assert_int_eq(times[i], 2); /* the pipeline, and the transaction */
    free(times);
    vouch_batch_free(b);
    end();
}
END_TEST

/* ---- what does not -------------------------------------------------------------------------- */

static void expect(const char *what, vouch_status got, vouch_effect effect, const char *code)
{
    ck_assert_msg(got == VOUCH_ESERVER && error.effect == effect, "%s, %s: %s, %s: %s", what, code,
                  vouch_status_name(got), vouch_effect_name(error.effect), error.message);
    ck_assert_str_eq(error.code, code);
    ck_assert_msg(strstr(error.message, code), "%s", error.message);
    ck_assert_uint_eq(error.retriable, effect == VOUCH_NOT_APPLIED);
    ck_assert_int_eq(error.cause, VOUCH_CAUSE_REFUSED);
}

START_TEST(what_does_not_pass_is_told_with_its_true_effect)
{
    const struct obstacle *o = &obstacles[_i / SCENES];
    vouch_call *call = NULL;
    vouch_results *r = NULL;
    const char *code =
        o->set == obstacle_masterdown ? "READONLY" : o->code; /* what a writer is told */
    begin(_i % SCENES, o->set == obstacle_loading ? 6 : 2);
    o->set(true);
    vouch_batch *b = batch();
    vouch_status status =
        callee_call(client, &honest, VOUCH_ARGS("k"), VOUCH_NO_ARGS, NULL, &call, &error);
    expect("honest", status, VOUCH_NOT_APPLIED, code);
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_NOT_SENT);
    status = callee_call(client, &forger, VOUCH_ARGS("k"), VOUCH_ARGS("y"), NULL, &call, &error);
    expect("not honest", status, VOUCH_MAYBE_APPLIED, code);
    ck_assert_uint_eq(vouch_call_result(call)->attempts, 1);
    status = callee_call(client, &reader, VOUCH_ARGS("k"), VOUCH_NO_ARGS, NULL, &call, &error);
    if (o->reads)
        expect("read-only", status, VOUCH_NOT_APPLIED, o->code);
    else
        ck_assert_msg(status == VOUCH_OK, "%s", error.message);
    status = vouch_pipeline_run(client, b, NULL, &r, &error);
    ck_assert_msg(status == VOUCH_EPARTIAL && error.effect == VOUCH_NOT_APPLIED, "%s: %s", o->code,
                  error.message);
    for (size_t i = 0; i < COMMANDS; i++)
        ck_assert_int_eq(vouch_results_at(r, i)->effect, VOUCH_NOT_APPLIED);
    o->set(false);
    ck_assert_int_eq(held("k"), 0);
    ck_assert_int_eq(held("c0000"), 0);
    vouch_results_free(r);
    vouch_batch_free(b);
    vouch_call_free(call);
    end();
}
END_TEST

/* Without a shebang a script is started all the same, and its writes are refused: in its name. */
START_TEST(what_is_refused_inside_is_told_as_perhaps)
{
    begin(_i % SCENES, 2);
    struct callee old = script("return redis.call('INCR', KEYS[1])", 1);
    for (int i = 0; i < OBSTACLES; i++) {
        vouch_call *call = NULL;
        const struct obstacle *o = &obstacles[i];
        if (o->reads)
            continue;
        o->set(true);
        vouch_status status =
            callee_call(client, &old, VOUCH_ARGS("k"), VOUCH_NO_ARGS, NULL, &call, &error);
        expect("inside", status, VOUCH_MAYBE_APPLIED, o->code);
        vouch_script_error e;
        ck_assert(vouch_script_error_read(vouch_call_reply(call), &e));
        ck_assert_int_eq(e.line, 1);
        o->set(false);
        ck_assert_int_eq(held("k"), 0);
        vouch_call_free(call);
    }
    callee_free(&old);
    end();
}
END_TEST

/* ---- kill_busy ------------------------------------------------------------------------------ */

START_TEST(what_holds_the_server_is_ended)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    const struct callee *callees[] = {&honest, &reader};
    begin(_i % SCENES, 100);
    o.kill_busy = 1;
    for (int turn = 0; turn < 4; turn++) {
        (turn / 2 ? obstacle_busy_function : obstacle_busy_script)(true);
        vouch_status status = callee_call(client, callees[turn % 2], VOUCH_ARGS("k"), VOUCH_NO_ARGS,
                                          &o, &call, &error);
        ck_assert_msg(status == VOUCH_OK, "%s", error.message);
        ck_assert_int_eq(held("k"), 1 + turn / 2);
        obstacle_end();
    }
    vouch_call_free(call);
    end();
}
END_TEST

/* It has written, and goes on for a second or so. Not by the clock, which may be set. */
static const char writer[] = "redis.call('SET', 'written', 1) for i = 1, 60000000 do end";

START_TEST(what_has_written_is_not_ended_but_waited_for)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    begin(_i % SCENES, 100000);
    o.kill_busy = 1;
    o.outages = 3;
    obstacle_hold("EVAL", writer);
    vouch_status status =
        callee_call(client, &honest, VOUCH_ARGS("k"), VOUCH_NO_ARGS, &o, &call, &error);
    expect("a writer", status, VOUCH_NOT_APPLIED, "BUSY");
    ck_assert_msg(strstr(error.message, "cannot be killed"), "%s", error.message);
    o.outages = 0;
    status = callee_call(client, &honest, VOUCH_ARGS("k"), VOUCH_NO_ARGS, &o, &call, &error);
    ck_assert_msg(status == VOUCH_OK, "%s", error.message);
    ck_assert_int_eq(held("k"), 1);
    ck_assert_int_eq(held("written"), 1);
    vouch_call_free(call);
    end();
}
END_TEST

/* A forger that is told BUSY has perhaps run: nothing may be tried again, nor ended for it. */
START_TEST(for_a_forger_nothing_is_ended)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    begin(_i % SCENES, 100);
    o.kill_busy = 1;
    obstacle_busy_script(true);
    vouch_status status =
        callee_call(client, &forger, VOUCH_ARGS("k"), VOUCH_ARGS("y"), &o, &call, &error);
    expect("a forger", status, VOUCH_MAYBE_APPLIED, "BUSY");
    obstacle_wait_busy(true);
    obstacle_busy_script(false);
    ck_assert_int_eq(held("k"), 0);
    vouch_call_free(call);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script refused");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, what_passes_is_waited_for, 0, SCENES * OBSTACLES);
    tcase_add_loop_test(c, what_does_not_pass_is_told_with_its_true_effect, 0, SCENES * OBSTACLES);
    tcase_add_loop_test(c, what_is_refused_inside_is_told_as_perhaps, 0, 2);
    tcase_add_loop_test(c, what_holds_the_server_is_ended, 0, SCENES);
    tcase_add_loop_test(c, what_has_written_is_not_ended_but_waited_for, 0, SCENES);
    tcase_add_loop_test(c, for_a_forger_nothing_is_ended, 0, SCENES);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
