/* The server killed, stopped and restarted in mid-batch, at moments told by bytes and not by time. */
#include "account.h"

#include <stdio.h>
#include <stdlib.h>

#define COMMANDS 600
#define WINDOW   50

static struct rig rig;
static struct rig_tally tally;

static ts_server_kind kind_of(int i)
{
    return i ? TS_VALKEY : TS_REDIS;
}

/* Starts the batch and turns until the proxy has forwarded so many bytes (or it is done). */
static vouch_op *start_until(vouch_client *client, vouch_batch *b, int64_t deadline_ms,
                             int connection, ts_direction direction, int64_t bytes)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_op *op = NULL;
    vouch_error e;
    o.deadline_ms = deadline_ms;
    ck_assert_msg(vouch_pipeline_start(client, b, &o, &op, &e) == VOUCH_OK, "%s", e.message);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (!vouch_op_done(op)) {
        ts_proxy_counts c = ts_proxy_count(rig.proxy, connection);
        if ((direction == TS_TO_CLIENT ? c.to_client : c.to_server) >= bytes)
            break;
        ck_assert(!ts_passed(limit));
        rig_turn(client, 2);
    }
    return op;
}

/* ---- kill ----------------------------------------------------------------------------------- */

#define PROTOCOL 2 /* without HELLO, which answers with a number that begins anew at a restart */

/* Where the connection stands still when the server is killed: bytes of the batch's commands that
 * have reached the server, or of its answers that have reached the client. */
struct moment {
    ts_direction direction;
    int64_t bytes;
};

static struct moment moment_of(const struct work *w, int i)
{
    if (i % 2)
        return (struct moment){TS_TO_SERVER, (int64_t)i * 331 % (COMMANDS * w->out)};
    return (struct moment){TS_TO_CLIENT, (int64_t)i * 97 % (COMMANDS * w->in)};
}

static void hold_at(struct moment m, const struct work *w, int connection)
{
    ts_plan plan = ts_plan_none();
    if (m.direction == TS_TO_CLIENT)
        plan.to_client.stall_after = w->hello_in + m.bytes;
    else
        plan.to_server.stall_after = w->hello_out + m.bytes;
    ts_proxy_plan(rig.proxy, connection, &plan);
}

/* One kill. What the proxy holds is lost with the connection; then the server comes back, at once or
 * while the client already tries to reach it. */
static void kill_once(const struct work *w, uint32_t window, int i)
{
    struct moment m = moment_of(w, i);
    vouch_results *results = NULL;
    vouch_error e;
    int connection = rig_next_connection(&rig);
    hold_at(m, w, connection);
    vouch_client *client = rig_client(&rig, PROTOCOL, window);
    vouch_batch *b = account_batch(w);
    vouch_op *op =
        start_until(client, b, RIG_PATIENCE_MS, connection, m.direction,
                    m.bytes + (m.direction == TS_TO_CLIENT ? w->hello_in : w->hello_out));
    ts_server_kill(rig.server);
    ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_SETTLE);
    for (int k = 0; k < i % 3; k++)
        rig_turn(client, 5);
    ck_assert(ts_server_restart(rig.server));
    vouch_status status = vouch_pipeline_finish(op, &results, &e);
    ck_assert_msg(status == VOUCH_OK || status == VOUCH_EUNKNOWN, "%s", e.message);
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_gone(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    struct seen seen = account_seen(&rig, connection, w);
    account_check(results, &seen, IN_ORDER, "killed", i);
    rig_compare(&rig, results, &tally, "killed", i);
    vouch_results_free(results);
    vouch_batch_free(b);
    rig_flush(&rig);
}

/* With appendfsync always, what was answered is there after the restart. */
START_TEST(a_killed_server_keeps_what_was_said_to_be_applied)
{
    vouch_client_options o = rig_options(PROTOCOL, 0);
    struct work w = account_incr(COMMANDS);
    rig = rig_start(kind_of(_i), TS_AOF_ALWAYS);
    account_measure(&rig, &w, &o);
    for (int i = 0; i < 60; i++)
        kill_once(&w, i % 4 < 2 ? WINDOW : 0, i);
    ck_assert(tally.applied && tally.not_applied && tally.maybe);
    rig_print(&tally, "kills");
    rig_stop(&rig);
}
END_TEST

/* ---- stop ----------------------------------------------------------------------------------- */

/* Stopped, it answers nothing; resumed, it runs what it had been given after the call returned. */
START_TEST(a_stopped_server_runs_late_what_was_called_maybe)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    for (int i = 0; i < 40; i++) {
        vouch_results *results = NULL;
        vouch_error e;
        int connection = rig_next_connection(&rig);
        vouch_client *client = rig_client(&rig, 3, i % 2 ? WINDOW : 0);
        vouch_batch *b = rig_counters(COMMANDS);
        int64_t bytes = 140 + (int64_t)i * 97 % 2600;
        vouch_op *op = start_until(client, b, 60, connection, TS_TO_CLIENT, bytes);
        ck_assert(ts_server_pause(rig.server));
        (void)!vouch_pipeline_finish(op, &results, &e);
        ck_assert_ptr_nonnull(results);
        vouch_client_close(client);
        ck_assert(ts_server_resume(rig.server));
        ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
        rig_settle(&rig);
        rig_compare(&rig, results, &tally, "stopped", i);
        vouch_results_free(results);
        vouch_batch_free(b);
        rig_flush(&rig);
    }
    ck_assert_uint_gt(tally.maybe, 0);
    rig_print(&tally, "stops");
    rig_stop(&rig);
}
END_TEST

/* ---- restart -------------------------------------------------------------------------------- */

/* A restart between two calls, nothing in flight: nobody is told anything but success. */
START_TEST(a_restart_between_calls_is_not_noticed)
{
    rig = rig_start(kind_of(_i), TS_AOF_ALWAYS);
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

struct flow {
    uint64_t given, taken, kill_at;
    int connection;
};

/* The answers to the first n INCRs of one key, in bytes: ":1\r\n" and so on. */
static int64_t answers(uint64_t n)
{
    int64_t bytes = 0;
    for (uint64_t i = 1; i <= n; i++)
        bytes += 3 + snprintf(NULL, 0, "%llu", (unsigned long long)i);
    return bytes;
}

static bool source(vouch_batch *into, void *user)
{
    struct flow *f = user;
    vouch_batch_add(into, "INCR", "stream");
    return ++f->given < 20000;
}

static bool sink(uint64_t index, const vouch_result *result, void *user)
{
    struct flow *f = user;
    (void)result;
    ck_assert_uint_eq(index, f->taken);
    if (++f->taken == f->kill_at) {
        ts_server_kill(rig.server);
        ts_proxy_cut(rig.proxy, f->connection, TS_END_EOF, TS_CUT_SETTLE);
        ck_assert(ts_server_restart(rig.server));
    }
    return true;
}

/* The server is killed, and back, while the sink has its nth result; later answers are held back, so
 * that what the window holds behind it (at the first, all of it) is in doubt. */
START_TEST(a_stream_over_a_kill_keeps_its_account)
{
    vouch_client_options o = rig_options(PROTOCOL, 0);
    struct work w = account_incr(COMMANDS);
    rig = rig_start(kind_of(_i), TS_AOF_ALWAYS);
    account_measure(&rig, &w, &o);
    for (uint64_t at = 1; at < 6000; at += 733) {
        struct flow f = {.kill_at = at, .connection = rig_next_connection(&rig)};
        hold_at((struct moment){TS_TO_CLIENT, answers(at)}, &w, f.connection);
        vouch_client *client = rig_client(&rig, PROTOCOL, at % 3 ? 0 : 70);
        vouch_totals t;
        vouch_error e;
        vouch_status status = vouch_pipeline_stream(client, source, sink, &f, NULL, &t, &e);
        int64_t held = ts_int(rig.server, "GET", "stream", NULL);
        ck_assert_uint_eq(t.commands, f.given);
        ck_assert_uint_eq(t.commands, f.taken);
        ck_assert_uint_eq(t.commands, t.applied + t.not_applied + t.maybe);
        ck_assert_int_eq(status, t.maybe ? VOUCH_EUNKNOWN : VOUCH_OK);
        ck_assert_uint_ge(t.applied, at);
        ck_assert_msg(held >= (int64_t)t.applied && held <= (int64_t)(t.applied + t.maybe),
                      "killed at %llu: %llu applied, %llu maybe, and %lld are there",
                      (unsigned long long)at, (unsigned long long)t.applied,
                      (unsigned long long)t.maybe, (long long)held);
        tally.cases++;
        tally.applied += t.applied;
        tally.maybe += t.maybe;
        tally.not_applied += t.not_applied;
        ck_assert(at > 1 || t.maybe);
        vouch_client_close(client);
        rig_flush(&rig);
    }
    ck_assert(tally.applied && tally.maybe);
    rig_print(&tally, "kills of streams");
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
    tcase_add_loop_test(c, a_stream_over_a_kill_keeps_its_account, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
