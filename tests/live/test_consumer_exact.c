/* Exactly once: whatever happens to a consumer, to its connection and to its group, each entry's effects are
 * applied once. The ledger has a field for each entry that counts how often. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    client = rig_client(&rig, 3, 1000);
}

static void end(void)
{
    vouch_client_close(client);
    rig_stop(&rig);
}

static vouch_consumer_options options(void)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    o.ack = VOUCH_ACK_EXACTLY_ONCE;
    o.stream = "{shop}orders";
    o.group = "ledger";
    o.block_ms = 20;
    o.claim_ms = 50;
    return o;
}

static vouch_consumer *open_on(vouch_client *on, const char *name,
                               const vouch_consumer_options *given)
{
    vouch_consumer_options o = given ? *given : options();
    vouch_consumer *c = NULL;
    o.consumer = name;
    expect(vouch_consumer_open(on, &o, &c, &error), VOUCH_OK);
    return c;
}

static void add(int n)
{
    for (int i = 0; i < n; i++)
        ts_do(rig.server, "XADD", "{shop}orders", "*", "n", "1", NULL);
}

static vouch_delivery *poll_for(vouch_consumer *c)
{
    vouch_delivery *d = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d;) {
        ck_assert(!ts_passed(limit));
        vouch_status status = vouch_consumer_poll(c, 1000, &d, &error);
        ck_assert_msg(status == VOUCH_OK || error.retriable, "%s: %s", vouch_status_name(status),
                      error.message);
    }
    return d;
}

static void fill(vouch_delivery *d)
{
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        const vouch_entry *e = vouch_delivery_entry(d, i);
        vouch_batch *b = vouch_delivery_effects(d, i);
        if (e->lost)
            continue;
        ck_assert_ptr_nonnull(b);
        vouch_batch_add(b, "HINCRBY", "{shop}ledger", vouch_bytes(e->id.data, e->id.size), 1);
        vouch_batch_add(b, "INCR", "{shop}sum");
    }
}

static size_t count(const vouch_delivery *d, vouch_verdict v)
{
    size_t n = 0;
    for (size_t i = 0; i < vouch_delivery_count(d); i++)
        n += vouch_delivery_verdict(d, i) == v;
    return n;
}

/* So many entries, each once. */
static void check_ledger(int64_t n)
{
    ts_reply *r = ts_command(rig.server, "HVALS", "{shop}ledger", NULL);
    ck_assert_int_eq((int64_t)r->count, n);
    for (size_t i = 0; i < r->count; i++)
        ck_assert_str_eq(r->elements[i]->text, "1");
    ts_reply_free(r);
    ck_assert_int_eq(ts_int(rig.server, "GET", "{shop}sum", NULL), n);
}

static int64_t pending(void)
{
    ts_reply *r = ts_command(rig.server, "XPENDING", "{shop}orders", "ledger", NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

static void handle(vouch_consumer *c, size_t n)
{
    for (size_t seen = 0; seen < n;) {
        vouch_delivery *d = poll_for(c);
        fill(d);
        expect(vouch_delivery_commit(d, &error), VOUCH_OK);
        seen += count(d, VOUCH_VERDICT_DONE);
        vouch_delivery_free(d);
    }
}

START_TEST(effects_come_with_the_acknowledgement)
{
    begin(_i);
    add(250);
    vouch_consumer *c = open_on(client, "w", NULL);
    handle(c, 250);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    check_ledger(250);
    ck_assert_int_eq(pending(), 0);
    end();
}
END_TEST

/* It sleeps, others claim what it has; when it wakes nothing of what it commits is applied. */
START_TEST(a_zombie_is_fenced)
{
    begin(_i);
    vouch_client *other = rig_client(&rig, 3, 1000);
    add(10);
    vouch_consumer *zombie = open_on(client, "w", NULL);
    vouch_delivery *late = poll_for(zombie);
    ck_assert_uint_eq(vouch_delivery_count(late), 10);
    fill(late);
    vouch_consumer *c = open_on(other, "w", NULL);
    vouch_delivery *taken = poll_for(c);
    ck_assert_uint_eq(vouch_delivery_count(taken), 10);
    expect(vouch_delivery_commit(late, &error), VOUCH_OK);
    ck_assert_uint_eq(count(late, VOUCH_VERDICT_FENCED), 10);
    fill(taken);
    expect(vouch_delivery_commit(taken, &error), VOUCH_OK);
    ck_assert_uint_eq(count(taken, VOUCH_VERDICT_DONE), 10);
    vouch_delivery_free(late);
    vouch_delivery_free(taken);
    check_ledger(10);
    add(5);
    late = poll_for(zombie);
    fill(late);
    handle(c, 5);
    expect(vouch_delivery_commit(late, &error), VOUCH_OK);
    ck_assert_uint_eq(count(late, VOUCH_VERDICT_ALREADY), vouch_delivery_count(late));
    vouch_delivery_free(late);
    expect(vouch_consumer_close(zombie, 5000, &error), VOUCH_OK);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    vouch_client_close(other);
    check_ledger(15);
    end();
}
END_TEST

static void destroy_group(void)
{
    ts_do(rig.server, "XGROUP", "DESTROY", "{shop}orders", "ledger", NULL);
}

START_TEST(a_group_that_is_lost_is_made_again_from_what_is_settled)
{
    begin(_i);
    vouch_consumer_options o = options();
    o.batch = 10;
    o.in_flight = 10;
    add(100);
    vouch_consumer *c = open_on(client, "w", &o);
    handle(c, 50);
    vouch_delivery *d = poll_for(c);
    fill(d);
    destroy_group();
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_uint_eq(count(d, VOUCH_VERDICT_RESET), 10);
    vouch_delivery_free(d);
    handle(c, 50);
    destroy_group();
    add(20);
    handle(c, 20);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    check_ledger(120);
    ck_assert_int_eq(pending(), 0);
    end();
}
END_TEST

/* One that has committed elsewhere holds the low-water mark back: what is in between is not applied twice. */
START_TEST(nothing_in_between_comes_twice)
{
    begin(_i);
    vouch_client *other = rig_client(&rig, 3, 1000);
    vouch_consumer_options o = options();
    o.batch = 10;
    o.in_flight = 10;
    o.claim_ms = 60000;
    add(60);
    vouch_consumer *slow = open_on(client, "slow", &o), *c = open_on(other, "fast", &o);
    vouch_delivery *d = poll_for(slow);
    fill(d);
    handle(c, 50);
    destroy_group();
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_uint_eq(count(d, VOUCH_VERDICT_RESET), 10);
    vouch_delivery_free(d);
    handle(slow, 10);
    expect(vouch_consumer_close(slow, 5000, &error), VOUCH_OK);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    vouch_client_close(other);
    check_ledger(60);
    end();
}
END_TEST

static void drop_all_consumers(void)
{
    ts_reply *r = ts_command(rig.server, "XINFO", "CONSUMERS", "{shop}orders", "ledger", NULL);
    for (size_t i = 0; i < r->count; i++)
        ts_do(rig.server, "XGROUP", "DELCONSUMER", "{shop}orders", "ledger",
              r->elements[i]->elements[1]->text, NULL);
    ts_reply_free(r);
}

/* Somebody deletes consumers that have entries: these are pending with nobody, and come again all the same. */
START_TEST(what_a_deleted_consumer_had_is_found)
{
    begin(_i);
    add(20);
    vouch_consumer *c = open_on(client, "w", NULL);
    vouch_delivery *d = poll_for(c);
    fill(d);
    drop_all_consumers();
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    ck_assert_uint_eq(count(d, VOUCH_VERDICT_GONE), 20);
    vouch_delivery_free(d);
    d = poll_for(c);
    drop_all_consumers();
    vouch_client *other = rig_client(&rig, 3, 1000);
    vouch_consumer *next = open_on(other, "w", NULL);
    handle(next, 20);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    expect(vouch_consumer_close(next, 5000, &error), VOUCH_OK);
    vouch_client_close(other);
    check_ledger(20);
    ck_assert_int_eq(pending(), 0);
    end();
}
END_TEST

/* An entry that could not be given back is still with us as the server counts, and is not to stand in for one that was
 * taken from us. */
START_TEST(what_could_not_be_given_back_is_not_counted_on)
{
    begin(_i);
    vouch_client_options co = rig_options(3, 1000);
    co.deadline_ms = 1000;
    vouch_client *hasty = rig_open(&rig, &co);
    add(5);
    vouch_consumer *c = open_on(hasty, "w", NULL);
    vouch_delivery *d = poll_for(c), *none = NULL;
    ck_assert_uint_eq(vouch_delivery_count(d), 5);
    fill(d);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    expect(vouch_delivery_nack(d, 0, 0, &error), VOUCH_OK);
    while (vouch_consumer_poll(c, 100, &none, &error) == VOUCH_OK)
        ck_assert_ptr_null(none);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    vouch_string taken = vouch_delivery_entry(d, 4)->id;
    char id[64];
    (void)snprintf(id, sizeof id, "%.*s", (int)taken.size, taken.data);
    ts_do(rig.server, "XCLAIM", "{shop}orders", "ledger", "thief", "0", id, NULL);
    while (vouch_delivery_commit(d, &error) != VOUCH_OK)
        ck_assert_msg(error.retriable, "%s", error.message);
    ck_assert_int_eq(vouch_delivery_verdict(d, 4), VOUCH_VERDICT_FENCED);
    ck_assert_uint_eq(count(d, VOUCH_VERDICT_DONE), 3);
    vouch_delivery_free(d);
    handle(c, 2);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    vouch_client_close(hasty);
    check_ledger(5);
    end();
}
END_TEST

/* Entries that were deleted while they were worked on: whoever gives them back is told, and what one who leaves had is
 * told to the next. */
START_TEST(what_is_given_back_and_is_not_there_is_told)
{
    begin(_i);
    vouch_consumer_stats stats = VOUCH_CONSUMER_STATS_INIT;
    add(3);
    vouch_consumer *c = open_on(client, "w", NULL);
    vouch_delivery *d = poll_for(c), *none = NULL;
    ck_assert_uint_eq(vouch_delivery_count(d), 3);
    ts_do(rig.server, "XTRIM", "{shop}orders", "MAXLEN", "0", NULL);
    expect(vouch_delivery_nack(d, 0, 0, &error), VOUCH_OK);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !stats.lost;) {
        ck_assert(!ts_passed(limit));
        expect(vouch_consumer_poll(c, 10, &none, &error), VOUCH_OK);
        ck_assert_ptr_null(none);
        ck_assert_int_eq(vouch_consumer_stats_read(c, &stats), VOUCH_OK);
    }
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_GONE);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    vouch_delivery_free(d);
    ck_assert_int_eq(pending(), 2);
    c = open_on(client, "w", NULL);
    for (size_t lost = 0; lost < 2;) {
        d = poll_for(c);
        for (size_t i = 0; i < vouch_delivery_count(d); i++)
            lost += vouch_delivery_entry(d, i)->lost;
        vouch_delivery_free(d);
    }
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), 0);
    end();
}
END_TEST

/* What is settled may be said of a range that held an entry which was deleted: that one was not, and nobody says so. */
START_TEST(what_was_deleted_is_not_called_settled)
{
    begin(_i);
    vouch_client *other = rig_client(&rig, 3, 1000);
    vouch_consumer_options o = options();
    o.batch = o.in_flight = 1;
    o.claim_ms = 60000;
    add(1);
    vouch_consumer *slow = open_on(client, "slow", &o), *c = open_on(other, "fast", &o);
    vouch_delivery *d = poll_for(slow);
    fill(d);
    ts_do(rig.server, "XTRIM", "{shop}orders", "MAXLEN", "0", NULL);
    add(2);
    handle(c, 2);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    bool done =
        vouch_delivery_verdict(d, 0) == VOUCH_VERDICT_DONE; /* the range did not hold it yet */
    ck_assert(done || vouch_delivery_verdict(d, 0) == VOUCH_VERDICT_GONE);
    ck_assert_int_eq(pending(), 0);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(slow, 5000, &error), VOUCH_OK);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    vouch_client_close(other);
    check_ledger(done ? 3 : 2);
    end();
}
END_TEST

/* The connection is cut behind every byte of a commit, either way, and of what follows. */
START_TEST(cut_at_every_byte)
{
    ts_direction direction = _i / 2 % 2 ? TS_TO_CLIENT : TS_TO_SERVER;
    int64_t n = 0;
    begin(_i % 2);
    vouch_consumer_options o = options();
    o.batch = 3;
    o.in_flight = 3;
    for (int64_t at = 0; at < 900; at += 23) {
        add(3);
        n += 3;
        vouch_consumer *c = open_on(client, "w", &o);
        vouch_delivery *d = poll_for(c);
        fill(d);
        int connections = rig_next_connection(&rig);
        ts_plan plan = ts_plan_cut(direction, at);
        for (int k = 0; k < connections; k++)
            ts_proxy_plan_from_here(rig.proxy, k, &plan);
        while (vouch_delivery_commit(d, &error) != VOUCH_OK)
            ck_assert_msg(error.retriable, "%s", error.message);
        ck_assert_uint_eq(count(d, VOUCH_VERDICT_DONE), vouch_delivery_count(d));
        size_t done = vouch_delivery_count(d);
        vouch_delivery_free(d);
        if (done < 3)
            handle(c, 3 - done);
        expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
        ck_assert_int_eq(ts_int(rig.server, "GET", "{shop}sum", NULL), n);
    }
    check_ledger(n);
    ck_assert_int_eq(pending(), 0);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer exact");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, effects_come_with_the_acknowledgement, 0, 2);
    tcase_add_loop_test(c, a_zombie_is_fenced, 0, 2);
    tcase_add_loop_test(c, a_group_that_is_lost_is_made_again_from_what_is_settled, 0, 2);
    tcase_add_loop_test(c, nothing_in_between_comes_twice, 0, 2);
    tcase_add_loop_test(c, what_a_deleted_consumer_had_is_found, 0, 2);
    tcase_add_loop_test(c, what_could_not_be_given_back_is_not_counted_on, 0, 2);
    tcase_add_loop_test(c, what_is_given_back_and_is_not_there_is_told, 0, 2);
    tcase_add_loop_test(c, what_was_deleted_is_not_called_settled, 0, 2);
    tcase_add_loop_test(c, cut_at_every_byte, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
