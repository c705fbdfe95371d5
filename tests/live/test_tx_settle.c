/* The late writer again, in the middle of being settled: EXEC arrives between any two bytes of what asks
 * for the marker and makes it say "aborted". Then it is a yes, or a no, and the next run with the same
 * token finds it so. */
#include "feat.h"

#include <stdio.h>

struct course {
    ts_server_kind kind;
    uint32_t protocol;
    enum feat_kind feat;
};

static const struct course courses[] = {
    {TS_REDIS, 3, FEAT_BLIND},
    {TS_VALKEY, 2, FEAT_BLIND},
    {TS_VALKEY, 3, FEAT_TRANSFER},
    {TS_REDIS, 2, FEAT_COUNTER},
};
#define COURSES ((int)(sizeof courses / sizeof *courses))

static struct rig rig;
static const struct course *course;
static int settling;         /* the connection that settles */
static int64_t before, held; /* bytes from the client on it before that; of it to the server */

/* The second attempt is about to give up: what it writes from here on settles the first. */
static void deciding(struct feat *d, uint32_t attempt)
{
    ts_plan plan = ts_plan_none();
    (void)d;
    if (attempt != 2)
        return;
    settling = rig_next_connection(&rig) - 1;
    before = ts_proxy_count(rig.proxy, settling).from_client;
    plan.to_server.stall_after = held;
    ts_proxy_plan_from_here(rig.proxy, settling, &plan);
}

/* EXEC is held on A, its client shown the end; the next attempt has come to settling. */
static vouch_op *come_to_settling(struct feat *d, vouch_client *client, int a, int64_t asked,
                                  int64_t all)
{
    ts_plan plan = ts_plan_none();
    plan.to_server.stall_after = asked;
    int64_t begun = ts_proxy_count(rig.proxy, a).from_client;
    ts_proxy_plan_from_here(rig.proxy, a, &plan);
    settling = -1;
    vouch_op *op = feat_start(d, client);
    feat_turn_until(&rig, client, a, begun + all);
    ts_proxy_cut(rig.proxy, a, TS_END_EOF, TS_CUT_HELD);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (settling < 0 || ts_proxy_count(rig.proxy, settling).from_client == before) {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 2);
    }
    return op;
}

/* EXEC comes when the server has had `at` bytes of the settling. False if these were all. */
static bool late_at(const struct feat_size *size, int64_t at, unsigned long tally[static 2])
{
    struct feat d;
    vouch_client_options o = rig_options(course->protocol, 0);
    o.connect_ms = 0;
    feat_init(&d, &rig, course->feat, GUARD_TOKEN);
    d.turn = TURN_CANCEL;
    d.deciding = deciding;
    held = at;
    vouch_client *client = rig_open(&rig, &o);
    (void)rig_connection_id(client);
    int a = rig_next_connection(&rig) - 1;
    vouch_op *op = come_to_settling(&d, client, a, size->asked, size->all);
    bool met = ts_proxy_count(rig.proxy, settling).from_client > before + at;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    ck_assert(!met || ts_proxy_wait_bytes(rig.proxy, settling, TS_TO_SERVER, before + at, limit));
    ts_proxy_release(rig.proxy, a);
    ck_assert(ts_proxy_wait_closed(rig.proxy, a, limit));
    ts_proxy_release(rig.proxy, settling);
    rig_drive(client, op);
    feat_finish(&d, op);
    bool yes = d.status == VOUCH_OK;
    feat_expect(&d, yes ? VOUCH_OK : VOUCH_ECANCELLED, "late while settling", at);
    ck_assert_msg(feat_done(&rig) == yes, "late at %lld: %s, and done %lld times", (long long)at,
                  vouch_tx_outcome_name(d.outcome), (long long)feat_done(&rig));
    tally[yes]++;
    d.turn = TURN_NONE;
    d.deciding = NULL;
    feat_run(&d, client);
    feat_expect(&d, VOUCH_OK, "and again", at);
    ck_assert_int_eq(d.outcome, yes ? VOUCH_OUTCOME_ALREADY : VOUCH_OUTCOME_COMMITTED);
    ck_assert_msg(feat_done(&rig) == 1, "late at %lld, and again: done %lld times", (long long)at,
                  (long long)feat_done(&rig));
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, limit));
    rig_flush(&rig);
    return met;
}

START_TEST(what_comes_while_it_is_settled_is_a_yes_or_a_no)
{
    unsigned long tally[2] = {0};
    course = &courses[_i];
    rig = feat_rig(course->kind, TS_UNIX, TS_NO_PERSISTENCE);
    struct feat_size size = feat_measure(&rig, course->feat, GUARD_TOKEN, course->protocol);
    for (int64_t at = 0; late_at(&size, at, tally); at++)
        ;
    printf("late while settling: %lu yes, %lu no\n", tally[1], tally[0]);
    ck_assert(tally[0] && tally[1]);
    rig_stop(&rig);
}
END_TEST

/* ---- an aborted marker, found by two -------------------------------------------------------- */

/* What a run of this token has done is undone, and it had given up. */
static void leave_aborted(void)
{
    static const char *const words[] = {"KEYS", "vouch:*"};
    ts_reply *keys = rig_ask(&rig, 2, words);
    ck_assert_uint_eq(keys->count, 1);
    ts_do(rig.server, "SET", keys->elements[0]->text, "aborted:somebody", NULL);
    ts_do(rig.server, "DEL", "n", "m", NULL);
    ts_reply_free(keys);
}

/* It is answered, and the answer is held. */
static vouch_op *ask_and_wait(struct feat *d, vouch_client *client, int connection)
{
    ts_plan plan = ts_plan_none();
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    int64_t had = ts_proxy_count(rig.proxy, connection).from_server;
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    vouch_op *op = feat_start(d, client);
    while (ts_proxy_count(rig.proxy, connection).from_server == had) {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 2);
    }
    return op;
}

/* One of them hears late that it is there to be removed: by then the other has done so, and committed, and
 * what is there is that commit's. */
START_TEST(who_comes_late_to_an_aborted_marker_removes_no_commit)
{
    struct feat d, other;
    rig = feat_rig(_i ? TS_VALKEY : TS_REDIS, TS_UNIX, TS_NO_PERSISTENCE);
    feat_init(&d, &rig, FEAT_BATCH, GUARD_TOKEN);
    vouch_client *client = rig_client(&rig, 3, 0);
    (void)rig_connection_id(client);
    int connection = rig_next_connection(&rig) - 1;
    vouch_client *faster = rig_client(&rig, 2, 0);
    feat_run(&d, client);
    leave_aborted();
    other = d;
    vouch_op *op = ask_and_wait(&d, client, connection);
    feat_run(&other, faster);
    feat_expect(&other, VOUCH_OK, "the faster one", 0);
    ck_assert_int_eq(other.outcome, VOUCH_OUTCOME_COMMITTED);
    ts_proxy_release(rig.proxy, connection);
    rig_drive(client, op);
    feat_finish(&d, op);
    feat_expect(&d, VOUCH_OK, "the later one", 0);
    ck_assert_int_eq(feat_done(&rig), 1);
    ck_assert_int_eq(d.outcome, VOUCH_OUTCOME_ALREADY);
    vouch_client_close(faster);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx settle");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, what_comes_while_it_is_settled_is_a_yes_or_a_no, 0, COURSES);
    tcase_add_loop_test(c, who_comes_late_to_an_aborted_marker_removes_no_commit, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
