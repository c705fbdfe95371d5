/* A collector in blocking programs and in loops: what is sent when, in which order, and who is told. */
#include "ears.h"

#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_error e;

static ts_server_kind kind_of(int i)
{
    return i ? TS_VALKEY : TS_REDIS;
}

static vouch_client *begin(int i)
{
    rig = rig_start(kind_of(i), TS_NO_PERSISTENCE);
    return rig_client(&rig, 3, 0);
}

static void end(vouch_client *client, struct ears *ears)
{
    ears_free(ears);
    vouch_client_close(client);
    rig_stop(&rig);
}

static void close_well(vouch_collector *c)
{
    ck_assert_msg(vouch_collector_close(c, &e) == VOUCH_OK, "%s", e.message);
}

static vouch_collector_options few(size_t max_commands)
{
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    o.max_commands = max_commands;
    o.max_age_ms = VOUCH_NO_DEADLINE;
    return o;
}

/* ---- results -------------------------------------------------------------------------------- */

static int64_t server_us(void)
{
    static const char *const words[] = {"TIME"};
    ts_reply *reply = rig_ask(&rig, 1, words);
    ck_assert_uint_eq(reply->count, 2);
    int64_t us = strtoll(reply->elements[0]->text, NULL, 10) * 1000000 +
                 strtoll(reply->elements[1]->text, NULL, 10);
    ts_reply_free(reply);
    return us;
}

/* One write, one round trip, TIME or not; each answer goes to the one who asked. */
START_TEST(each_result_goes_to_its_own_callback)
{
    rig = rig_start(kind_of(_i % 2), TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, _i & 2 ? 2 : 3, 0);
    vouch_collector_options o = few(1000);
    struct ears ears = ears_new(300);
    o.server_time = _i & 4 ? 1 : 0;
    vouch_collector *c = ears_open(client, &o);
    (void)rig_connection_id(client);
    int64_t before = server_us(), trips = ts_proxy_count(rig.proxy, TS_EVERY).round_trips;
    ears_add_many(&ears, c, 0, 299);
    ears.v[299].all = &ears;
    ck_assert_int_eq(vouch_collector_add(c, ears_hear, &ears.v[299], "LPUSH", "c0000", "x"),
                     VOUCH_OK);
    ck_assert_uint_eq(ears.heard, 0);
    ck_assert_int_eq(vouch_collector_flush(c, &e), VOUCH_EPARTIAL);
    ck_assert_int_eq(e.effect, VOUCH_PARTLY_APPLIED);
    ck_assert_str_eq(e.code, "WRONGTYPE");
    int64_t after = server_us();
    ck_assert_int_eq(ts_proxy_count(rig.proxy, TS_EVERY).round_trips - trips, 1);
    ears_expect(&ears, 0, 299, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    ears_expect(&ears, 299, 300, VOUCH_NOT_APPLIED, VOUCH_CAUSE_REFUSED);
    for (size_t i = 0; i < 300; i++) {
        const struct ear *ear = &ears.v[i];
        ck_assert(ear->replied && ear->place == i);
        ck_assert_int_eq(ear->number, i == 299 ? INT64_MIN : 1);
        if (!o.server_time)
            ck_assert_int_eq(ear->server_us, 0);
        else
            ck_assert(ear->server_us >= before && ear->server_us <= after);
    }
    close_well(c);
    end(client, &ears);
}
END_TEST

/* A user who may not ask for the time loses nothing but the time. */
START_TEST(a_time_that_is_refused_harms_nobody)
{
    vouch_client *client = begin(_i);
    vouch_collector_options o = few(1000);
    struct ears ears = ears_new(10);
    ts_do(rig.server, "ACL", "SETUSER", "default", "-time", NULL);
    o.server_time = 1;
    vouch_collector *c = ears_open(client, &o);
    ears_add_many(&ears, c, 0, 10);
    close_well(c);
    ears_expect(&ears, 0, 10, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    for (size_t i = 0; i < 10; i++)
        ck_assert_int_eq(ears.v[i].server_us, 0);
    end(client, &ears);
}
END_TEST

/* ---- when ----------------------------------------------------------------------------------- */

/* One add, and then none: age alone sends it, after no less than that age, and the loop sleeps. */
START_TEST(age_alone_flushes_in_a_loop)
{
    vouch_client *client = begin(_i);
    struct ears ears = ears_new(1);
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    unsigned turns = 0;
    o.max_age_ms = 60;
    vouch_collector *c = ears_open(client, &o);
    ck_assert_int_eq(vouch_collector_due_ms(c), -1);
    int64_t start = ts_now_ns();
    ears_add(&ears, c, 0);
    ck_assert_int_le(vouch_collector_due_ms(c), 60);
    for (; !ears.heard; turns++) {
        ck_assert_uint_lt(turns, 2000);
        ears_turn(client, c);
    }
    ck_assert_int_ge(ts_now_ns() - start, INT64_C(60000000));
    ck_assert_int_eq(vouch_collector_due_ms(c), -1);
    ears_expect(&ears, 0, 1, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    close_well(c);
    end(client, &ears);
}
END_TEST

/* The same without a loop: nothing but the collector's own time. */
START_TEST(age_alone_flushes_in_a_blocking_program)
{
    vouch_client *client = begin(_i);
    struct ears ears = ears_new(1);
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    o.max_age_ms = 1;
    vouch_collector *c = ears_open(client, &o);
    ears_add(&ears, c, 0);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (!ears.heard) {
        int64_t due = vouch_collector_due_ms(c);
        ck_assert(due >= 0 && due <= 10 && !ts_passed(limit));
        if (due > 0)
            (void)ts_look_again(limit); /* the program does something else */
        else
            ck_assert_int_eq(vouch_collector_service(c, &e), VOUCH_OK);
    }
    ears_expect(&ears, 0, 1, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    close_well(c);
    end(client, &ears);
}
END_TEST

/* The add that makes it enough starts the flush, and runs no callback. */
START_TEST(enough_commands_are_sent_by_the_add)
{
    vouch_client *client = begin(_i);
    struct ears ears = ears_new(30);
    vouch_collector_options o = few(10);
    vouch_collector *c = ears_open(client, &o);
    (void)rig_connection_id(client);
    int64_t sent = ts_proxy_count(rig.proxy, 0).from_client;
    ears_add_many(&ears, c, 0, 9);
    ck_assert_int_eq(vouch_collector_due_ms(c), -1);
    ears_add(&ears, c, 9);
    ck_assert(
        ts_proxy_wait_received(rig.proxy, 0, TS_TO_SERVER, sent + 1, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert_int_ge(vouch_collector_due_ms(c), 0);
    ears_add_many(&ears, c, 10, 30);
    ck_assert_uint_eq(ears.heard, 0);
    ears_wait(&ears, client, c, 30); /* what came meanwhile was enough too */
    ears_expect(&ears, 0, 30, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    close_well(c);
    end(client, &ears);
}
END_TEST

/* ---- many ----------------------------------------------------------------------------------- */

#define MANY 65536

/* All on one counter: its replies say in which order they were executed. */
START_TEST(many_adds_keep_their_order)
{
    vouch_client *client = begin(_i % 2);
    struct ears ears = ears_new(MANY);
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    o.max_held_commands = 5000;
    vouch_collector *c = ears_open(client, &o);
    for (size_t i = 0; i < MANY; i++) {
        ears.v[i].all = &ears;
        vouch_status status = vouch_collector_add(c, ears_hear, &ears.v[i], "INCR", "n");
        if (status == VOUCH_ELIMIT) {
            ck_assert_uint_eq(vouch_collector_pending(c), 5000);
            ck_assert_int_eq(vouch_collector_flush(c, &e), VOUCH_OK);
            status = vouch_collector_add(c, ears_hear, &ears.v[i], "INCR", "n");
        } else if (_i & 2 && vouch_collector_due_ms(c) == 0) {
            ck_assert_int_eq(vouch_collector_service(c, &e), VOUCH_OK);
        }
        ck_assert_int_eq(status, VOUCH_OK);
    }
    close_well(c);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_uint_eq(ears.v[i].calls, 1);
        ck_assert_uint_eq(ears.v[i].place, i);
        ck_assert_int_eq(ears.v[i].number, (int64_t)i + 1);
    }
    ck_assert_int_eq(ts_int(rig.server, "GET", "n", NULL), MANY);
    end(client, &ears);
}
END_TEST

/* A server that stands still: adds are refused at the limit, nothing is lost, and then all goes on. */
START_TEST(what_is_held_has_a_limit)
{
    vouch_client *client = begin(_i);
    struct ears ears = ears_new(100);
    struct rig_tally tally = {0};
    vouch_collector_options o = few(10);
    o.max_held_commands = 100;
    vouch_collector *c = ears_open(client, &o);
    (void)rig_connection_id(client);
    ck_assert(ts_server_pause(rig.server));
    ears_add_many(&ears, c, 0, 100);
    ck_assert_int_eq(vouch_collector_add(c, ears_hear, NULL, "INCR", "x"), VOUCH_ELIMIT);
    ck_assert_int_eq(vouch_collector_service(c, &e), VOUCH_OK);
    ck_assert_int_eq(vouch_collector_add(c, ears_hear, NULL, "INCR", "x"), VOUCH_ELIMIT);
    ck_assert_int_eq(vouch_collector_error(c, &e), VOUCH_ELIMIT);
    ck_assert_uint_eq(vouch_collector_pending(c), 100);
    ck_assert(ts_server_resume(rig.server));
    close_well(c);
    ears_compare(&rig, &ears, &tally, "held", 0);
    ck_assert_uint_eq(tally.applied, 100);
    end(client, &ears);
}
END_TEST

/* ---- callbacks ------------------------------------------------------------------------------ */

static void do_what_is_refused(struct ear *ear)
{
    vouch_collector *c = ear->all->collector;
    ck_assert_int_eq(vouch_collector_flush(c, &e), VOUCH_EBUSY);
    ck_assert_int_eq(vouch_collector_service(c, &e), VOUCH_EBUSY);
    ck_assert_int_eq(vouch_collector_discard(c, &e), VOUCH_EBUSY);
    ck_assert_int_eq(vouch_collector_close(c, &e), VOUCH_EBUSY);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
}

START_TEST(a_callback_may_not_flush_or_close)
{
    vouch_client *client = begin(_i);
    struct ears ears = ears_new(3);
    vouch_collector *c = ears_open(client, NULL);
    ears.then = do_what_is_refused;
    ears_add_many(&ears, c, 0, 3);
    ck_assert_int_eq(vouch_collector_flush(c, &e), VOUCH_OK);
    ck_assert_uint_eq(ears.heard, 3);
    close_well(c);
    end(client, &ears);
}
END_TEST

/* Each adds the one that is ten further on. */
static void add_a_further_one(struct ear *ear)
{
    size_t i = (size_t)(ear - ear->all->v) + 10;
    if (i < ear->all->n)
        ears_add(ear->all, ear->all->collector, i);
}

START_TEST(a_callback_may_add)
{
    vouch_client *client = begin(_i);
    struct ears ears = ears_new(500);
    struct rig_tally tally = {0};
    vouch_collector_options o = few(10);
    vouch_collector *c = ears_open(client, &o);
    ears.then = add_a_further_one;
    ears_add_many(&ears, c, 0, 10);
    ears_wait(&ears, client, c, 500);
    close_well(c);
    ears_compare(&rig, &ears, &tally, "added by callbacks", 0);
    ck_assert_uint_eq(tally.applied, 500);
    end(client, &ears);
}
END_TEST

static void add_in_vain(struct ear *ear)
{
    ck_assert_int_eq(vouch_collector_add(ear->all->collector, ears_hear, ear, "INCR", "x"),
                     VOUCH_EBUSY);
}

START_TEST(closing_takes_no_more)
{
    vouch_client *client = begin(_i);
    struct ears ears = ears_new(15);
    struct rig_tally tally = {0};
    vouch_collector_options o = few(10);
    vouch_collector *c = ears_open(client, &o);
    ears.then = add_in_vain;
    ears_add_many(&ears, c, 0, 15); /* ten under way, five gathered */
    ck_assert_uint_eq(ears.heard, 0);
    close_well(c);
    ears_compare(&rig, &ears, &tally, "closed", 0);
    ck_assert_uint_eq(tally.applied, 15);
    ck_assert_int_eq(ts_int(rig.server, "EXISTS", "x", NULL), 0);
    end(client, &ears);
}
END_TEST

/* ---- neighbours ----------------------------------------------------------------------------- */

static vouch_collector *of_sink;
static struct ears *ears_of_sink;

static bool source(vouch_batch *into, void *user)
{
    unsigned *left = user;
    vouch_batch_add(into, "INCR", "stream");
    return --*left > 0;
}

static bool sink(uint64_t index, const vouch_result *result, void *user)
{
    (void)user;
    ck_assert_int_eq(result->status, VOUCH_OK);
    ears_add(ears_of_sink, of_sink, (size_t)index);
    ck_assert_int_eq(vouch_collector_service(of_sink, &e), VOUCH_EBUSY);
    ck_assert_int_eq(vouch_collector_close(of_sink, &e), VOUCH_EBUSY);
    return true;
}

/* Inside a callback of the client a collector only gathers. */
START_TEST(a_sink_may_add)
{
    vouch_client *client = begin(_i);
    struct ears ears = ears_new(100);
    struct rig_tally tally = {0};
    vouch_collector_options o = few(10);
    unsigned left = 100;
    vouch_collector *c = of_sink = ears_open(client, &o);
    ears_of_sink = &ears;
    ck_assert_int_eq(vouch_pipeline_stream(client, source, sink, &left, NULL, NULL, &e), VOUCH_OK);
    ck_assert_uint_eq(vouch_collector_pending(c), 100);
    close_well(c);
    ears_compare(&rig, &ears, &tally, "added by a sink", 0);
    ck_assert_uint_eq(tally.applied, 100);
    end(client, &ears);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collector");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, each_result_goes_to_its_own_callback, 0, 8);
    tcase_add_loop_test(c, a_time_that_is_refused_harms_nobody, 0, 2);
    tcase_add_loop_test(c, age_alone_flushes_in_a_loop, 0, 2);
    tcase_add_loop_test(c, age_alone_flushes_in_a_blocking_program, 0, 2);
    tcase_add_loop_test(c, enough_commands_are_sent_by_the_add, 0, 2);
    tcase_add_loop_test(c, many_adds_keep_their_order, 0, 4);
    tcase_add_loop_test(c, what_is_held_has_a_limit, 0, 2);
    tcase_add_loop_test(c, a_callback_may_not_flush_or_close, 0, 2);
    tcase_add_loop_test(c, a_callback_may_add, 0, 2);
    tcase_add_loop_test(c, closing_takes_no_more, 0, 2);
    tcase_add_loop_test(c, a_sink_may_add, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
