/* A server that refuses transactions for the time being: told while queueing, by EXEC, or when keys are
 * read; waited for, and committed once. */
#include "deed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct deed d;

/* ---- states of a server --------------------------------------------------------------------- */

struct state {
    const char *code, *begin, *end;
    const char *running;       /* keeps a connection of its own busy until `end` */
    void (*work)(bool begins); /* more to do for it */
    bool reads;                /* it refuses these too */
    const char *write_code;    /* what it says to a write; NULL: the same */
};

static void save(const char *status)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    deed_tell(&d, "BGSAVE");
    for (bool is = false; !is;) {
        ck_assert(ts_look_again(limit));
        char *now = ts_info(d.rig.server, "persistence", "rdb_bgsave_in_progress");
        char *last = ts_info(d.rig.server, "persistence", "rdb_last_bgsave_status");
        is = now && last && strcmp(now, "0") == 0 && strcmp(last, status) == 0;
        free(now);
        free(last);
    }
}

/* Where the snapshot should go there is a folder. */
static void stop_saving(bool begins)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/dump.rdb", ts_server_folder(d.rig.server));
    (void)unlink(path); /* of the time before */
    ck_assert_int_eq(begins ? mkdir(path, 0700) : rmdir(path), 0);
    save(begins ? "err" : "ok");
}

static const struct state states[] = {
    {"OOM", "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", NULL, NULL, false, NULL},
    {"NOREPLICAS", "CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0", NULL,
     NULL, false, NULL},
    {"READONLY", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", NULL, NULL, false, NULL},
    {"MISCONF", NULL, NULL, NULL, stop_saving, false, NULL},
    {"MASTERDOWN", "CONFIG SET replica-serve-stale-data no;REPLICAOF 127.0.0.1 1",
     "REPLICAOF NO ONE;CONFIG SET replica-serve-stale-data yes", NULL, NULL, true, "READONLY"},
    {"BUSY", "CONFIG SET busy-reply-threshold 1", "SCRIPT KILL", "EVAL while\ttrue\tdo\tend 0",
     NULL, true, NULL},
    {"LOADING", "DEBUG POPULATE 2000 key 500;CONFIG SET key-load-delay 5000",
     "CONFIG SET key-load-delay 0", "DEBUG RELOAD", NULL, true, NULL},
};

#define STATES ((int)(sizeof states / sizeof *states))

static const struct state *state; /* in force; or NULL */
static ts_conn *running;

/* Until a long-running command is felt, or is over. */
static void wait_for(bool refused)
{
    static const char *const get[] = {"GET", "x"};
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool is = !refused; is != refused;) {
        ck_assert(ts_look_again(limit));
        ts_reply *r = rig_ask(&d.rig, 2, get);
        is = r->type == TS_REPLY_ERROR;
        ts_reply_free(r);
    }
}

static void enter(const struct state *s)
{
    state = s;
    deed_tell(&d, s->begin);
    if (s->work)
        s->work(true);
    if (!s->running)
        return;
    running = deed_send(&d, s->running);
    wait_for(true);
}

static void leave(void)
{
    deed_tell(&d, state->end);
    if (state->work)
        state->work(false);
    if (state->running)
        wait_for(false);
    ts_conn_close(running);
    running = NULL;
    state = NULL;
}

/* ---- the hook ------------------------------------------------------------------------------- */

/* Ends the state when it is asked for the nth time. */
struct waits {
    unsigned told, leave_at, give_up_at;
    vouch_retry_wait last;
};

static bool on_wait(const vouch_retry_wait *wait, void *user)
{
    struct waits *w = user;
    w->told++;
    w->last = *wait;
    ck_assert_uint_eq(wait->size, sizeof *wait);
    ck_assert_int_eq(wait->kind, VOUCH_RETRY_OUTAGE);
    ck_assert_int_eq(wait->cause, VOUCH_CAUSE_REFUSED);
    ck_assert_uint_eq(wait->failures, w->told);
    ck_assert_int_ge(wait->delay_us, 0);
    ck_assert_int_le(wait->delay_us, 500000);
    if (w->told == w->leave_at)
        leave();
    return w->told != w->give_up_at;
}

static void use(struct waits *w, enum deed_mode mode, uint32_t outages)
{
    *w = (struct waits){0};
    deed_mode(&d, mode);
    d.options.deadline_ms = RIG_PATIENCE_MS;
    d.retry.outages = outages;
    d.retry.outage_base_ms = 1;
    d.retry.cap_ms = 4;
    d.retry.on_wait = on_wait;
    d.retry.user = w;
}

/* ---- the calls ------------------------------------------------------------------------------ */

/* One that reads, and one that does not. */
static void call(bool reads)
{
    struct plan p = {.read = "GET x", .queue = "INCR done;INCR done"};
    if (reads)
        (void)deed_plan(&d, &p);
    else
        (void)deed_exec(&d, "INCR done;INCR done");
}

static void begin(int i)
{
    deed_begin(&d, i % 2 ? TS_VALKEY : TS_REDIS, 3);
    (void)deed_exec(&d, "PING"); /* connected before the state is entered */
}

#define EACH    (2 * STATES)
#define AT_ONCE (2 * (STATES - 2)) /* without those that keep the server busy */

START_TEST(a_refusal_that_passes_is_waited_for_and_committed_once)
{
    const struct state *s = &states[_i / 2];
    struct waits w;
    begin(_i);
    for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++) {
        for (int reads = 0; reads < 2; reads++) {
            deed_tell(&d, "DEL done");
            enter(s);
            use(&w, mode, 1000);
            w.leave_at = 3;
            call(reads);
            deed_expect(&d, s->code, VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
            ck_assert_uint_eq(w.told, 3);
            ck_assert_uint_eq(vouch_tx_result_attempts(d.result), 4);
            ck_assert_uint_eq(vouch_tx_result_conflicts(d.result), 0);
            ck_assert_int_eq(deed_int(&d, "GET done"), 2);
        }
    }
    ck_assert_uint_eq(deed_stats(&d).connects, 1);
    deed_end(&d);
}
END_TEST

/* Nothing ran; the server's words are told, and the same call may be made again. */
static void expect_refused(const struct state *s, vouch_tx_outcome outcome, const char *why)
{
    deed_expect(&d, s->code, VOUCH_ESERVER, VOUCH_NOT_APPLIED, outcome);
    ck_assert_str_eq(d.error.code, outcome == VOUCH_OUTCOME_REFUSED_EXEC ? "EXECABORT" : s->code);
    ck_assert_int_eq(d.error.cause, VOUCH_CAUSE_REFUSED);
    ck_assert_uint_eq(d.error.retriable, 1);
    const char *code = s->code;
    if (outcome == VOUCH_OUTCOME_REFUSED_EXEC && s->write_code)
        code = s->write_code;
    ck_assert_msg(strstr(d.error.message, code) && strstr(d.error.message, why), "%s",
                  d.error.message);
    for (size_t i = 0; i < vouch_tx_result_count(d.result); i++)
        ck_assert_int_eq(vouch_tx_result_at(d.result, i)->effect, VOUCH_NOT_APPLIED);
    ck_assert_int_eq(deed_int(&d, "GET done"), TS_NIL);
}

/* Of the queued commands, or of the marker: each is listed, in the server's words. */
static void expect_listed(const struct state *s)
{
    const vouch_queue_error *q;
    size_t n = vouch_tx_queue_errors(d.result, &q);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(strncmp(q[i].words.data, s->code, strlen(s->code)) == 0, "%s",
                      q[i].words.data);
    ck_assert_uint_ge(n, s->reads ? 0 : 2);
    if (n && q[0].index == 0)
        ck_assert_uint_eq(d.error.command, 0);
}

START_TEST(a_refusal_that_does_not_pass_is_told_in_the_servers_words)
{
    const struct state *s = &states[_i / 2];
    struct waits w;
    begin(_i);
    for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++) {
        for (int hook = 0; hook < 2; hook++) {
            deed_tell(&d, "DEL done");
            enter(s);
            use(&w, mode, hook ? 1000 : 2);
            w.give_up_at = hook ? 2 : 0;
            call(s->reads || mode % 2);
            leave();
            ck_assert_uint_eq(w.told, 2);
            ck_assert_uint_eq(vouch_tx_result_attempts(d.result), hook ? 2 : 3);
            expect_refused(s, VOUCH_OUTCOME_REFUSED_QUEUEING,
                           hook ? "the on_wait hook gave up" : "the budget is used up");
            expect_listed(s);
            deed_is_clean(&d, s->code);
        }
    }
    ck_assert_uint_eq(deed_stats(&d).connects, 1);
    deed_end(&d);
}
END_TEST

START_TEST(the_deadline_ends_the_waiting_and_tells_what_for)
{
    const struct state *s = &states[_i / 2];
    struct waits w;
    ck_assert_ptr_null(s->running); /* such a one answers late, and leaves a doubt */
    begin(_i);
    enter(s);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    do { /* on a busy machine the deadline may find it on its way */
        ck_assert(!ts_passed(limit));
        use(&w, DEED_PLAIN, 1000);
        d.retry.jitter = VOUCH_JITTER_NONE;
        d.retry.outage_base_ms = d.retry.cap_ms = 60000;
        d.retry.on_wait = NULL;
        d.options.deadline_ms = 300;
        call(s->reads || _i % 2);
    } while (!strstr(d.error.message, s->code));
    leave();
    deed_expect(&d, s->code, VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
    ck_assert_int_eq(d.error.cause, VOUCH_CAUSE_DEADLINE);
    ck_assert_msg(strstr(d.error.message, s->code), "%s", d.error.message);
    ck_assert_int_eq(deed_int(&d, "GET done"), TS_NIL);
    call(false);
    deed_expect(&d, s->code, VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    deed_end(&d);
}
END_TEST

/* ---- by EXEC -------------------------------------------------------------------------------- */

#define MULTI_BYTES 15 /* of MULTI */
#define INCR_BYTES  24 /* of INCR done */

/* Starts two INCRs, and holds EXEC back until the server is in that state. */
static vouch_op *start_held(const struct state *s)
{
    ts_plan held = ts_plan_none();
    vouch_op *op = NULL;
    vouch_batch *b = deed_batch("INCR done;INCR done");
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    ts_proxy_counts before = ts_proxy_count(d.rig.proxy, 0);
    held.to_server.stall_after = MULTI_BYTES + 2 * INCR_BYTES;
    ts_proxy_plan_from_here(d.rig.proxy, 0, &held);
    ck_assert_int_eq(vouch_transaction_exec_start(d.client, b, &d.options, &op, &d.error), 0);
    vouch_batch_free(b);
    while (ts_proxy_count(d.rig.proxy, 0).to_client < before.to_client + 5 + 9 + 9) {
        ck_assert(!ts_passed(limit));
        rig_turn(d.client, 1);
    }
    ck_assert_int_eq(ts_proxy_count(d.rig.proxy, 0).to_server,
                     before.to_server + held.to_server.stall_after);
    enter(s);
    ts_proxy_release(d.rig.proxy, 0);
    return op;
}

START_TEST(a_refusal_by_exec_itself_runs_nothing)
{
    const struct state *s = &states[_i / 2];
    const vouch_queue_error *q;
    struct waits w;
    begin(_i);
    for (int passes = 0; passes < 2; passes++) {
        use(&w, DEED_PLAIN, passes ? 1000 : VOUCH_RETRY_NONE);
        w.leave_at = passes ? 2 : 0;
        vouch_tx_result_free(d.result);
        vouch_op *op = start_held(s);
        d.status = vouch_transaction_finish(op, &d.result, &d.error);
        if (!passes) {
            leave();
            expect_refused(s, VOUCH_OUTCOME_REFUSED_EXEC, "the budget is used up");
            ck_assert_uint_eq(vouch_tx_queue_errors(d.result, &q), 1);
            ck_assert_uint_eq(q[0].index, VOUCH_NO_COMMAND);
            ck_assert_str_eq(q[0].command, "EXEC");
        } else {
            deed_expect(&d, s->code, VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
            ck_assert_int_eq(deed_int(&d, "GET done"), 2);
        }
        deed_is_clean(&d, s->code);
    }
    deed_end(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx_refused");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_refusal_that_passes_is_waited_for_and_committed_once, 0, EACH);
    tcase_add_loop_test(c, a_refusal_that_does_not_pass_is_told_in_the_servers_words, 0, EACH);
    tcase_add_loop_test(c, the_deadline_ends_the_waiting_and_tells_what_for, 0, AT_ONCE);
    tcase_add_loop_test(c, a_refusal_by_exec_itself_runs_nothing, 0, EACH);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
