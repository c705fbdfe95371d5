/* Transactions as operations: beside others in a loop, cancelled and interrupted at every step, closed
 * and forked in mid-way; and what the counters and the hook say of them. */
#include "deed.h"
#include "told.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct deed d;

static ts_server_kind kind_of(int i)
{
    return i % 2 ? TS_VALKEY : TS_REDIS;
}

static vouch_op *start(vouch_tx_body body, void *user)
{
    vouch_op *op = NULL;
    vouch_status status = vouch_transaction_start(d.client, body, user, &d.options, &op, &d.error);
    ck_assert_msg(status == VOUCH_OK && op, "%s", d.error.message);
    return op;
}

static void finish(vouch_op *op)
{
    vouch_tx_result_free(d.result);
    d.status = vouch_transaction_finish(op, &d.result, &d.error);
}

/* ---- one loop ------------------------------------------------------------------------------- */

#define TOGETHER 40

static vouch_tx_step increment(vouch_tx *tx, void *user)
{
    const vouch_reply *value = vouch_tx_read(tx, "GET", (const char *)user);
    int64_t n = 0;
    if (!value)
        return VOUCH_TX_READ;
    (void)vouch_reply_int64(value, &n);
    vouch_tx_queue(tx, "SET", (const char *)user, n + 1);
    return VOUCH_TX_COMMIT;
}

/* More of them than there are connections for, on one key; pipelines go on beside. */
START_TEST(many_run_at_once_in_one_loop)
{
    vouch_op *ops[TOGETHER], *beside;
    vouch_results *results = NULL;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    uint32_t conflicts = 0;
    deed_begin(&d, kind_of(_i), 3);
    vouch_batch *b = rig_counters(500);
    deed_mode(&d, (enum deed_mode)(_i / 2));
    d.retry.conflicts = 1000000;
    d.options.deadline_ms = RIG_PATIENCE_MS;
    for (int i = 0; i < TOGETHER; i++) {
        char token[16];
        (void)snprintf(token, sizeof token, "%d", i);
        if (d.options.token)
            d.options.token = token;
        ops[i] = start(increment, "n");
    }
    ck_assert_int_eq(vouch_pipeline_start(d.client, b, NULL, &beside, &d.error), VOUCH_OK);
    for (int left = TOGETHER + 1; left;) {
        ck_assert(!ts_passed(limit));
        rig_turn(d.client, 100);
        left = !vouch_op_done(beside);
        for (int i = 0; i < TOGETHER; i++)
            left += !vouch_op_done(ops[i]);
    }
    for (int i = 0; i < TOGETHER; i++) {
        finish(ops[i]);
        deed_expect(&d, "one of many", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
        conflicts += vouch_tx_result_conflicts(d.result);
    }
    ck_assert_msg(!vouch_pipeline_finish(beside, &results, &d.error), "%s", d.error.message);
    ck_assert_int_eq(deed_int(&d, "GET n"), TOGETHER);
    vouch_stats stats = deed_stats(&d);
    ck_assert_uint_eq(stats.committed, TOGETHER);
    ck_assert_uint_eq(stats.conflicts, conflicts);
    ck_assert_uint_eq(stats.commands, stats.applied + stats.not_applied + stats.maybe);
    vouch_results_free(results);
    vouch_batch_free(b);
    deed_end(&d);
}
END_TEST

/* ---- ended from outside --------------------------------------------------------------------- */

enum ending { CANCELLED, INTERRUPTED, CLOSED, ENDINGS };

static void end_it(enum ending how, vouch_op *op)
{
    if (how == CANCELLED)
        vouch_op_cancel(op);
    else if (how == INTERRUPTED)
        vouch_client_interrupt(d.client);
    else
        vouch_client_close(d.client);
    if (how == CLOSED)
        d.client = NULL;
}

static void expect_ended(enum ending how, const char *what)
{
    vouch_tx_outcome outcome = vouch_tx_result_outcome(d.result);
    vouch_effect effect = d.status == VOUCH_OK ? VOUCH_APPLIED : d.error.effect;
    int64_t held = deed_int(&d, "GET done");
    if (outcome == VOUCH_OUTCOME_NOT_SENT)
        ck_assert_msg(d.status == (how == INTERRUPTED ? VOUCH_EINTERRUPTED : VOUCH_ECANCELLED),
                      "%s: %s", what, vouch_status_name(d.status));
    else if (d.status)
        deed_expect(&d, what, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_OUTCOME_UNKNOWN);
    ck_assert_msg(effect == VOUCH_APPLIED       ? held == 1
                  : effect == VOUCH_NOT_APPLIED ? held == TS_NIL
                                                : true,
                  "%s: %s, and is %lld", what, vouch_effect_name(effect), (long long)held);
}

/* After so many turns of the loop, until it is done before that. */
START_TEST(an_end_from_outside_at_every_step_is_told_truly)
{
    enum ending how = (enum ending)(_i / 2 % ENDINGS);
    enum deed_mode mode = (enum deed_mode)(_i / 2 / ENDINGS);
    bool done = false;
    unsigned unknown = 0;
    for (int turns = 0; !done; turns++) {
        char what[64];
        struct plan p = {.deed = &d, .read = "GET x", .queue = "INCR done"};
        (void)snprintf(what, sizeof what, "ending %d, mode %d, %d turns", (int)how, (int)mode,
                       turns);
        deed_begin(&d, kind_of(_i), 3);
        deed_mode(&d, mode);
        vouch_op *op = start(deed_planned, &p);
        for (int i = 0; i < turns; i++)
            rig_turn(d.client, 10);
        done = vouch_op_done(op);
        end_it(how, op);
        ck_assert(how == INTERRUPTED || vouch_op_done(op));
        finish(op);
        vouch_client_close(d.client);
        d.client = NULL;
        rig_settle(&d.rig);
        expect_ended(how, what);
        unknown += vouch_tx_result_outcome(d.result) == VOUCH_OUTCOME_UNKNOWN;
        ck_assert_int_lt(turns, 1000);
        deed_end(&d);
    }
}
END_TEST

/* In doubt, and then in the wait before it is tried again: settling is not begun any more. */
static void lose_the_answer(struct deed *deed)
{
    ts_plan plan = ts_plan_none();
    plan.to_client.cut_after = 5 + 2 * 9; /* MULTI, SET and INCR are answered */
    if (rig_next_connection(&deed->rig) == 1)
        ts_proxy_plan_from_here(deed->rig.proxy, 0, &plan);
    (void)ts_proxy_listen(deed->rig.proxy, false);
}

START_TEST(a_cancel_in_doubt_is_unknown)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    vouch_client_options o = told_options(0);
    o.outages = 1000000;
    deed_begin_with(&d, kind_of(_i), &o);
    (void)deed_exec(&d, "PING");
    deed_mode(&d, _i / 2 ? DEED_TOKEN : DEED_RESOLVE);
    struct plan p = {.deed = &d, .read = "GET x", .then = lose_the_answer, .queue = "INCR done"};
    vouch_op *op = start(deed_planned, &p);
    while (deed_stats(&d).lost == 0) {
        ck_assert(!ts_passed(limit));
        rig_turn(d.client, 10);
    }
    vouch_op_cancel(op);
    ck_assert(vouch_op_done(op));
    finish(op);
    deed_expect(&d, "in doubt", VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_OUTCOME_UNKNOWN);
    ck_assert_int_eq((int)d.error.retriable, _i / 2); /* a token is committed once */
    ck_assert(ts_proxy_listen(d.rig.proxy, true));
    deed_end(&d);
}
END_TEST

/* ---- forks ---------------------------------------------------------------------------------- */

START_TEST(a_forked_child_only_closes)
{
    deed_begin(&d, kind_of(_i), 3);
    (void)deed_exec(&d, "PING");
    struct plan p = {.deed = &d, .read = "GET x", .queue = "INCR done"};
    vouch_op *op = start(deed_planned, &p);
    rig_push(d.client);
    pid_t child = fork();
    if (child == 0) {
        vouch_tx_result *result = NULL;
        vouch_error e;
        int wrong = 0;
        wrong += vouch_transaction_exec(d.client, NULL, NULL, &result, &e) != VOUCH_EFORKED;
        vouch_op_cancel(op);
        wrong += vouch_op_done(op);
        wrong += vouch_transaction_finish(op, &result, &e) != VOUCH_EFORKED;
        vouch_client_close(d.client);
        wrong += !vouch_op_done(op);
        wrong += vouch_transaction_finish(op, &result, &e) == VOUCH_OK;
        vouch_tx_result_free(result);
        _exit(wrong);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child: %d", status);
    finish(op);
    deed_expect(&d, "the parent", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    ck_assert_int_eq(deed_int(&d, "GET done"), 1);
    deed_end(&d);
}
END_TEST

/* ---- counters and events -------------------------------------------------------------------- */

START_TEST(counters_and_events_agree_with_the_results)
{
    vouch_client_options o = told_options(0);
    o.retry_min_ms = o.retry_max_ms = 200;
    deed_begin_with(&d, kind_of(_i), &o);
    struct plan p = {.read = "GET x", .between = "INCR x", .times = 2, .queue = "INCR done"};
    (void)deed_plan(&d, &p);
    deed_expect(&d, "conflicts", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    (void)told_next(VOUCH_EVENT_CONFLICT, VOUCH_CAUSE_CONFLICT, 1);
    (void)told_next(VOUCH_EVENT_CONFLICT, VOUCH_CAUSE_CONFLICT, 1);
    told_no_more();
    vouch_stats n = deed_stats(&d);
    ck_assert(n.committed == 1 && n.conflicts == 2 && n.settled == 0 && n.applied == 1);

    d.retry.outages = 1;
    deed_tell(&d, "CONFIG SET maxmemory 1");
    (void)deed_exec(&d, "INCR done");
    deed_tell(&d, "CONFIG SET maxmemory 0");
    const struct told *w = told_next(VOUCH_EVENT_WAITED, VOUCH_CAUSE_REFUSED, 1);
    ck_assert_str_eq(w->code, "OOM");
    ck_assert_msg(strstr(w->message, "command 0 (INCR): OOM"), "%s", w->message);
    told_no_more();
    n = deed_stats(&d);
    ck_assert(n.committed == 1 && n.not_applied == 1 && n.errors == 1);

    deed_mode(&d, DEED_RESOLVE);
    p = (struct plan){.read = "GET x", .then = lose_the_answer, .queue = "INCR done"};
    d.options.deadline_ms = 800;
    d.retry.outages = 1000000;
    (void)deed_plan(&d, &p);
    ck_assert(ts_proxy_listen(d.rig.proxy, true));
    deed_expect(&d, "unknown", VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_OUTCOME_UNKNOWN);
    ck_assert(told_mentions("may have committed"));
    n = deed_stats(&d);
    ck_assert(n.committed == 1 && n.maybe == 1 && n.settled == 0 && n.lost == 1);
    deed_end(&d);
}
END_TEST

static void lose_only_the_answer(struct deed *deed)
{
    lose_the_answer(deed);
    (void)ts_proxy_listen(deed->rig.proxy, true);
}

START_TEST(a_settled_doubt_is_told_once)
{
    vouch_client_options o = told_options(0);
    deed_begin_with(&d, kind_of(_i), &o);
    (void)deed_exec(&d, "PING");
    deed_mode(&d, DEED_RESOLVE);
    struct plan p = {.read = "GET x", .then = lose_only_the_answer, .queue = "INCR done"};
    (void)deed_plan(&d, &p);
    deed_expect(&d, "settled", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_SETTLED);
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    (void)told_next(VOUCH_EVENT_LOST, VOUCH_CAUSE_LOST, 1); /* EXEC */
    (void)told_next(VOUCH_EVENT_RETRIED, VOUCH_CAUSE_LOST, 1);
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    (void)told_next(VOUCH_EVENT_SETTLED, VOUCH_CAUSE_NONE, 1);
    told_no_more();
    vouch_stats n = deed_stats(&d);
    ck_assert(n.committed == 2 && n.settled == 1);
    ck_assert_uint_eq(n.maybe, 1); /* the command: its own reply is lost */
    deed_end(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx_ops");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, many_run_at_once_in_one_loop, 0, 2 * DEED_MODES);
    tcase_add_loop_test(c, an_end_from_outside_at_every_step_is_told_truly, 0,
                        2 * ENDINGS * DEED_MODES);
    tcase_add_loop_test(c, a_cancel_in_doubt_is_unknown, 0, 4);
    tcase_add_loop_test(c, a_forked_child_only_closes, 0, 2);
    tcase_add_loop_test(c, counters_and_events_agree_with_the_results, 0, 2);
    tcase_add_loop_test(c, a_settled_doubt_is_told_once, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
