/* Transactions cut at every byte of their first connection, handshake included, either way: what was
 * reported against what the server holds, and against what passed on the connection.
 *
 *     without a marker   in doubt exactly if EXEC's last byte was handed over and its answer did not
 *                        come whole; else it is done, by another attempt if need be
 *     with one           never in doubt, and done exactly once */
#include "feat.h"
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct course {
    ts_server_kind kind;
    uint32_t protocol;
    enum feat_kind feat;
    enum feat_guard guard;
    uint32_t window;        /* commands sent before an answer; 0: all of them */
    bool whole;             /* the handshake too */
    ts_transport transport; /* TS_TCP: the client is reset */
};

static const struct course courses[] = {
    {TS_REDIS, 3, FEAT_COUNTER, GUARD_NONE, 0, true, TS_UNIX},
    {TS_VALKEY, 2, FEAT_COUNTER, GUARD_RESOLVE, 0, false, TS_UNIX},
    {TS_REDIS, 2, FEAT_COUNTER, GUARD_TOKEN, 0, false, TS_UNIX},
    {TS_VALKEY, 3, FEAT_TRANSFER, GUARD_NONE, 0, false, TS_UNIX},
    {TS_REDIS, 3, FEAT_TRANSFER, GUARD_RESOLVE, 0, false, TS_UNIX},
    {TS_VALKEY, 2, FEAT_TRANSFER, GUARD_TOKEN, 0, false, TS_UNIX},
    {TS_REDIS, 2, FEAT_BATCH, GUARD_NONE, 0, false, TS_UNIX},
    {TS_VALKEY, 3, FEAT_BATCH, GUARD_RESOLVE, 0, true, TS_UNIX},
    {TS_REDIS, 3, FEAT_BATCH, GUARD_TOKEN, 0, false, TS_UNIX},
    {TS_VALKEY, 3, FEAT_COUNTER, GUARD_STRICT, 0, false, TS_UNIX},
    {TS_REDIS, 2, FEAT_TRANSFER, GUARD_STRICT_RESOLVE, 0, false, TS_UNIX},
    {TS_REDIS, 3, FEAT_COUNTER, GUARD_NONE, 0, false, TS_TCP},
    {TS_VALKEY, 3, FEAT_BATCH, GUARD_RESOLVE, 0, false, TS_TCP},
    {TS_VALKEY, 3, FEAT_COUNTER, GUARD_NONE, 1, false, TS_UNIX},
    {TS_REDIS, 2, FEAT_TRANSFER, GUARD_NONE, 2, false, TS_UNIX},
    {TS_REDIS, 3, FEAT_BATCH, GUARD_RESOLVE, 1, false, TS_UNIX},
    {TS_VALKEY, 2, FEAT_BATCH, GUARD_TOKEN, 2, false, TS_UNIX},
};
#define COURSES ((int)(sizeof courses / sizeof *courses))

static struct rig rig;
static const struct course *course;
static struct {
    unsigned long cases, committed, settled, unknown, unknown_done, again;
} tally;

/* ---- what passed ---------------------------------------------------------------------------- */

struct seen {
    unsigned loose; /* commands between MULTI and EXEC that were taken from the client whole */
    bool handed;    /* EXEC's last byte was */
    bool reached;   /* and given to the server */
    bool answered;  /* all that the server answered to it was given to the client */
};

/* Whether EXEC is whole among the first bytes of what the client wrote, and how many commands are between
 * the last MULTI and it. */
static bool has_exec(const char *bytes, size_t length, unsigned *behind)
{
    ts_request request;
    size_t used = 0;
    bool found = false;
    *behind = 0;
    while (ts_request_parse(bytes, length, &request, &used) == TS_PARSE_WHOLE) {
        bool opens = ts_request_is(&request, 0, "MULTI");
        bool closes = ts_request_is(&request, 0, "EXEC");
        *behind = opens ? 0 : *behind + !closes;
        found = found || closes;
        ts_request_free(&request);
        bytes += used;
        length -= used;
    }
    return found;
}

static struct seen seen_on(int connection)
{
    size_t length = 0;
    ts_proxy_counts c = ts_proxy_count(rig.proxy, connection);
    char *bytes = ts_proxy_recorded(rig.proxy, connection, TS_TO_SERVER, &length);
    unsigned reached;
    struct seen s = {0};
    s.handed = has_exec(bytes, length, &s.loose);
    s.reached = has_exec(bytes, (size_t)c.to_server, &reached);
    free(bytes);
    s.answered = s.reached && c.to_client == c.from_server;
    return s;
}

/* ---- what must be reported ------------------------------------------------------------------ */

static void check_unmarked(const struct feat *d, const struct seen *s, int64_t done, bool exact,
                           const char *what, int64_t at)
{
    bool unknown = d->status == VOUCH_EUNKNOWN,
         lost = unknown && d->error.cause == VOUCH_CAUSE_LOST;
    if (exact)
        ck_assert_msg(lost == (s->handed && !s->answered),
                      "%s, %lld: EXEC %s handed over, %s answered; the report is %s: %s", what,
                      (long long)at, s->handed ? "was" : "was not", s->answered ? "was" : "was not",
                      vouch_status_name(d->status), d->error.message);
    if (!unknown) {
        feat_expect(d, VOUCH_OK, what, at);
        ck_assert_msg(done == 1, "%s, %lld: committed, and done %lld times", what, (long long)at,
                      (long long)done);
        return;
    }
    /* In doubt without EXEC: only what went out before MULTI was answered, which `strict` forbids. */
    ck_assert_msg(lost || (d->error.cause == VOUCH_CAUSE_MULTI && s->loose && course->window != 1 &&
                           course->guard != GUARD_STRICT),
                  "%s, %lld: %s", what, (long long)at, d->error.message);
    ck_assert_uint_eq(d->attempts, 1);
    ck_assert_msg(exact ? done == s->reached : done == 0 || done == 1,
                  "%s, %lld: EXEC %s the server; done %lld times", what, (long long)at,
                  s->reached ? "reached" : "did not reach", (long long)done);
}

static void check(const struct feat *d, int connection, bool exact, const char *what, int64_t at)
{
    struct seen s = seen_on(connection);
    int64_t done = feat_done(&rig);
    tally.cases++;
    tally.again += d->attempts > 1;
    tally.committed += d->outcome == VOUCH_OUTCOME_COMMITTED && d->status == VOUCH_OK;
    tally.settled += d->outcome == VOUCH_OUTCOME_SETTLED;
    tally.unknown += d->status == VOUCH_EUNKNOWN;
    tally.unknown_done += d->status == VOUCH_EUNKNOWN && done;
    if (!feat_is_marked(d)) {
        check_unmarked(d, &s, done, exact, what, at);
        return;
    }
    feat_expect(d, VOUCH_OK, what, at);
    ck_assert_msg(done == 1, "%s, %lld: %s, and done %lld times", what, (long long)at,
                  vouch_tx_outcome_name(d->outcome), (long long)done);
    if (exact)
        ck_assert_msg((d->outcome == VOUCH_OUTCOME_SETTLED) == (s.reached && !s.answered),
                      "%s, %lld: %s", what, (long long)at, vouch_tx_outcome_name(d->outcome));
}

/* ---- cuts ----------------------------------------------------------------------------------- */

/* Runs the feat once on a client of its own; false if it ended before the cut. */
static bool one_cut(const ts_plan *plan, const char *what, int64_t at)
{
    struct feat d;
    bool exact = plan->ending == TS_END_EOF && plan->mode != TS_CUT_ABRUPT;
    int connection = rig_next_connection(&rig);
    ts_proxy_plan(rig.proxy, connection, plan);
    vouch_client_options o = rig_options(course->protocol, course->window);
    o.connect_ms = 0;
    vouch_client *client = rig_open(&rig, &o);
    feat_init(&d, &rig, course->feat, course->guard);
    feat_run(&d, client);
    vouch_client_close(client);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    ck_assert(!exact || ts_proxy_wait_gone(rig.proxy, connection, limit));
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, limit));
    if (!exact)
        rig_settle(&rig);
    check(&d, connection, exact, what, at);
    ts_proxy_counts c = ts_proxy_count(rig.proxy, connection);
    rig_flush(&rig);
    return plan->to_client.cut_after != TS_NEVER ? c.to_client >= at : c.to_server >= at;
}

static ts_plan cut_of(ts_direction direction, int64_t at, ts_cut_mode mode)
{
    ts_plan plan = ts_plan_cut(direction, at);
    plan.mode = mode;
    if (course->transport == TS_TCP)
        plan.ending = TS_END_RESET;
    return plan;
}

/* VOUCH_TX_CUT=all cuts everywhere in every manner, which takes minutes. Else INFO, which makes answers
 * long and is not looked at before all of it is there, is cut here and there. */
#define INFO_STEP 151
/* What is before it behind the handshake, and behind it: more than the answers to WATCH and GET, and to
 * MULTI … EXEC. Its own length moves by some digits. */
#define BEFORE_INFO 60
#define BEHIND_INFO 120

static bool everywhere(void)
{
    return course->whole || getenv("VOUCH_TX_CUT");
}

/* A reset waits for the other kernel's acknowledgement, some 20 ms. */
#define RESET_STEP 5

static int64_t step(void)
{
    return course->transport == TS_TCP && !getenv("VOUCH_TX_CUT") ? RESET_STEP : 1;
}

static int64_t info_step(int64_t at, int64_t hello, int64_t all)
{
    bool in_info = at > hello + BEFORE_INFO && at < all - BEHIND_INFO;
    return in_info && !getenv("VOUCH_TX_CUT") ? INFO_STEP : step();
}

/* Runs it without a cut: bytes to the client before the feat, and all. */
static void measure_answers(int64_t *hello, int64_t *all)
{
    ts_plan none = ts_plan_cut(TS_TO_CLIENT, INT64_C(1) << 40);
    vouch_client *client = rig_client(&rig, course->protocol, 0);
    int connection = rig_next_connection(&rig);
    (void)rig_connection_id(client);
    *hello = ts_proxy_count(rig.proxy, connection).to_client - 8;
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    (void)one_cut(&none, "not cut", 0);
    *all = ts_proxy_count(rig.proxy, connection + 1).to_client;
}

static void cut_to_client(void)
{
    int64_t hello, all;
    bool met = true;
    measure_answers(&hello, &all);
    for (int64_t at = everywhere() ? 0 : hello - 2; met; at += info_step(at, hello, all)) {
        ts_plan plan = cut_of(TS_TO_CLIENT, at, TS_CUT_SETTLE);
        met = one_cut(&plan, "cut to the client", at);
    }
}

/* Each byte, with the server's answers or without; abruptly some of them. */
static void cut_to_server(int64_t hello)
{
    bool met = true;
    for (int64_t at = everywhere() ? 0 : hello - 2; met; at += step()) {
        ts_plan plan = cut_of(TS_TO_SERVER, at, at % 2 ? TS_CUT_SETTLE : TS_CUT_ANSWER);
        met = one_cut(&plan, "cut to the server", at);
        plan.mode = at % 2 ? TS_CUT_ANSWER : TS_CUT_SETTLE;
        if (getenv("VOUCH_TX_CUT"))
            (void)one_cut(&plan, "cut to the server, the other way", at);
        plan.mode = TS_CUT_ABRUPT;
        if (at % 29 == 0)
            (void)one_cut(&plan, "cut to the server, abruptly", at);
    }
}

START_TEST(every_cut_is_accounted_for)
{
    course = &courses[_i];
    rig = feat_rig(course->kind, course->transport, TS_NO_PERSISTENCE);
    memset(&tally, 0, sizeof tally);
    struct feat_size size = feat_measure(&rig, course->feat, course->guard, course->protocol);
    cut_to_client();
    cut_to_server(size.hello);
    bool marked = course->guard >= GUARD_RESOLVE;
    printf(
        "%lu cuts: %lu committed, %lu settled, %lu unknown (%lu of them done), %lu tried again\n",
        tally.cases, tally.committed, tally.settled, tally.unknown, tally.unknown_done,
        tally.again);
    ck_assert(marked == (tally.settled > 0) && marked == (tally.unknown == 0));
    ck_assert(marked || (tally.unknown_done > 0 && tally.unknown_done < tally.unknown));
    /* What has nothing to ask before EXEC, and goes out at once, cannot be cut before it. */
    ck_assert((tally.again > 0) == (marked || course->feat != FEAT_BATCH || course->window));
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx cut");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, every_cut_is_accounted_for, 0, COURSES);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
