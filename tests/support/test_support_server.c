/* The harness, against real servers of both kinds. */
#include "test_support.h"

#include "children.h"
#include "clock.h"
#include "server.h"
#include "temp.h"
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static ts_server *start(const ts_server_options *options)
{
    ts_server *server = ts_server_start(options);
    ck_assert_ptr_nonnull(server);
    return server;
}

START_TEST(both_kinds_are_here)
{
    ck_assert_msg(ts_server_available(TS_REDIS), "no redis-server: run scripts/setup");
    ck_assert_msg(ts_server_available(TS_VALKEY), "no valkey-server: run scripts/setup");
}
END_TEST

START_TEST(a_server_answers_on_its_unix_socket)
{
    ts_server *server = start(&(ts_server_options){.kind = (ts_server_kind)_i});
    char url[TS_URL_MAX], folder[200];
    ck_assert(strncmp(ts_server_url(server, url, sizeof url), "unix:///", 8) == 0);
    ck_assert_int_gt(ts_server_pid(server), 0);
    ts_do(server, "SET", "k", "v", NULL);
    char *value = ts_text(server, "GET", "k", NULL);
    ck_assert_str_eq(value, "v");
    free(value);
    char *name = ts_info(server, "server", "redis_version");
    ck_assert_ptr_nonnull(name);
    free(name);
    snprintf(folder, sizeof folder, "%s", ts_server_folder(server));
    pid_t pid = ts_server_pid(server);
    ts_server_free(server);
    ck_assert_int_ne(access(folder, F_OK), 0);
    ck_assert_int_eq(ts_process_state(pid), 0);
}
END_TEST

static void check_answers_at(const ts_address *address)
{
    ts_conn *conn = ts_conn_open(address, soon());
    ck_assert_ptr_nonnull(conn);
    ts_reply *reply = ts_conn_command(conn, "PING", NULL);
    ck_assert_int_eq(reply->type, TS_REPLY_STATUS);
    ts_reply_free(reply);
    ts_conn_close(conn);
}

START_TEST(a_server_answers_on_tcp)
{
    ts_server *server =
        start(&(ts_server_options){.kind = (ts_server_kind)_i, .transport = TS_TCP});
    char url[TS_URL_MAX];
    ck_assert(strncmp(ts_server_url(server, url, sizeof url), "redis://127.0.0.1:", 18) == 0);
    ts_address address = ts_server_address(server);
    ck_assert_int_ne(address.port, 6379);
    check_answers_at(&address);
    address.transport = TS_TCP6;
    if (ts_have_ipv6())
        check_answers_at(&address);
    ts_server_free(server);
}
END_TEST

START_TEST(many_servers_run_side_by_side)
{
    enum { MANY = 8 };
    ts_server *servers[MANY];
    for (int i = 0; i < MANY; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        servers[i] = start(&(ts_server_options){.transport = i % 2 ? TS_TCP : TS_UNIX});
        ts_do(servers[i], "SET", "who", number, NULL);
    }
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(ts_int(servers[i], "GET", "who", NULL), i);
        ts_server_free(servers[i]);
    }
}
END_TEST

START_TEST(with_persistence_data_outlives_a_kill)
{
    static const ts_persistence kinds[] = {TS_AOF_ALWAYS, TS_AOF_EVERYSEC};
    for (size_t i = 0; i < 2; i++) {
        ts_server *server = start(&(ts_server_options){
            .kind = (ts_server_kind)_i, .transport = TS_TCP, .persistence = kinds[i]});
        char before[TS_URL_MAX], after[TS_URL_MAX];
        ts_server_url(server, before, sizeof before);
        pid_t pid = ts_server_pid(server);
        for (int n = 0; n < 100; n++)
            ts_do(server, "INCR", "n", NULL);
        ts_server_kill(server);
        ck_assert_int_eq(ts_server_pid(server), -1);
        ck_assert(ts_server_restart(server));
        ck_assert_int_ne(ts_server_pid(server), pid);
        ck_assert_str_eq(ts_server_url(server, after, sizeof after), before);
        ck_assert_int_eq(ts_int(server, "GET", "n", NULL), 100);
        ts_server_free(server);
    }
}
END_TEST

START_TEST(a_stop_is_orderly_and_starts_again)
{
    ts_server *server =
        start(&(ts_server_options){.kind = (ts_server_kind)_i, .persistence = TS_AOF_ALWAYS});
    ts_do(server, "SET", "k", "7", NULL);
    ck_assert(ts_server_pause(server)); /* even a paused one */
    ck_assert(ts_server_stop(server));
    ck_assert(ts_server_start_again_async(server));
    ck_assert(!ts_server_start_again_async(server));
    ck_assert(ts_server_wait_ready(server, soon()));
    ck_assert_int_eq(ts_int(server, "GET", "k", NULL), 7);
    ck_assert(ts_server_restart(server));
    ck_assert_int_eq(ts_int(server, "GET", "k", NULL), 7);
    ts_server_free(server);
}
END_TEST

START_TEST(without_persistence_a_restart_is_empty)
{
    ts_server *server = start(NULL);
    ts_do(server, "SET", "k", "7", NULL);
    ck_assert(ts_server_restart(server));
    ck_assert_int_eq(ts_int(server, "GET", "k", NULL), TS_NIL);
    ts_server_free(server);
}
END_TEST

START_TEST(a_port_that_was_taken_is_had_again_once_free)
{
    ts_server *server = start(&(ts_server_options){.transport = TS_TCP});
    ts_address address = ts_server_address(server);
    ts_server_kill(server);
    int taken = ts_listen(&address);
    ck_assert_int_ge(taken, 0);
    ck_assert(ts_server_start_again_async(server));
    ck_assert(!ts_server_wait_ready(server, soon()));
    ck_assert_int_eq(ts_server_pid(server), -1);
    close(taken);
    ck_assert(ts_server_restart(server));
    ck_assert_int_eq(ts_server_address(server).port, address.port);
    ts_server_free(server);
}
END_TEST

START_TEST(a_paused_server_is_silent)
{
    ts_server *server = start(&(ts_server_options){.kind = (ts_server_kind)_i});
    ts_conn *conn = ts_truth_open(server);
    ck_assert_ptr_nonnull(conn);
    ck_assert(ts_server_pause(server));
    size_t length;
    char *ping = ts_encode(&length, "PING", NULL);
    ck_assert(ts_conn_send(conn, ping, length, soon()));
    free(ping);
    char byte;
    ck_assert_uint_eq(ts_conn_read_bytes(conn, &byte, 1, ts_deadline(20)), 0);
    ts_conn_close(conn);
    ck_assert(ts_server_resume(server));
    ts_do(server, "PING", NULL);
    ts_server_free(server);
}
END_TEST

static ts_reply *log_in(const ts_server *server, const char *user, const char *password)
{
    ts_address address = ts_server_address(server);
    ts_conn *conn = ts_conn_open(&address, soon());
    ck_assert_ptr_nonnull(conn);
    ts_reply *reply = ts_conn_command(conn, "AUTH", user, password, NULL);
    if (reply->type == TS_REPLY_STATUS) {
        ts_reply_free(reply);
        reply = ts_conn_command(conn, "GET", "k", NULL);
    }
    ts_conn_close(conn);
    return reply;
}

START_TEST(users_and_passwords_are_set)
{
    static const char *const users[] = {"ann on >secret ~* +@all", "bob on >word ~* +@all -get",
                                        NULL};
    ts_server *server = start(&(ts_server_options){
        .kind = (ts_server_kind)_i, .password = "pass", .users = users, .transport = TS_TCP});
    static const char *const tries[][2] = {
        {"ann", "secret"}, {"default", "pass"}, {"ann", "wrong"}, {"bob", "word"}};
    static const char *const expected[] = {NULL, NULL, "WRONGPASS", "NOPERM"};
    for (size_t i = 0; i < 4; i++) {
        ts_reply *reply = log_in(server, tries[i][0], tries[i][1]);
        ck_assert_int_eq(reply->type, expected[i] ? TS_REPLY_ERROR : TS_REPLY_NIL);
        if (expected[i])
            ck_assert(strncmp(reply->text, expected[i], strlen(expected[i])) == 0);
        ts_reply_free(reply);
    }
    ts_do(server, "ACL", "SETUSER", "default", "off", NULL); /* the truth stays reachable */
    ts_do(server, "PING", NULL);
    ts_server_free(server);
}
END_TEST

START_TEST(a_replica_follows_its_primary)
{
    ts_server *primary =
        start(&(ts_server_options){.kind = (ts_server_kind)_i, .transport = TS_TCP});
    ts_do(primary, "SET", "k", "1", NULL);
    ts_server *replica =
        start(&(ts_server_options){.kind = (ts_server_kind)_i, .replica_of = primary});
    ck_assert_int_eq(ts_int(replica, "GET", "k", NULL), 1);
    ts_server_free(replica);
    ts_server_free(primary);
}
END_TEST

START_TEST(extra_lines_and_other_programs_are_obeyed)
{
    static const char *const config[] = {"maxmemory 77mb", "hz 11", NULL};
    char program[4096];
    ck_assert(ts_server_program(TS_REDIS, program, sizeof program));
    ts_server *server =
        start(&(ts_server_options){.kind = TS_VALKEY, .program = program, .config = config});
    char *memory = ts_info(server, "memory", "maxmemory");
    ck_assert_str_eq(memory, "80740352");
    free(memory);
    ts_server_free(server);
}
END_TEST

START_TEST(a_server_that_cannot_start_is_told)
{
    static const char *const config[] = {"no-such-directive yes", NULL};
    ck_assert_ptr_null(ts_server_start(&(ts_server_options){.config = config}));
    ck_assert_ptr_null(ts_server_start(&(ts_server_options){.program = "/nowhere/server"}));
    setenv("VOUCH_REDIS_SERVER", "/nowhere/server", 1);
    ck_assert(!ts_server_available(TS_REDIS));
    ck_assert_ptr_null(ts_server_start(NULL));
}
END_TEST

START_TEST(clients_are_waited_for)
{
    ts_server *server = start(NULL);
    ts_address address = ts_server_address(server);
    ck_assert(ts_server_wait_clients(server, 0, soon()));
    ts_conn *conn = ts_conn_open(&address, soon());
    ck_assert(ts_server_wait_clients(server, 1, soon()));
    ts_conn_close(conn);
    ck_assert(ts_server_wait_clients(server, 0, soon()));
    ck_assert(!ts_server_wait_clients(server, 1, ts_deadline(3)));
    ts_server_free(server);
}
END_TEST

static int start_and_die(void *user)
{
    int *pipe_fds = user;
    ts_server *server = ts_server_start(NULL);
    if (!server)
        return 1;
    char line[256];
    int length =
        snprintf(line, sizeof line, "%d %s", (int)ts_server_pid(server), ts_server_folder(server));
    return write(pipe_fds[1], line, (size_t)length + 1) > 0 ? 0 : 1;
}

START_TEST(a_server_dies_with_its_test)
{
    int pipe_fds[2], pid = 0, status = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphans come to this process */
    ck_assert_int_eq(pipe(pipe_fds), 0);
    pid_t child = ts_child_run(start_and_die, pipe_fds);
    ck_assert(ts_child_wait(child, ts_deadline(30000), &status));
    ck_assert_int_eq(status, 0);
    char line[256] = "", folder[200] = "";
    ck_assert_int_gt(read(pipe_fds[0], line, sizeof line - 1), 0);
    /* NOLINTNEXTLINE(cert-err34-c): written by start_and_die */
    ck_assert_int_eq(sscanf(line, "%d %199s", &pid, folder), 2);
    ck_assert(ts_child_wait(pid, soon(), &status));
    ck_assert(WIFSIGNALED(status));
    ts_temp_remove(folder); /* what a process that dies cannot do itself */
}
END_TEST

START_TEST(a_forked_child_may_ask_but_not_end)
{
    ts_server *server = start(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        ts_do(server, "SET", "k", "5", NULL);
        ts_server_free(server);
        _exit(0);
    }
    ck_assert(ts_child_wait(child, soon(), NULL));
    ck_assert_int_eq(ts_int(server, "GET", "k", NULL), 5);
    ts_server_free(server);
}
END_TEST

Suite *server_suite(void)
{
    Suite *suite = suite_create("server");
    TCase *tests = tcase_create("server");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, both_kinds_are_here);
    tcase_add_loop_test(tests, a_server_answers_on_its_unix_socket, 0, 2);
    tcase_add_loop_test(tests, a_server_answers_on_tcp, 0, 2);
    tcase_add_test(tests, many_servers_run_side_by_side);
    tcase_add_loop_test(tests, with_persistence_data_outlives_a_kill, 0, 2);
    tcase_add_loop_test(tests, a_stop_is_orderly_and_starts_again, 0, 2);
    tcase_add_test(tests, without_persistence_a_restart_is_empty);
    tcase_add_test(tests, a_port_that_was_taken_is_had_again_once_free);
    tcase_add_loop_test(tests, a_paused_server_is_silent, 0, 2);
    tcase_add_loop_test(tests, users_and_passwords_are_set, 0, 2);
    tcase_add_loop_test(tests, a_replica_follows_its_primary, 0, 2);
    tcase_add_test(tests, extra_lines_and_other_programs_are_obeyed);
    tcase_add_test(tests, a_server_that_cannot_start_is_told);
    tcase_add_test(tests, clients_are_waited_for);
    tcase_add_test(tests, a_server_dies_with_its_test);
    tcase_add_test(tests, a_forked_child_may_ask_but_not_end);
    suite_add_tcase(suite, tests);
    return suite;
}
