/* A client after fork: the child may close it, and nothing that the child does reaches the parent. */
#include "suite.h"

#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vouch/vouch.h>

static vouch_client *lazy_client(void)
{
    vouch_client_options options = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *client = NULL;
    options.lazy = 1;
    ck_assert_int_eq(vouch_client_open("unix:///nonexistent", &options, &client, NULL), VOUCH_OK);
    return client;
}

/* Runs it in a forked child, and wants true of it. */
static void in_child(bool (*what)(vouch_client *), vouch_client *client)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(what(client) ? EXIT_SUCCESS : EXIT_FAILURE);
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}

static bool is_woken(vouch_client *client)
{
    struct pollfd fds[VOUCH_CLIENT_MAX_CONNECTIONS + 1];
    int64_t timeout_ms;
    size_t n = vouch_client_watch(client, fds, VOUCH_CLIENT_MAX_CONNECTIONS + 1, &timeout_ms);
    return poll(fds, n, 0) > 0;
}

static bool interrupt_it(vouch_client *client)
{
    vouch_client_interrupt(client);
    return true;
}

START_TEST(an_interrupt_in_a_child_does_not_wake_the_parent)
{
    vouch_client *client = lazy_client();
    in_child(interrupt_it, client);
    ck_assert(!is_woken(client));
    vouch_client_interrupt(client);
    ck_assert(is_woken(client)); /* the same descriptor, and it does work */
    vouch_client_close(client);
}
END_TEST

static bool use_is_refused(vouch_client *client)
{
    vouch_batch *batch = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error error;
    int64_t timeout_ms = 0;
    vouch_batch_add(batch, "PING");
    bool refused = vouch_pipeline_run(client, batch, NULL, &results, &error) == VOUCH_EFORKED &&
                   !results && error.effect == VOUCH_NOT_APPLIED &&
                   vouch_client_watch(client, NULL, 0, &timeout_ms) == 0;
    vouch_batch_free(batch);
    vouch_client_close(client);
    return refused;
}

START_TEST(a_child_can_only_close)
{
    vouch_client *client = lazy_client();
    in_child(use_is_refused, client);
    ck_assert(!is_woken(client));
    vouch_client_close(client);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fork");
    TCase *tests = tcase_create("fork");
    tcase_add_test(tests, an_interrupt_in_a_child_does_not_wake_the_parent);
    tcase_add_test(tests, a_child_can_only_close);
    suite_add_tcase(suite, tests);
    return suite_run(suite, CK_FORK_GETENV);
}
