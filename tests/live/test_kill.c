/* The server killed, stopped and restarted in mid-batch, at moments told by bytes and not by time. */
#include "rig.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define COMMANDS 600

static struct rig rig;
static struct rig_tally tally;

/* One turn of the client, waiting 5 ms at most. */
static void turn(vouch_client *client)
{
    struct pollfd fds[VOUCH_CLIENT_MAX_CONNECTIONS + 1];
    int64_t timeout;
    size_t n = vouch_client_watch(client, fds, sizeof fds / sizeof *fds, &timeout);
    int ready = poll(fds, n, timeout < 0 || timeout > 5 ? 5 : (int)timeout);
    vouch_client_ready(client, fds, ready > 0 ? n : 0);
}

/* Starts the batch and turns until the proxy has forwarded `bytes` answers of it (or it is done). */
static vouch_op *start_until(vouch_client *client, vouch_batch *b, int64_t deadline_ms,
                             int connection, int64_t bytes)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_op *op = NULL;
    vouch_error e;
    o.deadline_ms = deadline_ms;
    ck_assert_msg(vouch_pipeline_start(client, b, &o, &op, &e) == VOUCH_OK, "%s", e.message);
    int64_t limit = ts_deadline(20000);
    while (!vouch_op_done(op) && ts_proxy_count(rig.proxy, connection).to_client < bytes) {
        ck_assert(!ts_passed(limit));
        turn(client);
    }
    return op;
}

static vouch_results *finish(vouch_op *op, vouch_status *status)
{
    vouch_results *results = NULL;
    vouch_error e;
    *status = vouch_pipeline_finish(op, &results, &e);
    ck_assert_ptr_nonnull(results);
    return results;
}

static int64_t answer_bytes(int i)
{
    return 140 + (int64_t)i * 97 % 2600;
}

/* kill -9 with appendfsync always: what was answered is there after the restart. */
START_TEST(a_killed_server_keeps_what_was_said_to_be_applied)
{
    memset(&tally, 0, sizeof tally);
    rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_AOF_ALWAYS);
    for (int i = 0; i < 40; i++) {
        vouch_status status;
        int connection = rig_next_connection(&rig);
        vouch_client *client = rig_client(&rig, 3, i % 2 ? 50 : 0);
        vouch_batch *b = rig_counters(COMMANDS);
        vouch_op *op = start_until(client, b, 20000, connection, answer_bytes(i));
        ts_server_kill(rig.server);
        /* Some outages pass while it is away: the batch ends in doubt, unsent, or goes on. */
        for (int k = 0; k < i % 3; k++)
            turn(client);
        ck_assert(ts_server_restart(rig.server));
        vouch_results *results = finish(op, &status);
        vouch_client_close(client);
        ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(10000)));
        rig_compare(&rig, results, &tally, "killed", i);
        vouch_results_free(results);
        vouch_batch_free(b);
        rig_flush(&rig);
    }
    ck_assert_uint_gt(tally.applied, 0);
    ck_assert_uint_gt(tally.maybe, 0);
    ck_assert_uint_gt(tally.not_applied, 0);
    printf("%lu kills: %lu APPLIED, %lu NOT_APPLIED, %lu MAYBE\n", tally.cases, tally.applied,
           tally.not_applied, tally.maybe);
    rig_stop(&rig);
}
END_TEST

/* Stopped, it answers nothing; resumed, it runs what it had been given after the call returned. */
START_TEST(a_stopped_server_runs_late_what_was_called_maybe)
{
    memset(&tally, 0, sizeof tally);
    rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    for (int i = 0; i < 40; i++) {
        vouch_status status;
        int connection = rig_next_connection(&rig);
        vouch_client *client = rig_client(&rig, 3, i % 2 ? 50 : 0);
        vouch_batch *b = rig_counters(COMMANDS);
        vouch_op *op = start_until(client, b, 60, connection, answer_bytes(i));
        ck_assert(ts_server_pause(rig.server));
        int64_t before = ts_now_ms();
        vouch_results *results = finish(op, &status);
        ck_assert_int_le(ts_now_ms() - before, 60 + 1000); /* far below the 20 s without */
        vouch_client_close(client);
        ck_assert(ts_server_resume(rig.server));
        ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(10000)));
        rig_settle(&rig);
        rig_compare(&rig, results, &tally, "stopped", i);
        vouch_results_free(results);
        vouch_batch_free(b);
        rig_flush(&rig);
    }
    ck_assert_uint_gt(tally.maybe, 0);
    printf("%lu stops: %lu APPLIED, %lu NOT_APPLIED, %lu MAYBE\n", tally.cases, tally.applied,
           tally.not_applied, tally.maybe);
    rig_stop(&rig);
}
END_TEST

/* A restart between two calls, nothing in flight: nobody is told anything but success. */
START_TEST(a_restart_between_calls_is_not_noticed)
{
    rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_AOF_ALWAYS);
    vouch_client *client = rig_client(&rig, 3, 0);
    for (int i = 0; i < 10; i++) {
        vouch_results *results = NULL;
        vouch_error e;
        vouch_batch *b = rig_counters(20);
        ck_assert_msg(vouch_pipeline_run(client, b, NULL, &results, &e) == VOUCH_OK, "%s",
                      e.message);
        vouch_results_free(results);
        vouch_batch_free(b);
        ck_assert(ts_server_restart(rig.server));
        ck_assert_int_eq(ts_int(rig.server, "GET", "c0003", NULL), i + 1);
    }
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kill");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, a_killed_server_keeps_what_was_said_to_be_applied, 0, 2);
    tcase_add_loop_test(c, a_stopped_server_runs_late_what_was_called_maybe, 0, 2);
    tcase_add_loop_test(c, a_restart_between_calls_is_not_noticed, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
