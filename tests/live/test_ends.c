/* How calls end otherwise than by their replies: deadline, interrupt, cancel, close. */
#include "base.h"
#include "rig.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define COMMANDS 12

static struct rig rig;
static struct rig_tally tally;

static ts_server_kind kind_of(int i)
{
    return i ? TS_VALKEY : TS_REDIS;
}

/* ---- deadlines ------------------------------------------------------------------------------ */

#define DEADLINE_MS 60
#define LATE_MS     50 /* how much later a call may return */
#define TRIES       10 /* of which one must be as good as that: the machine may be busy */

/* Runs counters on a stopped server, and closes the client; returns how long the run took. */
static int64_t run_stopped(vouch_client *client, size_t handed)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *results = NULL;
    vouch_error e;
    o.deadline_ms = DEADLINE_MS;
    vouch_batch *b = rig_counters(COMMANDS);
    ck_assert(ts_server_pause(rig.server));
    int64_t begin = ts_now_ms();
    vouch_status status = vouch_pipeline_run(client, b, &o, &results, &e);
    int64_t took = ts_now_ms() - begin;
    ck_assert_int_eq(status, handed ? VOUCH_EUNKNOWN : VOUCH_ENOTSENT);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_DEADLINE);
    ck_assert_int_eq(e.effect, handed ? VOUCH_MAYBE_APPLIED : VOUCH_NOT_APPLIED);
    ck_assert_uint_eq(e.retriable, !handed);
    ck_assert_int_ge(took, DEADLINE_MS - 1);
    rig_expect(results, handed, VOUCH_MAYBE_APPLIED, VOUCH_NOT_APPLIED, VOUCH_CAUSE_DEADLINE);
    if (!handed)
        vouch_client_close(client);
    ck_assert(ts_server_resume(rig.server));
    /* What was in doubt is not kept open either, even if the client is not used any more. */
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    rig_settle(&rig);
    rig_compare(&rig, results, &tally, "stopped", (long long)handed);
    int64_t *held = rig_held(&rig, COMMANDS);
    for (size_t i = 0; i < COMMANDS; i++)
        ck_assert_int_eq(held[i], i < handed); /* it ran them all, later */
    free(held);
    vouch_results_free(results);
    vouch_batch_free(b);
    rig_flush(&rig);
    if (handed)
        vouch_client_close(client);
    return took;
}

/* Tells a stopped server what it was told, in time. With `greeted` the connection was made before. */
static void try_stopped(ts_server_kind kind, uint32_t window, bool greeted)
{
    int64_t best = INT64_MAX;
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    for (int i = 0; i < TRIES; i++) {
        vouch_client *client = rig_client(&rig, 3, window);
        if (greeted)
            (void)rig_connection_id(client);
        int64_t took = run_stopped(client, greeted ? (window ? window : COMMANDS) : 0);
        if (took < best)
            best = took;
    }
    ck_assert_int_le(best, DEADLINE_MS + LATE_MS);
    rig_stop(&rig);
}

START_TEST(a_deadline_ends_a_call_to_a_stopped_server)
{
    try_stopped(kind_of(_i), 0, true);
    try_stopped(kind_of(_i), 5, true);
    try_stopped(kind_of(_i), 0, false);
}
END_TEST

/* The caller's loop comes back late: the answers are there, and so is the deadline. */
START_TEST(what_has_arrived_counts_although_the_time_is_up)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    (void)rig_connection_id(client);
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_batch *b = rig_counters(COMMANDS);
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    o.deadline_ms = 10;
    int64_t before = ts_proxy_count(rig.proxy, 0).to_client;
    int64_t deadline = ts_deadline(o.deadline_ms);
    ck_assert_int_eq(vouch_pipeline_start(client, b, &o, &op, &e), VOUCH_OK);
    rig_push(client);
    ck_assert(!vouch_op_done(op));
    ck_assert(ts_proxy_wait_bytes(rig.proxy, 0, TS_TO_CLIENT, before + INT64_C(4) * COMMANDS,
                                  ts_deadline(RIG_PATIENCE_MS)));
    while (!ts_passed(deadline + 1))
        (void)ts_look_again(deadline + 1);
    vouch_client_ready(client, NULL, 0);
    ck_assert(vouch_op_done(op));
    ck_assert_msg(!vouch_pipeline_finish(op, &results, &e), "%s", e.message);
    rig_expect(results, COMMANDS, VOUCH_APPLIED, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- interrupts ----------------------------------------------------------------------------- */

static vouch_client *volatile interrupted;

static void on_signal(int number)
{
    (void)number;
    vouch_client_interrupt(interrupted);
}

struct interrupter {
    pthread_t caller;
    int64_t bytes; /* from the client, before it acts */
    bool by_signal;
};

/* Waits until the call is under way. */
static void *interrupt(void *user)
{
    const struct interrupter *i = user;
    if (!ts_proxy_wait_received(rig.proxy, 0, TS_TO_SERVER, i->bytes, ts_deadline(10000)))
        ts_die("the call does not begin");
    if (i->by_signal)
        (void)pthread_kill(i->caller, SIGUSR1);
    else
        vouch_client_interrupt(interrupted);
    return NULL;
}

START_TEST(an_interrupt_ends_the_call_and_only_that)
{
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    struct sigaction action = {.sa_handler = on_signal}, old;
    ck_assert_int_eq(sigaction(SIGUSR1, &action, &old), 0);
    vouch_client *client = interrupted = rig_client(&rig, 3, 0);
    (void)rig_connection_id(client);
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, 0, &plan);
    struct interrupter i = {pthread_self(), ts_proxy_count(rig.proxy, 0).from_client + 1, _i};
    pthread_t thread;
    vouch_results *results = NULL;
    vouch_error e;
    vouch_batch *b = rig_counters(COMMANDS);
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt, &i), 0);
    ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, &e), VOUCH_EUNKNOWN);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_INTERRUPTED);
    rig_expect(results, COMMANDS, VOUCH_MAYBE_APPLIED, VOUCH_MAYBE_APPLIED,
               VOUCH_CAUSE_INTERRUPTED);
    vouch_results_free(results);
    (void)rig_connection_id(client); /* the next call is not touched */
    vouch_batch_free(b);
    vouch_client_close(client);
    ck_assert_int_eq(sigaction(SIGUSR1, &old, NULL), 0);
    ts_proxy_release(rig.proxy, TS_EVERY);
    rig_stop(&rig);
}
END_TEST

START_TEST(an_interrupt_between_calls_ends_the_next_before_it_sends)
{
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_results *results = NULL;
    vouch_error e;
    vouch_batch *b = rig_counters(COMMANDS);
    (void)rig_connection_id(client);
    vouch_client_interrupt(client);
    vouch_client_interrupt(client);
    ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, &e), VOUCH_EINTERRUPTED);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    ck_assert_uint_eq(e.retriable, 1);
    rig_expect(results, 0, VOUCH_APPLIED, VOUCH_NOT_APPLIED, VOUCH_CAUSE_INTERRUPTED);
    vouch_results_free(results);
    ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &results, &e), "%s", e.message);
    rig_compare(&rig, results, &tally, "after an interrupt", 0);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- cancel and close ----------------------------------------------------------------------- */

/* Cancelled at every stage: while connecting, with everything handed over, when done. */
START_TEST(a_cancel_tells_what_was_handed_over)
{
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    ts_plan mute = ts_plan_none(), stall = ts_plan_none();
    mute.mute = true;
    stall.to_client.stall_after = 0;
    ts_proxy_plan(rig.proxy, 0, &mute);
    static const vouch_status status[] = {VOUCH_ECANCELLED, VOUCH_EUNKNOWN, VOUCH_OK};
    static const vouch_effect effect[] = {VOUCH_NOT_APPLIED, VOUCH_MAYBE_APPLIED, VOUCH_APPLIED};
    for (int stage = 0; stage < 3; stage++) {
        vouch_client *client = rig_client(&rig, 3, 0);
        vouch_batch *b = rig_counters(COMMANDS);
        vouch_results *results = NULL;
        vouch_op *op = NULL;
        vouch_error e;
        if (stage)
            (void)rig_connection_id(client);
        if (stage == 1)
            ts_proxy_plan_from_here(rig.proxy, 1, &stall);
        ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
        rig_push(client);
        if (stage == 2)
            rig_drive(client, op);
        vouch_op_cancel(op);
        ck_assert(vouch_op_done(op));
        vouch_op_cancel(op);
        if (_i)
            vouch_client_close(client);
        ck_assert_int_eq(vouch_pipeline_finish(op, &results, &e), status[stage]);
        rig_expect(results, 0, VOUCH_APPLIED, effect[stage], VOUCH_CAUSE_CANCELLED);
        vouch_results_free(results);
        ck_assert_uint_eq(vouch_batch_add(b, "PING"), COMMANDS); /* not frozen any more */
        vouch_batch_free(b);
        if (!_i)
            vouch_client_close(client);
    }
    ts_proxy_release(rig.proxy, TS_EVERY);
    rig_stop(&rig);
}
END_TEST

/* Closing the client ends what is in progress as a cancel does; its operations remain to be
 * finished. */
START_TEST(a_closed_clients_operations_keep_their_account)
{
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 5);
    vouch_batch *b = rig_counters(COMMANDS);
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    (void)rig_connection_id(client);
    ts_plan stall = ts_plan_none();
    stall.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, 0, &stall);
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
    rig_push(client);
    vouch_client_close(client);
    ck_assert(vouch_op_done(op));
    ck_assert_int_eq(vouch_pipeline_finish(op, &results, &e), VOUCH_EUNKNOWN);
    rig_expect(results, 5, VOUCH_MAYBE_APPLIED, VOUCH_NOT_APPLIED, VOUCH_CAUSE_CANCELLED);
    ts_proxy_release(rig.proxy, TS_EVERY);
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    rig_settle(&rig);
    rig_compare(&rig, results, &tally, "closed", 0);
    vouch_results_free(results);
    vouch_batch_free(b);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ends");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_deadline_ends_a_call_to_a_stopped_server, 0, 2);
    tcase_add_loop_test(c, what_has_arrived_counts_although_the_time_is_up, 0, 2);
    tcase_add_loop_test(c, an_interrupt_ends_the_call_and_only_that, 0, 2);
    tcase_add_test(c, an_interrupt_between_calls_ends_the_next_before_it_sends);
    tcase_add_loop_test(c, a_cancel_tells_what_was_handed_over, 0, 2);
    tcase_add_test(c, a_closed_clients_operations_keep_their_account);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
