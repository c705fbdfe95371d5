/* Consumers in every way to acknowledge: given back, rejected, kept for longer, dead after too many deliveries,
 * lost, several streams, groups that are gone; stopping, and the loop with a handler. */
#include "rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client, *other;
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
    other = rig_client(&rig, 3, 1000);
}

static void end(void)
{
    vouch_client_close(client);
    vouch_client_close(other);
    rig_stop(&rig);
}

static vouch_consumer_options options(vouch_ack ack)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    o.ack = ack;
    o.stream = "{s}in";
    o.group = "g";
    o.block_ms = 10;
    o.claim_ms = 20;
    return o;
}

static vouch_consumer *open_on(vouch_client *on, const vouch_consumer_options *given)
{
    vouch_consumer_options o = *given;
    vouch_consumer *c = NULL;
    o.consumer = "w";
    expect(vouch_consumer_open(on, &o, &c, &error), VOUCH_OK);
    return c;
}

static void add(const char *stream, int n)
{
    for (int i = 0; i < n; i++)
        ts_do(rig.server, "XADD", stream, "*", "field", "value", NULL);
}

static vouch_delivery *poll_for(vouch_consumer *c)
{
    vouch_delivery *d = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d;) {
        ck_assert(!ts_passed(limit));
        vouch_status status = vouch_consumer_poll(c, 1000, &d, &error);
        ck_assert_msg(status == VOUCH_OK || error.retriable, "%s", error.message);
    }
    return d;
}

/* Until it says so of the delivery's first entry. */
static void wait_for(vouch_consumer *c, vouch_delivery *d, vouch_verdict v)
{
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); vouch_delivery_verdict(d, 0) != v;) {
        vouch_delivery *none = NULL;
        ck_assert(!ts_passed(limit));
        expect(vouch_consumer_poll(c, 5, &none, &error), VOUCH_OK);
        ck_assert_ptr_null(none);
    }
}

static int64_t pending(void)
{
    ts_reply *r = ts_command(rig.server, "XPENDING", "{s}in", "g", NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

static void close_it(vouch_consumer *c)
{
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
}

static vouch_consumer_stats stats_of(const vouch_consumer *c)
{
    vouch_consumer_stats s = VOUCH_CONSUMER_STATS_INIT;
    ck_assert_int_eq(vouch_consumer_stats_read(c, &s), VOUCH_OK);
    return s;
}

#define EACH_ACK(i) ((i) / 2 == 2 ? VOUCH_ACK_EXACTLY_ONCE : (vouch_ack)((i) / 2 * 2))

START_TEST(what_is_given_back_comes_again)
{
    begin(_i);
    vouch_consumer_options o = options(EACH_ACK(_i));
    add("{s}in", 1);
    vouch_consumer *c = open_on(client, &o);
    vouch_delivery *d = poll_for(c);
    expect(vouch_delivery_nack(d, 0, 0, &error), VOUCH_OK);
    vouch_delivery *again = poll_for(c);
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_RETURNED);
    vouch_delivery_free(d);
    d = again;
    ck_assert_uint_ge(vouch_delivery_entry(d, 0)->deliveries, 2);
    ck_assert_uint_eq(stats_of(c).in_flight, 1);
    expect(vouch_delivery_nack(d, 0, -1, &error), VOUCH_EINVAL);
    expect(vouch_delivery_nack(d, 0, VOUCH_NACK_MAX_MS + 1, &error), VOUCH_EINVAL);
    vouch_delivery_free(d); /* gives it back, too */
    d = poll_for(c);
    ck_assert_uint_ge(vouch_delivery_entry(d, 0)->deliveries, 3);
    (void)vouch_delivery_mark(d, 0);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    vouch_delivery_free(d);
    close_it(c);
    ck_assert_int_eq(pending(), 0);
    end();
}
END_TEST

static void check_dead(const char *reason)
{
    ts_reply *r = ts_command(rig.server, "XRANGE", "{s}in:dead", "-", "+", NULL);
    ck_assert_uint_eq(r->count, 1);
    const ts_reply *fields = r->elements[0]->elements[1];
    bool found = false, own = false;
    for (size_t i = 0; i + 1 < fields->count; i += 2) {
        found = found || (strcmp(fields->elements[i]->text, "vouch:reason") == 0 &&
                          strcmp(fields->elements[i + 1]->text, reason) == 0);
        own = own || strcmp(fields->elements[i]->text, "field") == 0;
    }
    ck_assert(found && own);
    ts_reply_free(r);
}

START_TEST(what_is_rejected_is_a_dead_letter)
{
    begin(_i);
    vouch_consumer_options o = options(EACH_ACK(_i));
    add("{s}in", 1);
    vouch_consumer *c = open_on(client, &o);
    vouch_delivery *d = poll_for(c);
    expect(vouch_delivery_reject(d, 0, "no such customer", &error), VOUCH_OK);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    wait_for(c, d, VOUCH_VERDICT_REJECTED);
    vouch_delivery_free(d);
    close_it(c);
    ck_assert_int_eq(pending(), 0);
    check_dead("no such customer");
    end();
}
END_TEST

START_TEST(too_many_deliveries_are_a_dead_letter)
{
    begin(_i);
    vouch_consumer_options o = options(EACH_ACK(_i));
    o.max_deliveries = 3;
    add("{s}in", 1);
    vouch_consumer *c = open_on(client, &o);
    for (uint32_t i = 1; i <= 3; i++) {
        vouch_delivery *d = poll_for(c);
        ck_assert_uint_eq(vouch_delivery_entry(d, 0)->deliveries, i);
        vouch_delivery_free(d);
    }
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !stats_of(c).dead;) {
        vouch_delivery *none = NULL;
        ck_assert(!ts_passed(limit));
        expect(vouch_consumer_poll(c, 5, &none, &error), VOUCH_OK);
        ck_assert_ptr_null(none);
    }
    close_it(c);
    ck_assert_int_eq(pending(), 0);
    check_dead("deliveries");
    end();
}
END_TEST

/* Kept by extending, it is nobody else's; when that ends another claims it, and extending says so. */
START_TEST(what_is_extended_stays)
{
    begin(_i);
    vouch_consumer_options o = options(EACH_ACK(_i));
    o.claim_ms = 300;
    o.claim_every_ms = 20;
    add("{s}in", 1);
    vouch_consumer *c = open_on(client, &o);
    vouch_delivery *d = poll_for(c);
    vouch_consumer *rival = open_on(other, &o);
    for (int64_t limit = ts_deadline(600); !ts_passed(limit);) {
        vouch_delivery *none = NULL;
        expect(vouch_delivery_extend(d, &error), VOUCH_OK);
        expect(vouch_consumer_poll(c, 10, &none, &error), VOUCH_OK);
        expect(vouch_consumer_poll(rival, 10, &none, &error), VOUCH_OK);
        ck_assert_ptr_null(none);
    }
    vouch_delivery *taken = poll_for(rival);
    expect(vouch_delivery_extend(d, &error), VOUCH_OK);
    wait_for(c, d, VOUCH_VERDICT_FENCED);
    vouch_delivery_free(d);
    (void)vouch_delivery_mark(taken, 0);
    expect(vouch_delivery_commit(taken, &error), VOUCH_OK);
    vouch_delivery_free(taken);
    close_it(c);
    close_it(rival);
    ck_assert_int_eq(pending(), 0);
    end();
}
END_TEST

START_TEST(what_is_deleted_while_it_is_pending_is_told_as_lost)
{
    begin(_i);
    vouch_consumer_options o = options(EACH_ACK(_i));
    add("{s}in", 3);
    vouch_consumer *c = open_on(client, &o);
    vouch_delivery *d = poll_for(c);
    ck_assert_uint_eq(vouch_delivery_count(d), 3);
    ts_do(rig.server, "XTRIM", "{s}in", "MAXLEN", "0", NULL);
    vouch_consumer *rival = open_on(other, &o);
    vouch_delivery *lost = poll_for(rival);
    ck_assert_uint_eq(vouch_delivery_count(lost), 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(vouch_delivery_entry(lost, i)->lost, 1);
        ck_assert_ptr_null(vouch_delivery_entry(lost, i)->fields);
    }
    expect(vouch_delivery_commit(lost, &error), VOUCH_OK);
    vouch_delivery_free(lost);
    ck_assert_uint_eq(stats_of(rival).lost, 3);
    vouch_delivery_free(d);
    close_it(c);
    close_it(rival);
    ck_assert_int_eq(pending(), 0);
    end();
}
END_TEST

START_TEST(several_streams_are_read_together)
{
    static const char *const names[] = {"{s}a", "{s}b", "{t}c"};
    begin(_i);
    vouch_consumer_options o = options(EACH_ACK(_i));
    o.stream = NULL;
    o.streams = names;
    o.stream_count = 3;
    o.batch = 5;
    o.in_flight = 15;
    o.prefetch = 1;
    size_t seen[3] = {0};
    vouch_consumer *c = open_on(client, &o);
    for (int i = 0; i < 3; i++)
        add(names[i], 12);
    for (size_t all = 0; all < 36;) {
        vouch_delivery *d = poll_for(c);
        for (int i = 0; i < 3; i++)
            if (strcmp(vouch_delivery_stream(d), names[i]) == 0)
                seen[i] += vouch_delivery_count(d);
        all += vouch_delivery_count(d);
        for (size_t i = 0; i < vouch_delivery_count(d); i++)
            (void)vouch_delivery_mark(d, i);
        expect(vouch_delivery_commit(d, &error), VOUCH_OK);
        vouch_delivery_free(d);
    }
    close_it(c);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(seen[i], 12);
        ts_reply *r = ts_command(rig.server, "XPENDING", names[i], "g", NULL);
        ck_assert_int_eq(r->elements[0]->integer, 0);
        ts_reply_free(r);
    }
    end();
}
END_TEST

START_TEST(a_lost_group_is_made_again_as_asked)
{
    begin(_i);
    vouch_consumer_options o = options(VOUCH_ACK_AFTER);
    o.lost_group = (vouch_lost_group)(_i / 2);
    add("{s}in", 2);
    vouch_consumer *c = open_on(client, &o);
    vouch_delivery *d = poll_for(c);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    vouch_delivery_free(d);
    ts_do(rig.server, "XGROUP", "DESTROY", "{s}in", "g", NULL);
    d = NULL;
    if (o.lost_group == VOUCH_LOST_FAIL) {
        vouch_status status = VOUCH_OK;
        for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); status == VOUCH_OK;) {
            ck_assert(!ts_passed(limit));
            status = vouch_consumer_poll(c, 100, &d, &error);
        }
        ck_assert_int_eq(status, VOUCH_ESERVER);
        ck_assert_msg(strstr(error.message, "group g is gone"), "%s", error.message);
        ck_assert_uint_eq(error.retriable, 0);
    } else {
        for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !stats_of(c).groups_lost;) {
            ck_assert(!ts_passed(limit));
            vouch_status status = vouch_consumer_poll(c, 5, &d, &error);
            ck_assert_msg(!status || error.retriable, "%s", error.message);
            vouch_delivery_free(d);
        }
        add("{s}in", 1);
        d = poll_for(c);
        ck_assert_uint_ge(vouch_delivery_count(d), 1);
        vouch_delivery_free(d);
    }
    (void)!vouch_consumer_close(c, 5000, &error);
    end();
}
END_TEST

static bool count_up(vouch_delivery *d, void *user)
{
    size_t *n = user;
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        vouch_batch *b = vouch_delivery_effects(d, i);
        if (b)
            vouch_batch_add(b, "INCR", "{s}sum");
        (void)vouch_delivery_mark(d, i);
        if (++*n == 30)
            ts_do(rig.server, "SET", "{s}stop", "1", NULL);
    }
    return true;
}

static void *stop_when_done(void *user)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (ts_int(rig.server, "EXISTS", "{s}stop", NULL) == 0 && !ts_passed(limit))
        (void)ts_look_again(limit);
    vouch_consumer_stop(user);
    return NULL;
}

START_TEST(a_handler_is_run_until_it_is_stopped)
{
    begin(_i);
    vouch_consumer_options o = options(EACH_ACK(_i));
    size_t n = 0;
    pthread_t thread;
    o.single = (uint32_t)_i % 2;
    o.block_ms = 2000;
    add("{s}in", 30);
    vouch_consumer *c = open_on(client, &o);
    ck_assert_int_eq(pthread_create(&thread, NULL, stop_when_done, c), 0);
    expect(vouch_consumer_run(c, count_up, &n, &error), VOUCH_OK);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    close_it(c);
    ck_assert_uint_eq(n, 30);
    ck_assert_int_eq(pending(), 0);
    if (o.ack == VOUCH_ACK_EXACTLY_ONCE)
        ck_assert_int_eq(ts_int(rig.server, "GET", "{s}sum", NULL), (int64_t)n);
    end();
}
END_TEST

START_TEST(read_with_noack_nothing_is_pending)
{
    begin(_i);
    vouch_consumer_options o = options(VOUCH_ACK_BEFORE);
    add("{s}in", 5);
    vouch_consumer *c = open_on(client, &o);
    vouch_delivery *d = poll_for(c);
    ck_assert_int_eq(pending(), 0);
    expect(vouch_delivery_nack(d, 0, 0, &error), VOUCH_EINVAL);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    vouch_delivery_free(d);
    close_it(c);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer ways");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, what_is_given_back_comes_again, 0, 6);
    tcase_add_loop_test(c, what_is_rejected_is_a_dead_letter, 0, 6);
    tcase_add_loop_test(c, too_many_deliveries_are_a_dead_letter, 0, 6);
    tcase_add_loop_test(c, what_is_extended_stays, 0, 6);
    tcase_add_loop_test(c, what_is_deleted_while_it_is_pending_is_told_as_lost, 0, 6);
    tcase_add_loop_test(c, several_streams_are_read_together, 0, 6);
    tcase_add_loop_test(c, a_lost_group_is_made_again_as_asked, 0, 6);
    tcase_add_loop_test(c, a_handler_is_run_until_it_is_stopped, 0, 6);
    tcase_add_loop_test(c, read_with_noack_nothing_is_pending, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
