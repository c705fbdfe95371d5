/* vouch-lint --server, with Redis and with Valkey: it says where a server's compiler disagrees, and what is on the
 * server is there afterwards, as it was, and nothing else. */
#include "server.h"
#include "suite.h"
#include "tool_rig.h"
#include "truth.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ts_server *server;
static char url[TS_URL_MAX];

static void start_kind(ts_server_kind kind)
{
    static const char *const users[] = {"nobody on >x ~* +@all -script -function", NULL};
    ts_server_options options = {.kind = kind, .users = users};
    server = ts_server_start(&options);
    ck_assert_ptr_nonnull(server);
    ts_server_url(server, url, sizeof url);
    tool_begin();
}

static void start_redis(void)
{
    start_kind(TS_REDIS);
}

static void start_valkey(void)
{
    start_kind(TS_VALKEY);
}

static void stop(void)
{
    tool_end();
    ts_server_free(server);
    server = NULL;
}

static void ask(const char *words)
{
    tool_run("lint --server '%s' %s", url, words);
}

#define LIBRARY(answer)                                                                            \
    "#!lua name=mine\nredis.register_function('f', function(keys, args) return " answer " end)\n"

/* How many libraries there are. */
static size_t libraries(void)
{
    ts_reply *list = ts_command(server, "FUNCTION", "LIST", NULL);
    ck_assert_int_eq(list->type, TS_REPLY_ARRAY);
    size_t count = list->count;
    ts_reply_free(list);
    return count;
}

START_TEST(agreement_is_silent)
{
    tool_file("ok.lua", "return 1\n");
    tool_file("bad.lua", "return 7 // 2\n");
    tool_file("shebang.lua", "#!lua flags=nonsense\nreturn 1\n");
    tool_file("lib.lua", LIBRARY("1"));
    tool_file("badlib.lua",
              "#!lua name=mine\nredis.register_function('f', function() return 7 // 2 end)");
    tool_file("badname.lua",
              "#!lua name=a-b\nredis.register_function('f', function() return 1 end)\n");
    tool_file("noname.lua", "#!lua\nredis.register_function('f', function() return 1 end)\n");
    ask("ok.lua lib.lua");
    tool_ended(0);
    ck_assert_str_eq(tool.out, "");
    ask("bad.lua shebang.lua badlib.lua badname.lua");
    tool_ended(1);
    tool_said_not("[server-disagrees]");
    ask("--function noname.lua");
    tool_ended(1);
    tool_said_not("[server-disagrees]");
}
END_TEST

START_TEST(disagreement_is_told_in_the_servers_words)
{
    /* The linter is told to say nothing of what no rule but one finds: then the server's word is against it. */
    tool_file("lib.lua", "#!lua name=mine\n\nlocal a = nil + 1\n"
                         "redis.register_function('f', function() return a end)\n");
    ask("lib.lua");
    tool_ended(1);
    tool_said(
        "lib.lua:3:1: error: the server refuses this source, and nothing here says why: ERR ");
    tool_said(
        "attempt to perform arithmetic on a nil value [server-disagrees]\nlocal a = nil + 1\n^\n");
    ask("--severity server-disagrees=off lib.lua");
    tool_said_not("[server-disagrees]");
    ask("--format json lib.lua");
    tool_said("\"rule\": \"server-disagrees\", \"severity\": \"error\"");
    ck_assert_uint_eq(libraries(), 0);
}
END_TEST

START_TEST(libraries_stay_as_they_are)
{
    ts_do(server, "FUNCTION", "LOAD", LIBRARY("42"), NULL);
    tool_file("same.lua", LIBRARY("1"));
    tool_file("other.lua",
              "#!lua name=other\nredis.register_function('f', function() return 2 end)\n"
              "redis.register_function('g', function() return 2 end)\n");
    ask("same.lua other.lua");
    tool_ended(0);
    ck_assert_str_eq(tool.out, "");
    ck_assert_int_eq(ts_int(server, "FCALL", "f", "0", NULL), 42);
    ck_assert_uint_eq(libraries(), 1);
}
END_TEST

START_TEST(nothing_is_called_and_nothing_stays)
{
    tool_file("set.lua", "return redis.call('SET', KEYS[1], 'x')\n");
    tool_file("lib.lua", LIBRARY("redis.call('SET', keys[1], 'x')"));
    ask("set.lua lib.lua");
    tool_ended(0);
    ck_assert_int_eq(ts_int(server, "DBSIZE", NULL), 0);
    ck_assert_uint_eq(libraries(), 0);
}
END_TEST

/* First lines that servers take apart: what would be loaded is not known for certain, and so it is not sent. */
START_TEST(doubtful_names_are_not_sent)
{
    static const char *const lines[] = {"#!lua name=\"mine\"", "#!lua 'name=mine'",
                                        "#!lua \"\\x6eame=mine\"", "#!lua\tname=mine"};
    char text[256];
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        snprintf(text, sizeof text, "%s\nredis.register_function('f', function() return 1 end)\n",
                 lines[i]);
        tool_file("lib.lua", text);
        ask("--function lib.lua");
        tool_ended(2);
        tool_complained("first line is plain");
        ck_assert_uint_eq(libraries(), 0);
    }
    tool_file("lib.lua",
              "#!lua name=a name=b\nredis.register_function('f', function() return 1 end)\n");
    ask("lib.lua");
    tool_said_not("[server-disagrees]");
    ck_assert_uint_eq(libraries(), 0);
}
END_TEST

START_TEST(a_server_that_does_not_say_is_a_failure)
{
    char socket[TS_URL_MAX];
    tool_file("ok.lua", "return 1\n");
    tool_file("lib.lua", LIBRARY("1"));
    tool_file("bad.lua", "return 7 // 2\n");
    snprintf(socket, sizeof socket, "%s", url + strlen("unix://"));
    for (int i = 0; i < 2; i++) {
        tool_run("lint --server 'unix://nobody:x@%s' %s bad.lua", socket, i ? "lib.lua" : "ok.lua");
        tool_ended(2);
        tool_complained("NOPERM");
        tool_said("bad.lua:1:10: error:"); /* found all the same */
    }
    tool_run("lint --server 'unix://ann:secret@%s' bad.lua", socket);
    tool_ended(2);
    tool_said("bad.lua:1:10: error:");
    ck_assert_ptr_null(strstr(tool.err, "secret"));
    ts_server_kill(server);
    ask("bad.lua");
    tool_ended(2);
    tool_complained("--server: ");
    tool_said("bad.lua:1:10: error:");
}
END_TEST

static TCase *on(const char *name, void (*begin)(void))
{
    TCase *cases = tcase_create(name);
    tcase_add_checked_fixture(cases, begin, stop);
    tcase_add_test(cases, agreement_is_silent);
    tcase_add_test(cases, disagreement_is_told_in_the_servers_words);
    tcase_add_test(cases, libraries_stay_as_they_are);
    tcase_add_test(cases, nothing_is_called_and_nothing_stays);
    tcase_add_test(cases, doubtful_names_are_not_sent);
    tcase_add_test(cases, a_server_that_does_not_say_is_a_failure);
    tcase_set_timeout(cases, 120);
    return cases;
}

int main(void)
{
    Suite *suite = suite_create("lint_server");
    suite_add_tcase(suite, on("redis", start_redis));
    suite_add_tcase(suite, on("valkey", start_valkey));
    return suite_run(suite, CK_NOFORK);
}
