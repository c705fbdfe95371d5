/* The test of cuts over TLS: a batch cut at every byte of ciphertext, either way, in front of real
 * servers, from the first byte of the handshake on. See test_cut.c, of which this keeps the shape. */
#include "account_tls.h"

#include <poll.h>
#include <stdio.h>

#define COMMANDS 12

struct course {
    ts_server_kind kind;
    int version;
    uint32_t protocol, window;
    enum rule rule;
    size_t split;   /* the proxy forwards so many bytes at once; 0: as they come */
    int step;       /* from one cut to the next, in bytes */
    bool handshake; /* cut in it too, not only in the batch */
    bool tiny;      /* a peer in front of the server sends its answers in records of one byte */
};

static const struct course courses[] = {
    {TS_REDIS, 13, 3, 0, IN_ORDER, 0, 1, true, false},
    {TS_VALKEY, 12, 2, 0, IN_ORDER, 0, 1, true, false},
    {TS_VALKEY, 13, 2, 0, IN_ORDER, 0, 1, false, false},
    {TS_REDIS, 12, 3, 0, IN_ORDER, 0, 1, false, false},
    {TS_VALKEY, 13, 3, 5, IN_ORDER, 0, 1, false, false},
    {TS_REDIS, 12, 2, 1, IN_ORDER, 0, 3, false, false},
    {TS_REDIS, 13, 2, 3, REORDERED, 0, 1, false, false},
    {TS_VALKEY, 12, 3, 4, REPEATABLE, 0, 1, false, false},
    {TS_VALKEY, 13, 3, 0, IN_ORDER, 1, 7, true, false},
    {TS_REDIS, 12, 2, 3, IN_ORDER, 1, 7, true, false},
    {TS_REDIS, 13, 3, 0, IN_ORDER, 0, 7, false, true},
    {TS_VALKEY, 12, 2, 4, IN_ORDER, 0, 7, false, true},
};

static struct rig rig;
static struct rig_tally tally;

static struct rig start(const struct course *c)
{
    if (!c->tiny)
        return rig_start_tls(c->kind, c->version);
    struct rig r = rig_start_tls_peer(c->kind, c->version);
    ts_tls_plan plan = ts_tls_plan_none();
    plan.record = 1;
    ts_tls_peer_plan(r.peer, TS_EVERY, &plan);
    return r;
}

static void one_cut(const struct course *c, const struct work *w, const struct sealed *s,
                    const ts_plan *plan, const char *what, int64_t at)
{
    int connection = rig_next_connection(&rig);
    ts_proxy_plan(rig.proxy, connection, plan);
    vouch_results *results = account_run(&rig, w, c->protocol, c->window, c->rule);
    ck_assert(ts_proxy_wait_gone(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    struct seen seen = account_tls_seen(&rig, connection, w, s);
    account_settle(&rig, results, &seen, c->rule, &tally, what, at);
}

/* A cut to the server is shown to the client at once, or after the server's last answer. */
static void cut_everywhere(const struct course *c, const struct work *w, const struct sealed *s)
{
    int64_t in = c->handshake ? 0 : s->hello_in - SEALED_VARIES;
    int64_t out = c->handshake ? 0 : s->hello_out - SEALED_VARIES;
    for (int64_t at = in; at <= s->all_in + SEALED_VARIES; at += c->step) {
        ts_plan plan = ts_plan_cut(TS_TO_CLIENT, at);
        plan.to_client.split = plan.to_server.split = c->split;
        one_cut(c, w, s, &plan, "cut to the client", at);
    }
    for (int64_t at = out; at <= s->all_out; at += c->step) {
        ts_plan plan = ts_plan_cut(TS_TO_SERVER, at);
        plan.to_client.split = plan.to_server.split = c->split;
        one_cut(c, w, s, &plan, "cut to the server", at);
        plan.mode = TS_CUT_ANSWER;
        one_cut(c, w, s, &plan, "cut to the server, answered", at);
    }
}

START_TEST(every_cut_is_accounted_for)
{
    const struct course *c = &courses[_i];
    vouch_client_options o = rig_options(c->protocol, c->window);
    struct work w = account_incr(COMMANDS);
    struct sealed s;
    rig = start(c);
    account_tls_measure(&rig, &w, &o, c->version, &s);
    cut_everywhere(c, &w, &s);
    ck_assert_int_lt(ts_int(rig.server, "CLIENT", "ID", NULL), 10000);
    ck_assert_uint_gt(tally.applied, 0);
    ck_assert((tally.maybe > 0) == (c->rule != REPEATABLE));
    ck_assert((tally.not_applied > 0) == (c->rule == IN_ORDER && c->window));
    rig_print(&tally, c->version == 12 ? "cuts of TLS 1.2" : "cuts of TLS 1.3");
    rig_stop(&rig);
}
END_TEST

/* ---- more than the sockets hold: records that the kernel takes in parts ---------------------- */

/* Not a multiple of a record: commands end anywhere in one. All of them are more than any kernel's
 * send buffer. */
#define LARGE     ((size_t)20011)
#define MANY      400
#define POSITIONS 20

/* Whether the client has something to write, and its kernel takes nothing. */
static bool is_stuck(vouch_client *client)
{
    struct pollfd fds[VOUCH_CLIENT_MAX_CONNECTIONS + 1];
    int64_t timeout;
    size_t n = vouch_client_watch(client, fds, sizeof fds / sizeof *fds, &timeout);
    bool wants = false;
    for (size_t i = 0; i < n; i++)
        wants = wants || (fds[i].events & POLLOUT);
    return wants && poll(fds, n, 0) == 0;
}

/* Drives the batch until the server has `at` bytes and the kernel takes no more; then cuts. */
static vouch_results *run_stuck(const vouch_client_options *o, const struct work *w, int64_t at)
{
    int connection = rig_next_connection(&rig);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    vouch_client *client = rig_open(&rig, o);
    vouch_batch *b = account_batch(w);
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
    while (!(ts_proxy_count(rig.proxy, connection).to_server == at && is_stuck(client))) {
        ck_assert_msg(!ts_passed(limit), "the kernel takes all of it");
        rig_turn(client, 1);
    }
    ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_SETTLE);
    rig_drive(client, op);
    ck_assert_int_eq(vouch_pipeline_finish(op, &results, &e), VOUCH_EUNKNOWN);
    vouch_batch_free(b);
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_gone(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    return results;
}

START_TEST(records_taken_in_part_are_accounted_for)
{
    int version = 12 + _i / 2;
    vouch_client_options o = rig_options(3, 0);
    struct work w = account_append(MANY, LARGE);
    struct sealed s;
    o.window_bytes = (size_t)64 << 20;
    rig = rig_start_tls(_i % 2 ? TS_VALKEY : TS_REDIS, version);
    account_tls_measure(&rig, &w, &o, version, &s);
    for (int k = 0; k < POSITIONS; k++) {
        int64_t at = s.hello_out + k * (w.out * (MANY / 4) / POSITIONS + 7);
        int connection = rig_next_connection(&rig);
        ts_plan plan = ts_plan_none();
        plan.to_server.stall_after = at;
        plan.to_server.back_pressure = true;
        ts_proxy_plan(rig.proxy, connection, &plan);
        vouch_results *results = run_stuck(&o, &w, at);
        struct seen seen = account_tls_seen(&rig, connection, &w, &s);
        account_check(results, &seen, IN_ORDER, "taken in part", at);
        account_compare_appended(&rig, results, LARGE, &tally, at);
        vouch_results_free(results);
        rig_flush(&rig);
    }
    ck_assert_uint_gt(tally.not_applied, 0);
    ck_assert_uint_gt(tally.applied, 0);
    rig_print(&tally, "cuts of records taken in part");
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cut over TLS");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, every_cut_is_accounted_for, 0, (int)(sizeof courses / sizeof *courses));
    tcase_add_loop_test(c, records_taken_in_part_are_accounted_for, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
