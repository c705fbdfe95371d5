/* Counters against the results, and against what passed. */
#include "account.h"
#include "told.h"

#include <string.h>

#define COMMANDS 12

static struct rig rig;

static ts_server_kind kind_of(int i)
{
    return i % 2 ? TS_VALKEY : TS_REDIS;
}

static void same_bytes(const vouch_stats *n)
{
    ts_proxy_counts c = ts_proxy_count(rig.proxy, TS_EVERY);
    ck_assert_int_eq((int64_t)n->bytes_out, c.from_client);
    ck_assert_int_eq((int64_t)n->bytes_in, c.to_client);
}

/* So many batches one after the other; each is one round trip, for the proxy as well. */
START_TEST(calm_work_is_counted_exactly)
{
    rig = _i < 2 ? rig_start(kind_of(_i), TS_NO_PERSISTENCE) : rig_start_tcp(kind_of(_i));
    vouch_client_options o = told_options(0);
    o.lazy = 0;
    vouch_client *client = rig_open(&rig, &o);
    vouch_stats n = told_stats(client);
    same_bytes(&n);
    ck_assert_uint_eq(n.connections, 1);
    ck_assert_uint_eq(n.connects, 1);
    ck_assert_uint_eq(n.commands + n.round_trips + told_answered(&n), 0);
    int64_t hello = ts_proxy_count(rig.proxy, TS_EVERY).round_trips;
    vouch_batch *good = rig_counters(100), *bad = rig_counters(3);
    vouch_batch_add(bad, "LPUSH", "c0000", "x");
    for (uint64_t i = 1; i <= 10; i++) {
        (void)told_run(client, good, NULL, VOUCH_OK);
        ck_assert_uint_eq(told_stats(client).round_trips, i);
    }
    vouch_totals t = told_run(client, bad, NULL, VOUCH_EPARTIAL);
    ck_assert_uint_eq(t.errors, 1);
    n = told_stats(client);
    ck_assert_uint_eq(n.commands, 1004);
    ck_assert_uint_eq(n.applied, 1003);
    ck_assert_uint_eq(n.not_applied, 1);
    ck_assert_uint_eq(n.errors, 1);
    ck_assert_uint_eq(n.round_trips, 11);
    ck_assert_uint_eq(told_answered(&n), 11);
    ck_assert_int_eq(ts_proxy_count(rig.proxy, TS_EVERY).round_trips - hello, 11);
    ck_assert_uint_eq(n.retries + n.waits + n.lost + n.lost_idle + n.given_up, 0);
    ck_assert_int_gt(vouch_stats_latency_us(&n, 0.5), 0);
    ck_assert_int_le(vouch_stats_latency_us(&n, 0.5), vouch_stats_latency_us(&n, 1));
    same_bytes(&n);
    const struct told *e = told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    ck_assert(*e->server && !*e->code && !*e->message && e->wait_ms == 0);
    told_no_more();
    vouch_batch_free(good);
    vouch_batch_free(bad);
    vouch_client_close(client);
    rig_stop(&rig);
    told_no_more();
}
END_TEST

struct course {
    size_t commands, value;
    uint32_t window;
    uint64_t round_trips;
};

/* What the window holds is one, whatever its size and however many writes it takes. The server
 * answers what it reads at once, so the answers to a small window come together. */
static const struct course courses[] = {{1, 0, 0, 1},    {12, 0, 12, 1},     {12, 0, 6, 2},
                                        {12, 0, 5, 3},   {12, 0, 1, 12},     {13, 0, 12, 2},
                                        {1000, 0, 0, 1}, {1000, 0, 1000, 1}, {60, 8, 20, 3},
                                        {3, 8, 2, 2},    {400, 16384, 0, 1}};

START_TEST(round_trips_are_exact)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++) {
        vouch_client_options o = told_options(courses[i].window);
        o.window_bytes = (size_t)64 << 20;
        vouch_client *client = rig_open(&rig, &o);
        struct work w = courses[i].value ? account_append(courses[i].commands, courses[i].value)
                                         : account_incr(courses[i].commands);
        vouch_batch *b = account_batch(&w);
        for (uint64_t k = 1; k <= 3; k++) {
            (void)told_run(client, b, NULL, VOUCH_OK);
            vouch_stats n = told_stats(client);
            ck_assert_msg(n.round_trips == k * courses[i].round_trips &&
                              told_answered(&n) == n.round_trips,
                          "%zu commands, window %u, run %llu: %llu round trips, %llu answered",
                          courses[i].commands, courses[i].window, (unsigned long long)k,
                          (unsigned long long)n.round_trips, (unsigned long long)told_answered(&n));
        }
        vouch_batch_free(b);
        vouch_client_close(client);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(batches_started_together_share_a_round_trip)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = told_options(0);
    o.lazy = 0;
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b[2] = {rig_counters(20), rig_counters(30)};
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, 0, &plan);
    vouch_op *ops[2] = {told_start(client, b[0], NULL), told_start(client, b[1], NULL)};
    ck_assert_uint_eq(told_stats(client).round_trips, 1);
    ck_assert_uint_eq(told_stats(client).commands, 0);
    ts_proxy_release(rig.proxy, 0);
    for (int i = 0; i < 2; i++) {
        (void)told_finish(ops[i], VOUCH_OK);
        vouch_batch_free(b[i]);
    }
    vouch_stats n = told_stats(client);
    ck_assert_uint_eq(n.round_trips, 1);
    ck_assert_uint_eq(n.commands, 50);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- cut at every byte ---------------------------------------------------------------------- */

/* What must have been told of a batch cut off: the loss and what became of those in doubt. */
static void check_told(const struct seen *seen, bool handshaken, enum rule rule)
{
    uint64_t doubt = seen->handed - seen->answered;
    if (handshaken) {
        (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
        const struct told *e = told_next(VOUCH_EVENT_LOST, VOUCH_CAUSE_LOST, doubt);
        ck_assert(strstr(e->message, e->server) && e->wait_ms >= 0);
        if (doubt) {
            e = told_next(rule == IN_ORDER ? VOUCH_EVENT_MAYBE : VOUCH_EVENT_RETRIED,
                          VOUCH_CAUSE_LOST, doubt);
            ck_assert(*e->server && strstr(e->message, e->server));
        }
    } else {
        const struct told *e = told_next(VOUCH_EVENT_UNREACHABLE, VOUCH_CAUSE_CONNECT, 0);
        ck_assert(strstr(e->message, e->server) && e->wait_ms >= 0);
    }
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    told_no_more();
}

static void one_cut(const struct work *w, ts_direction direction, int64_t at, enum rule rule)
{
    struct rig fresh = {.server = rig.server};
    ts_proxy_options po = {.upstream = ts_server_address(rig.server)};
    fresh.proxy = rig.proxy = ts_proxy_start(&po); /* counts from 0 */
    ts_plan plan = ts_plan_cut(direction, at);
    ts_proxy_plan(rig.proxy, 0, &plan);
    vouch_client_options o = told_options(0);
    vouch_pipeline_options options = VOUCH_PIPELINE_OPTIONS_INIT;
    options.idempotent = rule == REPEATABLE;
    vouch_client *client = rig_open(&fresh, &o);
    vouch_batch *b = account_batch(w);
    vouch_results *results = NULL;
    vouch_error e;
    vouch_status status = vouch_pipeline_run(client, b, &options, &results, &e);
    vouch_totals t = vouch_results_totals(results);
    ck_assert_int_eq(status, t.maybe ? VOUCH_EUNKNOWN : VOUCH_OK);
    (void)rig_connection_id(client); /* whether it was connecting again or not: now it has */
    vouch_stats n = told_stats(client);
    ck_assert_uint_eq(n.commands, COMMANDS + 1);
    ck_assert(n.applied == t.applied + 1 && n.not_applied == t.not_applied && n.maybe == t.maybe);
    ck_assert(n.errors == t.errors && n.connections == n.connects - n.lost - n.lost_idle);
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_gone(rig.proxy, 0, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    struct seen seen = account_seen(&rig, 0, w);
    ck_assert_uint_eq(n.retries, rule == REPEATABLE ? seen.handed - seen.answered : 0);
    ck_assert_uint_eq(n.lost + n.lost_idle + n.connect_failures, 1);
    ck_assert_uint_eq(n.connects, n.lost + n.lost_idle + 1);
    ck_assert_uint_le(told_answered(&n), n.round_trips);
    same_bytes(&n);
    check_told(&seen, n.connect_failures == 0, rule);
    vouch_results_free(results);
    vouch_batch_free(b);
    ts_proxy_free(rig.proxy);
    rig_flush(&rig); /* answers keep their size */
}

/* In the handshake and in the batch, each way. */
START_TEST(counters_agree_with_the_results_of_every_cut)
{
    enum rule rule = _i / 2 ? REPEATABLE : IN_ORDER;
    struct work w = account_incr(COMMANDS);
    vouch_client_options o = rig_options(3, 0);
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    account_measure(&rig, &w, &o);
    ts_proxy *first = rig.proxy;
    for (int64_t at = 0; at < account_all_out(&w); at++)
        one_cut(&w, TS_TO_SERVER, at, rule);
    for (int64_t at = 0; at < account_all_in(&w); at++)
        one_cut(&w, TS_TO_CLIENT, at, rule);
    rig.proxy = first;
    rig_stop(&rig);
}
END_TEST

/* ---- a stream ------------------------------------------------------------------------------- */

struct watched {
    vouch_client *client;
    uint64_t given;
};

static bool source(vouch_batch *into, void *user)
{
    struct watched *w = user;
    vouch_batch_add(into, "INCR", "n");
    return ++w->given < 20000;
}

/* Counters can be read while it runs. */
static bool progress(const vouch_totals *so_far, void *user)
{
    const struct watched *w = user;
    vouch_stats n = told_stats(w->client);
    ck_assert_uint_ge(n.commands, so_far->commands);
    ck_assert_uint_le(n.commands, w->given);
    ck_assert_uint_gt(n.bytes_out, n.bytes_in);
    return true;
}

START_TEST(a_stream_is_counted_while_it_runs)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = told_options(100);
    struct watched w = {.client = rig_open(&rig, &o)};
    vouch_pipeline_options po = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_totals t;
    vouch_error e;
    po.progress = progress;
    po.progress_every = 1000;
    ck_assert_msg(!vouch_pipeline_stream(w.client, source, NULL, &w, &po, &t, &e), "%s", e.message);
    vouch_stats n = told_stats(w.client);
    ck_assert_uint_eq(n.commands, 20000);
    ck_assert_uint_eq(n.applied, t.applied);
    ck_assert_uint_ge(n.round_trips, 200);
    ck_assert_uint_eq(told_answered(&n), n.round_trips);
    same_bytes(&n);
    vouch_client_close(w.client);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("counted");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, calm_work_is_counted_exactly, 0, 4);
    tcase_add_loop_test(c, round_trips_are_exact, 0, 2);
    tcase_add_loop_test(c, batches_started_together_share_a_round_trip, 0, 2);
    tcase_add_loop_test(c, counters_agree_with_the_results_of_every_cut, 0, 4);
    tcase_add_loop_test(c, a_stream_is_counted_while_it_runs, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
