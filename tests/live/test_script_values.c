/* What servers promise of scripts, seen through vouch: values of Lua as replies, in both protocols. */
#include "buffer.h"
#include "callee.h"

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

static vouch_status run(const char *source)
{
    struct callee c = callee_of(source, NULL);
    vouch_status status =
        callee_call(client, &c, VOUCH_ARGS("key"), VOUCH_ARGS("arg"), NULL, &call, &error);
    callee_free(&c);
    return status;
}

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

int main(void)
{
    Suite *suite = suite_create("script values");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, values_of_lua_are_replies, 0, 4);
    tcase_add_loop_test(c, large_values_arrive_whole, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
