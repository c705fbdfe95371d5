/* The late writer: what a transaction wrote is held back on its old connection, the client goes on on
 * another, and what was held arrives when it has long been forgotten. It must never be applied a second
 * time, nor at all once it was reported as not applied.
 *
 * Connections of a case: A is held back from some byte of the transaction on, and its client shown the
 * end; B is the one after that; C the one after B. */
#include "feat.h"

#include <stdio.h>
#include <string.h>

struct course {
    ts_server_kind kind;
    uint32_t protocol;
    enum feat_kind feat;
    enum feat_guard guard;
};

static const struct course courses[] = {
    {TS_REDIS, 3, FEAT_BATCH, GUARD_TOKEN},      {TS_VALKEY, 2, FEAT_BATCH, GUARD_RESOLVE},
    {TS_REDIS, 2, FEAT_COUNTER, GUARD_RESOLVE},  {TS_VALKEY, 3, FEAT_TRANSFER, GUARD_TOKEN},
    {TS_VALKEY, 3, FEAT_BLIND, GUARD_TOKEN},     {TS_REDIS, 2, FEAT_BLIND, GUARD_TOKEN},
    {TS_REDIS, 3, FEAT_TRANSFER, GUARD_RESOLVE}, {TS_VALKEY, 2, FEAT_COUNTER, GUARD_TOKEN},
};
#define COURSES ((int)(sizeof courses / sizeof *courses))

static struct rig rig;
static const struct course *course;
static struct feat_size size;
static unsigned long cases, settled_no, second_runs;

static void begin(int i)
{
    course = &courses[i];
    cases = settled_no = second_runs = 0;
    rig = feat_rig(course->kind, TS_UNIX, TS_NO_PERSISTENCE);
    size = feat_measure(&rig, course->feat, course->guard, course->protocol);
}

static void end(const char *what)
{
    printf("%s: %lu cases, %lu settled as no, %lu second runs\n", what, cases, settled_no,
           second_runs);
    rig_stop(&rig);
}

/* ---- connections that are held back --------------------------------------------------------- */

static vouch_client *greeted(void)
{
    vouch_client_options o = rig_options(course->protocol, 0);
    o.connect_ms = 0; /* however busy the machine: the connections are these and no others */
    vouch_client *client = rig_open(&rig, &o);
    (void)rig_connection_id(client);
    return client;
}

/* From byte `at` of the transaction on nothing goes on to the server. */
static ts_plan held_from(int64_t at)
{
    ts_plan plan = ts_plan_none();
    plan.to_server.stall_after = at;
    return plan;
}

/* What the client can write if the server hears `at` bytes of it: nothing after the reads, if these are
 * not answered. */
static int64_t written(int64_t at)
{
    return at < size.asked ? size.asked : size.all;
}

/* The same for an attempt of a run in doubt, which waits for the answer to MULTI first (15 bytes), unless
 * no EXEC was held. */
static int64_t written_in_doubt(int64_t held, int64_t at)
{
    int64_t all = written(at), multi = size.asked + 15;
    bool doubt = held >= size.asked;
    return doubt && at < multi && all > multi ? multi : all;
}

/* B has all that the client can write there, and no more: nothing waits behind MULTI but for its answer. */
static void fill(vouch_client *client, int b, int64_t held, int64_t at)
{
    int64_t most = size.hello + written_in_doubt(held, at);
    feat_turn_until(&rig, client, b, most);
    int64_t wrote = ts_proxy_count(rig.proxy, b).from_client;
    ck_assert_msg(wrote == most, "held from %lld, %lld: wrote %lld bytes instead of %lld",
                  (long long)held, (long long)at, (long long)wrote, (long long)most);
}

/* The client has written what it can on this connection, and is shown its end. */
static void hold(vouch_client *client, int connection, int64_t before, int64_t at)
{
    feat_turn_until(&rig, client, connection, before + written(at));
    ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_HELD);
}

/* The first attempt, on A, which this client uses and no other. */
static int hold_first(vouch_client *client, struct feat *d, vouch_op **op, int64_t at)
{
    ts_plan plan = held_from(at);
    int a = rig_next_connection(&rig) - 1;
    int64_t before = ts_proxy_count(rig.proxy, a).from_client;
    ts_proxy_plan_from_here(rig.proxy, a, &plan);
    *op = feat_start(d, client);
    hold(client, a, before, at);
    return a;
}

/* The server has run all that was held on it. */
static void let_go(int connection)
{
    ts_proxy_release(rig.proxy, connection);
    ck_assert(ts_proxy_wait_closed(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
}

static void drive(vouch_client *client, struct feat *d, vouch_op *op)
{
    rig_drive(client, op);
    feat_finish(d, op);
}

static void expect_done(int64_t times, const char *what, int64_t at)
{
    int64_t done = feat_done(&rig);
    ck_assert_msg(done == times, "%s, %lld: done %lld times instead of %lld", what, (long long)at,
                  (long long)done, (long long)times);
}

static void next_case(vouch_client *client)
{
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    rig_flush(&rig);
    cases++;
}

/* ---- released after the retry committed ----------------------------------------------------- */

static void late_after_commit(int64_t at)
{
    struct feat d;
    vouch_op *op;
    feat_init(&d, &rig, course->feat, course->guard);
    vouch_client *client = greeted();
    int a = hold_first(client, &d, &op, at);
    drive(client, &d, op);
    feat_expect(&d, VOUCH_OK, "held, and tried again", at);
    ck_assert_int_eq(d.outcome, VOUCH_OUTCOME_COMMITTED);
    ck_assert_uint_eq(d.attempts, 2);
    let_go(a);
    expect_done(1, "late after the commit", at);
    next_case(client);
}

START_TEST(what_comes_after_the_retry_committed_changes_nothing)
{
    begin(_i);
    for (int64_t at = 0; at < size.all; at++)
        late_after_commit(at);
    end("late after the commit");
}
END_TEST

/* ---- released in the middle of the retry ---------------------------------------------------- */

/* B's bytes reach the server up to `at`; then what A held; then the rest of B's. */
static void late_between(int64_t held, int64_t at)
{
    struct feat d;
    vouch_op *op;
    feat_init(&d, &rig, course->feat, course->guard);
    vouch_client *client = greeted();
    int b = rig_next_connection(&rig);
    ts_plan plan = held_from(size.hello + at);
    ts_proxy_plan(rig.proxy, b, &plan);
    int a = hold_first(client, &d, &op, held);
    fill(client, b, held, at);
    let_go(a);
    ts_proxy_release(rig.proxy, b);
    drive(client, &d, op);
    feat_expect(&d, VOUCH_OK, "late between", at);
    expect_done(1, "late between", at);
    next_case(client);
}

START_TEST(what_comes_in_the_middle_of_the_retry_is_done_once)
{
    begin(_i);
    for (int64_t at = 0; at < size.all; at += 4) {
        late_between(size.asked, at);      /* MULTI to EXEC */
        late_between(size.all - 1, at);    /* all but one byte went */
        late_between(at % size.asked, at); /* WATCH, or a part of it */
    }
    end("late in the middle of the retry");
}
END_TEST

/* ---- two attempts are held ------------------------------------------------------------------ */

static void two_late(int64_t first, int64_t second, bool other_way)
{
    struct feat d;
    vouch_op *op;
    feat_init(&d, &rig, course->feat, course->guard);
    vouch_client *client = greeted();
    int b = rig_next_connection(&rig);
    ts_plan plan = held_from(size.hello + second);
    ts_proxy_plan(rig.proxy, b, &plan);
    int a = hold_first(client, &d, &op, first);
    fill(client, b, first, second);
    ts_proxy_cut(rig.proxy, b, TS_END_EOF, TS_CUT_HELD);
    drive(client, &d, op);
    feat_expect(&d, VOUCH_OK, "two held", first);
    ck_assert_uint_eq(d.attempts, 3);
    let_go(other_way ? b : a);
    expect_done(1, "one of two late", first);
    let_go(other_way ? a : b);
    expect_done(1, "two late", first);
    next_case(client);
}

START_TEST(two_attempts_that_come_late_change_nothing)
{
    begin(_i);
    for (int64_t first = 0; first < size.all; first += 23)
        for (int64_t second = 5; second < size.all; second += 61)
            two_late(first, second, (first + second) % 2);
    two_late(size.asked, size.asked, false);
    two_late(size.asked, size.asked, true);
    end("two attempts late");
}
END_TEST

/* ---- released after the run ended as not applied -------------------------------------------- */

static vouch_status status_of(enum feat_turn turn)
{
    return turn == TURN_CANCEL  ? VOUCH_ECANCELLED
           : turn == TURN_RIVAL ? VOUCH_ECONFLICT
                                : VOUCH_ESERVER;
}

static void turn_until_forwarded(vouch_client *client, const vouch_op *op, int connection,
                                 int64_t n)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (!vouch_op_done(op) && ts_proxy_count(rig.proxy, connection).to_server < n) {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 1);
    }
}

/* The same token again, while or after what the first run held arrives: it is done once. */
static void second_run(struct feat *d, vouch_client *client, int a, int64_t at)
{
    int connection = rig_next_connection(&rig) - 1;
    int64_t before = ts_proxy_count(rig.proxy, connection).to_server;
    ts_plan plan = held_from(at);
    d->turn = TURN_NONE;
    d->retry.conflicts = 0;
    ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    vouch_op *op = feat_start(d, client);
    if (at >= 0) {
        turn_until_forwarded(client, op, connection, before + at);
        let_go(a);
    }
    ts_proxy_release(rig.proxy, connection);
    drive(client, d, op);
    feat_expect(d, VOUCH_OK, "again with the same token", at);
    second_runs++;
}

/* `again` < 0: no second run; else how many of its bytes reach the server before A's do. */
static void late_after_no(enum feat_turn turn, int64_t at, int64_t again)
{
    struct feat d;
    vouch_op *op;
    feat_init(&d, &rig, course->feat, course->guard);
    d.turn = turn;
    vouch_client *client = greeted();
    int a = hold_first(client, &d, &op, at);
    drive(client, &d, op);
    feat_expect(&d, status_of(turn), "settled as no", at);
    ck_assert_int_eq(d.error.effect, VOUCH_NOT_APPLIED);
    settled_no++;
    if (again < 0) {
        let_go(a);
        expect_done(0, "late after a no", at);
        if (d.token[0])
            second_run(&d, client, a, TS_NEVER);
    } else {
        second_run(&d, client, a, again);
    }
    ck_assert(!d.token[0] || d.outcome == VOUCH_OUTCOME_COMMITTED); /* it was left free */
    expect_done(again >= 0 || d.token[0] ? 1 : 0, "late after a no, and again", at);
    next_case(client);
}

START_TEST(what_comes_after_a_settled_no_is_never_applied)
{
    begin(_i);
    for (int64_t at = 0; at < size.all; at++)
        late_after_no(TURN_CANCEL, at, -1);
    for (int64_t at = 0; at < size.all; at += 7) {
        late_after_no(TURN_RIVAL, at, -1);
        late_after_no(TURN_REFUSED, at, -1);
    }
    end("late after a no");
}
END_TEST

/* A second run first removes the aborted marker, in three trips more; `again` counts them too. */
START_TEST(a_second_run_is_done_once_whenever_the_first_arrives)
{
    begin(_i);
    for (int64_t again = 0; again < 2 * size.all; again += 4) {
        late_after_no(TURN_CANCEL, size.asked, again);
        late_after_no(TURN_RIVAL, size.all - 1, again);
    }
    end("late in a second run");
}
END_TEST

/* ---- a second run after an unknown ---------------------------------------------------------- */

/* Cancelled when all is written: there is no time for settling. */
static void late_after_unknown(int64_t at, int64_t again)
{
    struct feat d;
    ts_plan plan = held_from(at);
    feat_init(&d, &rig, course->feat, course->guard);
    vouch_client *client = greeted();
    int a = rig_next_connection(&rig) - 1;
    int64_t before = ts_proxy_count(rig.proxy, a).from_client;
    ts_proxy_plan_from_here(rig.proxy, a, &plan);
    vouch_op *op = feat_start(&d, client);
    feat_turn_until(&rig, client, a, before + written(at));
    vouch_op_cancel(op);
    feat_finish(&d, op);
    feat_expect(&d, at < size.asked ? VOUCH_ECANCELLED : VOUCH_EUNKNOWN, "cancelled", at);
    (void)rig_connection_id(client);
    second_run(&d, client, a, again);
    expect_done(1, "late after an unknown, and again", again);
    next_case(client);
}

START_TEST(a_second_run_after_an_unknown_is_done_once)
{
    begin(_i);
    for (int64_t again = 0; again < size.all; again += 3) {
        late_after_unknown(size.asked, again);
        late_after_unknown(size.all - 1, again);
    }
    for (int64_t at = 0; at < size.all; at += 9)
        late_after_unknown(at, size.asked);
    end("late in a run after an unknown");
}
END_TEST

/* ---- the deadline after a doubt ------------------------------------------------------------- */

/* B never answers, so that the time for settling comes, on C. False if the machine was too slow. */
static bool late_after_deadline(int64_t at, int64_t deadline_ms)
{
    struct feat d;
    vouch_op *op;
    feat_init(&d, &rig, course->feat, course->guard);
    d.options.deadline_ms = deadline_ms;
    vouch_client *client = greeted();
    int b = rig_next_connection(&rig);
    ts_plan plan = held_from(size.hello + at);
    ts_proxy_plan(rig.proxy, b, &plan);
    int a = hold_first(client, &d, &op, at);
    drive(client, &d, op);
    ck_assert_msg(d.status == VOUCH_ENOTSENT || d.status == VOUCH_EUNKNOWN, "%s: %s",
                  vouch_status_name(d.status), d.error.message);
    bool no = d.status == VOUCH_ENOTSENT;
    let_go(b);
    if (no)
        expect_done(0, "the second attempt late after the deadline", at);
    let_go(a);
    int64_t done = feat_done(&rig);
    ck_assert_int_le(done, no ? 0 : 1);
    settled_no += no;
    next_case(client);
    return no;
}

START_TEST(what_comes_after_a_settled_deadline_is_never_applied)
{
    begin(_i);
    const int64_t ats[] = {size.asked, size.all - 1};
    for (size_t i = 0; i < 2; i++) {
        int64_t ms = 400;
        while (!late_after_deadline(ats[i], ms))
            ck_assert_int_lt(ms *= 2, RIG_PATIENCE_MS);
    }
    ck_assert_uint_eq(settled_no, 2);
    end("late after the deadline");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx late");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, what_comes_after_the_retry_committed_changes_nothing, 0, COURSES);
    tcase_add_loop_test(c, what_comes_in_the_middle_of_the_retry_is_done_once, 0, 4);
    tcase_add_loop_test(c, two_attempts_that_come_late_change_nothing, 0, 4);
    tcase_add_loop_test(c, what_comes_after_a_settled_no_is_never_applied, 2, COURSES);
    tcase_add_loop_test(c, a_second_run_is_done_once_whenever_the_first_arrives, 3, 6);
    tcase_add_loop_test(c, a_second_run_after_an_unknown_is_done_once, 3, 6);
    tcase_add_loop_test(c, what_comes_after_a_settled_deadline_is_never_applied, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
