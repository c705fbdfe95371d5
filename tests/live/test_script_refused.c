/* Scripts that a server does not start for now: short of memory, a replica, without replicas, unable to
 * save, loading, held by another script or function. An honest one is tried again until it runs, once,
 * or refused with the true effect; another's error is not believed. And the one that holds the server
 * is ended, where it may be. */
#include "callee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMANDS 5

static struct rig rig;
static vouch_client *client;
static vouch_error error;
static ts_conn *holder; /* on which runs what holds the server */
static struct callee honest, forger, reader;

static void set(const char *name, const char *value)
{
    ts_do(rig.server, "CONFIG", "SET", name, value, NULL);
}

/* ---- obstacles ------------------------------------------------------------------------------ */

static void wait_busy(bool busy)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool is = !busy; is != busy;) {
        ck_assert(ts_look_again(limit));
        ts_reply *reply = ts_command(rig.server, "GET", "x", NULL);
        is = reply->type == TS_REPLY_ERROR;
        ts_reply_free(reply);
    }
}

static void hold(const char *command, const char *what)
{
    size_t size;
    set("busy-reply-threshold", "1");
    char *bytes = ts_encode(&size, command, what, "0", NULL);
    holder = ts_truth_open(rig.server);
    ck_assert(ts_conn_send(holder, bytes, size, ts_deadline(RIG_PATIENCE_MS)));
    free(bytes);
    wait_busy(true);
}

static void let_go(const char *command)
{
    ts_reply_free(ts_command(rig.server, command, "KILL", NULL));
    wait_busy(false);
    ts_conn_close(holder);
    holder = NULL;
}

static void oom(bool begin)
{
    set("maxmemory", begin ? "1" : "0");
}

static void noreplicas(bool begin)
{
    set("min-replicas-to-write", begin ? "1" : "0");
}

static void readonly(bool begin)
{
    ts_do(rig.server, "REPLICAOF", begin ? "127.0.0.1" : "NO", begin ? "1" : "ONE", NULL);
}

static void masterdown(bool begin)
{
    set("replica-serve-stale-data", begin ? "no" : "yes");
    readonly(begin);
}

static void misconf(bool begin)
{
    char path[256];
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    (void)snprintf(path, sizeof path, "%s/dump.rdb", ts_server_folder(rig.server));
    ck_assert_int_eq(begin ? mkdir(path, 0700) : rmdir(path), 0);
    ts_do(rig.server, "BGSAVE", NULL);
    for (bool is = false; !is;) {
        ck_assert(ts_look_again(limit));
        char *now = ts_info(rig.server, "persistence", "rdb_bgsave_in_progress");
        char *last = ts_info(rig.server, "persistence", "rdb_last_bgsave_status");
        is = now && last && strcmp(now, "0") == 0 && strcmp(last, begin ? "err" : "ok") == 0;
        free(now);
        free(last);
    }
}

static void busy_script(bool begin)
{
    if (begin)
        hold("EVAL", "while true do end");
    else
        let_go("SCRIPT");
}

static void busy_function(bool begin)
{
    if (!begin) {
        let_go("FUNCTION");
        return;
    }
    ts_do(rig.server, "FUNCTION", "LOAD", "REPLACE",
          "#!lua name=l\nredis.register_function('loop', function() while true do end end)", NULL);
    hold("FCALL", "loop");
}

/* A thousand keys, ten milliseconds each: it loads until it is told not to be so slow. */
static void loading(bool begin)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    if (!begin) {
        set("key-load-delay", "0");
        ck_assert(ts_server_wait_ready(rig.server, limit));
        return;
    }
    ts_do(rig.server, "EVAL", "for i=1,1000 do redis.call('SET', 'k'..i, string.rep('x', 500)) end",
          "0", NULL);
    ts_do(rig.server, "SAVE", NULL);
    ts_server_kill(rig.server);
    ck_assert(ts_server_start_again_async(rig.server));
    for (bool loads = false; !loads;) {
        ck_assert(ts_look_again(limit));
        char *now = ts_info(rig.server, "persistence", "loading");
        loads = now && strcmp(now, "1") == 0;
        free(now);
    }
}

static const struct obstacle {
    const char *code;
    void (*set)(bool begin);
    bool reads; /* it refuses those that only read, too */
} obstacles[] = {
    {"OOM", oom, false},           {"NOREPLICAS", noreplicas, false},
    {"READONLY", readonly, false}, {"MASTERDOWN", masterdown, true},
    {"MISCONF", misconf, false},   {"BUSY", busy_script, true},
    {"BUSY", busy_function, true}, {"LOADING", loading, true},
};

#define OBSTACLES ((int)(sizeof obstacles / sizeof *obstacles))

/* ---- the scene ------------------------------------------------------------------------------ */

static struct callee callee(const char *body, int is_honest)
{
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    o.honest = (uint32_t)is_honest;
    return callee_of(body, &o);
}

/* The server has them all; the client is connected, and knows. */
static void begin(int kind, uint32_t outages)
{
    static const char *const slow[] = {"save 3600 1000000", "key-load-delay 10000",
                                       "loading-process-events-interval-bytes 1024",
                                       "rdbcompression no", NULL};
    ts_server_options so = {.kind = kind ? TS_VALKEY : TS_REDIS, .config = slow};
    vouch_client_options o = rig_options(3, 1000);
    struct callee *all[] = {&honest, &forger, &reader};
    rig = rig_start_with(&so);
    o.outages = outages;
    client = rig_open(&rig, &o);
    honest = callee("#!lua\nreturn redis.call('INCR', KEYS[1])", 1);
    forger = callee("#!lua\nif ARGV[1] == 'x' then return redis.error_reply('OOM x') end "
                    "return redis.call('INCR', KEYS[1])",
                    0);
    reader = callee("#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])", 0);
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
    ts_conn_close(holder);
    holder = NULL;
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
    const struct obstacle *o = &obstacles[_i / 2];
    vouch_call *call = NULL;
    vouch_results *r = NULL;
    vouch_tx_result *t = NULL;
    vouch_op *ops[4];
    vouch_retry retry = VOUCH_RETRY_INIT;
    vouch_tx_options to = VOUCH_TX_OPTIONS_INIT;
    begin(_i % 2, 1000000);
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
    ck_assert_uint_gt(vouch_call_result(call)->attempts, o->set != loading);
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
    const struct obstacle *o = &obstacles[_i / 2];
    vouch_call *call = NULL;
    vouch_results *r = NULL;
    const char *code = o->set == masterdown ? "READONLY" : o->code; /* what a writer is told */
    begin(_i % 2, o->set == loading ? 6 : 2);
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
    begin(_i % 2, 2);
    struct callee old = callee("return redis.call('INCR', KEYS[1])", 1);
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
    begin(_i % 2, 100);
    o.kill_busy = 1;
    for (int turn = 0; turn < 4; turn++) {
        (turn / 2 ? busy_function : busy_script)(true);
        vouch_status status = callee_call(client, callees[turn % 2], VOUCH_ARGS("k"), VOUCH_NO_ARGS,
                                          &o, &call, &error);
        ck_assert_msg(status == VOUCH_OK, "%s", error.message);
        ck_assert_int_eq(held("k"), 1 + turn / 2);
        ts_conn_close(holder);
        holder = NULL;
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
    begin(_i % 2, 100000);
    o.kill_busy = 1;
    o.outages = 3;
    hold("EVAL", writer);
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
    begin(_i % 2, 100);
    o.kill_busy = 1;
    busy_script(true);
    vouch_status status =
        callee_call(client, &forger, VOUCH_ARGS("k"), VOUCH_ARGS("y"), &o, &call, &error);
    expect("a forger", status, VOUCH_MAYBE_APPLIED, "BUSY");
    wait_busy(true);
    busy_script(false);
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
    tcase_add_loop_test(c, what_passes_is_waited_for, 0, 2 * OBSTACLES);
    tcase_add_loop_test(c, what_does_not_pass_is_told_with_its_true_effect, 0, 2 * OBSTACLES);
    tcase_add_loop_test(c, what_is_refused_inside_is_told_as_perhaps, 0, 2);
    tcase_add_loop_test(c, what_holds_the_server_is_ended, 0, 2);
    tcase_add_loop_test(c, what_has_written_is_not_ended_but_waited_for, 0, 2);
    tcase_add_loop_test(c, for_a_forger_nothing_is_ended, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
