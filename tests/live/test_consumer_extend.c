/* What is said of a delivery's entries before they are settled, by vouch_delivery_extend or by a commit of all or none,
 * and that it is no end of them: what is not ours any more takes no room, what is still ours can be settled yet. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#define STREAM "{s}in"
#define LEDGER "{s}ledger"

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
    rig = rig_start(kind % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, kind % 2 ? 2 : 3, 1000);
}

static void end(vouch_consumer *c)
{
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    vouch_client_close(client);
    rig_stop(&rig);
}

static vouch_consumer *open_with(vouch_ack ack, uint32_t batch, uint32_t all_or_none,
                                 uint32_t single)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    vouch_consumer *c = NULL;
    o.ack = ack;
    o.stream = STREAM;
    o.group = "g";
    o.consumer = "w";
    o.batch = o.in_flight = batch;
    o.block_ms = 5;
    o.claim_ms = 60000; /* what is given back is free at once, what a thief has is not */
    o.claim_every_ms = 5;
    o.all_or_none = all_or_none;
    o.single = single;
    expect(vouch_consumer_open(client, &o, &c, &error), VOUCH_OK);
    return c;
}

static vouch_consumer *open_one(vouch_ack ack, uint32_t batch, uint32_t all_or_none)
{
    return open_with(ack, batch, all_or_none, 0);
}

/* All at once: whoever waits in the server gets them together. */
static void add(const char *n)
{
    static const char script[] =
        "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'n', i) end";
    ts_do(rig.server, "EVAL", script, "1", STREAM, n, NULL);
}

/* So many entries, in one delivery. */
static vouch_delivery *poll_for(vouch_consumer *c, size_t n)
{
    vouch_delivery *d = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d;) {
        ck_assert_msg(!ts_passed(limit), "nothing is delivered any more");
        expect(vouch_consumer_poll(c, 20, &d, &error), VOUCH_OK);
    }
    ck_assert_uint_eq(vouch_delivery_count(d), n);
    return d;
}

static void fill(vouch_delivery *d)
{
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        const vouch_entry *e = vouch_delivery_entry(d, i);
        vouch_batch_add(vouch_delivery_effects(d, i), "HINCRBY", LEDGER,
                        vouch_bytes(e->id.data, e->id.size), 1);
    }
}

static void wait_for(vouch_consumer *c, const vouch_delivery *d, size_t i, vouch_verdict v)
{
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); vouch_delivery_verdict(d, i) != v;) {
        vouch_delivery *none = NULL;
        ck_assert_msg(!ts_passed(limit), "its verdict is %d", vouch_delivery_verdict(d, i));
        expect(vouch_consumer_poll(c, 5, &none, &error), VOUCH_OK);
        ck_assert_ptr_null(none);
    }
}

/* XDEL, or XCLAIM by another. */
static void take(const vouch_delivery *d, size_t i, bool deleted)
{
    char id[64];
    vouch_string s = vouch_delivery_entry(d, i)->id;
    (void)snprintf(id, sizeof id, "%.*s", (int)s.size, s.data);
    if (deleted)
        ts_do(rig.server, "XDEL", STREAM, id, NULL);
    else
        ts_do(rig.server, "XCLAIM", STREAM, "g", "thief", "0", id, NULL);
}

static int64_t pending(void)
{
    ts_reply *r = ts_command(rig.server, "XPENDING", STREAM, "g", NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

static vouch_consumer_stats stats_of(const vouch_consumer *c)
{
    vouch_consumer_stats s = VOUCH_CONSUMER_STATS_INIT;
    ck_assert_int_eq(vouch_consumer_stats_read(c, &s), VOUCH_OK);
    return s;
}

#define ACK_OF(i) ((i) / 2 ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER)

/* ---- extending ------------------------------------------------------------------------------ */

/* A server drops a deleted entry from the pending list when somebody claims it, be it its owner. */
START_TEST(extending_tells_what_was_deleted)
{
    begin(_i);
    add("3");
    vouch_consumer *c = open_one(ACK_OF(_i), 3, 0);
    vouch_delivery *d = poll_for(c, 3);
    take(d, 1, true);
    expect(vouch_delivery_extend(d, &error), VOUCH_OK);
    wait_for(c, d, 1, VOUCH_VERDICT_GONE);
    ck_assert_uint_eq(stats_of(c).lost, 1);
    ck_assert_uint_eq(stats_of(c).in_flight, 2);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_DONE);
    ck_assert_int_eq(vouch_delivery_verdict(d, 1), VOUCH_VERDICT_GONE);
    ck_assert_int_eq(vouch_delivery_verdict(d, 2), VOUCH_VERDICT_DONE);
    vouch_delivery_free(d);
    ck_assert_uint_eq(stats_of(c).in_flight, 0);
    expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), 0);
    end(c);
}
END_TEST

START_TEST(what_is_found_fenced_takes_no_room)
{
    begin(_i);
    add("2");
    vouch_consumer *c = open_one(ACK_OF(_i), 2, 0);
    vouch_delivery *d = poll_for(c, 2);
    take(d, 0, false);
    take(d, 1, false);
    expect(vouch_delivery_extend(d, &error), VOUCH_OK);
    wait_for(c, d, 0, VOUCH_VERDICT_FENCED);
    ck_assert_int_eq(vouch_delivery_verdict(d, 1), VOUCH_VERDICT_FENCED);
    ck_assert_uint_eq(stats_of(c).in_flight, 0);
    add("2");
    vouch_delivery *next = poll_for(c, 2);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_FENCED);
    expect(vouch_delivery_commit(next, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(next, 0), VOUCH_VERDICT_DONE);
    vouch_delivery_free(d);
    vouch_delivery_free(next);
    ck_assert_uint_eq(stats_of(c).in_flight, 0);
    end(c);
}
END_TEST

/* Both say so of the same entry: it is settled once. */
START_TEST(what_an_extension_and_a_commit_find_counts_once)
{
    begin(_i);
    add("2");
    vouch_consumer *c = open_one(VOUCH_ACK_EXACTLY_ONCE, 2, 0);
    vouch_delivery *d = poll_for(c, 2);
    fill(d);
    take(d, 0, false);
    expect(vouch_delivery_extend(d, &error), VOUCH_OK);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_FENCED);
    ck_assert_int_eq(vouch_delivery_verdict(d, 1), VOUCH_VERDICT_DONE);
    vouch_delivery_free(d);
    ck_assert_uint_eq(stats_of(c).in_flight, 0);
    add("2");
    d = poll_for(c, 2);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    vouch_delivery_free(d);
    end(c);
}
END_TEST

/* What an extension has found taken is not counted any more; entries of another delivery must not stand in for it. */
START_TEST(what_an_extension_finds_taken_is_not_committed)
{
    begin(_i);
    add("3");
    vouch_consumer *c = open_with(VOUCH_ACK_EXACTLY_ONCE, 3, 0, 1);
    vouch_delivery *d = poll_for(c, 1), *other = poll_for(c, 1);
    fill(d);
    fill(other);
    take(d, 0, false);
    expect(vouch_delivery_extend(d, &error), VOUCH_OK);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_FENCED);
    expect(vouch_delivery_commit(other, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(other, 0), VOUCH_VERDICT_DONE);
    ck_assert_int_eq(ts_int(rig.server, "HLEN", LEDGER, NULL), 1);
    vouch_delivery_free(d);
    vouch_delivery_free(other);
    end(c);
}
END_TEST

/* A commit that was submitted and not answered is not changed any more. */
START_TEST(what_is_being_committed_is_not_given_back)
{
    begin(_i);
    add("2");
    vouch_consumer *c = open_one(VOUCH_ACK_EXACTLY_ONCE, 2, 0);
    vouch_delivery *d = poll_for(c, 2);
    fill(d);
    expect(vouch_delivery_submit(d, &error), VOUCH_OK);
    ck_assert(vouch_delivery_is_open(d));
    expect(vouch_delivery_nack(d, 0, 0, &error), VOUCH_EBUSY);
    expect(vouch_delivery_reject(d, 0, "late", &error), VOUCH_EBUSY);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_DONE);
    vouch_delivery_free(d);
    end(c);
}
END_TEST

/* What is deleted and pending with nobody, in a range of which all else is settled, may have been settled, or not: nobody
 * can say that it was. */
START_TEST(what_was_deleted_and_dropped_is_not_called_settled)
{
    char id[64];
    begin(_i);
    add("3");
    vouch_client *mine = client, *other = rig_client(&rig, 3, 1000);
    client = other;
    vouch_consumer *next = open_one(VOUCH_ACK_EXACTLY_ONCE, 1, 0);
    vouch_delivery *around = poll_for(next, 1);
    client = mine;
    vouch_consumer *c = open_one(VOUCH_ACK_EXACTLY_ONCE, 1, 0);
    vouch_delivery *d = poll_for(c, 1);
    fill(d);
    vouch_string s = vouch_delivery_entry(d, 0)->id;
    (void)snprintf(id, sizeof id, "%.*s", (int)s.size, s.data);
    take(d, 0, true);
    ts_do(rig.server, "XACK", STREAM, "g", id, NULL);
    for (int i = 0; i < 2; i++) {
        expect(vouch_delivery_commit(around, &error), VOUCH_OK);
        ck_assert_int_eq(vouch_delivery_verdict(around, 0), VOUCH_VERDICT_DONE);
        vouch_delivery_free(around);
        around = i ? NULL : poll_for(next, 1);
    }
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_GONE);
    ck_assert_int_eq(ts_int(rig.server, "HLEN", LEDGER, NULL), 0);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(next, RIG_PATIENCE_MS, &error), VOUCH_OK);
    vouch_client_close(other);
    end(c);
}
END_TEST

/* ---- all or none ---------------------------------------------------------------------------- */

static vouch_delivery *held_back(vouch_consumer *c)
{
    vouch_delivery *d = poll_for(c, 3);
    fill(d);
    take(d, 0, false);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_FENCED);
    ck_assert_int_eq(vouch_delivery_verdict(d, 1), VOUCH_VERDICT_HELD);
    ck_assert_int_eq(vouch_delivery_verdict(d, 2), VOUCH_VERDICT_HELD);
    ck_assert_int_eq(ts_int(rig.server, "HLEN", LEDGER, NULL), 0);
    ck_assert_uint_eq(stats_of(c).in_flight, 2);
    return d;
}

START_TEST(what_is_held_can_be_committed_again)
{
    begin(_i);
    add("3");
    vouch_consumer *c = open_one(VOUCH_ACK_EXACTLY_ONCE, 3, 1);
    vouch_delivery *d = held_back(c);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_FENCED);
    ck_assert_int_eq(vouch_delivery_verdict(d, 1), VOUCH_VERDICT_DONE);
    ck_assert_int_eq(vouch_delivery_verdict(d, 2), VOUCH_VERDICT_DONE);
    ck_assert_int_eq(ts_int(rig.server, "HLEN", LEDGER, NULL), 2);
    vouch_delivery_free(d);
    ck_assert_uint_eq(stats_of(c).in_flight, 0);
    ck_assert_int_eq(pending(), 1);
    end(c);
}
END_TEST

START_TEST(what_is_held_is_given_back)
{
    begin(_i);
    add("3");
    vouch_consumer *c = open_one(VOUCH_ACK_EXACTLY_ONCE, 3, 1);
    vouch_delivery *d = held_back(c);
    if (_i / 2) {
        expect(vouch_delivery_nack(d, 1, 0, &error), VOUCH_OK);
        expect(vouch_delivery_nack(d, 2, 0, &error), VOUCH_OK);
    } else {
        vouch_delivery_free(d);
        d = NULL;
    }
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (size_t n = 0; n < 2;) {
        vouch_delivery *again = NULL;
        ck_assert_msg(!ts_passed(limit), "it does not come again");
        expect(vouch_consumer_poll(c, 20, &again, &error), VOUCH_OK);
        if (!again)
            continue;
        fill(again);
        expect(vouch_delivery_commit(again, &error), VOUCH_OK);
        n += vouch_delivery_count(again);
        vouch_delivery_free(again);
    }
    ck_assert_int_eq(ts_int(rig.server, "HLEN", LEDGER, NULL), 2);
    vouch_delivery_free(d);
    ck_assert_uint_eq(stats_of(c).in_flight, 0);
    end(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer extend");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, extending_tells_what_was_deleted, 0, 4);
    tcase_add_loop_test(c, what_is_found_fenced_takes_no_room, 0, 4);
    tcase_add_loop_test(c, what_an_extension_finds_taken_is_not_committed, 0, 2);
    tcase_add_loop_test(c, what_is_being_committed_is_not_given_back, 0, 2);
    tcase_add_loop_test(c, what_an_extension_and_a_commit_find_counts_once, 0, 2);
    tcase_add_loop_test(c, what_was_deleted_and_dropped_is_not_called_settled, 0, 2);
    tcase_add_loop_test(c, what_is_held_can_be_committed_again, 0, 2);
    tcase_add_loop_test(c, what_is_held_is_given_back, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
