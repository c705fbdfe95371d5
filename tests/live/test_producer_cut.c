/* Pipelines of entries that are added once, cut at every byte and sent again: afterwards each sequence is in the
 * stream once and in order, and its result has its id. What the lost connection still carries may come late; the
 * script may be forgotten, the server killed. And what a refusal in the middle means. */
#include "feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 7 };

static struct rig rig;
static vouch_producer *producer;
static vouch_error error;

struct tally {
    unsigned long cases, again, attempts;
};

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin_with(ts_persistence persistence)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    o.window = 20;
    rig = rig_start(TS_REDIS, persistence);
    producer = feed_producer("s", "p", &o);
}

static void begin_redis(void)
{
    begin_with(TS_NO_PERSISTENCE);
}

static void begin_valkey(void)
{
    begin_with(TS_NO_PERSISTENCE);
    rig_stop(&rig);
    rig = rig_start(TS_VALKEY, TS_NO_PERSISTENCE);
}

static void begin_durable(void)
{
    begin_with(TS_AOF_ALWAYS);
}

static void end(void)
{
    vouch_producer_free(producer);
    rig_stop(&rig);
}

/* Sequences first, first + 10, …: they may have gaps. */
static vouch_batch *batch_of(int64_t first, size_t n)
{
    vouch_batch *b = vouch_batch_new();
    for (size_t i = 0; i < n; i++) {
        int64_t sequence = first + 10 * (int64_t)i;
        ck_assert_uint_eq(vouch_batch_add_once(b, producer, sequence, VOUCH_ARGS("n", sequence)),
                          i);
    }
    return b;
}

/* Results 0 to n - 1 are the stream's entries from `from` on, and it has no others. Told again is what was
 * tried twice, unless that was done by hand. */
static void check(const vouch_results *r, size_t from, bool by_hand, struct tally *tally,
                  const char *what, int64_t at)
{
    struct feed f = feed_of(rig.server, "s");
    size_t n = vouch_results_count(r);
    for (size_t i = 0; i < f.n; i++)
        ck_assert_msg(f.numbers[i] == 10 * (int64_t)(i + 1), "%s, %lld: entry %zu is %lld", what,
                      (long long)at, i, (long long)f.numbers[i]);
    ck_assert_msg(f.n == from + n, "%s, %lld: %zu entries", what, (long long)at, f.n);
    for (size_t i = 0; i < n; i++) {
        const vouch_result *one = vouch_results_at(r, i);
        vouch_added a;
        ck_assert_msg(vouch_added_read(one->reply, &a), "%s, %lld: %zu", what, (long long)at, i);
        ck_assert_msg(strcmp(a.id, f.ids[from + i]) == 0, "%s, %lld: %zu", what, (long long)at, i);
        ck_assert(a.how == VOUCH_ADDED_NEW || a.how == VOUCH_ADDED_AGAIN);
        ck_assert(a.how == VOUCH_ADDED_NEW || one->attempts > 1 || by_hand);
        tally->again += a.how == VOUCH_ADDED_AGAIN;
        tally->attempts += one->attempts;
    }
    tally->cases++;
    feed_free(&f);
}

/* A client that has added the first two, so that its connection is open and knows the script. */
static vouch_client *warm(void)
{
    struct tally ignored = {0};
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_results *r = NULL;
    rig_flush(&rig);
    vouch_batch *b = batch_of(10, 2);
    expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK);
    check(r, 0, false, &ignored, "warm", 0);
    vouch_results_free(r);
    vouch_batch_free(b);
    return client;
}

/* ---- cuts ----------------------------------------------------------------------------------- */

enum form { BY_ITSELF, BY_HAND, FLUSHED, FORMS };

static const char *const names[FORMS] = {"sent again by itself", "sent again by hand", "flushed"};

/* The batch, however often it takes. */
static vouch_results *run(vouch_client *client, vouch_batch *b, enum form form)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *r = NULL;
    o.idempotent = form != BY_HAND;
    for (int tries = 0; vouch_pipeline_run(client, b, &o, &r, &error) != VOUCH_OK; tries++) {
        ck_assert_msg(form == BY_HAND && tries < 3, "%s", error.message);
        vouch_results_free(r);
        r = NULL;
    }
    return r;
}

/* Returns how many bytes there were to cut. */
static int64_t cut(enum form form, ts_direction direction, ts_cut_mode mode, int64_t at,
                   struct tally *tally)
{
    char what[100];
    vouch_client *client = warm();
    int connection = rig_next_connection(&rig) - 1;
    ts_proxy_counts before = ts_proxy_count(rig.proxy, connection);
    if (form == FLUSHED)
        ts_do(rig.server, "SCRIPT", "FLUSH", NULL);
    if (at != TS_NEVER) {
        ts_plan plan = ts_plan_cut(direction, at);
        plan.mode = mode;
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    }
    vouch_batch *b = batch_of(30, N);
    vouch_results *r = run(client, b, form);
    ts_proxy_counts after = ts_proxy_count(rig.proxy, connection);
    vouch_client_close(client);
    rig_settle(&rig);
    (void)snprintf(what, sizeof what, "%s, cut %s the server", names[form],
                   direction == TS_TO_SERVER ? "to" : "from");
    check(r, 2, form == BY_HAND, tally, what, at);
    vouch_results_free(r);
    vouch_batch_free(b);
    return direction == TS_TO_SERVER ? after.to_server - before.to_server
                                     : after.to_client - before.to_client;
}

START_TEST(cut_at_every_byte)
{
    static const ts_cut_mode modes[] = {TS_CUT_SETTLE, TS_CUT_ABRUPT, TS_CUT_HELD};
    static const int64_t steps[FORMS] = {1, 2, 13}; /* most bytes of the last are the script's */
    enum form form = (enum form)_i;
    struct tally tally = {0};
    for (int d = 0; d < 2; d++) {
        ts_direction direction = d ? TS_TO_CLIENT : TS_TO_SERVER;
        int64_t bytes = cut(form, direction, TS_CUT_SETTLE, TS_NEVER, &tally);
        ck_assert_int_gt(bytes, INT64_C(30) * N);
        for (int64_t at = 0; at <= bytes; at += steps[form])
            (void)cut(form, direction, modes[at % 3], at, &tally);
    }
    printf("%s: %lu cases, %lu told again\n", names[form], tally.cases, tally.again);
    ck_assert_uint_gt(tally.again, 0);
}
END_TEST

/* ---- late ----------------------------------------------------------------------------------- */

/* What is behind byte `at` is held until the batch was sent again and another one after it: then all of it
 * comes late. Returns how many bytes the batch has. */
static int64_t late(int64_t at, int64_t bytes, struct tally *tally)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_client *client = warm();
    vouch_op *op = NULL;
    vouch_results *r = NULL, *more = NULL;
    int connection = rig_next_connection(&rig) - 1;
    int64_t before = ts_proxy_count(rig.proxy, connection).from_client;
    vouch_batch *b = batch_of(30, N), *next = batch_of(30 + 10 * N, N);
    o.idempotent = 1;
    if (at != TS_NEVER) {
        ts_plan plan = ts_plan_none();
        plan.to_server.stall_after = at;
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
        expect(vouch_pipeline_start(client, b, &o, &op, &error), VOUCH_OK);
        for (int64_t limit = ts_deadline(RIG_PATIENCE_MS);
             ts_proxy_count(rig.proxy, connection).from_client < before + bytes;) {
            ck_assert(!ts_passed(limit));
            rig_turn(client, 2);
        }
        ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_HELD);
        rig_drive(client, op);
        expect(vouch_pipeline_finish(op, &r, &error), VOUCH_OK);
    } else {
        expect(vouch_pipeline_run(client, b, &o, &r, &error), VOUCH_OK);
        bytes = ts_proxy_count(rig.proxy, connection).from_client - before;
    }
    check(r, 2, false, tally, "held", at);
    expect(vouch_pipeline_run(client, next, &o, &more, &error), VOUCH_OK);
    ts_proxy_release(rig.proxy, TS_EVERY);
    if (at != TS_NEVER)
        ck_assert(ts_proxy_wait_closed(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
    vouch_client_close(client);
    rig_settle(&rig);
    check(more, 2 + N, false, tally, "late", at);
    vouch_results_free(r);
    vouch_results_free(more);
    vouch_batch_free(b);
    vouch_batch_free(next);
    return bytes;
}

START_TEST(what_comes_late_adds_nothing)
{
    struct tally tally = {0};
    int64_t bytes = late(TS_NEVER, 0, &tally);
    for (int64_t at = 0; at < bytes; at += 5)
        (void)late(at, bytes, &tally);
    printf("late: %lu cases\n", tally.cases);
}
END_TEST

/* Two connections lost one after the other. */
START_TEST(cut_twice)
{
    struct tally tally = {0};
    for (int64_t first = 5; first < 700; first += 97)
        for (int64_t second = 60; second < 1200; second += 61) {
            vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
            vouch_client *client = warm();
            vouch_results *r = NULL;
            int connection = rig_next_connection(&rig);
            ts_plan plan = ts_plan_cut(TS_TO_SERVER, first);
            plan.mode = TS_CUT_HELD;
            ts_proxy_plan_from_here(rig.proxy, connection - 1, &plan);
            plan = ts_plan_cut(second % 2 ? TS_TO_SERVER : TS_TO_CLIENT, second);
            ts_proxy_plan(rig.proxy, connection, &plan);
            o.idempotent = 1;
            vouch_batch *b = batch_of(30, N);
            expect(vouch_pipeline_run(client, b, &o, &r, &error), VOUCH_OK);
            vouch_client_close(client);
            rig_settle(&rig);
            check(r, 2, false, &tally, "cut twice", first * 10000 + second);
            vouch_results_free(r);
            vouch_batch_free(b);
        }
    printf("cut twice: %lu cases, %lu told again\n", tally.cases, tally.again);
}
END_TEST

/* ---- killed --------------------------------------------------------------------------------- */

/* The server is killed with so many bytes of its answers let through, and comes back without the script. */
START_TEST(the_server_is_killed_in_the_middle)
{
    struct tally tally = {0};
    for (int64_t at = 1; at < INT64_C(60) * N; at += 23) {
        vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
        vouch_client *client = warm();
        vouch_op *op = NULL;
        vouch_results *r = NULL;
        int connection = rig_next_connection(&rig) - 1;
        ts_plan plan = ts_plan_none();
        plan.to_client.stall_after = at;
        ts_proxy_counts before = ts_proxy_count(rig.proxy, connection);
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
        o.idempotent = 1;
        o.outages = 10000; /* while it starts again */
        vouch_batch *b = batch_of(30, N);
        expect(vouch_pipeline_start(client, b, &o, &op, &error), VOUCH_OK);
        for (int64_t limit = ts_deadline(RIG_PATIENCE_MS);
             ts_proxy_count(rig.proxy, connection).from_server <= before.from_server;) {
            ck_assert(!ts_passed(limit));
            rig_turn(client, 2);
        }
        ts_server_kill(rig.server);
        ck_assert(ts_server_restart(rig.server));
        ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_ABRUPT);
        rig_drive(client, op);
        expect(vouch_pipeline_finish(op, &r, &error), VOUCH_OK);
        vouch_client_close(client);
        rig_settle(&rig);
        check(r, 2, false, &tally, "killed", at);
        vouch_results_free(r);
        vouch_batch_free(b);
    }
    printf("killed: %lu cases, %lu told again\n", tally.cases, tally.again);
    ck_assert_uint_gt(tally.again, 0);
}
END_TEST

/* ---- refused -------------------------------------------------------------------------------- */

/* Memory is short for the first of two, and there again for the second. */
static void refuse_the_first(vouch_client *client, const vouch_producer *p, int how)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    vouch_added a;
    o.idempotent = 1;
    vouch_batch_add(b, "CONFIG", "SET", "maxmemory", "1");
    (void)vouch_batch_add_once(b, p, 2, VOUCH_ARGS("n", 2));
    vouch_batch_add(b, "CONFIG", "SET", "maxmemory", "0");
    (void)vouch_batch_add_once(b, p, 3, VOUCH_ARGS("n", 3));
    expect(vouch_pipeline_run(client, b, &o, &r, &error), VOUCH_EPARTIAL);
    ck_assert_int_eq(vouch_results_at(r, 1)->status, VOUCH_ESERVER);
    ck_assert_int_eq(vouch_results_at(r, 1)->effect, VOUCH_NOT_APPLIED);
    ck_assert(!vouch_added_read(vouch_results_at(r, 1)->reply, &a));
    ck_assert(vouch_added_read(vouch_results_at(r, 3)->reply, &a));
    ck_assert_int_eq(a.how, how);
    vouch_results_free(r);
    vouch_batch_free(b);
}

START_TEST(a_refusal_in_the_middle_is_passed_over_unless_dense)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_producer *p = feed_producer("s", "loose", NULL);
    rig_flush(&rig);
    feed_expect(client, p, 1, VOUCH_ADDED_NEW, -1);
    refuse_the_first(client, p, VOUCH_ADDED_NEW);
    feed_expect(client, p, 2, VOUCH_ADDED_PASSED, 3); /* so that order is kept */
    feed_is(rig.server, "s", (const int64_t[]){1, 3}, 2);
    vouch_producer_free(p);
    o.dense = 1;
    p = feed_producer("s", "dense", &o);
    rig_flush(&rig);
    feed_expect(client, p, 1, VOUCH_ADDED_NEW, -1);
    refuse_the_first(client, p, VOUCH_ADDED_GAP);
    feed_expect(client, p, 2, VOUCH_ADDED_NEW, -1);
    feed_expect(client, p, 3, VOUCH_ADDED_NEW, -1);
    feed_counts(rig.server, "s", 1, 3, "dense", 0);
    vouch_producer_free(p);
    vouch_client_close(client);
}
END_TEST

int main(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("producer cut");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 240);
        tcase_add_unchecked_fixture(c, servers[i].begin, end);
        tcase_add_loop_test(c, cut_at_every_byte, 0, FORMS);
        tcase_add_test(c, what_comes_late_adds_nothing);
        tcase_add_test(c, cut_twice);
        tcase_add_test(c, a_refusal_in_the_middle_is_passed_over_unless_dense);
        suite_add_tcase(s, c);
    }
    TCase *c = tcase_create("killed");
    tcase_set_timeout(c, 240);
    tcase_add_unchecked_fixture(c, begin_durable, end);
    tcase_add_test(c, the_server_is_killed_in_the_middle);
    suite_add_tcase(s, c);
    return rig_main(s);
}
