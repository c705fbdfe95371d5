/* What servers' own suites say of functions, as far as a client has to do with it: names, errors while loading
 * and while running, conversions in RESP2 and RESP3. */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static ts_server_kind kind;
static vouch_client *clients[2]; /* RESP2, RESP3 */
static vouch_error error;
static vouch_call *call;

static void begin(void)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    for (uint32_t i = 0; i < 2; i++)
        clients[i] = rig_client(&rig, 2 + i, 1000);
}

static void begin_redis(void)
{
    kind = TS_REDIS;
    begin();
}

static void begin_valkey(void)
{
    kind = TS_VALKEY;
    begin();
}

static void end(void)
{
    vouch_call_free(call);
    call = NULL;
    for (int i = 0; i < 2; i++)
        vouch_client_close(clients[i]);
    rig_stop(&rig);
}

static vouch_library *honest(const char *source)
{
    vouch_library_options o = VOUCH_LIBRARY_OPTIONS_INIT;
    o.honest = 1;
    return shelf_library(source, &o);
}

/* A library `one` of one function `f`, with these flags and this body. */
static vouch_library *one(const char *flags, const char *body)
{
    char source[SHELF_SOURCE_MAX];
    (void)snprintf(source, sizeof source,
                   "#!lua name=one\n"
                   "redis.register_function{function_name = 'f', flags = {%s},\n"
                   "callback = function(keys, args)\n"
                   "%s\n"
                   "end}\n",
                   flags, body);
    shelf_clear(rig.server);
    return honest(source);
}

static vouch_status run_with(vouch_client *c, const vouch_library *l, const vouch_call_options *o)
{
    vouch_call_free(call);
    call = NULL;
    return vouch_function_call(c, l, "f", VOUCH_ARGS("k"), VOUCH_ARGS("a"), o, &call, &error);
}

static vouch_status run(vouch_client *c, const vouch_library *l)
{
    return run_with(c, l, NULL);
}

/* ---- names ---------------------------------------------------------------------------------- */

/* FUNCTION LIST takes a pattern: another's name that is like ours is not ours. */
START_TEST(a_name_that_is_like_ours_is_not_ours)
{
    static const char *const others[] = {"banks", "ban", "Bank", "_bank", "bank_"};
    vouch_library *l = shelf_version("2");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        vouch_library_report r = VOUCH_LIBRARY_REPORT_INIT;
        char source[128];
        shelf_clear(rig.server);
        (void)snprintf(source, sizeof source,
                       "#!lua name=%s\n-- version: 9\nredis.register_function('other', function() "
                       "end)\n",
                       others[i]);
        shelf_put(rig.server, source);
        shelf_expect(vouch_library_status(clients[i % 2], l, 0, &r, &error), VOUCH_OK, error);
        ck_assert_int_eq(r.state, VOUCH_LIBRARY_MISSING);
        shelf_expect(vouch_library_install(clients[i % 2], l, VOUCH_INSTALL_NEWER, 0, &r, &error),
                     VOUCH_OK, error);
        ck_assert_int_eq(r.installed, 1);
        ck_assert(shelf_has(rig.server, others[i]) && shelf_has(rig.server, "bank"));
    }
    vouch_library_free(l);
}
END_TEST

/* Servers do not mind the case when they list: what is listed may be another's. */
START_TEST(one_that_differs_in_case_is_no_reason_not_to_load)
{
    vouch_library *l = shelf_library("#!lua name=bank\n"
                                     "redis.register_function('' .. 'f', function(keys)\n"
                                     "  return redis.call('INCR', keys[1])\n"
                                     "end)\n",
                                     NULL);
    shelf_put(rig.server, "#!lua name=Bank\nredis.register_function('other', function() end)\n");
    for (int turn = 0; turn < 4; turn++) {
        vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
        o.resolve = turn > 1;
        shelf_expect(run_with(clients[turn % 2], l, &o), VOUCH_OK, error);
        ts_do(rig.server, "FUNCTION", "DELETE", "bank", NULL);
        shelf_expect(run_with(clients[turn % 2], l, &o), VOUCH_OK, error);
        ck_assert_int_eq(ts_int(rig.server, "GET", "k", NULL), 2 * turn + 2);
    }
    vouch_library_free(l);
}
END_TEST

/* ---- loading -------------------------------------------------------------------------------- */

/* Sources that no server loads, and a part of its words. */
static const struct {
    const char *source, *words;
} unloadable[] = {
    {"redis.register_function('f', function() return 1 end)\nlocal a = = 1\n", "unexpected symbol"},
    {"redis.register_function('f', function() return 1 end)\nreturn redis.call('PING')\n", "call"},
    {"redis.register_function('f', function() return 1 end)\nsome_global = 1\n",
     "modify a readonly"},
    {"redis.register_function('f', function() return 1 end)\nlocal a = nil + 1\n",
     "arithmetic on a nil"},
    {"redis.register_function('f', function() return 1 end)\nwhile true do end\n", "timeout"},
    {"if false then redis.register_function('f', function() end) end\n", "No functions registered"},
    {"redis.register_function('f', function() return 1 end)\n"
     "redis.register_function('f', function() return 1 end)\n",
     "already exists"},
    {"redis.register_function('f', function() return 1 end)\nredis.register_function('a b', "
     "print)\n",
     ""},
};

START_TEST(a_source_that_cannot_be_loaded_never_runs)
{
    for (size_t i = 0; i < sizeof unloadable / sizeof *unloadable; i++) {
        char source[SHELF_SOURCE_MAX];
        vouch_library *l = NULL;
        (void)snprintf(source, sizeof source, "#!lua name=one\n%s", unloadable[i].source);
        if (vouch_library_new(source, 0, NULL, &l, &error) != VOUCH_OK) {
            ck_assert_int_eq(error.status, VOUCH_EINVAL); /* seen without a server */
            continue;
        }
        shelf_expect(run(clients[i % 2], l), VOUCH_ESERVER, error);
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ck_assert_msg(strstr(error.message, unloadable[i].words), "%zu: %s", i, error.message);
        vouch_library_report r = VOUCH_LIBRARY_REPORT_INIT;
        shelf_expect(vouch_library_install(clients[i % 2], l, VOUCH_INSTALL_MISSING, 0, &r, &error),
                     VOUCH_ESERVER, error);
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ck_assert_msg(strstr(error.message, unloadable[i].words), "%zu: %s", i, error.message);
        const vouch_library *const all[] = {l};
        shelf_expect(vouch_client_require(clients[i % 2], NULL, 0, all, 1, 0, &error),
                     VOUCH_ESERVER, error);
        ck_assert_msg(strstr(error.message, unloadable[i].words), "%zu: %s", i, error.message);
        ck_assert(!shelf_has(rig.server, "one"));
        vouch_library_free(l);
    }
}
END_TEST

/* ---- conversions ---------------------------------------------------------------------------- */

static void describe_into(char *out, size_t room, const vouch_reply *r)
{
    size_t n = strlen(out);
    int64_t i;
    double d;
    bool b;
    vouch_string s = vouch_reply_string(r);
    out += n;
    room -= n;
    switch (vouch_reply_type(r)) {
    case VOUCH_TYPE_INTEGER:
        (void)vouch_reply_int64(r, &i);
        (void)snprintf(out, room, "%lld ", (long long)i);
        return;
    case VOUCH_TYPE_DOUBLE:
        (void)vouch_reply_double(r, &d);
        (void)snprintf(out, room, "%g, ", d);
        return;
    case VOUCH_TYPE_BOOL:
        (void)vouch_reply_bool(r, &b);
        (void)snprintf(out, room, b ? "true " : "false ");
        return;
    case VOUCH_TYPE_NIL:
        (void)snprintf(out, room, "nil ");
        return;
    default:
        break;
    }
    if (s.data) {
        (void)snprintf(out, room, "%s%.*s ", vouch_reply_type(r) == VOUCH_TYPE_STATUS ? "+" : "'",
                       (int)s.size, s.data);
        return;
    }
    (void)snprintf(out, room, "[ ");
    for (size_t k = 0; k < vouch_reply_count(r); k++)
        describe_into(out, room, vouch_reply_at(r, k));
    (void)snprintf(out + strlen(out), room - strlen(out), "] ");
}

static const struct {
    const char *body, *resp2, *resp3;
} conversions[] = {
    {"return 7", "7 ", NULL},
    {"return -3.99", "-3 ", NULL},
    {"return 9007199254740992", "9007199254740992 ", NULL},
    {"return '3.99'", "'3.99 ", NULL},
    {"return true", "1 ", NULL},
    {"return false", "nil ", NULL},
    {"return nil", "nil ", NULL},
    {"return", "nil ", NULL},
    {"return {}", "[ ] ", NULL},
    {"return {1, {2, 'x'}, nil, 4}", "[ 1 [ 2 'x ] ] ", NULL},
    {"return {ok = 'fine'}", "+fine ", NULL},
    {"return redis.status_reply('fine')", "+fine ", NULL},
    {"return {false, true}", "[ nil 1 ] ", NULL},
    {"return {double = 1.5}", "'1.5 ", "1.5, "},
    {"return {map = {a = 1}}", "[ 'a 1 ] ", NULL},
    {"return {set = {a = true}}", "[ 'a ] ", NULL},
    {"redis.setresp(3) return true", "1 ", "true "},
    {"redis.setresp(3) return false", "0 ", "false "},
    {"redis.setresp(3) return redis.call('HGETALL', keys[1])", "[ ] ", NULL},
    {"return redis.call('SET', keys[1], 'v')", "+OK ", NULL},
    {"return redis.call('GET', keys[1])", "'v ", NULL},
    {"return redis.call('DEL', keys[1])", "1 ", NULL},
    {"return {keys[1], args[1], #keys, #args}", "[ 'k 'a 1 1 ] ", NULL},
};

START_TEST(conversions_in_both_protocols)
{
    for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++) {
        vouch_library *l = one("", conversions[i].body);
        for (int p = 0; p < 2; p++) {
            char text[200] = "";
            const char *want =
                p && conversions[i].resp3 ? conversions[i].resp3 : conversions[i].resp2;
            if (strstr(conversions[i].body, "'GET'") || strstr(conversions[i].body, "'DEL'"))
                ts_do(rig.server, "SET", "k", "v", NULL);
            else
                ts_do(rig.server, "DEL", "k", NULL);
            shelf_expect(run(clients[p], l), VOUCH_OK, error);
            describe_into(text, sizeof text, vouch_call_reply(call));
            ck_assert_msg(strcmp(text, want) == 0, "%s: %s, RESP%d", conversions[i].body, text,
                          p + 2);
        }
        vouch_library_free(l);
    }
}
END_TEST

/* ---- errors --------------------------------------------------------------------------------- */

/* What a body answers, taken apart; the body's first line is line 4 of the source. */
static const struct {
    const char *body, *code, *message;
    bool raised; /* and so the server tells where */
    int64_t line;
} errors[] = {
    {"return redis.error_reply('MINE of mine')", "MINE", "of mine", false, 0},
    {"return {err = 'MINE of mine'}", "MINE", "of mine", false, 0},
    {"return redis.error_reply('one')", NULL, "one", false, 0},
    {"error('thrown')", "ERR", "thrown", true, 4},
    {"\nerror('thrown')", "ERR", "thrown", true, 5},
    {"error({err = 'MINE thrown'})", "MINE", "thrown", true, 4},
    {"return redis.call('INCR', keys[1], 'x')", "ERR", "number of arg", true, 4},
    {"redis.call('LPUSH', keys[1], 'x')\n\nreturn redis.call('INCR', keys[1])", "WRONGTYPE",
     "wrong kind of value", true, 6},
    {"return redis.pcall('INCR', keys[1], 'x')", "ERR", "number of arg", false, 0},
    {"return nil + 1", "ERR", "arithmetic on a nil", true, 4},
    {"return redis.call('NOSUCH')", "ERR", "nknown", true, 4},
    {"return some_global", "ERR", "nonexistent global", true, 4},
};

START_TEST(errors_taken_apart)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        vouch_library *l = one("", errors[i].body);
        vouch_script_error e;
        ts_do(rig.server, "DEL", "k", NULL);
        shelf_expect(run(clients[i % 2], l), VOUCH_ESERVER, error);
        ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
        ck_assert(vouch_script_error_read(vouch_call_reply(call), &e));
        ck_assert_msg(!errors[i].code || strcmp(e.code, errors[i].code) == 0, "%zu: %s", i,
                      e.words.data);
        char message[300];
        (void)snprintf(message, sizeof message, "%.*s", (int)e.message.size, e.message.data);
        ck_assert_msg(strstr(e.words.data, errors[i].message), "%zu: %s", i, e.words.data);
        ck_assert_msg(!strstr(message, "script: f"), "%zu: %s", i, message);
        if (errors[i].raised) {
            bool nameless = strstr(e.words.data, "script: on @") != NULL; /* Valkey 9.1 */
            bool named =
                nameless ? e.script.size == 0 : e.script.size == 1 && *e.script.data == 'f';
            ck_assert_msg(named && e.line == errors[i].line, "%zu: line %lld of %s", i,
                          (long long)e.line, e.words.data);
        }
        vouch_library_free(l);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("function suite");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, a_name_that_is_like_ours_is_not_ours);
        tcase_add_test(c, one_that_differs_in_case_is_no_reason_not_to_load);
        tcase_add_test(c, a_source_that_cannot_be_loaded_never_runs);
        tcase_add_test(c, conversions_in_both_protocols);
        tcase_add_test(c, errors_taken_apart);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
