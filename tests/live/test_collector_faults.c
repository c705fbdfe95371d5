/* A collector whose connection, server or client goes: each callback once, with the right effect; and
 * what strict_order is for. */
#include "account.h"
#include "ears.h"

#include <stdlib.h>
#include <string.h>

#define PROTOCOL 2 /* without HELLO, which answers with a number that begins anew at a restart */

static struct rig rig;
static struct rig_tally tally;
static vouch_error e;

static ts_server_kind kind_of(int i)
{
    return i ? TS_VALKEY : TS_REDIS;
}

static vouch_collector_options flushes_of(size_t commands, bool strict)
{
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    o.max_commands = commands;
    o.max_age_ms = VOUCH_NO_DEADLINE;
    o.strict_order = strict;
    return o;
}

static void wait_gone(int connection)
{
    ck_assert(ts_proxy_wait_gone(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
}

/* The first flush, of `count` commands, was answered and handed over so far; the commands behind it
 * are a flush of their own. */
static void expect(const struct ears *ears, const struct seen *seen, size_t count, bool strict)
{
    bool doubt = seen->handed > seen->answered;
    size_t handed = doubt ? seen->handed : seen->answered;
    ears_expect(ears, 0, seen->answered, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    ears_expect(ears, seen->answered, handed, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_LOST);
    ears_expect(ears, handed, count, doubt ? VOUCH_NOT_APPLIED : VOUCH_APPLIED,
                doubt ? VOUCH_CAUSE_ORDER : VOUCH_CAUSE_NONE);
    if (doubt && strict)
        ears_expect(ears, count, ears->n, VOUCH_NOT_APPLIED, VOUCH_CAUSE_ORDER);
    else
        ears_expect(ears, count, ears->n, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
}

/* ---- cuts ----------------------------------------------------------------------------------- */

#define CUT_COMMANDS 8

static void cut_once(const struct work *w, ts_direction direction, int64_t bytes, bool strict)
{
    vouch_collector_options o = flushes_of(CUT_COMMANDS, strict);
    struct ears ears = ears_new(CUT_COMMANDS + 4);
    int connection = rig_next_connection(&rig);
    ts_plan plan =
        ts_plan_cut(direction, bytes + (direction == TS_TO_CLIENT ? w->hello_in : w->hello_out));
    ts_proxy_plan(rig.proxy, connection, &plan);
    vouch_client *client = rig_client(&rig, PROTOCOL, 0);
    vouch_collector *c = ears_open(client, &o);
    ears_add_many(&ears, c, 0, ears.n);
    vouch_status status = vouch_collector_close(c, &e);
    vouch_client_close(client);
    wait_gone(connection);
    struct seen seen = account_seen(&rig, connection, w);
    ck_assert_int_eq(status, seen.handed > seen.answered ? VOUCH_EUNKNOWN : VOUCH_OK);
    expect(&ears, &seen, CUT_COMMANDS, strict);
    rig_settle(&rig);
    ears_compare(&rig, &ears, &tally, strict ? "cut, strict" : "cut", bytes);
    rig_flush(&rig);
    ears_free(&ears);
}

START_TEST(a_cut_at_every_byte_is_told_exactly)
{
    vouch_client_options o = rig_options(PROTOCOL, 0);
    struct work w = account_incr(CUT_COMMANDS);
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    account_measure(&rig, &w, &o);
    for (int64_t n = 0; n < CUT_COMMANDS * w.out; n++)
        cut_once(&w, TS_TO_SERVER, n, n % 2 == 0);
    for (int64_t n = 0; n < CUT_COMMANDS * w.in; n++) {
        cut_once(&w, TS_TO_CLIENT, n, false);
        cut_once(&w, TS_TO_CLIENT, n, true);
    }
    ck_assert(tally.applied && tally.not_applied && tally.maybe);
    rig_print(&tally, "cuts");
    rig_stop(&rig);
}
END_TEST

/* ---- kills ---------------------------------------------------------------------------------- */

#define KILL_COMMANDS 600
#define WINDOW        50

/* Killed while so many bytes of the flush have gone one way. What the proxy holds is lost. */
static void kill_once(const struct work *w, int i)
{
    vouch_collector_options o = flushes_of(KILL_COMMANDS, i % 5 == 0);
    struct ears ears = ears_new(KILL_COMMANDS + 50);
    int connection = rig_next_connection(&rig);
    bool to_server = i % 2;
    int64_t at = to_server ? w->hello_out + (int64_t)i * 331 % (KILL_COMMANDS * w->out)
                           : w->hello_in + (int64_t)i * 97 % (KILL_COMMANDS * w->in);
    ts_plan plan = ts_plan_none();
    *(to_server ? &plan.to_server.stall_after : &plan.to_client.stall_after) = at;
    ts_proxy_plan(rig.proxy, connection, &plan);
    vouch_client *client = rig_client(&rig, PROTOCOL, i % 4 < 2 ? WINDOW : 0);
    vouch_collector *c = ears_open(client, &o);
    ears_add_many(&ears, c, 0, ears.n);
    for (int64_t bytes = -1, limit = ts_deadline(RIG_PATIENCE_MS); bytes < at;) {
        ts_proxy_counts counts = ts_proxy_count(rig.proxy, connection);
        bytes = to_server ? counts.to_server : counts.to_client;
        ck_assert(!ts_passed(limit));
        rig_turn(client, 2);
    }
    ts_server_kill(rig.server);
    ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_SETTLE);
    for (int k = 0; k < i % 3; k++)
        (void)!vouch_collector_service(c, &e);
    ck_assert(ts_server_restart(rig.server));
    vouch_status status = vouch_collector_close(c, &e);
    ck_assert_msg(status == VOUCH_OK || status == VOUCH_EUNKNOWN || status == VOUCH_ENOTSENT, "%s",
                  e.message);
    vouch_client_close(client);
    wait_gone(connection);
    struct seen seen = account_seen(&rig, connection, w);
    expect(&ears, &seen, KILL_COMMANDS, o.strict_order);
    ears_compare(&rig, &ears, &tally, "killed", i);
    rig_flush(&rig);
    ears_free(&ears);
}

/* With appendfsync always, what was answered is there after the restart. */
START_TEST(a_kill_in_mid_flush_is_told_exactly)
{
    vouch_client_options o = rig_options(PROTOCOL, 0);
    struct work w = account_incr(KILL_COMMANDS);
    rig = rig_start(kind_of(_i), TS_AOF_ALWAYS);
    account_measure(&rig, &w, &o);
    for (int i = 0; i < 30; i++)
        kill_once(&w, i);
    ck_assert(tally.applied && tally.not_applied && tally.maybe);
    rig_print(&tally, "kills");
    rig_stop(&rig);
}
END_TEST

/* ---- ends ----------------------------------------------------------------------------------- */

/* The deadline passes with some handed over: at close, with one flush under way and one gathered. */
START_TEST(a_deadline_is_told_to_everybody)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 20);
    vouch_collector_options o = flushes_of(100, false);
    struct ears ears = ears_new(150);
    o.deadline_ms = 60;
    vouch_collector *c = ears_open(client, &o);
    (void)rig_connection_id(client);
    ck_assert(ts_server_pause(rig.server));
    ears_add_many(&ears, c, 0, 150);
    int64_t start = ts_now_ms();
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_EUNKNOWN);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_DEADLINE);
    ck_assert_int_lt(ts_now_ms() - start, RIG_PATIENCE_MS);
    vouch_client_close(client);
    ck_assert(ts_server_resume(rig.server));
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    rig_settle(&rig);
    ears_expect(&ears, 0, 20, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_DEADLINE);
    ears_expect(&ears, 20, 100, VOUCH_NOT_APPLIED, VOUCH_CAUSE_DEADLINE);
    ears_compare(&rig, &ears, &tally, "deadline", 0);
    ears_free(&ears);
    rig_stop(&rig);
}
END_TEST

START_TEST(an_interrupted_flush_is_told)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_collector_options o = flushes_of(100, true);
    struct ears ears = ears_new(10);
    vouch_collector *c = ears_open(client, &o);
    ears_add_many(&ears, c, 0, 10);
    vouch_client_interrupt(client);
    ck_assert_int_eq(vouch_collector_flush(c, &e), VOUCH_EINTERRUPTED);
    ears_expect(&ears, 0, 10, VOUCH_NOT_APPLIED, VOUCH_CAUSE_INTERRUPTED);
    ck_assert(vouch_collector_is_held(c));
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_OK);
    ears_free(&ears);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* The client is closed with a flush under way: as if cancelled. */
START_TEST(a_client_closed_in_mid_flush_loses_nobody)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 20);
    vouch_collector_options o = flushes_of(100, false);
    struct ears ears = ears_new(150);
    vouch_collector *c = ears_open(client, &o);
    (void)rig_connection_id(client);
    ck_assert(ts_server_pause(rig.server));
    ears_add_many(&ears, c, 0, 150);
    vouch_client_close(client);
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_EUNKNOWN);
    ck_assert(ts_server_resume(rig.server));
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    rig_settle(&rig);
    ears_expect(&ears, 0, 20, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_CANCELLED);
    ears_expect(&ears, 20, 150, VOUCH_NOT_APPLIED, VOUCH_CAUSE_CANCELLED);
    ears_compare(&rig, &ears, &tally, "client closed", 0);
    ears_free(&ears);
    rig_stop(&rig);
}
END_TEST

/* ---- order ---------------------------------------------------------------------------------- */

/* What reaches the server late: a connection that hands over everything behind the handshake, but to
 * nobody. */
struct late {
    int connection;
    int64_t hello_out;
};

static vouch_client *late_client(struct late *late, uint32_t window)
{
    vouch_client_options o = rig_options(PROTOCOL, window);
    struct work w = account_incr(1);
    ts_plan plan = ts_plan_none();
    account_measure(&rig, &w, &o);
    plan.to_server.stall_after = late->hello_out = w.hello_out;
    late->connection = rig_next_connection(&rig);
    ts_proxy_plan(rig.proxy, late->connection, &plan);
    return rig_open(&rig, &o);
}

/* Ends the flush under way when this command of it has been handed over. */
static void leave_in_doubt(const struct late *late, vouch_client *client, vouch_collector *c,
                           const char *command)
{
    int64_t all = late->hello_out + (int64_t)strlen(command), limit = ts_deadline(RIG_PATIENCE_MS);
    while (ts_proxy_count(rig.proxy, late->connection).from_client < all) {
        ck_assert(!ts_passed(limit));
        ears_turn(client, c);
    }
    vouch_client_interrupt(client);
    ck_assert_int_eq(vouch_collector_flush(c, &e), VOUCH_EUNKNOWN);
}

/* What the proxy holds arrives at last, and is run. */
static void let_arrive(const struct late *late)
{
    ts_proxy_release(rig.proxy, late->connection);
    ck_assert(ts_proxy_wait_closed(rig.proxy, late->connection, ts_deadline(RIG_PATIENCE_MS)));
}

static void set(struct ears *ears, vouch_collector *c, size_t i, const char *value)
{
    ears->v[i].all = ears;
    ck_assert_int_eq(vouch_collector_add(c, ears_hear, &ears->v[i], "SET", "k", value), VOUCH_OK);
}

static void check_value(const char *expected)
{
    char *value = ts_text(rig.server, "GET", "k", NULL);
    ck_assert_pstr_eq(value, expected);
    free(value);
}

/* A write in doubt lands after one that was added later: the older value stays. With strict_order the
 * later one waits until its caller says so. */
START_TEST(a_late_write_lands_behind_a_newer_one_unless_strict)
{
    struct late late;
    bool strict = _i % 2;
    rig = rig_start(kind_of(_i / 2), TS_NO_PERSISTENCE);
    vouch_client *client = late_client(&late, 0);
    vouch_collector_options o = flushes_of(1, strict);
    struct ears ears = ears_new(2);
    vouch_collector *c = ears_open(client, &o);
    set(&ears, c, 0, "old");
    leave_in_doubt(&late, client, c, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nold\r\n");
    ears_expect(&ears, 0, 1, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_INTERRUPTED);
    ck_assert_int_eq(vouch_collector_is_held(c), strict);
    set(&ears, c, 1, "new");
    vouch_status status = vouch_collector_flush(c, &e);
    ck_assert_int_eq(status, strict ? VOUCH_ENOTSENT : VOUCH_OK);
    ck_assert(!strict || e.cause == VOUCH_CAUSE_ORDER);
    ck_assert_uint_eq(vouch_collector_pending(c), strict);
    check_value(strict ? NULL : "new");
    let_arrive(&late);
    check_value("old");
    if (strict) {
        ck_assert_int_eq(vouch_collector_due_ms(c), -1);
        vouch_collector_resume(c);
        ck_assert_int_eq(vouch_collector_flush(c, &e), VOUCH_OK);
        check_value("new");
    }
    ears_expect(&ears, 1, 2, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_OK);
    ears_free(&ears);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

static void push(struct ears *ears, vouch_collector *c, size_t i)
{
    ears->v[i].all = ears;
    ck_assert_int_eq(vouch_collector_add(c, ears_hear, &ears->v[i], "RPUSH", "l", i), VOUCH_OK);
}

/* One in doubt, one held back, one gathered. The first is settled; the others are taken back, and added
 * again in their order. */
START_TEST(what_is_held_can_be_taken_back)
{
    struct late late;
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client *client = late_client(&late, 1);
    vouch_collector_options o = flushes_of(2, true);
    struct ears ears = ears_new(3);
    vouch_collector *c = ears_open(client, &o);
    push(&ears, c, 0);
    push(&ears, c, 1);
    leave_in_doubt(&late, client, c, "*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\n0\r\n");
    push(&ears, c, 2);
    ck_assert_int_eq(vouch_collector_discard(c, &e), VOUCH_OK);
    ears_expect(&ears, 0, 1, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_INTERRUPTED);
    ears_expect(&ears, 1, 2, VOUCH_NOT_APPLIED, VOUCH_CAUSE_INTERRUPTED);
    ears_expect(&ears, 2, 3, VOUCH_NOT_APPLIED, VOUCH_CAUSE_ORDER);
    ck_assert(vouch_collector_is_held(c));
    push(&ears, c, 1);
    push(&ears, c, 2);
    let_arrive(&late);
    ck_assert_int_eq(ts_int(rig.server, "LLEN", "l", NULL), 1); /* it is applied after all */
    vouch_collector_resume(c);
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_OK);
    for (int i = 0; i < 3; i++) {
        char at[2] = {(char)('0' + i), 0};
        ck_assert_int_eq(ts_int(rig.server, "LINDEX", "l", at, NULL), i);
    }
    ck_assert_int_eq(ts_int(rig.server, "LLEN", "l", NULL), 3);
    ears_free(&ears);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* TIME comes first. Behind a refused command it would be executed, and the refusal be final. */
START_TEST(a_passing_refusal_is_tried_again_under_times_eyes)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_collector_options o = flushes_of(3, false);
    struct ears ears = ears_new(3);
    o.server_time = 1;
    o.outages = 100000;
    vouch_collector *c = ears_open(client, &o);
    (void)rig_connection_id(client);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    int64_t before = ts_proxy_count(rig.proxy, TS_EVERY).to_client;
    ears_add_many(&ears, c, 0, 3);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS);
         ts_proxy_count(rig.proxy, TS_EVERY).to_client < before + 1000;) {
        ck_assert(!ts_passed(limit) && !ears.heard);
        ears_turn(client, c);
    }
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    ears_wait(&ears, client, c, 3);
    ears_expect(&ears, 0, 3, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    ck_assert_uint_gt(ears.v[0].result.attempts, 1);
    ck_assert_int_gt(ears.v[0].server_us, 0);
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_OK);
    ears_free(&ears);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collector, faults");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, a_cut_at_every_byte_is_told_exactly, 0, 2);
    tcase_add_loop_test(c, a_kill_in_mid_flush_is_told_exactly, 0, 2);
    tcase_add_loop_test(c, a_deadline_is_told_to_everybody, 0, 2);
    tcase_add_loop_test(c, an_interrupted_flush_is_told, 0, 2);
    tcase_add_loop_test(c, a_client_closed_in_mid_flush_loses_nobody, 0, 2);
    tcase_add_loop_test(c, a_late_write_lands_behind_a_newer_one_unless_strict, 0, 4);
    tcase_add_loop_test(c, what_is_held_can_be_taken_back, 0, 2);
    tcase_add_loop_test(c, a_passing_refusal_is_tried_again_under_times_eyes, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
