/* How calls end otherwise than by their replies: deadline, interrupt, cancel, close, fork, a
 * connection that the server closed while nobody used it. */
#include "base.h"
#include "children.h"
#include "rig.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMANDS 12

static struct rig rig;
static struct rig_tally tally;

static ts_server_kind kind_of(int i)
{
    return i ? TS_VALKEY : TS_REDIS;
}

/* The number of the connection that the client uses. */
static int64_t connection_id(vouch_client *client)
{
    vouch_results *results = NULL;
    vouch_error e;
    int64_t id = 0;
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "CLIENT", "ID");
    ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &results, &e), "%s", e.message);
    ck_assert(vouch_reply_int64(vouch_results_at(results, 0)->reply, &id));
    vouch_results_free(results);
    vouch_batch_free(b);
    return id;
}

/* The first n commands, and the rest, each have one effect and one cause. */
static void expect(const vouch_results *results, size_t n, vouch_effect first, vouch_effect rest,
                   vouch_cause cause)
{
    for (size_t i = 0; i < vouch_results_count(results); i++) {
        const vouch_result *r = vouch_results_at(results, i);
        vouch_effect effect = i < n ? first : rest;
        ck_assert_msg(r->effect == effect, "command %zu is said to be %s", i,
                      vouch_effect_name(r->effect));
        ck_assert_int_eq(r->cause, effect == VOUCH_APPLIED ? VOUCH_CAUSE_NONE : cause);
        ck_assert((r->reply != NULL) == (effect == VOUCH_APPLIED));
    }
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
    expect(results, handed, VOUCH_MAYBE_APPLIED, VOUCH_NOT_APPLIED, VOUCH_CAUSE_DEADLINE);
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
            (void)connection_id(client);
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
    (void)connection_id(client);
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_batch *b = rig_counters(COMMANDS);
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    o.deadline_ms = 10;
    int64_t before = ts_proxy_count(rig.proxy, 0).to_client;
    int64_t deadline = ts_deadline(o.deadline_ms);
    ck_assert_int_eq(vouch_pipeline_start(client, b, &o, &op, &e), VOUCH_OK);
    ck_assert(!vouch_op_done(op));
    ck_assert(ts_proxy_wait_bytes(rig.proxy, 0, TS_TO_CLIENT, before + INT64_C(4) * COMMANDS,
                                  ts_deadline(RIG_PATIENCE_MS)));
    while (!ts_passed(deadline + 1))
        (void)ts_look_again(deadline + 1);
    vouch_client_ready(client, NULL, 0);
    ck_assert(vouch_op_done(op));
    ck_assert_msg(!vouch_pipeline_finish(op, &results, &e), "%s", e.message);
    expect(results, COMMANDS, VOUCH_APPLIED, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* Two on one connection: one is ended by its deadline with answers outstanding, the other gets all of
 * its own, also those for which the connection had no more room. */
START_TEST(an_expired_neighbour_costs_nobody_a_reply)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 40);
    (void)connection_id(client);
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_op *ops[2] = {NULL, NULL};
    vouch_results *results = NULL;
    vouch_error e;
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 10;
    ts_proxy_plan_from_here(rig.proxy, 0, &plan);
    vouch_batch *hasty = vouch_batch_new(), *patient = rig_counters(300);
    for (int i = 0; i < COMMANDS; i++)
        vouch_batch_add(hasty, "INCR", "hasty");
    o.deadline_ms = 20;
    ck_assert_int_eq(vouch_pipeline_start(client, hasty, &o, &ops[0], &e), VOUCH_OK);
    ck_assert_int_eq(vouch_pipeline_start(client, patient, NULL, &ops[1], &e), VOUCH_OK);
    rig_drive(client, ops[0]);
    ck_assert_int_eq(vouch_pipeline_finish(ops[0], &results, &e), VOUCH_EUNKNOWN);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_DEADLINE);
    expect(results, 2, VOUCH_APPLIED, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_DEADLINE);
    vouch_results_free(results);
    ts_proxy_release(rig.proxy, TS_EVERY);
    rig_drive(client, ops[1]);
    ck_assert_msg(!vouch_pipeline_finish(ops[1], &results, &e), "%s", e.message);
    rig_compare(&rig, results, &tally, "neighbour", 0);
    for (size_t i = 0; i < 300; i++)
        ck_assert_uint_eq(vouch_results_at(results, i)->attempts, 1);
    vouch_results_free(results);
    ck_assert_int_eq(ts_int(rig.server, "GET", "hasty", NULL), COMMANDS);
    ck_assert_int_eq(rig_next_connection(&rig), 2); /* the first was not used any more */
    vouch_batch_free(hasty);
    vouch_batch_free(patient);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- a connection that the server closes ---------------------------------------------------- */

START_TEST(a_connection_closed_while_idle_is_nobodys_trouble)
{
    rig = _i < 2 ? rig_start(kind_of(_i), TS_NO_PERSISTENCE) : rig_start_tcp(kind_of(_i % 2));
    vouch_client *client = rig_client(&rig, 3, 0);
    for (int i = 0; i < 30; i++) {
        vouch_results *results = NULL;
        vouch_error e;
        char id[32];
        (void)snprintf(id, sizeof id, "%lld", (long long)connection_id(client));
        ck_assert_int_eq(ts_int(rig.server, "CLIENT", "KILL", "ID", id, NULL), 1);
        ck_assert(ts_proxy_wait_closed(rig.proxy, i, ts_deadline(RIG_PATIENCE_MS)));
        vouch_batch *b = rig_counters(COMMANDS);
        ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &results, &e), "%s", e.message);
        rig_compare(&rig, results, &tally, "closed", i);
        for (size_t k = 0; k < COMMANDS; k++)
            ck_assert_uint_eq(vouch_results_at(results, k)->attempts, 1);
        vouch_results_free(results);
        vouch_batch_free(b);
        rig_flush(&rig);
    }
    ck_assert_int_eq(rig_next_connection(&rig), 31);
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
    (void)connection_id(client);
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
    expect(results, COMMANDS, VOUCH_MAYBE_APPLIED, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_INTERRUPTED);
    vouch_results_free(results);
    (void)connection_id(client); /* the next call is not touched */
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
    (void)connection_id(client);
    vouch_client_interrupt(client);
    vouch_client_interrupt(client);
    ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, &e), VOUCH_EINTERRUPTED);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    ck_assert_uint_eq(e.retriable, 1);
    expect(results, 0, VOUCH_APPLIED, VOUCH_NOT_APPLIED, VOUCH_CAUSE_INTERRUPTED);
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
            (void)connection_id(client);
        if (stage == 1)
            ts_proxy_plan_from_here(rig.proxy, 1, &stall);
        ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
        if (stage == 2)
            rig_drive(client, op);
        vouch_op_cancel(op);
        ck_assert(vouch_op_done(op));
        vouch_op_cancel(op);
        if (_i)
            vouch_client_close(client);
        ck_assert_int_eq(vouch_pipeline_finish(op, &results, &e), status[stage]);
        expect(results, 0, VOUCH_APPLIED, effect[stage], VOUCH_CAUSE_CANCELLED);
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
    (void)connection_id(client);
    ts_plan stall = ts_plan_none();
    stall.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, 0, &stall);
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
    vouch_client_close(client);
    ck_assert(vouch_op_done(op));
    ck_assert_int_eq(vouch_pipeline_finish(op, &results, &e), VOUCH_EUNKNOWN);
    expect(results, 5, VOUCH_MAYBE_APPLIED, VOUCH_NOT_APPLIED, VOUCH_CAUSE_CANCELLED);
    ts_proxy_release(rig.proxy, TS_EVERY);
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    rig_settle(&rig);
    rig_compare(&rig, results, &tally, "closed", 0);
    vouch_results_free(results);
    vouch_batch_free(b);
    rig_stop(&rig);
}
END_TEST

/* ---- fork ----------------------------------------------------------------------------------- */

static int in_child(void *user)
{
    vouch_client *client = user;
    vouch_batch *b = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error e;
    vouch_batch_add(b, "SET", "child", "was here");
    vouch_status status = vouch_pipeline_run(client, b, NULL, &results, &e);
    bool refused = status == VOUCH_EFORKED && e.effect == VOUCH_NOT_APPLIED && !results;
    vouch_batch_free(b);
    vouch_client_close(client);
    return refused ? 0 : 1;
}

/* A child may close its copy while the parent's call is under way. */
START_TEST(a_forked_child_leaves_the_connection_to_its_parent)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 4);
    vouch_batch *b = rig_counters(COMMANDS);
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    int64_t id = connection_id(client);
    int status = -1;
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
    pid_t child = ts_child_run(in_child, client);
    ck_assert(ts_child_wait(child, ts_deadline(RIG_PATIENCE_MS), &status));
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_msg(!vouch_pipeline_finish(op, &results, &e), "%s", e.message);
    rig_compare(&rig, results, &tally, "forked", 0);
    ck_assert_int_eq(connection_id(client), id);
    ck_assert_int_eq(ts_int(rig.server, "EXISTS", "child", NULL), 0);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
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
    tcase_add_loop_test(c, an_expired_neighbour_costs_nobody_a_reply, 0, 2);
    tcase_add_loop_test(c, a_connection_closed_while_idle_is_nobodys_trouble, 0, 4);
    tcase_add_loop_test(c, an_interrupt_ends_the_call_and_only_that, 0, 2);
    tcase_add_test(c, an_interrupt_between_calls_ends_the_next_before_it_sends);
    tcase_add_loop_test(c, a_cancel_tells_what_was_handed_over, 0, 2);
    tcase_add_test(c, a_closed_clients_operations_keep_their_account);
    tcase_add_loop_test(c, a_forked_child_leaves_the_connection_to_its_parent, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
