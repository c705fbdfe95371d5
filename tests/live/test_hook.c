/* Where the hook runs: what it may call, and that no forked child is told anything. */
#include "told.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMANDS 12

static struct rig rig;

static ts_server_kind kind_of(int i)
{
    return i % 2 ? TS_VALKEY : TS_REDIS;
}

/* ---- the hook ------------------------------------------------------------------------------- */

struct meddler {
    vouch_client *client;
    vouch_batch *batch;
    vouch_op *op; /* in progress */
    unsigned kinds;
};

static bool source(vouch_batch *into, void *user)
{
    (void)into;
    (void)user;
    return false;
}

/* Tries everything that a program might; all but the counters is refused. */
static void meddle(const vouch_event *e, void *user)
{
    struct meddler *m = user;
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error error;
    m->kinds |= 1U << e->kind;
    if (!m->client)
        return; /* inside open */
    ck_assert_int_eq(vouch_pipeline_run(m->client, m->batch, NULL, &results, &error), VOUCH_EBUSY);
    ck_assert_int_eq(vouch_pipeline_start(m->client, m->batch, NULL, &op, &error), VOUCH_EBUSY);
    ck_assert_int_eq(vouch_pipeline_stream(m->client, source, NULL, m, NULL, NULL, &error),
                     VOUCH_EBUSY);
    if (m->op) {
        bool done = vouch_op_done(m->op);
        vouch_op_cancel(m->op);
        ck_assert(vouch_op_done(m->op) == done);
        ck_assert_int_eq(vouch_pipeline_finish(m->op, &results, &error), VOUCH_EBUSY);
    }
    vouch_client_ready(m->client, NULL, 0);
    (void)told_stats(m->client);
    ck_assert(!results && !op);
}

/* Starts the batch while no answer comes back, and cuts the connection. */
static void cut_while(struct meddler *m, vouch_batch *b)
{
    (void)rig_connection_id(m->client);
    int connection = rig_next_connection(&rig) - 1;
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    m->op = told_start(m->client, b, NULL);
    ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_SETTLE);
}

/* Refuses writes until that was told. */
static void refuse_while(struct meddler *m, vouch_batch *b)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    m->op = told_start(m->client, b, NULL);
    while (!(m->kinds & 1U << VOUCH_EVENT_WAITED)) {
        ck_assert(!ts_passed(limit));
        rig_turn(m->client, 2);
    }
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
}

/* Listens again once it was told that nobody does. */
static void away_while(struct meddler *m, vouch_batch *b)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    ck_assert(ts_proxy_listen(rig.proxy, false));
    ts_proxy_cut(rig.proxy, TS_EVERY, TS_END_EOF, TS_CUT_SETTLE);
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    m->op = told_start(m->client, b, NULL);
    while (!(m->kinds & 1U << VOUCH_EVENT_UNREACHABLE)) {
        ck_assert(!ts_passed(limit));
        rig_turn(m->client, 2);
    }
    ck_assert(ts_proxy_listen(rig.proxy, true));
}

static vouch_totals end_meddled(struct meddler *m, vouch_status want)
{
    rig_drive(m->client, m->op);
    vouch_op *op = m->op;
    m->op = NULL;
    return told_finish(op, want);
}

START_TEST(the_hook_cannot_call_its_client)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = told_options(0);
    struct meddler m = {.batch = rig_counters(1)};
    o.on_event = meddle;
    o.event_user = &m;
    o.outages = 1000000;
    vouch_batch *writes = rig_counters(COMMANDS), *reads = vouch_batch_new();
    char key[RIG_KEY_MAX];
    for (size_t i = 0; i < COMMANDS; i++)
        vouch_batch_add(reads, "GET", rig_key(i, key));
    m.client = rig_open(&rig, &o);
    cut_while(&m, writes);
    ck_assert_uint_eq(end_meddled(&m, VOUCH_EUNKNOWN).maybe, COMMANDS);
    cut_while(&m, reads);
    ck_assert_uint_eq(end_meddled(&m, VOUCH_OK).applied, COMMANDS);
    refuse_while(&m, writes);
    ck_assert_uint_eq(end_meddled(&m, VOUCH_OK).applied, COMMANDS);
    away_while(&m, writes);
    ck_assert_uint_eq(end_meddled(&m, VOUCH_OK).applied, COMMANDS);
    for (int kind = VOUCH_EVENT_CONNECTED; kind <= VOUCH_EVENT_MAYBE; kind++)
        ck_assert_msg(m.kinds & 1U << kind, "%s did not come",
                      vouch_event_name((vouch_event_kind)kind));
    vouch_batch_free(writes);
    vouch_batch_free(reads);
    vouch_batch_free(m.batch);
    vouch_client_close(m.client);
    rig_stop(&rig);
}
END_TEST

/* The child may let go of what is in flight: its parent's commands are not its own. */
START_TEST(a_forked_child_is_told_nothing)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = told_options(0);
    o.lazy = 0;
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = rig_counters(COMMANDS);
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, 0, &plan);
    vouch_op *op = told_start(client, b, NULL);
    ck_assert_uint_eq(told_stats(client).round_trips, 1);
    size_t before = told_count();
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        vouch_stats n = VOUCH_STATS_INIT;
        vouch_op_cancel(op);
        bool good = !vouch_op_done(op) && vouch_client_stats(client, &n) == VOUCH_EFORKED;
        vouch_client_close(client);
        _exit(good && told_count() == before ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    ts_proxy_release(rig.proxy, 0);
    ck_assert_uint_eq(told_finish(op, VOUCH_OK).applied, COMMANDS);
    ck_assert_uint_eq(told_stats(client).applied, COMMANDS);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hook");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, the_hook_cannot_call_its_client, 0, 2);
    tcase_add_loop_test(c, a_forked_child_is_told_nothing, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
