/* Calls on a collector whose server cannot be reached, whose client is gone, or that was opened in
 * another process. */
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vouch/vouch.h>

/* ---- calls ---------------------------------------------------------------------------------- */

struct ear {
    unsigned calls, not_applied;
    vouch_cause cause;
};

static void hear(const vouch_result *result, int64_t server_us, void *user)
{
    struct ear *ear = user;
    ck_assert_int_eq(server_us, 0);
    ear->calls++;
    ear->not_applied += result->status == VOUCH_ENOTSENT && result->effect == VOUCH_NOT_APPLIED;
    ear->cause = result->cause;
}

/* A client that has not connected, and never will. */
static vouch_client *nowhere(void)
{
    vouch_client_options options = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *client = NULL;
    options.lazy = 1;
    options.outages = 1;
    options.retry_min_ms = options.retry_max_ms = 1;
    ck_assert_int_eq(vouch_client_open("unix:///nonexistent", &options, &client, NULL), VOUCH_OK);
    return client;
}

static vouch_collector *open_on(vouch_client *client, const vouch_collector_options *options)
{
    vouch_collector *c = NULL;
    vouch_error e;
    ck_assert_msg(vouch_collector_open(client, options, &c, &e) == VOUCH_OK, "%s", e.message);
    return c;
}

static void add_some(vouch_collector *c, int n, struct ear *ear)
{
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(vouch_collector_add(c, hear, ear, "INCR", "a"), VOUCH_OK);
}

START_TEST(nothing_takes_null_for_a_collector)
{
    vouch_collector *c = NULL;
    vouch_client *client = nowhere();
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    vouch_error e;
    ck_assert_int_eq(vouch_collector_open(NULL, NULL, &c, &e), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_collector_open(client, NULL, NULL, &e), VOUCH_EINVAL);
    o.size = 0;
    ck_assert_int_eq(vouch_collector_open(client, &o, &c, &e), VOUCH_EINVAL);
    ck_assert_ptr_null(c);
    ck_assert_int_eq(vouch_collector_add(NULL, hear, NULL, "PING"), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_collector_argv(NULL, hear, NULL, 1, (const char *[]){"PING"}, NULL),
                     VOUCH_EINVAL);
    ck_assert_int_eq(vouch_collector_error(NULL, &e), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_collector_service(NULL, &e), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_collector_flush(NULL, &e), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_collector_discard(NULL, &e), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_collector_close(NULL, &e), VOUCH_OK);
    ck_assert_uint_eq(vouch_collector_pending(NULL), 0);
    ck_assert_int_eq(vouch_collector_due_ms(NULL), -1);
    ck_assert(!vouch_collector_is_held(NULL));
    vouch_collector_resume(NULL);
    vouch_client_close(client);
}
END_TEST

START_TEST(a_command_that_is_refused_spoils_no_other)
{
    vouch_client *client = nowhere();
    vouch_collector *c = open_on(client, NULL);
    struct ear ear = {0};
    vouch_error e;
    const char *argv[] = {"GET", NULL};
    ck_assert_int_eq(vouch_collector_error(c, &e), VOUCH_OK);
    ck_assert_int_eq(vouch_collector_add(c, hear, &ear, "INCR", "a"), VOUCH_OK);
    ck_assert_int_eq(vouch_collector_add(c, hear, &ear, "MULTI"), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_collector_error(c, &e), VOUCH_EINVAL);
    ck_assert_msg(strstr(e.message, "MULTI") != NULL, "%s", e.message);
    ck_assert_int_eq(vouch_collector_add(c, hear, &ear, "GET", (const char *)argv[1]),
                     VOUCH_EINVAL);
    ck_assert_int_eq(vouch_collector_argv(c, hear, &ear, 2, argv, NULL), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_collector_argv(c, hear, &ear, 1, argv, NULL), VOUCH_OK);
    ck_assert_uint_eq(vouch_collector_pending(c), 2);
    ck_assert_int_eq(vouch_collector_discard(c, &e), VOUCH_OK);
    ck_assert_uint_eq(ear.calls, 2);
    ck_assert_int_eq(ear.cause, VOUCH_CAUSE_CANCELLED);
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_OK);
    vouch_client_close(client);
}
END_TEST

struct adder {
    vouch_collector *c;
    struct ear *ear;
};

static void add_two(const vouch_result *result, int64_t server_us, void *user)
{
    struct adder *adder = user;
    hear(result, server_us, adder->ear);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(vouch_collector_add(adder->c, NULL, NULL, "INCR", "a"), VOUCH_OK);
}

/* An add from a callback only gathers, even if that is enough: the callbacks after it come first. */
START_TEST(a_callback_starts_no_flush)
{
    vouch_client *client = nowhere();
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    o.max_commands = 3;
    vouch_collector *c = open_on(client, &o);
    struct ear ear = {0};
    struct adder adder = {c, &ear};
    vouch_error e;
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(vouch_collector_add(c, add_two, &adder, "INCR", "a"), VOUCH_OK);
    ck_assert_int_eq(vouch_collector_discard(c, &e), VOUCH_OK);
    ck_assert_uint_eq(ear.not_applied, 2);
    ck_assert_uint_eq(vouch_collector_pending(c), 4);
    ck_assert_int_eq(vouch_collector_discard(c, &e), VOUCH_OK); /* nothing is under way */
    ck_assert_uint_eq(vouch_collector_pending(c), 0);
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_OK);
    vouch_client_close(client);
}
END_TEST

START_TEST(without_a_server_everybody_is_told)
{
    vouch_client *client = nowhere();
    vouch_collector *c = open_on(client, NULL);
    struct ear ear = {0};
    vouch_error e;
    add_some(c, 10, &ear);
    ck_assert_int_ge(vouch_collector_due_ms(c), 0);
    ck_assert_int_le(vouch_collector_due_ms(c), 250);
    ck_assert_int_eq(_i ? vouch_collector_close(c, &e) : vouch_collector_flush(c, &e),
                     VOUCH_ENOTSENT);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_CONNECT);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    ck_assert_uint_eq(e.command, VOUCH_NO_COMMAND);
    ck_assert_uint_eq(ear.calls, 10);
    ck_assert_uint_eq(ear.not_applied, 10);
    if (!_i)
        ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_OK);
    ck_assert_uint_eq(ear.calls, 10);
    vouch_client_close(client);
}
END_TEST

/* The client may go first: nobody is lost, and nothing of it is touched any more. */
START_TEST(a_client_that_is_closed_first)
{
    vouch_client *client = nowhere();
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    o.max_commands = 5;
    vouch_collector *c = open_on(client, &o);
    struct ear ear = {0};
    vouch_error e;
    add_some(c, 7, &ear); /* five are under way, two are gathered */
    vouch_client_close(client);
    ck_assert_uint_eq(ear.calls, 0);
    ck_assert_int_eq(vouch_collector_due_ms(c), 0);
    ck_assert_int_eq(vouch_collector_add(c, hear, &ear, "INCR", "a"), VOUCH_ECANCELLED);
    if (_i == 0)
        ck_assert_int_eq(vouch_collector_service(c, &e), VOUCH_ECANCELLED);
    if (_i == 1)
        ck_assert_int_eq(vouch_collector_flush(c, &e), VOUCH_ECANCELLED);
    if (_i < 2)
        ck_assert_int_eq(vouch_collector_due_ms(c), -1);
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_ECANCELLED);
    ck_assert_uint_eq(ear.calls, 7);
    ck_assert_uint_eq(ear.not_applied, 7);
    ck_assert_int_eq(ear.cause, VOUCH_CAUSE_CANCELLED);
}
END_TEST

START_TEST(a_collector_is_one_of_the_clients_operations)
{
    vouch_client *client = nowhere();
    static vouch_collector *all[VOUCH_CLIENT_MAX_OPERATIONS];
    vouch_collector *more = NULL;
    vouch_error e;
    for (size_t i = 0; i < VOUCH_CLIENT_MAX_OPERATIONS; i++)
        all[i] = open_on(client, NULL);
    ck_assert_int_eq(vouch_collector_open(client, NULL, &more, &e), VOUCH_ELIMIT);
    ck_assert_ptr_null(more);
    /* One that can start no flush keeps what it has; and at the end says so. */
    struct ear ear = {0};
    ck_assert_int_eq(vouch_collector_add(all[0], hear, &ear, "INCR", "a"), VOUCH_OK);
    ck_assert_int_eq(vouch_collector_flush(all[0], &e), VOUCH_ELIMIT);
    ck_assert_uint_eq(vouch_collector_pending(all[0]), 1);
    ck_assert_int_gt(vouch_collector_due_ms(all[0]), 0);
    ck_assert_int_eq(vouch_collector_close(all[0], &e), VOUCH_ELIMIT);
    ck_assert_uint_eq(ear.not_applied, 1);
    ck_assert_int_eq(ear.cause, VOUCH_CAUSE_LIMIT);
    for (size_t i = 1; i < VOUCH_CLIENT_MAX_OPERATIONS; i++)
        ck_assert_int_eq(vouch_collector_close(all[i], &e), VOUCH_OK);
    vouch_client_close(client);
}
END_TEST

/* An interrupt while nothing runs is for the next call, and opening a collector is none. */
START_TEST(opening_takes_no_interrupt)
{
    vouch_client *client = nowhere();
    vouch_batch *b = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error e;
    vouch_client_interrupt(client);
    vouch_client_ready(client, NULL, 0);
    vouch_collector *c = open_on(client, NULL);
    vouch_batch_add(b, "PING");
    ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, &e), VOUCH_EINTERRUPTED);
    vouch_results_free(results);
    results = NULL;
    ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, &e), VOUCH_ENOTSENT);
    vouch_results_free(results);
    vouch_batch_free(b);
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_OK);
    vouch_client_close(client);
}
END_TEST

static void close_client(const vouch_result *result, int64_t server_us, void *user)
{
    vouch_client **client = user;
    (void)server_us;
    ck_assert_int_eq(result->effect, VOUCH_NOT_APPLIED);
    vouch_client_close(*client);
    *client = NULL;
}

/* Even from a callback of the collector, with more of it gathered. */
START_TEST(a_client_that_is_closed_by_a_callback)
{
    vouch_client *client = nowhere();
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    o.max_commands = 5;
    vouch_collector *c = open_on(client, &o);
    struct ear ear = {0};
    vouch_error e;
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(vouch_collector_add(c, i ? hear : close_client, i ? (void *)&ear : &client,
                                             "INCR", "a"),
                         VOUCH_OK);
    ck_assert_int_eq(_i ? vouch_collector_close(c, &e) : vouch_collector_flush(c, &e),
                     VOUCH_ECANCELLED);
    ck_assert_uint_eq(ear.not_applied, 6);
    ck_assert_ptr_null(client);
    if (!_i)
        ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_ECANCELLED);
}
END_TEST

/* ---- forks ---------------------------------------------------------------------------------- */

static bool cannot_add_more_in_child(vouch_collector *c, struct ear *ear)
{
    vouch_error e;
    return vouch_collector_add(c, hear, ear, "INCR", "a") == VOUCH_EFORKED &&
           vouch_collector_error(c, &e) == VOUCH_EFORKED && vouch_collector_pending(c) == 1;
}

static bool cannot_add_in_child(vouch_collector *empty, struct ear *ear)
{
    vouch_error e;
    return vouch_collector_add(empty, hear, ear, "INCR", "a") == VOUCH_EFORKED &&
           vouch_collector_close(empty, &e) == VOUCH_EFORKED;
}

static bool is_refused_in_child(vouch_client *client, vouch_collector *c, struct ear *ear,
                                int order)
{
    vouch_error e;
    bool good = vouch_collector_service(c, &e) == VOUCH_EFORKED &&
                vouch_collector_flush(c, &e) == VOUCH_EFORKED &&
                vouch_collector_discard(c, &e) == VOUCH_EFORKED;
    if (order)
        vouch_client_close(client);
    good = good && vouch_collector_close(c, &e) == VOUCH_EFORKED && ear->calls == 0;
    if (!order)
        vouch_client_close(client);
    return good;
}

START_TEST(a_child_is_told_nothing)
{
    vouch_client *client = nowhere();
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    o.max_commands = 5;
    vouch_collector *c = open_on(client, &o), *empty = open_on(client, NULL);
    struct ear ear = {0}, other = {0};
    vouch_error e;
    int status = 0;
    o.max_commands = 2;
    vouch_collector *one = open_on(client, &o);
    add_some(one, 1, &other);
    add_some(c, 7, &ear);
    pid_t child = fork();
    if (child == 0) {
        bool good = cannot_add_more_in_child(one, &ear) && cannot_add_in_child(empty, &ear);
        _exit(good && is_refused_in_child(client, c, &ear, _i) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_ENOTSENT); /* the parent's are all there */
    ck_assert_uint_eq(ear.not_applied, 7);
    ck_assert_int_eq(vouch_collector_close(one, &e), VOUCH_ENOTSENT);
    ck_assert_uint_eq(other.not_applied, 1);
    ck_assert_int_eq(vouch_collector_close(empty, &e), VOUCH_OK);
    vouch_client_close(client);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collector, calls");
    TCase *c = tcase_create("all");
    tcase_add_test(c, nothing_takes_null_for_a_collector);
    tcase_add_test(c, a_command_that_is_refused_spoils_no_other);
    tcase_add_test(c, a_callback_starts_no_flush);
    tcase_add_loop_test(c, without_a_server_everybody_is_told, 0, 2);
    tcase_add_loop_test(c, a_client_that_is_closed_first, 0, 3);
    tcase_add_loop_test(c, a_client_that_is_closed_by_a_callback, 0, 2);
    tcase_add_test(c, a_collector_is_one_of_the_clients_operations);
    tcase_add_test(c, opening_takes_no_interrupt);
    tcase_add_loop_test(c, a_child_is_told_nothing, 0, 2);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
