/* Calls that end early, at every byte of their way: the bytes stand still on the way to the server or
 * from it, and the call is cancelled, interrupted, out of time, or its client is closed. What had stood
 * still arrives afterwards; what was said must be true then. And calls in a forked child. */
#include "callee.h"
#include "children.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_error error;
static struct callee forger, counter;

static void begin(int i)
{
    rig = rig_start(i % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    forger = callee_counter(CALLEE_FORGER, 1);
    counter = callee_counter(CALLEE_HONEST, 2);
}

static void end(void)
{
    callee_free(&forger);
    callee_free(&counter);
    rig_stop(&rig);
}

/* ---- a call that stands still --------------------------------------------------------------- */

/* FORGER: missing, asked about, loaded, called again. HONEST: without the question. TOKEN: in MULTI. */
enum form { FORGER, HONEST, TOKEN, FORMS };
enum ending { CANCELLED, INTERRUPTED, CLOSED, LATE, ENDINGS };

static const char *const form_names[FORMS] = {"a forger", "an honest one", "with a token"};

static vouch_client *prepare(enum form form)
{
    vouch_client *client = rig_client(&rig, 3, 1000);
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    o.strict = form == TOKEN; /* the same connection as it will be on */
    ck_assert_int_eq(callee_call(client, form == HONEST ? &counter : &forger, VOUCH_ARGS("warm"),
                                 VOUCH_ARGS("x"), &o, &call, &error),
                     VOUCH_OK);
    vouch_call_free(call);
    callee_lose_all(rig.server);
    return client;
}

static bool stands_still(int connection)
{
    ts_proxy_counts c = ts_proxy_count(rig.proxy, connection);
    return c.from_client > c.to_server || c.from_server > c.to_client;
}

/* Until it stands still, or is over; then it ends. */
static vouch_status run(vouch_client **client, enum form form, enum ending ending, int connection,
                        vouch_call **call)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_op *op = NULL;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    o.token = form == TOKEN ? "token" : NULL;
    o.deadline_ms = ending == LATE ? 30 : RIG_PATIENCE_MS;
    ck_assert_int_eq(callee_start(*client, form == HONEST ? &counter : &forger, VOUCH_ARGS("c0000"),
                                  VOUCH_ARGS("x"), &o, &op, &error),
                     VOUCH_OK);
    while (!vouch_op_done(op) && (ending == LATE || !stands_still(connection))) {
        ck_assert(!ts_passed(limit));
        rig_turn(*client, 1);
    }
    if (ending == CANCELLED)
        vouch_op_cancel(op);
    if (ending == INTERRUPTED && !vouch_op_done(op)) {
        vouch_client_interrupt(*client);
        rig_drive(*client, op);
    }
    if (ending == CLOSED) {
        vouch_client_close(*client);
        *client = NULL;
    }
    return vouch_call_finish(op, call, &error);
}

struct tally {
    unsigned long cases, said[3];
};

static void check(enum form form, enum ending ending, const char *what, vouch_status status,
                  const vouch_call *call)
{
    static const vouch_status early[ENDINGS] = {VOUCH_ECANCELLED, VOUCH_EINTERRUPTED,
                                                VOUCH_ECANCELLED, VOUCH_ENOTSENT};
    const vouch_result *r = vouch_call_result(call);
    int64_t *held = rig_held(&rig, 1);
    bool fits = r->effect == VOUCH_APPLIED       ? held[0] == 1
                : r->effect == VOUCH_NOT_APPLIED ? held[0] == 0
                                                 : held[0] <= 1;
    ck_assert_msg(fits, "%s: said to be %s, ran %lld times", what, vouch_effect_name(r->effect),
                  (long long)held[0]);
    ck_assert(status == VOUCH_OK || error.effect == r->effect);
    if (status == VOUCH_OK)
        ck_assert_int_eq(r->effect, VOUCH_APPLIED);
    else if (r->effect == VOUCH_NOT_APPLIED)
        ck_assert_msg(status == early[ending] || status == VOUCH_ESERVER, "%s: %s: %s", what,
                      vouch_status_name(status), error.message);
    else /* an answer that could be its own was all that came */
        ck_assert_msg(status == VOUCH_EUNKNOWN || (form == FORGER && status == VOUCH_ESERVER),
                      "%s: %s: %s", what, vouch_status_name(status), error.message);
    free(held);
}

/* Returns how many bytes there were; TS_NEVER: nothing stands still. */
static int64_t stall(enum form form, enum ending ending, ts_direction direction, int64_t at,
                     struct tally *tally)
{
    vouch_call *call = NULL;
    ts_plan plan = ts_plan_none();
    char what[100];
    int connection = rig_next_connection(&rig);
    vouch_client *client = prepare(form);
    rig_flush(&rig);
    ts_proxy_counts before = ts_proxy_count(rig.proxy, connection);
    *(direction == TS_TO_SERVER ? &plan.to_server.stall_after : &plan.to_client.stall_after) = at;
    ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    (void)snprintf(what, sizeof what, "%s, ended by %d, %s the server after %lld bytes",
                   form_names[form], (int)ending, direction == TS_TO_SERVER ? "to" : "from",
                   (long long)at);
    vouch_status status = run(&client, form, ending, connection, &call);
    ts_proxy_counts after = ts_proxy_count(rig.proxy, connection);
    vouch_client_close(client);
    ts_proxy_release(rig.proxy, TS_EVERY);
    rig_settle(&rig);
    check(form, ending, what, status, call);
    ck_assert_msg(at != TS_NEVER || status == VOUCH_OK, "%s", error.message);
    tally->cases++;
    tally->said[vouch_call_result(call)->effect]++;
    vouch_call_free(call);
    return direction == TS_TO_SERVER ? after.to_server - before.to_server
                                     : after.to_client - before.to_client;
}

START_TEST(wherever_it_ends_what_is_said_is_true)
{
    enum form form = (enum form)(_i / 2);
    struct tally tally = {0};
    begin(_i);
    for (int d = 0; d < 2; d++) {
        ts_direction direction = d ? TS_TO_CLIENT : TS_TO_SERVER;
        int64_t bytes = stall(form, CANCELLED, direction, TS_NEVER, &tally);
        /* INFO's answer, with a token, is long. */
        int64_t step = bytes > 1000 ? 37 : 1;
        for (int ending = 0; ending < ENDINGS; ending++)
            for (int64_t at = ending; at < bytes; at += ending == LATE ? 29 * step : 3 * step)
                (void)stall(form, (enum ending)ending, direction, at, &tally);
    }
    printf("%s: %lu cases, %lu APPLIED, %lu NOT_APPLIED, %lu MAYBE_APPLIED\n", form_names[form],
           tally.cases, tally.said[VOUCH_APPLIED], tally.said[VOUCH_NOT_APPLIED],
           tally.said[VOUCH_MAYBE_APPLIED]);
    end();
}
END_TEST

/* ---- flushed in between --------------------------------------------------------------------- */

/* It says before its reads are answered what it will call, so that this is asked for with them. */
static vouch_tx_step queue_and_read(vouch_tx *tx, void *user)
{
    (void)vouch_tx_queue_batch(tx, user);
    return vouch_tx_read(tx, "GET", "nothing") ? VOUCH_TX_COMMIT : VOUCH_TX_READ;
}

/* The server has answered the first round with so many bytes, at least, and nobody has heard it; then it is
 * flushed. */
static void flush_in_between(vouch_client *client, const vouch_op *op, int connection,
                             int64_t bytes)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (ts_proxy_counts c = {0}; c.from_server < c.to_client + bytes;) {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 1);
        c = ts_proxy_count(rig.proxy, connection);
    }
    callee_lose_all(rig.server);
    ts_proxy_release(rig.proxy, connection);
    rig_drive(client, op);
}

static const char asked[] = "+OK\r\n*1\r\n:1\r\n_\r\n"; /* WATCH, SCRIPT EXISTS, GET */

static vouch_client *stalled(int *connection)
{
    ts_plan plan = ts_plan_none();
    *connection = rig_next_connection(&rig);
    vouch_client *client = prepare(TOKEN);
    vouch_call *call = NULL;
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    o.strict = 1;
    rig_flush(&rig);
    ck_assert_int_eq(
        callee_call(client, &forger, VOUCH_ARGS("warm"), VOUCH_ARGS("x"), &o, &call, &error),
        VOUCH_OK); /* it is there */
    vouch_call_free(call);
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, *connection, &plan);
    return client;
}

/* Else the token would be used, and nothing done. */
START_TEST(no_token_is_spent_on_a_script_that_was_flushed)
{
    int connection;
    begin(_i);
    vouch_client *client = stalled(&connection);
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    vouch_op *op = NULL;
    o.token = "token";
    ck_assert_int_eq(
        callee_start(client, &forger, VOUCH_ARGS("c0000"), VOUCH_ARGS("x"), &o, &op, &error),
        VOUCH_OK);
    flush_in_between(client, op, connection, 1000); /* INFO is among it */
    ck_assert_msg(!vouch_call_finish(op, &call, &error), "%s", error.message);
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_COMMITTED);
    ck_assert_int_eq(ts_int(rig.server, "GET", "c0000", NULL), 1);
    vouch_call_free(call);
    vouch_client_close(client);
    end();
}
END_TEST

/* A transaction that reads is told of it, command by command; with load_inside it cannot happen. */
START_TEST(a_transaction_says_what_was_flushed_in_between)
{
    begin(_i);
    for (uint32_t inside = 0; inside < 2; inside++) {
        int connection;
        vouch_client *client = stalled(&connection);
        vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
        vouch_tx_result *r = NULL;
        vouch_op *op = NULL;
        const vouch_exec_error *errors;
        vouch_batch *b = vouch_batch_new();
        o.load_inside = inside;
        callee_add(b, &forger, VOUCH_ARGS("c0000"), VOUCH_ARGS("x"));
        vouch_batch_add(b, "INCR", "c0001");
        ck_assert_int_eq(vouch_transaction_start(client, queue_and_read, b, &o, &op, &error),
                         VOUCH_OK);
        flush_in_between(client, op, connection, inside ? 8 : sizeof asked - 1);
        vouch_status status = vouch_transaction_finish(op, &r, &error);
        ck_assert_msg(status == (inside ? VOUCH_OK : VOUCH_EPARTIAL), "%s", error.message);
        ck_assert_int_eq(ts_int(rig.server, "GET", "c0001", NULL), 1);
        ck_assert_int_eq(ts_int(rig.server, "EXISTS", "c0000", NULL), inside);
        if (!inside) {
            ck_assert_uint_eq(vouch_tx_exec_errors(r, &errors), 1);
            ck_assert(errors[0].index == 0 && callee_words_say_missing(errors[0].words));
        }
        vouch_tx_result_free(r);
        vouch_batch_free(b);
        vouch_client_close(client);
    }
    end();
}
END_TEST

/* ---- in a forked child ---------------------------------------------------------------------- */

struct family {
    vouch_client *client;
    vouch_op *op;
};

static int child(void *user)
{
    const struct family *f = user;
    vouch_call *call = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    bool ok = vouch_script_call(f->client, counter.script, VOUCH_ARGS("k"), VOUCH_NO_ARGS, NULL,
                                &call, &e) == VOUCH_EFORKED;
    ok = ok && !call && e.effect == VOUCH_NOT_APPLIED;
    ok = ok && vouch_script_start(f->client, counter.script, VOUCH_ARGS("k"), VOUCH_NO_ARGS, NULL,
                                  &op, &e) == VOUCH_EFORKED;
    vouch_op_cancel(f->op); /* nothing happens */
    ok = ok && vouch_call_finish(f->op, NULL, &e) == VOUCH_EFORKED;
    vouch_client_close(f->client);
    return ok ? 0 : 1;
}

/* The parent's call goes on as if nothing had been; the child can do nothing with it. */
START_TEST(a_child_leaves_its_parents_call_alone)
{
    for (int marked = 0; marked < 2; marked++) {
        begin(_i);
        vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
        vouch_call *call = NULL;
        int status = -1;
        struct family f = {rig_client(&rig, 3, 1000), NULL};
        o.resolve = (uint32_t)marked;
        ck_assert_int_gt(rig_connection_id(f.client), 0);
        ck_assert_int_eq(
            callee_start(f.client, &counter, VOUCH_ARGS("k"), VOUCH_NO_ARGS, &o, &f.op, &error),
            VOUCH_OK);
        rig_push(f.client); /* it is out */
        pid_t pid = ts_child_run(child, &f);
        ck_assert(ts_child_wait(pid, ts_deadline(RIG_PATIENCE_MS), &status));
        ck_assert_int_eq(status, 0);
        rig_drive(f.client, f.op);
        ck_assert_msg(!vouch_call_finish(f.op, &call, &error), "%s", error.message);
        ck_assert_int_eq(ts_int(rig.server, "GET", "k", NULL), 1);
        vouch_call_free(call);
        vouch_client_close(f.client);
        end();
    }
}
END_TEST

/* Outcomes of calls whose client is gone, with everything freed in any order. */
START_TEST(a_client_may_be_closed_before_its_calls_are_finished)
{
    begin(_i);
    for (int marked = 0; marked < 2; marked++) {
        vouch_client *client = rig_client(&rig, 3, 1000);
        vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
        vouch_op *ops[3] = {NULL};
        vouch_call *call = NULL;
        o.resolve = (uint32_t)marked;
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(
                callee_start(client, &counter, VOUCH_ARGS("k"), VOUCH_NO_ARGS, &o, &ops[i], &error),
                VOUCH_OK);
        rig_drive(client, ops[0]);
        vouch_client_close(client);
        ck_assert_int_eq(vouch_call_finish(ops[0], &call, &error), VOUCH_OK);
        ck_assert_ptr_nonnull(vouch_call_reply(call));
        vouch_call_free(call);
        for (int i = 1; i < 3; i++) {
            vouch_status status = vouch_call_finish(ops[i], &call, &error);
            ck_assert(status == VOUCH_OK || status == VOUCH_ECANCELLED || status == VOUCH_EUNKNOWN);
            ck_assert(call != NULL);
            vouch_call_free(call);
        }
    }
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script ends");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, a_child_leaves_its_parents_call_alone, 0, 2);
    tcase_add_loop_test(c, a_client_may_be_closed_before_its_calls_are_finished, 0, 2);
    tcase_add_loop_test(c, no_token_is_spent_on_a_script_that_was_flushed, 0, 2);
    tcase_add_loop_test(c, a_transaction_says_what_was_flushed_in_between, 0, 2);
    tcase_add_loop_test(c, wherever_it_ends_what_is_said_is_true, 0, 2 * FORMS);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
