/* One connection and several who use it: a neighbour that expires, a server that closes it, a child
 * process that has a copy. */
#include "children.h"
#include "rig.h"

#include <stdio.h>
#include <sys/wait.h>

#define COMMANDS 12

static struct rig rig;
static struct rig_tally tally;

static ts_server_kind kind_of(int i)
{
    return i ? TS_VALKEY : TS_REDIS;
}

/* ---- neighbours ---------------------------------------------------------------------------- */

/* Two on one connection: one is ended by its deadline with answers outstanding, the other gets all of
 * its own, also those for which the connection had no more room. */
START_TEST(an_expired_neighbour_costs_nobody_a_reply)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 40);
    (void)rig_connection_id(client);
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
    rig_expect(results, 2, VOUCH_APPLIED, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_DEADLINE);
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
        (void)snprintf(id, sizeof id, "%lld", (long long)rig_connection_id(client));
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

/* The answers are there, and so is the end; before they are read another call writes, and fails. */
START_TEST(answers_before_a_broken_pipe_are_kept)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    (void)rig_connection_id(client);
    vouch_batch *b = rig_counters(COMMANDS), *late = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_op *ops[2] = {NULL, NULL};
    vouch_error e;
    vouch_batch_add(late, "INCR", "late");
    ts_plan plan = ts_plan_cut(TS_TO_CLIENT, INT64_C(4) * COMMANDS);
    plan.ending = TS_END_CLOSE;
    ts_proxy_plan_from_here(rig.proxy, 0, &plan);
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &ops[0], &e), VOUCH_OK);
    rig_push(client);
    ck_assert(ts_proxy_wait_closed(rig.proxy, 0, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert(!vouch_op_done(ops[0]));
    ck_assert_int_eq(vouch_pipeline_start(client, late, NULL, &ops[1], &e), VOUCH_OK);
    rig_push(client);
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(!vouch_pipeline_finish(ops[i], &results, &e), "%s", e.message);
        ck_assert_uint_eq(vouch_results_at(results, 0)->attempts, 1);
        vouch_results_free(results);
    }
    ck_assert_int_eq(ts_int(rig.server, "GET", "late", NULL), 1);
    vouch_batch_free(b);
    vouch_batch_free(late);
    vouch_client_close(client);
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
    int64_t id = rig_connection_id(client);
    int status = -1;
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
    pid_t child = ts_child_run(in_child, client);
    ck_assert(ts_child_wait(child, ts_deadline(RIG_PATIENCE_MS), &status));
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_msg(!vouch_pipeline_finish(op, &results, &e), "%s", e.message);
    rig_compare(&rig, results, &tally, "forked", 0);
    ck_assert_int_eq(rig_connection_id(client), id);
    ck_assert_int_eq(ts_int(rig.server, "EXISTS", "child", NULL), 0);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shared");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, an_expired_neighbour_costs_nobody_a_reply, 0, 2);
    tcase_add_loop_test(c, a_connection_closed_while_idle_is_nobodys_trouble, 0, 4);
    tcase_add_loop_test(c, answers_before_a_broken_pipe_are_kept, 0, 2);
    tcase_add_loop_test(c, a_forked_child_leaves_the_connection_to_its_parent, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
