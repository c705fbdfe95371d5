/* Clocks, folders, children, addresses, requests. */
#include "test_support.h"

#include "base.h"
#include "buffer.h"
#include "children.h"
#include "clock.h"
#include "request.h"
#include "temp.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(a_folder_is_removed_with_all_in_it)
{
    char folder[TS_TEMP_MAX], inner[200];
    ts_temp_make(folder);
    snprintf(inner, sizeof inner, "%s/inner", folder);
    ck_assert_int_eq(mkdir(inner, 0700), 0);
    snprintf(inner, sizeof inner, "%s/inner/file", folder);
    FILE *file = fopen(inner, "we");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ts_temp_remove(folder);
    ck_assert_int_ne(access(folder, F_OK), 0);
}
END_TEST

START_TEST(a_folder_with_a_long_parent_goes_to_tmp)
{
    char parent[200];
    memset(parent, 'x', sizeof parent);
    parent[sizeof parent - 1] = 0;
    setenv("TMPDIR", parent, 1);
    char folder[TS_TEMP_MAX];
    ts_temp_make(folder);
    ck_assert(strncmp(folder, "/tmp/", 5) == 0);
    ts_temp_remove(folder);
}
END_TEST

START_TEST(a_deadline_passes)
{
    int64_t deadline = ts_deadline(3);
    while (ts_look_again(deadline))
        continue;
    ck_assert(ts_passed(deadline));
    ck_assert_int_eq(ts_left_ms(deadline), 0);
    ck_assert_int_gt(ts_left_ms(ts_deadline(60000)), 50000);
}
END_TEST

static int add_one(void *user)
{
    return *(int *)user + 1;
}

static int wait_for_ever(void *user)
{
    (void)user;
    while (pause() != 0)
        continue;
    return 0;
}

START_TEST(a_child_runs_a_function)
{
    int number = 41, status = 0;
    pid_t child = ts_child_run(add_one, &number);
    ck_assert(ts_child_wait(child, soon(), &status));
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
}
END_TEST

START_TEST(a_child_that_hangs_is_killed)
{
    pid_t child = ts_child_run(wait_for_ever, NULL);
    ck_assert(!ts_child_wait(child, ts_deadline(5), NULL));
    ck_assert(ts_process_pause(child, soon()));
    ck_assert_int_eq(ts_process_state(child), 'T');
    ck_assert(ts_process_resume(child, soon()));
    ck_assert_int_ne(ts_process_state(child), 'T');
    ts_child_kill(child);
    ck_assert_int_eq(ts_process_state(child), 0);
}
END_TEST

/* It tells its own number, so that it is known to have come as far as running. */
static int tell_and_wait(void *user)
{
    int *pipe_fds = user;
    pid_t self = getpid();
    ssize_t written = write(pipe_fds[1], &self, sizeof self);
    return written == (ssize_t)sizeof self ? wait_for_ever(NULL) : 1;
}

static int make_grandchild(void *user)
{
    ts_child_run(tell_and_wait, user);
    return wait_for_ever(NULL);
}

START_TEST(a_child_dies_with_its_parent)
{
    int pipe_fds[2];
    pid_t grandchild = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphans come to this process */
    ck_assert_int_eq(pipe(pipe_fds), 0);
    pid_t child = ts_child_run(make_grandchild, pipe_fds);
    ck_assert_int_eq(read(pipe_fds[0], &grandchild, sizeof grandchild), sizeof grandchild);
    ts_child_kill(child);
    int status = 0;
    ck_assert(ts_child_wait(grandchild, soon(), &status));
    /* By the signal, or by its own hand if the parent was gone before it could ask for one. */
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}
END_TEST

START_TEST(a_program_that_is_not_there_says_so)
{
    char folder[TS_TEMP_MAX], log[200], line[64] = "";
    ts_temp_make(folder);
    snprintf(log, sizeof log, "%s/log", folder);
    char program[] = "/nowhere/at/all";
    char *arguments[] = {program, NULL};
    int status = 0;
    ck_assert(ts_child_wait(ts_child_exec(arguments, log), soon(), &status));
    ck_assert_int_eq(WEXITSTATUS(status), 127);
    FILE *file = fopen(log, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    ck_assert_str_eq(line, "cannot run the program\n");
    fclose(file);
    ts_temp_remove(folder);
}
END_TEST

START_TEST(an_address_is_written_as_a_url)
{
    char url[TS_URL_MAX];
    ts_address local = ts_address_new(TS_UNIX, "/tmp/x", "s");
    ck_assert_str_eq(ts_address_url(&local, url, sizeof url), "unix:///tmp/x/s");
    ts_address tcp = {.transport = TS_TCP, .port = 7001};
    ck_assert_str_eq(ts_address_url(&tcp, url, sizeof url), "redis://127.0.0.1:7001");
    tcp.transport = TS_TCP6;
    ck_assert_str_eq(ts_address_url(&tcp, url, sizeof url), "redis://[::1]:7001");
}
END_TEST

START_TEST(two_listeners_never_get_one_port)
{
    ts_address one = {.transport = TS_TCP}, two = {.transport = TS_TCP};
    int first = ts_listen(&one), second = ts_listen(&two);
    ck_assert_int_ge(first, 0);
    ck_assert_int_ge(second, 0);
    ck_assert_int_ne(one.port, two.port);
    ts_address taken = one;
    ck_assert_int_eq(ts_listen(&taken), -1);
    ck_assert_int_eq(errno, EADDRINUSE);
    close(first);
    close(second);
    ck_assert_int_eq(ts_connect(&one, soon()), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
}
END_TEST

START_TEST(a_buffer_grows_and_is_taken_from_the_front)
{
    ts_buffer buffer = {0};
    for (int i = 0; i < 1000; i++) {
        ts_buffer_print(&buffer, "%04d", i);
        if (i % 2 == 1)
            ts_buffer_take(&buffer, 4);
    }
    ck_assert_uint_eq(ts_buffer_length(&buffer), 2000);
    ck_assert(memcmp(ts_buffer_bytes(&buffer), "0500", 4) == 0);
    ts_buffer_free(&buffer);
}
END_TEST

START_TEST(a_request_is_found_only_when_whole)
{
    static const char text[] = "*2\r\n$3\r\nGET\r\n$4\r\nk\r\ny\r\n+more";
    size_t whole = sizeof text - 1 - 5, used = 0;
    ts_request request;
    for (size_t n = 0; n < whole; n++)
        ck_assert_int_eq(ts_request_parse(text, n, &request, &used), TS_PARSE_MORE);
    ck_assert_int_eq(ts_request_parse(text, sizeof text - 1, &request, &used), TS_PARSE_WHOLE);
    ck_assert_uint_eq(used, whole);
    ck_assert_uint_eq(request.count, 2);
    ck_assert(ts_request_is(&request, 0, "get"));
    ck_assert(ts_request_is(&request, 1, "k\r\ny"));
    ck_assert(!ts_request_is(&request, 2, ""));
    ts_request_free(&request);
}
END_TEST

START_TEST(what_is_no_request_is_told)
{
    static const char *const wrong[] = {
        "PING\r\n",           "*\r\n",           "*1\n",
        "*1\r\n+OK\r\n",      "*0\r\n",          "*1\r\n$3\r\nGETx\r\n",
        "*1\r\n$3\r\nGET\rx", "*99999999999\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ts_request request;
        size_t used;
        ck_assert_msg(ts_request_parse(wrong[i], strlen(wrong[i]), &request, &used) ==
                          TS_PARSE_WRONG,
                      "\"%s\" passed", wrong[i]);
    }
}
END_TEST

Suite *base_suite(void)
{
    Suite *suite = suite_create("base");
    TCase *tests = tcase_create("base");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_folder_is_removed_with_all_in_it);
    tcase_add_test(tests, a_folder_with_a_long_parent_goes_to_tmp);
    tcase_add_test(tests, a_deadline_passes);
    tcase_add_test(tests, a_child_runs_a_function);
    tcase_add_test(tests, a_child_that_hangs_is_killed);
    tcase_add_test(tests, a_child_dies_with_its_parent);
    tcase_add_test(tests, a_program_that_is_not_there_says_so);
    tcase_add_test(tests, an_address_is_written_as_a_url);
    tcase_add_test(tests, two_listeners_never_get_one_port);
    tcase_add_test(tests, a_buffer_grows_and_is_taken_from_the_front);
    tcase_add_test(tests, a_request_is_found_only_when_whole);
    tcase_add_test(tests, what_is_no_request_is_told);
    suite_add_tcase(suite, tests);
    return suite;
}
