/* Transactions larger than the sockets hold: the connection is lost when a part of one was handed over,
 * and EXEC was not. If MULTI's answer was read nothing can have run, and it is tried again; if not, the
 * server may have refused MULTI and run what came behind it, one by one. */
#include "feat.h"

#include <stdlib.h>
#include <string.h>

#define PIECE  ((size_t)65536)
#define PIECES 64
#define MULTI  15 /* bytes */

static struct rig rig;
static struct feat d;

/* The feat of FEAT_BATCH, and some MiB more. */
static vouch_op *start_large(vouch_client *client)
{
    vouch_op *op = NULL;
    vouch_error e;
    vouch_batch *b = vouch_batch_new();
    char *piece = calloc(1, PIECE);
    ck_assert_ptr_nonnull(piece);
    vouch_batch_add(b, "INCR", "n");
    vouch_batch_add(b, "INCR", "m");
    for (int i = 0; i < PIECES; i++)
        vouch_batch_add(b, "SET", "large", vouch_bytes(piece, PIECE));
    d.options.token = d.token[0] ? d.token : NULL;
    ck_assert_msg(!vouch_transaction_exec_start(client, b, &d.options, &op, &e), "%s", e.message);
    vouch_batch_free(b);
    free(piece);
    return op;
}

/* Turns until so many bytes have passed each way: as far as the client can get. */
static void get_stuck(vouch_client *client, int connection, int64_t to_server, int64_t to_client)
{
    int64_t by = ts_deadline(RIG_PATIENCE_MS);
    for (ts_proxy_counts c = {0}; c.to_server < to_server || c.to_client < to_client;) {
        ck_assert(!ts_passed(by));
        rig_turn(client, 2);
        c = ts_proxy_count(rig.proxy, connection);
    }
    rig_turn(client, 0); /* reads what has come */
}

/* Of MULTI and what is behind it the server gets `at` bytes. The client is not rid of the rest: its end
 * is one that takes no more. */
static void run_in_part(enum feat_guard guard, int64_t at)
{
    vouch_client_options o = rig_options(3, 0);
    o.connect_ms = 0;
    o.window_bytes = (size_t)64 << 20;
    feat_init(&d, &rig, FEAT_BATCH, guard);
    struct feat_size size = feat_measure(&rig, FEAT_BATCH, guard, 3);
    vouch_client *client = rig_open(&rig, &o);
    (void)rig_connection_id(client);
    int connection = rig_next_connection(&rig) - 1;
    ts_plan plan = ts_plan_none();
    plan.to_server.stall_after = size.asked + at;
    plan.to_server.back_pressure = true;
    ts_proxy_counts before = ts_proxy_count(rig.proxy, connection);
    ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    vouch_op *op = start_large(client);
    get_stuck(client, connection, before.to_server + size.asked + at,
              before.to_client + (at >= MULTI ? (int64_t)strlen("+OK\r\n") : 0));
    ts_proxy_cut(rig.proxy, connection, TS_END_CLOSE, TS_CUT_SETTLE);
    rig_drive(client, op);
    feat_finish(&d, op);
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
}

static void begin(int i)
{
    rig = feat_rig(i ? TS_VALKEY : TS_REDIS, TS_UNIX, TS_NO_PERSISTENCE);
}

static void expect_done_again(int64_t at)
{
    feat_expect(&d, VOUCH_OK, "handed over in part", at);
    ck_assert_int_eq(d.outcome, VOUCH_OUTCOME_COMMITTED);
    ck_assert_uint_eq(d.attempts, 2);
    ck_assert_int_eq(feat_done(&rig), 1);
    rig_flush(&rig);
}

static const int64_t positions[] = {MULTI, MULTI + 1, MULTI + 40, 5000, 100000, 1000000};

START_TEST(after_multi_was_answered_a_part_is_nothing)
{
    begin(_i);
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        run_in_part(GUARD_NONE, positions[i]);
        expect_done_again(positions[i]);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(before_multi_was_answered_a_part_is_in_doubt)
{
    begin(_i);
    for (int64_t at = 0; at < MULTI; at++) {
        run_in_part(GUARD_NONE, at);
        feat_expect(&d, VOUCH_EUNKNOWN, "handed over in part", at);
        ck_assert_int_eq(d.error.cause, VOUCH_CAUSE_MULTI);
        ck_assert_int_eq(feat_done(&rig), 0);
    }
    rig_stop(&rig);
}
END_TEST

/* With `strict` nothing is behind MULTI yet; with a marker its absence settles it. */
START_TEST(strict_and_markers_leave_no_such_doubt)
{
    static const enum feat_guard guards[] = {GUARD_STRICT, GUARD_RESOLVE, GUARD_TOKEN,
                                             GUARD_STRICT_RESOLVE};
    begin(_i);
    for (size_t g = 0; g < sizeof guards / sizeof *guards; g++) {
        for (int64_t at = 0; at < MULTI; at += 2) {
            run_in_part(guards[g], at);
            expect_done_again(at);
        }
        run_in_part(guards[g], 100000);
        expect_done_again(100000);
    }
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx in part");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, after_multi_was_answered_a_part_is_nothing, 0, 2);
    tcase_add_loop_test(c, before_multi_was_answered_a_part_is_in_doubt, 0, 2);
    tcase_add_loop_test(c, strict_and_markers_leave_no_such_doubt, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
