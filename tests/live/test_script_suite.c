/* What servers promise of scripts, seen through vouch: the cases of their own suites that concern a
 * client. Errors with their place, flags of the shebang, what only reads, and scripts that take too long.
 * (Values are in test_script_values.c.) */
#include "base.h"
#include "callee.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;
static vouch_call *call;

/* Loop tests: both kinds of server, in both protocols. */
static bool begin(int i)
{
    rig = rig_start(i % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, i / 2 % 2 ? 2 : 3, 1000);
    return i / 2 % 2 == 0;
}

static void end(void)
{
    vouch_call_free(call);
    call = NULL;
    vouch_client_close(client);
    rig_stop(&rig);
}

static vouch_status run_with(const char *source, const vouch_script_options *o, const char *key,
                             const char *arg)
{
    struct callee c = callee_of(source, o);
    vouch_status status =
        callee_call(client, &c, VOUCH_ARGS(key), VOUCH_ARGS(arg), NULL, &call, &error);
    callee_free(&c);
    return status;
}

static vouch_status run(const char *source)
{
    return run_with(source, NULL, "key", "arg");
}

/* ---- errors --------------------------------------------------------------------------------- */

struct failure {
    const char *source, *code, *words; /* a part of the message */
    int64_t line;                      /* 0: returned, not raised */
};

static const struct failure failures[] = {
    {"return redis.error_reply('MY words')", "MY", "words", 0},
    {"return redis.error_reply('one')", "ERR", "one", 0},
    {"return {err = 'MY words'}", "MY", "words", 0},
    {"\n\nerror('words')", "ERR", "user_script:3: words", 3},
    {"error('words', 0)", "ERR", "words", 1},
    {"error({err = 'MY words'})", "MY", "words", 1},
    {"local function f() error({err = 'MY words'}) end\n\nf()", "MY", "words", 1},
    {"return redis.call('nosuch')", "ERR", "ommand", 1},
    {"\nreturn redis.call('GET')", "ERR", "rong number of args", 2},
    {"redis.call('SET', KEYS[1], 'x') return redis.call('INCR', KEYS[1])", "ERR",
     "value is not an integer or out of range", 1},
    {"redis.call('SET', KEYS[1], 'x') return redis.pcall('INCR', KEYS[1])", "ERR",
     "value is not an integer or out of range", 0},
    {"redis.call('DEL', 'l') redis.call('LPUSH', 'l', 1)\nreturn redis.call('GET', 'l')",
     "WRONGTYPE", "Operation against a key holding the wrong kind of value", 2},
    {"return redis.call('SUBSCRIBE', 'x')", "ERR", "not allowed from script", 1},
    {"return redis.call('SELECT', 'x')", "ERR", "", 1},
    {"x = 1", "ERR", "", 1},
    {"return undefined", "ERR", "nonexistent global variable 'undefined'", 1},
    {"return nil .. 'x'", "ERR", "attempt to concatenate a nil value", 1},
    {"local t = nil\nreturn t.x", "ERR", "attempt to index local 't'", 2},
    {"return redis.call('SET', KEYS[1], {})", "ERR", "must be strings or integers", 1},
    {"local function f() return 1 + f() end return f()", "ERR", "stack overflow", 1},
    {"return {1, 2", "NOSCRIPT", "", -1},
    {"#!lua flags=nosuch\nreturn 1", "NOSCRIPT", "", -1},
    {"#!nosuch\nreturn 1", "NOSCRIPT", "", -1},
};

START_TEST(errors_say_where_and_why)
{
    begin(_i);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        const struct failure *f = &failures[i];
        vouch_script_error e;
        vouch_status status = run(f->source);
        ck_assert_msg(status == VOUCH_ESERVER, "%s: %s", f->source, vouch_status_name(status));
        ck_assert_msg(strcmp(error.code, f->code) == 0, "%s: %s", f->source, error.message);
        if (f->line < 0) { /* never loaded, so never run: the message has the server's reason */
            ck_assert_msg(strstr(error.message, "loading it was refused: ERR"), "%s",
                          error.message);
            ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
            continue;
        }
        ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
        ck_assert(vouch_script_error_read(vouch_call_reply(call), &e));
        ck_assert_str_eq(e.code, f->code);
        ck_assert_msg(e.line == f->line, "%s: line %lld", f->source, (long long)e.line);
        char *message = ts_copy(e.message.data, e.message.size);
        ck_assert_msg(strstr(message, f->words), "%s: %s", f->source, message);
        ck_assert_msg(!strstr(message, " script: "), "%s", message);
        free(message);
    }
    end();
}
END_TEST

/* A script that fails half-way keeps what it has written. */
START_TEST(what_was_written_before_an_error_stays)
{
    begin(_i);
    ck_assert_int_eq(run("redis.call('SET', KEYS[1], 'kept') error('x')"), VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(ts_int(rig.server, "STRLEN", "key", NULL), 4);
    end();
}
END_TEST

/* ---- flags ---------------------------------------------------------------------------------- */

static void expect_flagged(const char *source, int readonly, const char *words, const char *held)
{
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    o.readonly = (uint32_t)readonly;
    vouch_status status = run_with(source, &o, "flagged", "x");
    char *text = ts_text(rig.server, "GET", "flagged", NULL);
    ck_assert_msg((status == VOUCH_OK) == !words, "%s: %s", source, error.message);
    ck_assert_msg(!words || strstr(error.message, words), "%s: %s", source, error.message);
    ck_assert_msg(held ? text && strcmp(text, held) == 0 : !text, "%s: holds %s", source,
                  text ? text : "nothing");
    if (words)
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    free(text);
}

START_TEST(what_only_reads_cannot_write)
{
    static const char write[] = "Write commands are not allowed from read-only scripts";
    begin(_i);
    expect_flagged("#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])", 0, NULL, NULL);
    expect_flagged("#!lua flags=no-writes\nreturn redis.call('SET', KEYS[1], 1)", 0, write, NULL);
    expect_flagged("#!lua flags=allow-stale,no-writes\nreturn redis.call('SET', KEYS[1], 1)", 0,
                   write, NULL);
    expect_flagged("return redis.call('SET', KEYS[1], 1)", 1, write, NULL);
    expect_flagged("return redis.call('GET', KEYS[1])", 1, NULL, NULL);
    expect_flagged("#!lua\nreturn redis.call('GET', KEYS[1])", 1, "write flag", NULL);
    expect_flagged("return redis.call('PFCOUNT', KEYS[1])", 1, "", NULL);
    expect_flagged("#!lua\nreturn redis.call('SET', KEYS[1], 1)", 0, NULL, "1");
    end();
}
END_TEST

/* Short of memory: allow-oom writes, no flag does not start, no shebang fails at the first write. */
START_TEST(flags_for_a_server_short_of_memory)
{
    static const char set[] = "return redis.call('SET', KEYS[1], ARGV[1])";
    char flagged[200];
    begin(_i);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    (void)snprintf(flagged, sizeof flagged, "#!lua flags=allow-oom\n%s", set);
    ck_assert_msg(run(flagged) == VOUCH_OK, "%s", error.message);
    (void)snprintf(flagged, sizeof flagged, "#!lua\n%s", set);
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    o.honest = 1;
    vouch_client_options co = rig_options(3, 1000);
    vouch_client_close(client);
    co.outages = 2;
    client = rig_open(&rig, &co);
    ck_assert_int_eq(run_with(flagged, &o, "key", "new"), VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_str_eq(error.code, "OOM");
    ck_assert_int_eq(run_with(set, &o, "key", "new"), VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_str_eq(error.code, "OOM");
    ck_assert_int_eq(ts_int(rig.server, "STRLEN", "key", NULL), 3);
    end();
}
END_TEST

/* ---- time ----------------------------------------------------------------------------------- */

static int end_it(void *user)
{
    const ts_server *server = user;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool busy = false; !busy;) {
        ts_reply *r = ts_command(server, "PING", NULL);
        busy = r->type == TS_REPLY_ERROR;
        ts_reply_free(r);
        if (!busy && !ts_look_again(limit))
            return 1;
    }
    ts_reply_free(ts_command(server, "SCRIPT", "KILL", NULL));
    return 0;
}

static void *end_it_thread(void *user)
{
    return end_it(user) ? user : NULL;
}

/* Killed by somebody else: its own error, in mid-script. */
START_TEST(a_script_that_is_killed_says_so)
{
    pthread_t thread;
    void *failed = NULL;
    vouch_script_error e;
    begin(_i);
    ts_do(rig.server, "CONFIG", "SET", "busy-reply-threshold", "1", NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, end_it_thread, rig.server), 0);
    vouch_status status = run("while true do end");
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
    ck_assert_int_eq(status, VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_msg(strstr(error.message, "killed by user with SCRIPT KILL"), "%s", error.message);
    ck_assert(vouch_script_error_read(vouch_call_reply(call), &e));
    ck_assert_int_eq(e.line, 1);
    end();
}
END_TEST

/* The deadline ends the call, not the script. */
START_TEST(a_script_that_takes_too_long_is_unknown)
{
    static const char source[] = "redis.call('SET', KEYS[1], 'late') for i = 1, 60000000 do end";
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    begin(_i);
    struct callee c = callee_of(source, NULL);
    ts_do(rig.server, "CONFIG", "SET", "busy-reply-threshold", "0", NULL); /* never says BUSY */
    ck_assert_int_gt(rig_connection_id(client), 0);                        /* it is connected */
    o.deadline_ms = 100;
    ck_assert_int_eq(callee_call(client, &c, VOUCH_ARGS("key"), VOUCH_NO_ARGS, &o, &call, &error),
                     VOUCH_EUNKNOWN);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(error.cause, VOUCH_CAUSE_DEADLINE);
    while (ts_int(rig.server, "STRLEN", "key", NULL) != 4)
        ck_assert(ts_look_again(limit));
    o.deadline_ms = 0;
    ck_assert_int_eq(callee_call(client, &c, VOUCH_ARGS("key"), VOUCH_NO_ARGS, &o, &call, &error),
                     VOUCH_OK);
    callee_free(&c);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script suite");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, errors_say_where_and_why, 0, 4);
    tcase_add_loop_test(c, what_was_written_before_an_error_stays, 0, 4);
    tcase_add_loop_test(c, what_only_reads_cannot_write, 0, 4);
    tcase_add_loop_test(c, flags_for_a_server_short_of_memory, 0, 4);
    tcase_add_loop_test(c, a_script_that_is_killed_says_so, 0, 2);
    tcase_add_loop_test(c, a_script_that_takes_too_long_is_unknown, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
