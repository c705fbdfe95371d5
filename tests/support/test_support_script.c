/* The scripted server, spoken to by the small client. */
#include "test_support.h"

#include "clock.h"
#include "resp.h"
#include "script.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const ts_transport transports[] = {TS_UNIX, TS_TCP};

static ts_script *play(ts_transport transport, const ts_step *const *scripts, size_t count)
{
    return ts_script_start(
        &(ts_script_options){.transport = transport, .scripts = scripts, .count = count});
}

static ts_conn *speak_to(ts_script *script)
{
    ts_address address = ts_script_address(script);
    ts_conn *conn = ts_conn_open(&address, soon());
    ck_assert_ptr_nonnull(conn);
    return conn;
}

static void say(ts_conn *conn, const char *text)
{
    ck_assert(ts_conn_send(conn, text, strlen(text), soon()));
}

static void hear(ts_conn *conn, const char *text)
{
    char came[256];
    size_t length = strlen(text);
    ck_assert_uint_eq(ts_conn_read_bytes(conn, came, length, soon()), length);
    ck_assert(memcmp(came, text, length) == 0);
}

static void hear_the_end(ts_conn *conn, const char *how)
{
    ts_reply *reply = ts_conn_read(conn, soon());
    ck_assert_int_eq(reply->type, TS_REPLY_LOST);
    ck_assert_str_eq(reply->text, how);
    ts_reply_free(reply);
}

static void check_differs(ts_script *script, const char *expected)
{
    char difference[600];
    ck_assert(ts_script_wait_done(script, 0, soon()));
    ck_assert(!ts_script_result(script, difference, sizeof difference));
    ck_assert_msg(strstr(difference, expected), "\"%s\" is not about \"%s\"", difference, expected);
}

static void check_played(ts_script *script, int connection)
{
    char difference[600];
    ck_assert(ts_script_wait_done(script, connection, soon()));
    ck_assert_msg(ts_script_result(script, difference, sizeof difference), "%s", difference);
}

START_TEST(a_script_is_played_step_by_step)
{
    static const ts_step steps[] = {TS_EXPECT("hello\r\n"),
                                    TS_SEND_SPLIT("+wor\0ld\r\n", 2),
                                    TS_EXPECT_COUNT(3),
                                    TS_EXPECT_COMMAND("get"),
                                    TS_PAUSE,
                                    TS_SEND("$-1\r\n"),
                                    TS_CLOSE,
                                    TS_END};
    const ts_step *scripts[] = {steps};
    ts_script *script = play(transports[_i], scripts, 1);
    char difference[600];
    ck_assert(!ts_script_result(script, difference, sizeof difference));
    ts_conn *conn = speak_to(script);
    say(conn, "hello\r\nabc*2\r\n$3\r\nGET\r\n$1\r\n");
    char came[9];
    ck_assert_uint_eq(ts_conn_read_bytes(conn, came, 9, soon()), 9);
    ck_assert(memcmp(came, "+wor\0ld\r\n", 9) == 0);
    ck_assert(!ts_script_wait_paused(script, 0, ts_deadline(2)));
    say(conn, "k\r\n");
    ck_assert(ts_script_wait_paused(script, 0, soon()));
    ck_assert(!ts_script_result(script, difference, sizeof difference));
    ts_script_resume(script, 0);
    hear(conn, "$-1\r\n");
    hear_the_end(conn, "the connection ended");
    check_played(script, 0);
    size_t length;
    char *received = ts_script_received(script, 0, &length);
    ck_assert_str_eq(received, "hello\r\nabc*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    ck_assert_uint_eq(length, strlen(received));
    free(received);
    ts_conn_close(conn);
    ts_script_free(script);
}
END_TEST

START_TEST(each_connection_has_its_script)
{
    static const ts_step first[] = {TS_SEND("+1\r\n"), TS_EXPECT_END, TS_END};
    /* It waits to be told: a reset at once could come before the connection is seen to be one. */
    static const ts_step second[] = {TS_SEND("+2\r\n"), TS_EXPECT("go"), TS_RESET, TS_END};
    const ts_step *scripts[] = {first, second};
    ts_script *script = play(TS_TCP, scripts, 2);
    ts_conn *one = speak_to(script), *two = speak_to(script);
    ck_assert(ts_script_wait_connections(script, 2, soon()));
    hear(one, "+1\r\n");
    hear(two, "+2\r\n");
    say(two, "go");
    hear_the_end(two, "ECONNRESET");
    ts_conn_close(one);
    ck_assert(ts_script_wait_done(script, 0, soon()));
    check_played(script, 1);
    ts_conn_close(two);
    ck_assert_int_eq(ts_script_connections(script), 2);
    ts_script_free(script);
}
END_TEST

START_TEST(what_differs_is_told)
{
    static const ts_step text[] = {TS_EXPECT("abc\r\n"), TS_END};
    static const ts_step command[] = {TS_EXPECT_COMMAND("SET"), TS_END};
    static const ts_step end[] = {TS_EXPECT_END, TS_END};
    static const struct {
        const ts_step *steps;
        const char *said, *told;
    } cases[] = {
        {text, "abx", "\"abx\" came instead of \"abc\\r\\n\""},
        {command, "*1\r\n$3\r\nGET\r\n", "came instead of SET"},
        {command, "GET k\r\n", "is no command"},
        {end, "x", "\"x\" came instead of the end"},
        {text, "", "the client ended the connection while waiting for abc\\r\\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ts_step *scripts[] = {cases[i].steps};
        ts_script *script = play(transports[_i], scripts, 1);
        ts_conn *conn = speak_to(script);
        say(conn, cases[i].said);
        if (!*cases[i].said)
            shutdown(ts_conn_fd(conn), SHUT_WR);
        check_differs(script, cases[i].told);
        ts_conn_close(conn);
        ts_script_free(script);
    }
}
END_TEST

START_TEST(what_is_beyond_the_script_is_told)
{
    static const ts_step steps[] = {TS_EXPECT("a"), TS_PAUSE, TS_END};
    const ts_step *scripts[] = {steps};
    ts_script *script = play(transports[_i], scripts, 1);
    ts_conn *conn = speak_to(script);
    say(conn, "ab");
    ck_assert(ts_script_wait_paused(script, 0, soon()));
    ck_assert(ts_script_wait_received(script, 0, 2, soon()));
    ts_script_resume(script, 0);
    hear_the_end(conn, "the connection ended");
    check_differs(script, "\"b\" came after the last step");
    ts_conn_close(conn);
    ts_script_free(script);
    script = play(transports[_i], NULL, 0);
    conn = speak_to(script);
    hear_the_end(conn, "the connection ended");
    check_differs(script, "no script");
    ts_conn_close(conn);
    ts_script_free(script);
}
END_TEST

START_TEST(a_step_has_its_time)
{
    static const ts_step steps[] = {TS_EXPECT("a"), TS_END};
    const ts_step *scripts[] = {steps};
    ts_script *script =
        ts_script_start(&(ts_script_options){.scripts = scripts, .count = 1, .step_ms = 5});
    ts_conn *conn = speak_to(script);
    check_differs(script, "time was up while waiting for a");
    ts_conn_close(conn);
    ts_script_free(script);
}
END_TEST

START_TEST(any_handshake_passes_before_a_script)
{
    static const ts_step steps[] = {TS_RESPOND_UNTIL("GET"), TS_SEND("$1\r\nv\r\n"), TS_EXPECT_END,
                                    TS_END};
    const ts_step *scripts[] = {steps};
    ts_script *script = play(transports[_i], scripts, 1);
    ts_conn *conn = speak_to(script);
    say(conn, "*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
              "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    hear(conn, "+OK\r\n+OK\r\n$1\r\nv\r\n");
    ts_conn_close(conn);
    check_played(script, 0);
    ts_script_free(script);
}
END_TEST

static bool answer_get(ts_responder_state *state, const ts_request *request, ts_buffer *reply)
{
    if (ts_request_is(request, 0, "QUIT")) {
        state->ending = true;
    } else if (ts_request_is(request, 0, "GET")) {
        ts_buffer_print(reply, ":%d\r\n", *(int *)state->user);
        return true;
    }
    return false;
}

static void check_replies(ts_conn *conn, bool resp2_only)
{
    static const char hello2[] = "*14\r\n$6\r\nserver\r\n";
    say(conn, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n");
    if (resp2_only)
        hear(conn, "-NOPROTO unsupported protocol version\r\n");
    else
        hear(conn, "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.4.0\r\n"
                   "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
                   "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
    say(conn, "*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n*1\r\n$4\r\nEXEC\r\n");
    hear(conn, "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n");
    say(conn, "*1\r\n$7\r\nDISCARD\r\n*1\r\n$5\r\nMULTI\r\n*1\r\n$7\r\nDISCARD\r\n");
    hear(conn, "-ERR DISCARD without MULTI\r\n+OK\r\n+OK\r\n");
    say(conn,
        "*2\r\n$6\r\nCLIENT\r\n$2\r\nID\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    hear(conn, ":1\r\n+PONG\r\n:7\r\n");
    say(conn, "*2\r\n$5\r\nHELLO\r\n$1\r\n2\r\n");
    hear(conn, hello2);
}

START_TEST(a_responder_answers_whole_commands)
{
    for (int resp2_only = 0; resp2_only < 2; resp2_only++) {
        int number = 7;
        ts_script *script = ts_script_start(&(ts_script_options){.transport = transports[_i],
                                                                 .respond = true,
                                                                 .responder = answer_get,
                                                                 .user = &number,
                                                                 .resp2_only = resp2_only});
        ts_conn *conn = speak_to(script);
        check_replies(conn, resp2_only);
        ts_conn_close(conn);
        check_played(script, 0);
        conn = speak_to(script);
        say(conn, "*1\r\n$4\r\nQUIT\r\n");
        hear(conn, "+OK\r\n");
        hear_the_end(conn, "the connection ended");
        ts_conn_close(conn);
        check_played(script, 1);
        ts_script_free(script);
    }
}
END_TEST

START_TEST(a_script_is_freed_in_the_middle)
{
    static const ts_step waiting[] = {TS_EXPECT("a"), TS_END};
    static const ts_step paused[] = {TS_PAUSE, TS_END};
    const ts_step *scripts[] = {waiting, paused};
    ts_script *script = play(transports[_i], scripts, 2);
    ts_conn *one = speak_to(script), *two = speak_to(script);
    ck_assert(ts_script_wait_paused(script, 1, soon()));
    ts_script_free(script);
    ts_conn_close(one);
    ts_conn_close(two);
}
END_TEST

Suite *script_suite(void)
{
    Suite *suite = suite_create("script");
    TCase *tests = tcase_create("script");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_script_is_played_step_by_step, 0, 2);
    tcase_add_test(tests, each_connection_has_its_script);
    tcase_add_loop_test(tests, what_differs_is_told, 0, 2);
    tcase_add_loop_test(tests, what_is_beyond_the_script_is_told, 0, 2);
    tcase_add_test(tests, a_step_has_its_time);
    tcase_add_loop_test(tests, any_handshake_passes_before_a_script, 0, 2);
    tcase_add_loop_test(tests, a_responder_answers_whole_commands, 0, 2);
    tcase_add_loop_test(tests, a_script_is_freed_in_the_middle, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}
