/* Everything short of a clean cut: bytes that come late, never, changed, slowly, one at a time; TCP
 * connections that are reset. */
#include "account.h"

#include <stdlib.h>
#include <string.h>

#define COMMANDS 12
#define WINDOW   4

static struct rig rig;
static struct rig_tally tally;

static ts_server_kind kind_of(int i)
{
    return i % 2 ? TS_VALKEY : TS_REDIS;
}

/* ---- calls that are ended while bytes are held or lost -------------------------------------- */

/* Starts the batch, turns until the proxy has forwarded so many bytes to the client and the client
 * has read them, then cancels. */
static vouch_results *run_until(const struct work *w, uint32_t protocol, uint32_t window,
                                int connection, int64_t in)
{
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    vouch_client *client = rig_client(&rig, protocol, window);
    vouch_batch *b = account_batch(w);
    ck_assert_msg(!vouch_pipeline_start(client, b, NULL, &op, &e), "%s", e.message);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (!vouch_op_done(op) && ts_proxy_count(rig.proxy, connection).to_client < in) {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 2);
    }
    rig_turn(client, 0);
    vouch_op_cancel(op);
    vouch_status status = vouch_pipeline_finish(op, &results, &e);
    ck_assert_ptr_nonnull(results);
    vouch_totals t = vouch_results_totals(results);
    ck_assert_int_eq(status, t.maybe         ? VOUCH_EUNKNOWN
                             : t.not_applied ? VOUCH_ECANCELLED
                                             : VOUCH_OK);
    vouch_batch_free(b);
    vouch_client_close(client);
    return results;
}

/* What is said of each command, and what then became of those in doubt. */
static void one_end(const struct work *w, uint32_t protocol, const ts_plan *plan, int64_t in,
                    size_t ran, const char *what, int64_t at)
{
    int connection = rig_next_connection(&rig);
    ts_proxy_plan(rig.proxy, connection, plan);
    vouch_results *results = run_until(w, protocol, WINDOW, connection, in);
    size_t answered = account_seen(&rig, connection, w).answered;
    ts_proxy_release(rig.proxy, TS_EVERY);
    ck_assert(ts_proxy_wait_gone(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
    rig_settle(&rig);
    struct seen seen = {answered, account_seen(&rig, connection, w).handed};
    account_check(results, &seen, ENDED, what, at);
    rig_compare(&rig, results, &tally, what, at);
    int64_t *held = rig_held(&rig, w->count);
    for (size_t i = 0; i < seen.handed; i++)
        ck_assert_msg(held[i] == (i < ran), "%s, %lld: %zu", what, (long long)at, i);
    free(held);
    vouch_results_free(results);
    rig_flush(&rig);
}

/* Held on the way to the server, it runs when the call has long ended. */
static void stall_to_server(const struct work *w, uint32_t protocol)
{
    for (int64_t at = w->hello_out; at <= account_all_out(w); at += 3) {
        int64_t runs = (at - w->hello_out) / w->out;
        ts_plan plan = ts_plan_none();
        plan.to_server.stall_after = at;
        one_end(w, protocol, &plan, w->hello_in + runs * w->in, w->count, "late to the server", at);
    }
}

static void drop_to_server(const struct work *w, uint32_t protocol)
{
    for (int64_t at = w->hello_out; at <= account_all_out(w); at += 3) {
        int64_t runs = (at - w->hello_out) / w->out;
        ts_plan plan = ts_plan_none();
        plan.to_server.drop_after = at;
        one_end(w, protocol, &plan, w->hello_in + runs * w->in, (size_t)runs, "lost to the server",
                at);
    }
}

static void hold_to_client(const struct work *w, uint32_t protocol)
{
    for (int64_t at = w->hello_in; at <= account_all_in(w); at++) {
        ts_plan stall = ts_plan_none(), drop = ts_plan_none();
        stall.to_client.stall_after = at;
        one_end(w, protocol, &stall, at, w->count, "late to the client", at);
        drop.to_client.drop_after = at;
        one_end(w, protocol, &drop, at, w->count, "lost to the client", at);
    }
}

START_TEST(what_is_late_or_lost_was_called_maybe)
{
    uint32_t protocol = _i < 2 ? 3 : 2;
    struct work w = account_incr(COMMANDS);
    vouch_client_options o = rig_options(protocol, WINDOW);
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    account_measure(&rig, &w, &o);
    stall_to_server(&w, protocol);
    drop_to_server(&w, protocol);
    hold_to_client(&w, protocol);
    ck_assert_int_lt(ts_int(rig.server, "CLIENT", "ID", NULL), 10000);
    ck_assert(tally.applied && tally.not_applied && tally.maybe);
    rig_print(&tally, "stalls and losses");
    rig_stop(&rig);
}
END_TEST

/* ---- changed bytes -------------------------------------------------------------------------- */

/* How many answers can be made of ":1\r\n" COMMANDS times with this byte changed. */
static size_t answers_left(const struct work *w, int64_t at, unsigned char mask)
{
    size_t command = (size_t)((at - w->hello_in) / w->in);
    char byte = ":1\r\n"[(at - w->hello_in) % w->in];
    char changed = (char)(byte ^ mask);
    if (byte == '1' && changed >= '0' && changed <= '9')
        return COMMANDS; /* a wrong number is still an answer */
    if (byte == ':' && changed == '*')
        return COMMANDS - 1; /* the next answer became a part of this one */
    if (byte == ':' && changed == '>' && command < COMMANDS - 1)
        return COMMANDS - 2; /* this one and the next became a push */
    return command;
}

/* One bit of an answer is wrong. It may be a wrong number, but there is no wrong effect; and what
 * cannot be an answer ends the connection. */
START_TEST(a_garbled_answer_spoils_no_account)
{
    uint32_t protocol = _i < 2 ? 3 : 2;
    struct work w = account_incr(COMMANDS);
    vouch_client_options o = rig_options(protocol, 0);
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    account_measure(&rig, &w, &o);
    for (int64_t at = w.hello_in; at < account_all_in(&w); at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            ts_plan plan = ts_plan_none();
            plan.to_client.garble_at = at;
            plan.to_client.garble_mask = (unsigned char)(1U << bit);
            int connection = rig_next_connection(&rig);
            ts_proxy_plan(rig.proxy, connection, &plan);
            vouch_results *results = run_until(&w, protocol, 0, connection, account_all_in(&w));
            ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
            struct seen seen = {answers_left(&w, at, plan.to_client.garble_mask), COMMANDS};
            account_check(results, &seen, ENDED, "garbled", at * 8 + bit);
            rig_compare(&rig, results, &tally, "garbled", at * 8 + bit);
            vouch_results_free(results);
            rig_flush(&rig);
        }
    }
    rig_print(&tally, "garbled answers");
    rig_stop(&rig);
}
END_TEST

/* A bit of the handshake's answers is wrong: the batch is not sent on that connection unless the
 * handshake is sound all the same. */
START_TEST(a_garbled_handshake_spoils_no_account)
{
    struct work w = account_incr(COMMANDS);
    vouch_client_options o = rig_options(3, 0);
    o.connect_ms = 30; /* a length may have become larger: then more is waited for */
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    account_measure(&rig, &w, &o);
    for (int64_t at = 0; at < w.hello_in; at++) {
        vouch_results *results = NULL;
        vouch_error e;
        ts_plan plan = ts_plan_none();
        plan.to_client.garble_at = at;
        plan.to_client.garble_mask = (unsigned char)(at % 3 ? 1 : 6);
        ts_proxy_plan(rig.proxy, rig_next_connection(&rig), &plan);
        vouch_client *client = rig_open(&rig, &o);
        vouch_batch *b = account_batch(&w);
        vouch_status status = vouch_pipeline_run(client, b, NULL, &results, &e);
        ck_assert_msg(status == VOUCH_OK || status == VOUCH_ENOTSENT, "%lld: %s: %s", (long long)at,
                      vouch_status_name(status), e.message);
        vouch_client_close(client);
        ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
        rig_compare(&rig, results, &tally, "garbled handshake", at);
        vouch_results_free(results);
        vouch_batch_free(b);
        rig_flush(&rig);
    }
    rig_print(&tally, "garbled handshakes");
    rig_stop(&rig);
}
END_TEST

/* ---- slowly --------------------------------------------------------------------------------- */

START_TEST(slow_and_scattered_bytes_change_nothing)
{
    vouch_client_options o = rig_options(_i < 2 ? 3 : 2, WINDOW);
    struct work w = account_incr(COMMANDS);
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    ts_plan delay = ts_plan_none(), split = ts_plan_none();
    delay.to_client.delay_ms = delay.to_server.delay_ms = 2;
    split.to_client.split = split.to_server.split = 1;
    split.to_client.split_wait = split.to_server.split_wait = true;
    ts_proxy_plan(rig.proxy, TS_EVERY, &delay);
    account_measure(&rig, &w, &o);
    struct work same = w;
    ts_proxy_plan(rig.proxy, TS_EVERY, &split);
    account_measure(&rig, &w, &o);
    ck_assert_int_eq(w.hello_out, same.hello_out);
    ck_assert_int_eq(w.hello_in, same.hello_in);
    rig_stop(&rig);
}
END_TEST

/* ---- TCP ------------------------------------------------------------------------------------ */

struct manner {
    ts_server_kind kind;
    ts_ending ending;
    ts_cut_mode mode;
};

static const struct manner manners[] = {
    {TS_REDIS, TS_END_RESET, TS_CUT_SETTLE},  {TS_VALKEY, TS_END_RESET, TS_CUT_ABRUPT},
    {TS_VALKEY, TS_END_CLOSE, TS_CUT_SETTLE}, {TS_REDIS, TS_END_CLOSE, TS_CUT_ABRUPT},
    {TS_REDIS, TS_END_EOF, TS_CUT_ABRUPT},
};

static void one_reset(const struct work *w, const struct manner *m, ts_direction to, int64_t at)
{
    vouch_results *results = NULL;
    vouch_error e;
    ts_plan plan = ts_plan_cut(to, at);
    plan.ending = m->ending;
    plan.mode = m->mode;
    int connection = rig_next_connection(&rig);
    ts_proxy_plan(rig.proxy, connection, &plan);
    vouch_client *client = rig_client(&rig, 3, WINDOW);
    vouch_batch *b = account_batch(w);
    vouch_status status = vouch_pipeline_run(client, b, NULL, &results, &e);
    ck_assert_msg(status == VOUCH_OK || status == VOUCH_EUNKNOWN, "%s", e.message);
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    rig_settle(&rig);
    /* Bytes that the client's kernel took may not have reached the proxy. */
    struct seen seen = account_seen(&rig, connection, w);
    while (seen.handed < w->count &&
           vouch_results_at(results, seen.handed)->effect == VOUCH_MAYBE_APPLIED)
        seen.handed++;
    ck_assert_uint_le(seen.handed, seen.answered + WINDOW);
    account_check(results, &seen, IN_ORDER, "reset", at);
    rig_compare(&rig, results, &tally, "reset", at);
    vouch_results_free(results);
    vouch_batch_free(b);
    rig_flush(&rig);
}

START_TEST(a_reset_takes_back_no_answer)
{
    const struct manner *m = &manners[_i];
    struct work w = account_incr(COMMANDS);
    vouch_client_options o = rig_options(3, WINDOW);
    rig = rig_start_tcp(m->kind);
    account_measure(&rig, &w, &o);
    for (int64_t at = w.hello_in - 9; at <= account_all_in(&w); at++)
        one_reset(&w, m, TS_TO_CLIENT, at);
    for (int64_t at = w.hello_out - 9; at <= account_all_out(&w); at += 3)
        one_reset(&w, m, TS_TO_SERVER, at);
    ck_assert(tally.applied && tally.not_applied && tally.maybe);
    rig_print(&tally, "resets");
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, what_is_late_or_lost_was_called_maybe, 0, 4);
    tcase_add_loop_test(c, a_garbled_answer_spoils_no_account, 0, 4);
    tcase_add_loop_test(c, a_garbled_handshake_spoils_no_account, 0, 2);
    tcase_add_loop_test(c, slow_and_scattered_bytes_change_nothing, 0, 4);
    tcase_add_loop_test(c, a_reset_takes_back_no_answer, 0,
                        (int)(sizeof manners / sizeof *manners));
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
