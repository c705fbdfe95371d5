/* A batch cut at every byte, either way, in front of real servers: every reported effect against the
 * server's data, and against what passed on the connection: MAYBE exactly where nobody could know. */
#include "account.h"

#define COMMANDS 12

struct course {
    ts_server_kind kind;
    uint32_t protocol, window;
    enum rule rule;
    size_t split;   /* the proxy forwards so many bytes at once; 0: as they come */
    bool handshake; /* cut in it too, not only in the batch */
};

static const struct course courses[] = {
    {TS_REDIS, 3, 0, IN_ORDER, 0, true},     {TS_REDIS, 2, 0, IN_ORDER, 0, true},
    {TS_VALKEY, 3, 0, IN_ORDER, 0, true},    {TS_VALKEY, 2, 0, IN_ORDER, 0, true},
    {TS_VALKEY, 3, 0, IN_ORDER, 1, true},    {TS_REDIS, 2, 0, IN_ORDER, 1, false},
    {TS_REDIS, 3, 5, IN_ORDER, 0, false},    {TS_VALKEY, 2, 1, IN_ORDER, 0, false},
    {TS_REDIS, 2, 3, REORDERED, 0, false},   {TS_VALKEY, 3, 3, REORDERED, 0, false},
    {TS_REDIS, 3, 0, REORDERED, 0, false},   {TS_REDIS, 3, 4, REPEATABLE, 0, false},
    {TS_VALKEY, 2, 0, REPEATABLE, 0, false},
};

static struct rig rig;
static struct rig_tally tally;

static void one_cut(const struct course *c, const struct work *w, const ts_plan *plan,
                    const char *what, int64_t at)
{
    int connection = rig_next_connection(&rig);
    ts_proxy_plan(rig.proxy, connection, plan);
    vouch_results *results = account_run(&rig, w, c->protocol, c->window, c->rule);
    ck_assert(ts_proxy_wait_gone(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    struct seen seen = account_seen(&rig, connection, w);
    account_settle(&rig, results, &seen, c->rule, &tally, what, at);
}

/* A cut to the server is shown to the client at once, or after the server's last answer. */
static void cut_everywhere(const struct course *c, const struct work *w)
{
    int64_t in = c->handshake ? 0 : w->hello_in - 2, out = c->handshake ? 0 : w->hello_out - 2;
    for (int64_t at = in; at <= account_all_in(w); at++) {
        ts_plan plan = ts_plan_cut(TS_TO_CLIENT, at);
        plan.to_client.split = plan.to_server.split = c->split;
        one_cut(c, w, &plan, "cut to the client", at);
    }
    for (int64_t at = out; at <= account_all_out(w); at++) {
        ts_plan plan = ts_plan_cut(TS_TO_SERVER, at);
        plan.to_client.split = plan.to_server.split = c->split;
        one_cut(c, w, &plan, "cut to the server", at);
        plan.mode = TS_CUT_ANSWER;
        one_cut(c, w, &plan, "cut to the server, answered", at);
    }
}

START_TEST(every_cut_is_accounted_for)
{
    const struct course *c = &courses[_i];
    vouch_client_options o = rig_options(c->protocol, c->window);
    struct work w = account_incr(COMMANDS);
    rig = rig_start(c->kind, TS_NO_PERSISTENCE);
    account_measure(&rig, &w, &o);
    cut_everywhere(c, &w);
    ck_assert_int_lt(ts_int(rig.server, "CLIENT", "ID", NULL), 10000);
    ck_assert_uint_gt(tally.applied, 0);
    ck_assert((tally.maybe > 0) == (c->rule != REPEATABLE));
    ck_assert((tally.not_applied > 0) == (c->rule == IN_ORDER && c->window));
    rig_print(&tally, "cuts");
    rig_stop(&rig);
}
END_TEST

/* Commands that only read are asked again: none is ever in doubt. */
START_TEST(reads_are_never_in_doubt)
{
    const struct course c = {_i % 2 ? TS_VALKEY : TS_REDIS, _i / 2 ? 2 : 3, 0, REPEATABLE, 0, 0};
    vouch_client_options o = rig_options(c.protocol, c.window);
    struct work w = account_get(COMMANDS, c.protocol);
    rig = rig_start(c.kind, TS_NO_PERSISTENCE);
    account_measure(&rig, &w, &o);
    for (int64_t at = w.hello_in - 2; at <= account_all_in(&w); at++) {
        ts_plan plan = ts_plan_cut(TS_TO_CLIENT, at);
        int connection = rig_next_connection(&rig);
        ts_proxy_plan(rig.proxy, connection, &plan);
        vouch_results *results = account_run(&rig, &w, c.protocol, c.window, c.rule);
        ck_assert(ts_proxy_wait_gone(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
        struct seen seen = account_seen(&rig, connection, &w);
        account_check(results, &seen, c.rule, "cut to the client", at);
        rig_count(&tally, results);
        vouch_results_free(results);
    }
    ck_assert_uint_eq(tally.applied, tally.cases * COMMANDS);
    rig_print(&tally, "cuts of reads");
    rig_stop(&rig);
}
END_TEST

/* ---- more than the sockets hold: a write that the kernel takes in parts --------------------- */

#define LARGE     ((size_t)16384)
#define MANY      80
#define POSITIONS 60

/* The server is given `at` bytes and no more are read from the client, until its answers to them
 * have come: by then the client's last write was taken in part, as a rule. Then it is cut. */
START_TEST(a_write_taken_in_part_is_accounted_for)
{
    const struct course c = {_i ? TS_VALKEY : TS_REDIS, 3, 0, IN_ORDER, 0, false};
    vouch_client_options o = rig_options(c.protocol, c.window);
    struct work w = account_append(MANY, LARGE);
    o.window_bytes = (size_t)64 << 20;
    rig = rig_start(c.kind, TS_NO_PERSISTENCE);
    account_measure(&rig, &w, &o);
    for (int k = 0; k < POSITIONS; k++) {
        int64_t at = w.hello_out + w.out + k * w.out * (MANY / 2) / POSITIONS + k % 5;
        size_t runs = (size_t)((at - w.hello_out) / w.out);
        ts_plan plan = ts_plan_cut(TS_TO_CLIENT, w.hello_in + (int64_t)runs * w.in);
        plan.to_server.stall_after = at;
        plan.to_server.back_pressure = true;
        int connection = rig_next_connection(&rig);
        ts_proxy_plan(rig.proxy, connection, &plan);
        vouch_client *client = rig_open(&rig, &o);
        vouch_batch *b = account_batch(&w);
        vouch_results *results = NULL;
        vouch_error e;
        ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, &e), VOUCH_EUNKNOWN);
        vouch_client_close(client);
        ck_assert(ts_proxy_wait_gone(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
        struct seen seen = account_seen(&rig, connection, &w);
        ck_assert_uint_eq(seen.answered, runs);
        account_check(results, &seen, c.rule, "taken in part", at);
        account_compare_appended(&rig, results, LARGE, &tally, at);
        vouch_results_free(results);
        vouch_batch_free(b);
        rig_flush(&rig);
    }
    ck_assert_uint_gt(tally.not_applied, 0);
    rig_print(&tally, "cuts of writes taken in part");
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cut");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, every_cut_is_accounted_for, 0, (int)(sizeof courses / sizeof *courses));
    tcase_add_loop_test(c, reads_are_never_in_doubt, 0, 4);
    tcase_add_loop_test(c, a_write_taken_in_part_is_accounted_for, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
