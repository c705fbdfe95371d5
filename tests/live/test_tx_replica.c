/* Copies: a commit is said to be on as many as were asked for, or not to be, and is a commit in both
 * cases. And a replica that takes its primary's place: what its data proves, and what not. */
#include "feat.h"

#include <string.h>

static struct rig rig;
static ts_server *replica;
static vouch_client *client;
static struct feat d;
static ts_server_kind kind;

static void begin(ts_persistence persistence)
{
    rig = feat_rig(kind, TS_TCP, persistence);
    ts_server_options so = {
        .kind = kind, .transport = TS_TCP, .persistence = persistence, .replica_of = rig.server};
    replica = ts_server_start(&so);
    ck_assert_ptr_nonnull(replica);
    vouch_client_options o = rig_options(3, 0);
    client = rig_open(&rig, &o);
}

static void begin_redis(void)
{
    kind = TS_REDIS;
    begin(TS_AOF_ALWAYS);
}

static void begin_valkey(void)
{
    kind = TS_VALKEY;
    begin(TS_AOF_ALWAYS);
}

static void end(void)
{
    vouch_client_close(client);
    ts_server_free(replica);
    replica = NULL;
    rig_stop(&rig);
}

static void pause_replica(bool pause)
{
    if (pause)
        ck_assert(ts_server_pause(replica));
    else
        ck_assert(ts_server_resume(replica) &&
                  ts_server_wait_linked(replica, ts_deadline(RIG_PATIENCE_MS)));
}

/* Committed; `reached` says whether on the replica too, which is waited for until then. */
static void expect_copies(bool reached, vouch_tx_outcome outcome, int64_t begun)
{
    feat_expect(&d, reached ? VOUCH_OK : VOUCH_ECOPIES, "copies", d.kind);
    ck_assert_int_eq(d.outcome, outcome);
    ck_assert_int_eq(d.copies, reached);
    if (reached)
        return;
    int64_t took = ts_now_ms() - begun;
    ck_assert_int_eq(d.error.effect, VOUCH_APPLIED);
    ck_assert_int_eq(d.error.cause, VOUCH_CAUSE_COPIES);
    ck_assert_uint_eq(d.error.retriable, 0);
    ck_assert_int_ge(took, d.options.copies_ms - 1);
    ck_assert_int_lt(took, RIG_PATIENCE_MS / 2);
}

static void wants_copy(enum feat_kind feat, enum feat_guard guard, bool reached)
{
    feat_init(&d, &rig, feat, guard);
    d.options.copies = 1;
    d.options.copies_ms = reached ? RIG_PATIENCE_MS / 2 : 150;
}

START_TEST(a_commit_waits_for_its_copies)
{
    int64_t done = 0;
    for (int paused = 0; paused < 2; paused++) {
        pause_replica(paused);
        for (int feat = FEAT_COUNTER; feat <= FEAT_BLIND; feat++) {
            int64_t begun = ts_now_ms();
            wants_copy((enum feat_kind)feat, feat % 2 ? GUARD_NONE : GUARD_TOKEN, !paused);
            feat_run(&d, client);
            expect_copies(!paused, VOUCH_OUTCOME_COMMITTED, begun);
            ck_assert_int_eq(feat_done(&rig), ++done);
        }
    }
    pause_replica(false);
    feat_run(&d, client); /* the token of the last one was used: it is on its copy by now */
    expect_copies(true, d.token[0] ? VOUCH_OUTCOME_ALREADY : VOUCH_OUTCOME_COMMITTED, 0);
}
END_TEST

/* ---- after a doubt -------------------------------------------------------------------------- */

static enum fate { RAN, LOST } fate;
static void (*at_exec)(void);

/* EXEC runs and its answer is held, or EXEC never comes. */
static void deciding(struct feat *feat, uint32_t attempt)
{
    ts_plan plan = ts_plan_none();
    (void)feat;
    if (attempt != 1)
        return;
    *(fate == RAN ? &plan.to_client.stall_after : &plan.to_server.drop_after) = 0;
    ts_proxy_plan_from_here(rig.proxy, rig_next_connection(&rig) - 1, &plan);
    if (at_exec)
        at_exec();
}

/* Until EXEC has run, or was lost; then `happens`, and the connection ends. */
static void run_in_doubt(void (*happens)(void))
{
    int connection = rig_next_connection(&rig) - 1;
    int64_t by = ts_deadline(RIG_PATIENCE_MS);
    int64_t before = ts_proxy_count(rig.proxy, connection).to_server;
    d.deciding = deciding;
    vouch_op *op = feat_start(&d, client);
    for (ts_proxy_counts c = {0}; d.attempt == 0 || c.from_client == c.to_server;) {
        ck_assert(!ts_passed(by));
        rig_turn(client, 2);
        c = ts_proxy_count(rig.proxy, connection);
        if (fate == RAN && c.to_server > before && ts_int(rig.server, "EXISTS", "m", NULL))
            break;
    }
    happens();
    ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_SETTLE);
    rig_drive(client, op);
    feat_finish(&d, op);
}

static void greet(void)
{
    (void)rig_connection_id(client);
}

static void nothing(void)
{
}

/* WAIT on the new connection has nothing to wait for, unless the marker is written again on it. */
START_TEST(a_commit_known_from_its_marker_waits_for_its_copies_too)
{
    fate = RAN;
    at_exec = NULL;
    for (int paused = 0; paused < 2; paused++) {
        rig_flush(&rig);
        pause_replica(paused);
        greet();
        int64_t begun = ts_now_ms();
        wants_copy(FEAT_BLIND, paused ? GUARD_RESOLVE : GUARD_TOKEN, !paused);
        run_in_doubt(nothing);
        expect_copies(!paused, VOUCH_OUTCOME_SETTLED, begun);
        ck_assert_int_eq(feat_done(&rig), 1);
    }
    pause_replica(false);
}
END_TEST

START_TEST(a_token_that_was_used_waits_for_its_copies_too)
{
    wants_copy(FEAT_BATCH, GUARD_TOKEN, true);
    feat_run(&d, client);
    for (int paused = 1; paused >= 0; paused--) {
        pause_replica(paused);
        int64_t begun = ts_now_ms();
        d.options.copies_ms = paused ? 150 : RIG_PATIENCE_MS / 2;
        feat_run(&d, client);
        expect_copies(!paused, VOUCH_OUTCOME_ALREADY, begun);
    }
    ck_assert_int_eq(feat_done(&rig), 1);
}
END_TEST

/* ---- WAITAOF -------------------------------------------------------------------------------- */

static bool knows_waitaof(void)
{
    ts_reply *reply = ts_command(rig.server, "COMMAND", "INFO", "WAITAOF", NULL);
    bool knows = reply->count == 1 && reply->elements[0]->type == TS_REPLY_ARRAY;
    ts_reply_free(reply);
    return knows;
}

static void wants_fsync(uint32_t copies, bool reached)
{
    feat_init(&d, &rig, FEAT_BATCH, GUARD_NONE);
    d.options.fsync = 1;
    d.options.copies = copies;
    d.options.copies_ms = reached ? RIG_PATIENCE_MS / 2 : 150;
    feat_run(&d, client);
    if (!knows_waitaof()) {
        feat_expect(&d, VOUCH_ECOPIES, "fsync", copies);
        ck_assert_msg(strstr(d.error.message, "unknown command"), "%s", d.error.message);
        ck_assert_int_eq(d.copies, -1);
    } else {
        feat_expect(&d, reached ? VOUCH_OK : VOUCH_ECOPIES, "fsync", copies);
        ck_assert_int_eq(d.copies, reached && copies);
    }
    if (d.status != VOUCH_OK)
        ck_assert_int_eq(d.error.effect, VOUCH_APPLIED);
}

START_TEST(a_commit_waits_for_the_append_only_files)
{
    wants_fsync(0, true);
    wants_fsync(1, true);
    pause_replica(true);
    wants_fsync(0, true);
    wants_fsync(1, false);
    pause_replica(false);
    ck_assert_int_eq(feat_done(&rig), 4);
    ts_do(rig.server, "CONFIG", "SET", "appendonly", "no", NULL);
    feat_init(&d, &rig, FEAT_BATCH, GUARD_NONE);
    d.options.fsync = 1;
    feat_run(&d, client);
    feat_expect(&d, VOUCH_ECOPIES, "no append-only file", 0);
    ck_assert_msg(strstr(d.error.message, "ERR "), "%s", d.error.message); /* its own words */
    ck_assert_int_eq(d.error.effect, VOUCH_APPLIED);
}
END_TEST

/* ---- a replica takes over ------------------------------------------------------------------- */

static void promote(void)
{
    ts_address address = ts_server_address(replica);
    ts_do(replica, "REPLICAOF", "NO", "ONE", NULL);
    ts_proxy_upstream(rig.proxy, &address);
}

static void replicate_and_promote(void)
{
    int64_t by = ts_deadline(RIG_PATIENCE_MS);
    while (fate == RAN && ts_int(replica, "EXISTS", "m", NULL) == 0)
        ck_assert(ts_look_again(by));
    promote();
    ts_server_kill(rig.server);
}

static void kill_primary(void)
{
    ts_server_kill(rig.server);
}

/* `in_time`: what ran was replicated before the replica was promoted. */
static void take_over(enum fate f, bool in_time)
{
    fate = f;
    at_exec = in_time ? NULL : promote;
    greet();
    feat_init(&d, &rig, FEAT_BLIND, GUARD_RESOLVE);
    run_in_doubt(in_time ? replicate_and_promote : kill_primary);
    if (fate == RAN && in_time) {
        feat_expect(&d, VOUCH_OK, "promoted", 0);
        ck_assert_int_eq(d.outcome, VOUCH_OUTCOME_SETTLED);
        ck_assert_int_eq(ts_int(replica, "GET", "n", NULL), 1);
        return;
    }
    feat_expect(&d, VOUCH_EUNKNOWN, "promoted", 0);
    ck_assert_int_eq(d.error.cause, VOUCH_CAUSE_UNPROVEN);
    ck_assert_msg(strstr(d.error.message, "another server answers"), "%s", d.error.message);
    ck_assert_int_eq(ts_int(replica, "EXISTS", "n", NULL), 0);
}

START_TEST(a_promoted_replica_that_has_the_marker_settles)
{
    take_over(RAN, true);
}
END_TEST

START_TEST(a_promoted_replica_without_the_marker_proves_nothing)
{
    take_over(RAN, false);
}
END_TEST

START_TEST(a_promoted_replica_proves_no_absence)
{
    take_over(LOST, true);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx replica");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, a_commit_waits_for_its_copies);
        tcase_add_test(c, a_commit_known_from_its_marker_waits_for_its_copies_too);
        tcase_add_test(c, a_token_that_was_used_waits_for_its_copies_too);
        tcase_add_test(c, a_commit_waits_for_the_append_only_files);
        tcase_add_test(c, a_promoted_replica_that_has_the_marker_settles);
        tcase_add_test(c, a_promoted_replica_without_the_marker_proves_nothing);
        tcase_add_test(c, a_promoted_replica_proves_no_absence);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
