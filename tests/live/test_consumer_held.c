/* A commit that says how many entries its consumer holds is believed without a look at each: so it may only be said
 * while nobody else can make the numbers fit. Here they fit. The server has delivered entries of which the consumer does
 * not know yet, or never will, since the answer is held back or lost; and exactly as many were taken from it. Whoever
 * believes in numbers applies what was taken once more. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM "{shop}orders"
#define LEDGER "{shop}ledger"
#define FEW    INT64_C(3) /* held; as many come unseen, and are taken */

static struct rig rig;
static vouch_client *client;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin(int kind)
{
    rig = rig_start(kind ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, kind ? 2 : 3, 1000);
}

/* It waits in the server for as long as the test needs, and claims nothing. */
static vouch_consumer_options options(void)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    o.ack = VOUCH_ACK_EXACTLY_ONCE;
    o.stream = STREAM;
    o.group = "ledger";
    o.batch = FEW;
    o.in_flight = 2 * FEW;
    o.prefetch = 1;
    o.block_ms = 10000;
    o.claim_ms = VOUCH_NO_DEADLINE;
    return o;
}

static vouch_consumer *open_one(const char *name, const vouch_consumer_options *given)
{
    vouch_consumer_options o = *given;
    vouch_consumer *c = NULL;
    o.consumer = name;
    expect(vouch_consumer_open(client, &o, &c, &error), VOUCH_OK);
    return c;
}

/* All at once: whoever waits in the server gets them together. */
static void add(const char *n)
{
    static const char script[] =
        "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'n', i) end";
    ts_do(rig.server, "EVAL", script, "1", STREAM, n, NULL);
}

/* ---- what the server has -------------------------------------------------------------------- */

static int64_t pending_with(const char *what)
{
    ts_reply *r = ts_command(rig.server, "XPENDING", STREAM, "ledger", NULL);
    int64_t n = 0;
    if (!what)
        n = r->count ? r->elements[0]->integer : 0;
    for (size_t i = 0; what && r->count == 4 && i < r->elements[3]->count; i++) {
        const ts_reply *one = r->elements[3]->elements[i];
        if (strncmp(one->elements[0]->text, what, strlen(what)) == 0)
            n += strtoll(one->elements[1]->text, NULL, 10);
    }
    ts_reply_free(r);
    return n;
}

static void wait_until_blocked(void)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool blocked = false; !blocked;) {
        char *n = ts_info(rig.server, "clients", "blocked_clients");
        blocked = n && strcmp(n, "1") == 0;
        free(n);
        ck_assert_msg(blocked || ts_look_again(limit), "nobody waits in the server");
    }
}

static void wait_until_held(int64_t n)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (pending_with("w:") != n)
        ck_assert_msg(ts_look_again(limit), "%lld entries are held, not %lld",
                      (long long)pending_with("w:"), (long long)n);
}

/* ---- connections ---------------------------------------------------------------------------- */

static void stall_answers(int connection)
{
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, connection, &plan);
}

/* The connection, but not this one, of which an answer is held back, as soon as there is one. */
static int find_stalled(int but)
{
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS);;) {
        for (int i = 0; i < rig_next_connection(&rig); i++) {
            ts_proxy_counts n = ts_proxy_count(rig.proxy, i);
            if (i != but && n.from_server > n.to_client)
                return i;
        }
        ck_assert_msg(ts_look_again(limit), "no answer is held back");
    }
}

static void cut(int connection)
{
    ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_SETTLE);
}

/* ---- deliveries ----------------------------------------------------------------------------- */

static vouch_delivery *poll_for(vouch_consumer *c)
{
    vouch_delivery *d = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d;) {
        ck_assert(!ts_passed(limit));
        vouch_status status = vouch_consumer_poll(c, 1000, &d, &error);
        ck_assert_msg(status == VOUCH_OK || error.retriable, "%s", error.message);
    }
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        const vouch_entry *e = vouch_delivery_entry(d, i);
        vouch_batch_add(vouch_delivery_effects(d, i), "HINCRBY", LEDGER,
                        vouch_bytes(e->id.data, e->id.size), 1);
    }
    return d;
}

static void poll_for_nothing(vouch_consumer *c)
{
    vouch_delivery *none = NULL;
    expect(vouch_consumer_poll(c, 1, &none, &error), VOUCH_OK);
    ck_assert_ptr_null(none);
}

/* Until it has noticed that an answer is lost. */
static void poll_for_trouble(vouch_consumer *c)
{
    vouch_delivery *none = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS);;) {
        ck_assert(!ts_passed(limit));
        vouch_status status = vouch_consumer_poll(c, 5, &none, &error);
        ck_assert_ptr_null(none);
        if (status)
            return;
    }
}

static void steal(const vouch_delivery *d)
{
    char id[64];
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        vouch_string s = vouch_delivery_entry(d, i)->id;
        (void)snprintf(id, sizeof id, "%.*s", (int)s.size, s.data);
        ts_do(rig.server, "XCLAIM", STREAM, "ledger", "thief", "0", id, NULL);
    }
}

static void commit_and_free(vouch_delivery *d, vouch_verdict want)
{
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    for (size_t i = 0; i < vouch_delivery_count(d); i++)
        ck_assert_int_eq(vouch_delivery_verdict(d, i), want);
    vouch_delivery_free(d);
}

/* ---- the ends ------------------------------------------------------------------------------- */

/* Each of n entries was applied once; what nobody has applied yet another consumer finds. */
static void end(vouch_consumer *c, int64_t n)
{
    vouch_consumer_options o = options();
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    add("1"); /* whoever waits in the server comes back */
    n++;
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    o.block_ms = 5;
    o.claim_ms = 1;
    c = open_one("last", &o);
    while (ts_int(rig.server, "HLEN", LEDGER, NULL) < n || pending_with(NULL)) {
        vouch_delivery *d = NULL;
        ck_assert_msg(!ts_passed(limit), "entries are lost");
        expect(vouch_consumer_poll(c, 5, &d, &error), VOUCH_OK);
        vouch_delivery_free(d); /* comes again */
        if (d)
            commit_and_free(poll_for(c), VOUCH_VERDICT_DONE);
    }
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ts_reply *r = ts_command(rig.server, "HVALS", LEDGER, NULL);
    ck_assert_int_eq((int64_t)r->count, n);
    for (size_t i = 0; i < r->count; i++)
        ck_assert_str_eq(r->elements[i]->text, "1");
    ts_reply_free(r);
    vouch_client_close(client);
    rig_stop(&rig);
}

/* ---- reads ---------------------------------------------------------------------------------- */

/* Entries come whose arrival the consumer does not hear of; answers the connection that says so. */
static int deliver_unseen(vouch_consumer *c, const char *n)
{
    poll_for_nothing(c);
    wait_until_blocked();
    int64_t held = pending_with("w:");
    for (int i = 0; i < rig_next_connection(&rig); i++)
        stall_answers(i);
    add(n);
    wait_until_held(held + strtoll(n, NULL, 10));
    int reading = find_stalled(-1);
    for (int i = 0; i < rig_next_connection(&rig); i++)
        if (i != reading)
            ts_proxy_release(rig.proxy, i);
    return reading;
}

START_TEST(nothing_is_counted_on_while_a_read_is_under_way)
{
    begin(_i);
    vouch_consumer_options o = options();
    add("3");
    vouch_consumer *c = open_one("w", &o);
    vouch_delivery *d = poll_for(c);
    ck_assert_uint_eq(vouch_delivery_count(d), FEW);
    int reading = deliver_unseen(c, "3");
    steal(d);
    wait_until_held(FEW);
    commit_and_free(d, VOUCH_VERDICT_FENCED);
    ck_assert_int_eq(ts_int(rig.server, "HLEN", LEDGER, NULL), 0);
    ts_proxy_release(rig.proxy, reading);
    d = poll_for(c);
    ck_assert_uint_eq(vouch_delivery_count(d), FEW);
    commit_and_free(d, VOUCH_VERDICT_DONE);
    end(c, 2 * FEW);
}
END_TEST

/* The old incarnation is committed for when the next one has read already: all that may be held is, and nothing is
 * under way. */
START_TEST(nothing_is_counted_on_after_a_read_was_lost)
{
    begin(_i);
    vouch_consumer_options o = options();
    add("3");
    vouch_consumer *c = open_one("w", &o);
    vouch_delivery *d = poll_for(c);
    int reading = deliver_unseen(c, "3");
    steal(d);
    cut(reading);
    poll_for_trouble(c);
    add("3");
    vouch_delivery *next = poll_for(c);
    ck_assert_uint_eq(vouch_delivery_count(next), FEW);
    poll_for_nothing(c);
    wait_until_held(2 * FEW);
    commit_and_free(d, VOUCH_VERDICT_FENCED);
    ck_assert_int_eq(ts_int(rig.server, "HLEN", LEDGER, NULL), 0);
    commit_and_free(next, VOUCH_VERDICT_DONE);
    end(c, 3 * FEW);
}
END_TEST

/* What the caller is slow with is with an incarnation that is over, and for longer than others may have it. */
START_TEST(a_consumer_claims_nothing_from_itself)
{
    begin(_i);
    vouch_consumer_options o = options();
    o.claim_ms = 20;
    o.claim_every_ms = 5;
    add("3");
    vouch_consumer *c = open_one("w", &o);
    vouch_delivery *d = poll_for(c), *none = NULL;
    cut(deliver_unseen(c, "1"));
    poll_for_trouble(c);
    ts_reply *idle = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !idle || idle->count < FEW + 1;) {
        ck_assert(!ts_passed(limit));
        vouch_status status = vouch_consumer_poll(c, 5, &none, &error);
        ck_assert(status == VOUCH_OK || error.retriable);
        ck_assert_ptr_null(none);
        ts_reply_free(idle);
        idle = ts_command(rig.server, "XPENDING", STREAM, "ledger", "IDLE", "200", "-", "+", "9",
                          NULL);
    }
    ts_reply_free(idle);
    commit_and_free(d, VOUCH_VERDICT_DONE);
    d = poll_for(c); /* what it did not hear of, now that it has left its former self */
    ck_assert_uint_eq(vouch_delivery_count(d), 1);
    commit_and_free(d, VOUCH_VERDICT_DONE);
    end(c, FEW + 1);
}
END_TEST

/* So that there is a connection for commits, and the server knows their script. */
static void commit_beside_a_read(vouch_consumer *c)
{
    add("1");
    vouch_delivery *d = poll_for(c);
    poll_for_nothing(c);
    wait_until_blocked();
    commit_and_free(d, VOUCH_VERDICT_DONE);
}

/* Commits wait behind one whose answer is late; the read ends meanwhile, and the incarnation cannot: what it holds is
 * being committed. */
START_TEST(nothing_is_counted_on_if_a_read_is_lost_between_commits)
{
    begin(_i);
    vouch_consumer_options o = options();
    vouch_delivery *d[3];
    o.single = 1;
    add("3");
    vouch_consumer *c = open_one("w", &o);
    for (size_t i = 0; i < 3; i++)
        d[i] = poll_for(c);
    commit_beside_a_read(c);
    int reading = deliver_unseen(c, "2");
    steal(d[1]);
    steal(d[2]);
    for (int i = 0; i < rig_next_connection(&rig); i++)
        if (i != reading)
            stall_answers(i);
    for (size_t i = 0; i < 3; i++)
        expect(vouch_delivery_submit(d[i], &error), VOUCH_OK);
    poll_for_nothing(c);
    wait_until_held(2); /* the first is settled, and nobody knows */
    (void)find_stalled(reading);
    cut(reading);
    poll_for_trouble(c);
    ts_proxy_release(rig.proxy, TS_EVERY);
    commit_and_free(d[0], VOUCH_VERDICT_DONE);
    commit_and_free(d[1], VOUCH_VERDICT_FENCED);
    commit_and_free(d[2], VOUCH_VERDICT_FENCED);
    ck_assert_int_eq(ts_int(rig.server, "HLEN", LEDGER, NULL), 2);
    end(c, 1 + FEW + 2);
}
END_TEST

/* ---- claims --------------------------------------------------------------------------------- */

static void leave_behind(const char *n)
{
    ts_do(rig.server, "XREADGROUP", "GROUP", "ledger", "dead", "COUNT", n, "STREAMS", STREAM, ">",
          NULL);
    ts_reply *r = ts_command(rig.server, "XPENDING", STREAM, "ledger", "-", "+", n, "dead", NULL);
    for (size_t i = 0; i < r->count; i++)
        ts_do(rig.server, "XCLAIM", STREAM, "ledger", "dead", "0",
              r->elements[i]->elements[0]->text, "IDLE", "1000000", "JUSTID", NULL);
    ts_reply_free(r);
}

/* The server learns the script by which consumers claim: else its first answer is that it does not know it. */
static void teach_claims(const vouch_consumer_options *o)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    vouch_consumer *c = open_one("early", o);
    for (bool known = false; !known;) {
        poll_for_nothing(c);
        char *calls = ts_info(rig.server, "commandstats", "cmdstat_xpending");
        known = calls != NULL;
        free(calls);
        ck_assert_msg(known || !ts_passed(limit), "nobody claims");
    }
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    vouch_client_close(client);
    client = rig_client(&rig, 3, 1000);
}

/* _i / 2: the consumer hears of the loss before the commit, or only as it commits. */
START_TEST(nothing_is_counted_on_after_a_claim_was_lost)
{
    begin(_i % 2);
    vouch_consumer_options o = options();
    o.prefetch = 0;
    o.claim_ms = 60000;
    o.claim_every_ms = 3600000;
    o.block_ms = 20;
    teach_claims(&o);
    vouch_consumer *c = open_one("w", &o); /* its first look is not made yet: nothing is sent */
    add("6");
    leave_behind("3");
    stall_answers(rig_next_connection(&rig) - 1); /* the read goes by another */
    vouch_delivery *d = poll_for(c);
    ck_assert_uint_eq(vouch_delivery_count(d), FEW);
    wait_until_held(2 * FEW);
    steal(d);
    cut(find_stalled(-1));
    if (_i / 2)
        poll_for_trouble(c);
    commit_and_free(d, VOUCH_VERDICT_FENCED);
    ck_assert_int_eq(ts_int(rig.server, "HLEN", LEDGER, NULL), 0);
    end(c, 2 * FEW);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer held");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, nothing_is_counted_on_while_a_read_is_under_way, 0, 2);
    tcase_add_loop_test(c, nothing_is_counted_on_after_a_read_was_lost, 0, 2);
    tcase_add_loop_test(c, a_consumer_claims_nothing_from_itself, 0, 2);
    tcase_add_loop_test(c, nothing_is_counted_on_if_a_read_is_lost_between_commits, 0, 2);
    tcase_add_loop_test(c, nothing_is_counted_on_after_a_claim_was_lost, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
