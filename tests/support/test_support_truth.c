/* The truth's client, and real servers behind the proxy: at every byte, what the proxy says it
 * forwarded is what the server ran. */
#include "test_support.h"

#include "children.h"
#include "clock.h"
#include "server.h"
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMANDS = 5 };

START_TEST(every_reply_of_resp2_is_read)
{
    ts_server *server = ts_server_start(&(ts_server_options){.kind = (ts_server_kind)_i});
    ck_assert_ptr_nonnull(server);
    ts_reply *reply = ts_command(
        server, "EVAL", "return {1, {'a', false, {}}, {ok='fine'}, {err='E no'}, ''}", "0", NULL);
    ck_assert_int_eq(reply->type, TS_REPLY_ARRAY);
    ck_assert_uint_eq(reply->count, 5);
    ck_assert_int_eq(reply->elements[0]->integer, 1);
    const ts_reply *inner = reply->elements[1];
    ck_assert_uint_eq(inner->count, 3);
    ck_assert_str_eq(inner->elements[0]->text, "a");
    ck_assert_int_eq(inner->elements[1]->type, TS_REPLY_NIL);
    ck_assert_int_eq(inner->elements[2]->type, TS_REPLY_ARRAY);
    ck_assert_uint_eq(inner->elements[2]->count, 0);
    ck_assert_int_eq(reply->elements[2]->type, TS_REPLY_STATUS);
    ck_assert_int_eq(reply->elements[3]->type, TS_REPLY_ERROR);
    ck_assert_str_eq(reply->elements[3]->text, "E no");
    ck_assert_uint_eq(reply->elements[4]->length, 0);
    ts_reply_free(reply);
    ts_server_free(server);
}
END_TEST

START_TEST(bytes_of_any_kind_come_back)
{
    ts_server *server = ts_server_start(NULL);
    ck_assert_ptr_nonnull(server);
    size_t length = 300000;
    char *value = malloc(length);
    for (size_t i = 0; i < length; i++)
        value[i] = (char)(i * 7);
    const char *words[] = {"SET", "k\0y", value};
    ts_reply_free(ts_command_words(server, 3, words, (size_t[]){3, 3, length}));
    const char *get[] = {"GET", "k\0y"};
    ts_reply *reply = ts_command_words(server, 2, get, (size_t[]){3, 3});
    ck_assert_uint_eq(reply->length, length);
    ck_assert(memcmp(reply->text, value, length) == 0);
    ts_reply_free(reply);
    free(value);
    ts_server_free(server);
}
END_TEST

START_TEST(the_conveniences_read_what_fits)
{
    ts_server *server = ts_server_start(NULL);
    ck_assert_ptr_nonnull(server);
    ts_do(server, "RPUSH", "list", "a", "b", NULL);
    ck_assert_int_eq(ts_int(server, "LLEN", "list", NULL), 2);
    ck_assert_int_eq(ts_int(server, "GET", "absent", NULL), TS_NIL);
    ck_assert_ptr_null(ts_text(server, "GET", "absent", NULL));
    char *text = ts_text(server, "LLEN", "list", NULL);
    ck_assert_str_eq(text, "2");
    free(text);
    ts_reply *reply = ts_command(server, "INCR", "list", NULL);
    ck_assert_int_eq(reply->type, TS_REPLY_ERROR);
    ts_reply_free(reply);
    ts_server_kill(server);
    reply = ts_command(server, "PING", NULL);
    ck_assert_int_eq(reply->type, TS_REPLY_LOST);
    ts_reply_free(reply);
    ck_assert_ptr_null(ts_info(server, "server", "run_id"));
    ts_server_free(server);
}
END_TEST

START_TEST(a_truth_that_cannot_be_had_ends_the_test)
{
    ts_server *server = ts_server_start(NULL);
    ck_assert_ptr_nonnull(server);
    ts_do(server, "RPUSH", "list", "a", NULL);
    pid_t child = fork();
    if (child == 0) {
        ts_int(server, "GET", "list", NULL);
        _exit(0);
    }
    int status = 0;
    ck_assert(ts_child_wait(child, soon(), &status));
    ck_assert_int_ne(status, 0);
    ts_server_free(server);
}
END_TEST

/* COMMANDS times INCR on keys of their own; end[i] is where command i ends. */
static char *increments(size_t *length, size_t end[COMMANDS])
{
    char *all = NULL;
    *length = 0;
    for (int i = 0; i < COMMANDS; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        size_t one = 0;
        char *command = ts_encode(&one, "INCR", key, NULL);
        char *longer = realloc(all, *length + one);
        ck_assert_ptr_nonnull(longer);
        all = longer;
        memcpy(all + *length, command, one);
        free(command);
        *length += one;
        end[i] = *length;
    }
    return all;
}

static int64_t whole_before(const size_t end[COMMANDS], size_t n)
{
    int64_t whole = 0;
    while (whole < COMMANDS && end[whole] <= n)
        whole++;
    return whole;
}

static void write_and_see_the_end(const ts_address *address, const char *bytes, size_t length,
                                  int64_t answers)
{
    ts_conn *conn = ts_conn_open(address, soon());
    ck_assert_ptr_nonnull(conn);
    ts_conn_send(conn, bytes, length, soon());
    int64_t read = 0;
    for (bool more = true; more; read += more) {
        ts_reply *reply = ts_conn_read(conn, soon());
        more = reply->type == TS_REPLY_INTEGER;
        if (!more)
            ck_assert_str_ne(reply->text, "time is up");
        ts_reply_free(reply);
    }
    if (answers >= 0)
        ck_assert_int_eq(read, answers);
    ts_conn_close(conn);
}

/* _i: kind, transport and mode of the cut. */
START_TEST(a_server_runs_exactly_the_whole_commands_before_a_cut)
{
    static const ts_cut_mode modes[] = {TS_CUT_SETTLE, TS_CUT_ANSWER, TS_CUT_ABRUPT};
    ts_transport transport = _i & 2 ? TS_TCP : TS_UNIX;
    ts_cut_mode mode = modes[_i / 4];
    ts_server *server = ts_server_start(
        &(ts_server_options){.kind = (ts_server_kind)(_i & 1), .transport = transport});
    ck_assert_ptr_nonnull(server);
    ts_proxy *proxy = ts_proxy_start(
        &(ts_proxy_options){.transport = transport, .upstream = ts_server_address(server)});
    ts_address address = ts_proxy_address(proxy);
    size_t length, end[COMMANDS];
    char *commands = increments(&length, end);
    for (size_t n = 0; n <= length; n++) {
        ts_plan plan = ts_plan_cut(TS_TO_SERVER, (int64_t)n);
        plan.mode = mode;
        ts_proxy_plan(proxy, (int)n, &plan);
        ts_do(server, "FLUSHALL", NULL);
        int64_t whole = whole_before(end, n);
        write_and_see_the_end(&address, commands, length, mode == TS_CUT_ANSWER ? whole : -1);
        ck_assert(ts_proxy_wait_closed(proxy, (int)n, soon()));
        ck_assert_int_eq(ts_proxy_count(proxy, (int)n).to_server, (int64_t)n);
        if (mode == TS_CUT_ABRUPT)
            ck_assert(ts_server_wait_clients(server, 0, soon()));
        ck_assert_int_eq(ts_int(server, "DBSIZE", NULL), whole);
    }
    free(commands);
    ts_proxy_free(proxy);
    ts_server_free(server);
}
END_TEST

START_TEST(a_late_writer_changes_the_server_after_its_end)
{
    ts_server *server = ts_server_start(NULL);
    ck_assert_ptr_nonnull(server);
    ts_proxy *proxy = ts_proxy_start(
        &(ts_proxy_options){.transport = TS_UNIX, .upstream = ts_server_address(server)});
    ts_plan plan = ts_plan_none();
    plan.to_server.stall_after = 0;
    ts_proxy_plan(proxy, 0, &plan);
    ts_address address = ts_proxy_address(proxy);
    ts_conn *conn = ts_conn_open(&address, soon());
    size_t length, end[COMMANDS];
    char *commands = increments(&length, end);
    ck_assert(ts_conn_send(conn, commands, length, soon()));
    ts_conn_close(conn);
    ck_assert(ts_proxy_wait_received(proxy, 0, TS_TO_SERVER, (int64_t)length, soon()));
    ck_assert_int_eq(ts_int(server, "DBSIZE", NULL), 0);
    ts_proxy_release(proxy, 0);
    ck_assert(ts_proxy_wait_closed(proxy, 0, soon()));
    ck_assert_int_eq(ts_int(server, "DBSIZE", NULL), COMMANDS);
    free(commands);
    ts_proxy_free(proxy);
    ts_server_free(server);
}
END_TEST

START_TEST(a_killed_server_ends_its_connections)
{
    ts_server *server = ts_server_start(&(ts_server_options){.transport = TS_TCP});
    ck_assert_ptr_nonnull(server);
    ts_proxy *proxy = ts_proxy_start(
        &(ts_proxy_options){.transport = TS_TCP, .upstream = ts_server_address(server)});
    ts_address address = ts_proxy_address(proxy);
    ts_conn *conn = ts_conn_open(&address, soon());
    ts_reply *reply = ts_conn_command(conn, "PING", NULL);
    ck_assert_int_eq(reply->type, TS_REPLY_STATUS);
    ts_reply_free(reply);
    ts_server_kill(server);
    reply = ts_conn_read(conn, soon());
    ck_assert_int_eq(reply->type, TS_REPLY_LOST);
    ck_assert_str_ne(reply->text, "time is up");
    ts_reply_free(reply);
    ts_conn_close(conn);
    ck_assert(ts_proxy_wait_closed(proxy, 0, soon()));
    ck_assert(ts_server_restart(server));
    conn = ts_conn_open(&address, soon());
    reply = ts_conn_command(conn, "PING", NULL);
    ck_assert_int_eq(reply->type, TS_REPLY_STATUS);
    ts_reply_free(reply);
    ts_conn_close(conn);
    ts_proxy_free(proxy);
    ts_server_free(server);
}
END_TEST

Suite *truth_suite(void)
{
    Suite *suite = suite_create("truth");
    TCase *tests = tcase_create("truth");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, every_reply_of_resp2_is_read, 0, 2);
    tcase_add_test(tests, bytes_of_any_kind_come_back);
    tcase_add_test(tests, the_conveniences_read_what_fits);
    tcase_add_test(tests, a_truth_that_cannot_be_had_ends_the_test);
    tcase_add_loop_test(tests, a_server_runs_exactly_the_whole_commands_before_a_cut, 0, 12);
    tcase_add_test(tests, a_late_writer_changes_the_server_after_its_end);
    tcase_add_test(tests, a_killed_server_ends_its_connections);
    suite_add_tcase(suite, tests);
    return suite;
}
