/* The client's named limits, on both sides. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

enum { WAITERS = VOUCH_CLIENT_MAX_CONNECTIONS + 6 };

static vouch_batch *waiter(int i)
{
    char key[32];
    vouch_batch *b = vouch_batch_new();
    (void)snprintf(key, sizeof key, "list%d", i);
    vouch_batch_add(b, "BLPOP", key, 0);
    return b;
}

/* Each of them needs a connection of its own; those beyond the limit wait for one. */
START_TEST(connections_are_bounded_and_the_rest_waits)
{
    struct rig rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_batch *batches[WAITERS];
    vouch_op *ops[WAITERS];
    vouch_error e;
    for (int i = 0; i < WAITERS; i++) {
        batches[i] = waiter(i);
        ck_assert_int_eq(vouch_pipeline_start(client, batches[i], NULL, &ops[i], &e), VOUCH_OK);
    }
    /* The last ones first: they have no connection yet, so their turn comes with the others' end. */
    for (int i = WAITERS - 1; i >= 0; i--) {
        char key[32];
        (void)snprintf(key, sizeof key, "list%d", i);
        ts_do(rig.server, "RPUSH", key, "x", NULL);
    }
    for (int i = 0; i < WAITERS; i++) {
        vouch_results *results = NULL;
        ck_assert_msg(vouch_pipeline_finish(ops[i], &results, &e) == VOUCH_OK, "%s", e.message);
        vouch_results_free(results);
        vouch_batch_free(batches[i]);
    }
    ck_assert_int_eq(ts_proxy_count(rig.proxy, TS_EVERY).connections, VOUCH_CLIENT_MAX_CONNECTIONS);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

START_TEST(operations_are_bounded)
{
    static vouch_op *ops[VOUCH_CLIENT_MAX_OPERATIONS + 1];
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_batch *b = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error e;
    vouch_batch_add(b, "INCR", "n");
    for (int i = 0; i < VOUCH_CLIENT_MAX_OPERATIONS; i++) /* one batch in all of them */
        ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &ops[i], &e), VOUCH_OK);
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &ops[VOUCH_CLIENT_MAX_OPERATIONS], &e),
                     VOUCH_ELIMIT);
    ck_assert_ptr_nonnull(strstr(e.message, "VOUCH_CLIENT_MAX_OPERATIONS"));
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    for (int i = 0; i < VOUCH_CLIENT_MAX_OPERATIONS; i++) {
        ck_assert_int_eq(vouch_pipeline_finish(ops[i], &results, &e), VOUCH_OK);
        vouch_results_free(results);
    }
    ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, &e), VOUCH_OK);
    vouch_results_free(results);
    ck_assert_int_eq(ts_int(rig.server, "GET", "n", NULL), VOUCH_CLIENT_MAX_OPERATIONS + 1);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

struct idler {
    long idle, calls;
};

static bool source(vouch_batch *into, void *user)
{
    struct idler *i = user;
    if (++i->calls <= i->idle)
        return true;
    vouch_batch_add(into, "PING");
    return false;
}

START_TEST(an_idle_source_is_an_error)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    struct idler idler = {VOUCH_SOURCE_MAX_EMPTY - 1, 0};
    vouch_totals totals;
    vouch_error e;
    ck_assert_int_eq(vouch_pipeline_stream(client, source, NULL, &idler, NULL, &totals, &e),
                     VOUCH_OK);
    ck_assert_uint_eq(totals.applied, 1);
    idler = (struct idler){VOUCH_SOURCE_MAX_EMPTY, 0};
    ck_assert_int_eq(vouch_pipeline_stream(client, source, NULL, &idler, NULL, &totals, &e),
                     VOUCH_EINVAL);
    ck_assert_ptr_nonnull(strstr(e.message, "VOUCH_SOURCE_MAX_EMPTY"));
    ck_assert_uint_eq(totals.commands, 0);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* No budget left: what is not done is said to be not done. */
START_TEST(outages_are_bounded)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    ts_plan plan = ts_plan_none();
    vouch_batch *b = rig_counters(3);
    vouch_results *results = NULL;
    vouch_error e;
    plan.refuse = true;
    for (uint32_t budget = 1; budget <= 5; budget++) {
        vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
        o.outages = budget;
        for (uint32_t refusals = budget; refusals <= budget + 1; refusals++) {
            int connection = rig_next_connection(&rig);
            for (uint32_t i = 0; i < refusals; i++)
                ts_proxy_plan(rig.proxy, connection + (int)i, &plan);
            vouch_client *client = rig_client(&rig, 3, 0);
            vouch_status status = vouch_pipeline_run(client, b, &o, &results, &e);
            ck_assert_msg(status == (refusals > budget ? VOUCH_ENOTSENT : VOUCH_OK), "%s",
                          e.message);
            ck_assert_int_eq(rig_next_connection(&rig), connection + (int)budget + 1);
            vouch_results_free(results);
            vouch_client_close(client);
        }
    }
    vouch_batch_free(b);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, connections_are_bounded_and_the_rest_waits, 0, 2);
    tcase_add_test(c, operations_are_bounded);
    tcase_add_test(c, an_idle_source_is_an_error);
    tcase_add_test(c, outages_are_bounded);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
