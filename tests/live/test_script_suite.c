/* What servers promise of scripts, seen through vouch: the cases of their own suites that concern a
 * client. Values of Lua as replies in both protocols, errors with their place, flags of the shebang, what
 * only reads, and scripts that take too long. */
#include "base.h"
#include "buffer.h"
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

/* ---- values --------------------------------------------------------------------------------- */

static void render(const vouch_reply *r, ts_buffer *out);

static void render_all(const vouch_reply *r, ts_buffer *out)
{
    for (size_t i = 0; i < vouch_reply_count(r); i++) {
        ts_buffer_print(out, "%s", i ? " " : "");
        render(vouch_reply_at(r, i), out);
    }
}

/* By its getters. */
static void render(const vouch_reply *r, ts_buffer *out)
{
    int64_t n = 0;
    double d = 0;
    bool b = false;
    const char *text = vouch_reply_string(r).data;
    switch (vouch_reply_type(r)) {
    case VOUCH_TYPE_NIL:
        ts_buffer_print(out, "nil");
        return;
    case VOUCH_TYPE_INTEGER:
        ck_assert(vouch_reply_int64(r, &n));
        ts_buffer_print(out, "%lld", (long long)n);
        return;
    case VOUCH_TYPE_DOUBLE:
        ck_assert(vouch_reply_double(r, &d));
        ts_buffer_print(out, "double %g", d);
        return;
    case VOUCH_TYPE_BOOL:
        ck_assert(vouch_reply_bool(r, &b));
        ts_buffer_print(out, "%s", b ? "true" : "false");
        return;
    case VOUCH_TYPE_STRING:
        ts_buffer_print(out, "'%s'", text);
        return;
    case VOUCH_TYPE_STATUS:
        ts_buffer_print(out, "+%s", text);
        return;
    case VOUCH_TYPE_ERROR:
        ts_buffer_print(out, "-%s", text);
        return;
    case VOUCH_TYPE_BIGNUM:
        ts_buffer_print(out, "(%s", text);
        return;
    case VOUCH_TYPE_VERBATIM:
        ts_buffer_print(out, "=%s", text);
        return;
    case VOUCH_TYPE_ARRAY:
    case VOUCH_TYPE_MAP:
    case VOUCH_TYPE_SET:
        ts_buffer_print(out, "%c", "[{~"[vouch_reply_type(r) - VOUCH_TYPE_ARRAY]);
        render_all(r, out);
        ts_buffer_print(out, "%c", "]}~"[vouch_reply_type(r) - VOUCH_TYPE_ARRAY]);
        return;
    case VOUCH_TYPE_NONE:
    case VOUCH_TYPE_LAST_:
        break;
    }
    ts_buffer_print(out, "?");
}

struct value {
    const char *source, *resp3, *resp2; /* resp2 NULL: the same */
};

static const struct value values[] = {
    {"return 5", "5", NULL},
    {"return -5", "-5", NULL},
    {"return 3.99", "3", NULL},
    {"return -3.99", "-3", NULL},
    {"return '3.99'", "'3.99'", NULL},
    {"return tostring(3.5)", "'3.5'", NULL},
    {"return 9007199254740993", "9007199254740992", NULL},
    {"return 'text'", "'text'", NULL},
    {"return ''", "''", NULL},
    {"return true", "1", NULL},
    {"return false", "nil", NULL},
    {"return nil", "nil", NULL},
    {"return", "nil", NULL},
    {"local a = 1", "nil", NULL},
    {"redis.setresp(3) return true", "true", "1"},
    {"redis.setresp(3) return false", "false", "0"},
    {"return {}", "[]", NULL},
    {"return {1, 2, 3}", "[1 2 3]", NULL},
    {"return {1, 2, nil, 4}", "[1 2]", NULL},
    {"return {1, false, 3}", "[1 nil 3]", NULL},
    {"return {1, 2, 3.3333, 'foo', nil, 'bar'}", "[1 2 3 'foo']", NULL},
    {"return {a = 1}", "[]", NULL},
    {"return {1, {2, {3, 'x'}}}", "[1 [2 [3 'x']]]", NULL},
    {"return {ok = 'fine'}", "+fine", NULL},
    {"return redis.status_reply('fine')", "+fine", NULL},
    {"return {1, {ok = 'fine'}, {err = 'BAD x'}}", "[1 +fine -BAD x]", NULL},
    {"return {double = 3.5}", "double 3.5", "'3.5'"},
    {"return {double = 3}", "double 3", "'3'"},
    {"return {double = 1 / 0}", "double inf", "'inf'"},
    {"return {map = {a = 1}}", "{'a' 1}", "['a' 1]"},
    {"return {map = {a = {map = {b = 2}}}}", "{'a' {'b' 2}}", "['a' ['b' 2]]"},
    {"return {set = {a = true}}", "~'a'~", "['a']"},
    {"return {big_number = '123999999999999999999999999999'}", "(123999999999999999999999999999",
     "'123999999999999999999999999999'"},
    {"return {verbatim_string = {format = 'txt', string = 'words'}}", "=words", "'words'"},
    {"return KEYS[1] .. ARGV[1]", "'keyarg'", NULL},
    {"return {#KEYS, #ARGV}", "[1 1]", NULL},
    {"return redis.call('PING')", "+PONG", NULL},
    {"return redis.call('ECHO', 'a b')", "'a b'", NULL},
    {"return redis.call('GET', KEYS[1])", "nil", NULL},
    {"return redis.call('INCR', KEYS[1])", "1", NULL},
    {"return type(redis.call('GET', 'none'))", "'boolean'", NULL},
    {"return redis.call('SET', KEYS[1], 5)", "+OK", NULL},
    {"return redis.call('MGET', KEYS[1], 'none')", "['5' nil]", NULL},
    {"redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[1], 'f', 1) "
     "return redis.call('HGETALL', KEYS[1])",
     "['f' '1']", NULL},
    {"redis.setresp(3) return redis.call('HGETALL', KEYS[1])", "{'f' '1'}", "['f' '1']"},
    {"redis.call('SADD', 's', 1) return redis.call('SMEMBERS', 's')", "['1']", NULL},
    {"redis.setresp(3) return redis.call('SMEMBERS', 's')", "~'1'~", "['1']"},
    {"redis.call('ZADD', 'z', 1.5, 'm') return redis.call('ZSCORE', 'z', 'm')", "'1.5'", NULL},
    {"redis.setresp(3) return redis.call('ZSCORE', 'z', 'm')", "double 1.5", "'1.5'"},
    {"redis.setresp(3) return redis.call('GET', 'none')", "nil", NULL},
    {"return cjson.encode({1, 2, {3}})", "'[1,2,[3]]'", NULL},
    {"return cjson.decode('[1, null, \"x\"]')[3]", "'x'", NULL},
    {"return bit.bor(1, 6)", "7", NULL},
    {"return struct.size('HH')", "4", NULL},
    {"return redis.sha1hex('')", "'da39a3ee5e6b4b0d3255bfef95601890afd80709'", NULL},
    {"return #string.rep('x', 1000000)", "1000000", NULL},
};

START_TEST(values_of_lua_are_replies)
{
    bool resp3 = begin(_i);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct value *v = &values[i];
        ts_buffer text = {0};
        vouch_status status = run(v->source);
        ck_assert_msg(status == VOUCH_OK, "%s: %s", v->source, error.message);
        render(vouch_call_reply(call), &text);
        ts_buffer_add(&text, "", 1);
        const char *want = resp3 || !v->resp2 ? v->resp3 : v->resp2;
        ck_assert_msg(strcmp(ts_buffer_bytes(&text), want) == 0, "%s: %s, not %s", v->source,
                      ts_buffer_bytes(&text), want);
        ts_buffer_free(&text);
    }
    end();
}
END_TEST

/* A million elements, and eight megabytes. */
START_TEST(large_values_arrive_whole)
{
    begin(_i);
    ck_assert_int_eq(run("local t = {} for i = 1, 1000000 do t[i] = i end return t"), VOUCH_OK);
    const vouch_reply *r = vouch_call_reply(call);
    int64_t n = 0;
    ck_assert_uint_eq(vouch_reply_count(r), 1000000);
    ck_assert(vouch_reply_int64(vouch_reply_at(r, 999999), &n) && n == 1000000);
    ck_assert_int_eq(run("return string.rep('x', 8000000)"), VOUCH_OK);
    ck_assert_uint_eq(vouch_reply_string(vouch_call_reply(call)).size, 8000000);
    end();
}
END_TEST

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
    static const char source[] = "redis.call('SET', KEYS[1], 'late') for i = 1, 20000000 do end";
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    begin(_i);
    struct callee c = callee_of(source, NULL);
    ts_do(rig.server, "CONFIG", "SET", "busy-reply-threshold", "0", NULL); /* never says BUSY */
    o.deadline_ms = 10;
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
    tcase_add_loop_test(c, values_of_lua_are_replies, 0, 4);
    tcase_add_loop_test(c, large_values_arrive_whole, 0, 4);
    tcase_add_loop_test(c, errors_say_where_and_why, 0, 4);
    tcase_add_loop_test(c, what_was_written_before_an_error_stays, 0, 4);
    tcase_add_loop_test(c, what_only_reads_cannot_write, 0, 4);
    tcase_add_loop_test(c, flags_for_a_server_short_of_memory, 0, 4);
    tcase_add_loop_test(c, a_script_that_is_killed_says_so, 0, 2);
    tcase_add_loop_test(c, a_script_that_takes_too_long_is_unknown, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
