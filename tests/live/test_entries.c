/* Entries and trims as they are: every option against what the server holds, one result each, inside
 * transactions, and what an error says. */
#include "feed.h"

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

static void begin_redis(void)
{
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 3, 0);
}

static void begin_valkey(void)
{
    rig = rig_start(TS_VALKEY, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 2, 0);
}

static void end(void)
{
    vouch_client_close(client);
    rig_stop(&rig);
}

/* Entries 1 to n. */
static void fill(const char *stream, int64_t n, const vouch_entry_options *o)
{
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    for (int64_t i = 1; i <= n; i++)
        ck_assert_uint_eq(vouch_batch_add_entry(b, stream, VOUCH_ARGS("n", i), o), (size_t)(i - 1));
    expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK);
    vouch_results_free(r);
    vouch_batch_free(b);
}

/* One with a given id, "ms-0" if it is a number. */
static vouch_status add(const char *stream, const char *id, const vouch_entry_options *with,
                        vouch_added *out)
{
    vouch_entry_options o = with ? *with : (vouch_entry_options)VOUCH_ENTRY_OPTIONS_INIT;
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    o.id = id;
    (void)vouch_batch_add_entry(b, stream, VOUCH_ARGS("n", 1), &o);
    vouch_status status = vouch_pipeline_run(client, b, NULL, &r, &error);
    if (r && !vouch_added_read(vouch_results_at(r, 0)->reply, out) && status == VOUCH_OK)
        ck_abort_msg("no answer");
    vouch_results_free(r);
    vouch_batch_free(b);
    return status;
}

static int64_t length(const char *stream)
{
    return ts_int(rig.server, "XLEN", stream, NULL);
}

/* ---- options -------------------------------------------------------------------------------- */

START_TEST(each_has_a_result_of_its_own)
{
    enum { N = 2500 };
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    rig_flush(&rig);
    for (int64_t i = 0; i < N; i++)
        (void)vouch_batch_add_entry(b, "s", VOUCH_ARGS("n", i, "b", vouch_bytes("\0\r\n", 3)),
                                    NULL);
    expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK);
    struct feed f = feed_of(rig.server, "s");
    ck_assert_uint_eq(f.n, N);
    for (size_t i = 0; i < N; i++) {
        vouch_added a = {.last = 0};
        ck_assert(vouch_added_read(vouch_results_at(r, i)->reply, &a));
        ck_assert_int_eq(a.how, VOUCH_ADDED_NEW);
        ck_assert_str_eq(a.id, f.ids[i]);
        ck_assert_int_eq(f.numbers[i], (int64_t)i);
    }
    feed_free(&f);
    vouch_results_free(r);
    vouch_batch_free(b);
}
END_TEST

START_TEST(a_length_is_kept)
{
    vouch_entry_options o = VOUCH_ENTRY_OPTIONS_INIT;
    rig_flush(&rig);
    o.keep.max_len = 250;
    o.keep.exact = 1;
    fill("exact", 1000, &o);
    feed_counts(rig.server, "exact", 751, 1000, "exact", 0);
    o.keep.exact = 0;
    fill("about", 1000, &o);
    ck_assert_int_ge(length("about"), 250);
    ck_assert_int_lt(length("about"), 350);
    fill("all", 1000, NULL);
    ck_assert_int_eq(length("all"), 1000);
    o.keep.limit = 1; /* less than a node: nothing can go */
    fill("all", 1, &o);
    ck_assert_int_eq(length("all"), 1001);
    o.keep.limit = VOUCH_NO_TRIM_LIMIT;
    fill("all", 1, &o);
    ck_assert_int_lt(length("all"), 351);
    o.keep.limit = 0;
    o.keep.exact = 1;
    o.keep.max_len = VOUCH_KEEP_NONE;
    fill("none", 3, &o);
    ck_assert_int_eq(length("none"), 0);
    ck_assert_int_eq(ts_int(rig.server, "EXISTS", "none", NULL), 1);
}
END_TEST

START_TEST(ids_are_given_or_chosen)
{
    vouch_added a = {.last = 0};
    rig_flush(&rig);
    expect(add("s", "5-3", NULL, &a), VOUCH_OK);
    ck_assert_str_eq(a.id, "5-3");
    expect(add("s", "5-*", NULL, &a), VOUCH_OK);
    ck_assert_str_eq(a.id, "5-4");
    expect(add("s", "7", NULL, &a), VOUCH_OK);
    ck_assert_str_eq(a.id, "7-0");
    expect(add("s", "6-0", NULL, &a), VOUCH_EPARTIAL); /* not above the last */
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    expect(add("s", NULL, NULL, &a), VOUCH_OK);
    ck_assert_int_eq(length("s"), 4);
    vouch_entry_options o = VOUCH_ENTRY_OPTIONS_INIT;
    o.keep.min_id = "5-4";
    o.keep.exact = 1;
    expect(add("s", "18446744073709551615-1", &o, &a), VOUCH_OK);
    ck_assert_int_eq(length("s"), 4); /* without 5-3 */
    struct feed f = feed_of(rig.server, "s");
    ck_assert_str_eq(f.ids[0], "5-4");
    feed_free(&f);
}
END_TEST

START_TEST(where_there_is_no_stream_none_is_made)
{
    vouch_entry_options o = VOUCH_ENTRY_OPTIONS_INIT;
    vouch_added a = {.last = 0};
    rig_flush(&rig);
    o.no_mkstream = 1;
    o.stream_size = 3;
    expect(add("s\0t", NULL, &o, &a), VOUCH_OK);
    ck_assert_int_eq(a.how, VOUCH_ADDED_NO_STREAM);
    ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 0);
    o.no_mkstream = 0;
    expect(add("s\0t", NULL, &o, &a), VOUCH_OK);
    o.no_mkstream = 1;
    expect(add("s\0t", NULL, &o, &a), VOUCH_OK);
    ck_assert_int_eq(a.how, VOUCH_ADDED_NEW);
    ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 1);
}
END_TEST

START_TEST(an_entry_may_have_the_most_fields)
{
    static vouch_arg v[2 * 3000];
    vouch_producer *p = feed_producer("s", "p", NULL);
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    rig_flush(&rig);
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        v[i] = vouch_uint(i);
    (void)vouch_batch_add_once(b, p, 1, vouch_args_of(v, 2 * VOUCH_ONCE_MAX_FIELDS));
    expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK);
    vouch_results_free(r);
    ck_assert_int_eq(ts_int(rig.server, "XLEN", "s", NULL), 1);
    vouch_batch_free(b);
    vouch_producer_free(p);
}
END_TEST

/* ---- transactions --------------------------------------------------------------------------- */

static vouch_tx_step both(vouch_tx *tx, void *user)
{
    const vouch_reply *seen = vouch_tx_read(tx, "GET", "next");
    if (!seen)
        return VOUCH_TX_READ;
    (void)vouch_tx_queue_entry(tx, "{t}plain", VOUCH_ARGS("n", 1), NULL);
    (void)vouch_tx_queue_once(tx, user, 7, VOUCH_ARGS("n", 7));
    vouch_tx_queue(tx, "INCR", "next");
    return VOUCH_TX_COMMIT;
}

START_TEST(they_are_part_of_a_transaction)
{
    vouch_producer *p = feed_producer("{t}once", "p", NULL);
    vouch_tx_result *r = NULL;
    vouch_added a = {.last = 0}, b = a;
    rig_flush(&rig);
    for (int64_t turn = 1; turn <= 2; turn++) {
        expect(vouch_transaction_run(client, both, p, NULL, &r, &error), VOUCH_OK);
        ck_assert(vouch_added_read(vouch_tx_result_reply(r, 0), &a));
        ck_assert(vouch_added_read(vouch_tx_result_reply(r, 1), &b));
        ck_assert_int_eq(a.how, VOUCH_ADDED_NEW);
        ck_assert_int_eq(b.how, turn == 1 ? VOUCH_ADDED_NEW : VOUCH_ADDED_AGAIN);
        vouch_tx_result_free(r);
        ck_assert_int_eq(length("{t}plain"), turn);
        feed_is(rig.server, "{t}once", (const int64_t[]){7}, 1);
    }
    vouch_producer_free(p);
}
END_TEST

static vouch_tx_step bad(vouch_tx *tx, void *user)
{
    (void)vouch_tx_queue_entry(tx, "{t}plain", VOUCH_ARGS("n", 1), NULL);
    (void)vouch_tx_queue_once(tx, user, -7, VOUCH_ARGS("n", 7));
    return VOUCH_TX_COMMIT;
}

START_TEST(a_bad_entry_ends_a_transaction)
{
    vouch_producer *p = feed_producer("{t}once", "p", NULL);
    rig_flush(&rig);
    expect(vouch_transaction_run(client, bad, p, NULL, NULL, &error), VOUCH_EINVAL);
    ck_assert_msg(strstr(error.message, "a sequence below 0"), "%s", error.message);
    ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 0);
    vouch_producer_free(p);
}
END_TEST

/* ---- trims ---------------------------------------------------------------------------------- */

START_TEST(what_is_not_kept_is_removed)
{
    vouch_trim_options o = VOUCH_TRIM_OPTIONS_INIT;
    int64_t removed = -5;
    rig_flush(&rig);
    o.keep.max_len = 300;
    expect(vouch_stream_trim(client, "s", &o, &removed, &error), VOUCH_OK);
    ck_assert_int_eq(removed, 0);
    fill("s", 1000, NULL);
    expect(vouch_stream_trim(client, "s", &o, &removed, &error), VOUCH_OK);
    ck_assert_int_ge(length("s"), 300);
    ck_assert_int_lt(length("s"), 400);
    ck_assert_int_eq(removed, 1000 - length("s"));
    o.keep.exact = 1;
    expect(vouch_stream_trim(client, "s", &o, NULL, &error), VOUCH_OK);
    feed_counts(rig.server, "s", 701, 1000, "trimmed", 0);
    struct feed f = feed_of(rig.server, "s");
    o.keep.max_len = 0;
    o.keep.min_id = f.ids[200];
    expect(vouch_stream_trim(client, "s", &o, &removed, &error), VOUCH_OK);
    ck_assert_int_eq(removed, 200);
    feed_free(&f);
    o.keep.min_id = NULL;
    o.keep.max_len = VOUCH_KEEP_NONE;
    expect(vouch_stream_trim(client, "s", &o, &removed, &error), VOUCH_OK);
    ck_assert_int_eq(removed, 100);
}
END_TEST

START_TEST(trims_travel_in_batches)
{
    vouch_trim_options o = VOUCH_TRIM_OPTIONS_INIT;
    vouch_script *script = NULL;
    vouch_results *r = NULL;
    vouch_batch *b = vouch_batch_new();
    int64_t removed[3] = {-1, -1, -1};
    rig_flush(&rig);
    expect(vouch_trim_script_new(&script, &error), VOUCH_OK);
    fill("s", 10, NULL);
    ts_do(rig.server, "XADD", "old", "1000-0", "n", "1", NULL);
    ts_do(rig.server, "XADD", "old", "*", "n", "2", NULL);
    o.script = script;
    o.keep.exact = 1;
    o.keep.max_len = 4;
    (void)vouch_batch_add_trim(b, "s", &o);
    o.keep.max_len = 0;
    o.keep.max_age_ms = 3600000;
    (void)vouch_batch_add_trim(b, "old", &o);
    (void)vouch_batch_add_trim(b, "missing", &o);
    expect(vouch_pipeline_run(client, b, NULL, &r, &error), VOUCH_OK);
    for (size_t i = 0; i < 3; i++)
        ck_assert(vouch_reply_int64(vouch_results_at(r, i)->reply, &removed[i]));
    ck_assert(removed[0] == 6 && removed[1] == 1 && removed[2] == 0);
    feed_is(rig.server, "old", (const int64_t[]){2}, 1);
    vouch_results_free(r);
    vouch_batch_free(b);
    vouch_script_free(script);
}
END_TEST

START_TEST(what_a_trim_could_not_do_is_told)
{
    vouch_trim_options o = VOUCH_TRIM_OPTIONS_INIT;
    int64_t removed = 5;
    rig_flush(&rig);
    ts_do(rig.server, "SET", "s", "text", NULL);
    o.keep.max_len = 5;
    expect(vouch_stream_trim(client, "s", &o, &removed, &error), VOUCH_ESERVER);
    ck_assert_int_eq(removed, 0);
    ck_assert_int_eq(error.status, VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_str_eq(error.code, "WRONGTYPE");
    o.keep.max_len = 0;
    o.keep.max_age_ms = 5;
    expect(vouch_stream_trim(client, "s", &o, &removed, &error), VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED); /* a script's */
    ts_plan plan = ts_plan_none();
    plan.to_client.cut_after = 1;
    ts_proxy_plan_from_here(rig.proxy, rig_next_connection(&rig) - 1, &plan);
    o.keep.max_age_ms = 0;
    o.keep.max_len = 5;
    expect(vouch_stream_trim(client, "other", &o, &removed, &error), VOUCH_EUNKNOWN);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(removed, 0);
}
END_TEST

int main(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("entries");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 120);
        tcase_add_unchecked_fixture(c, servers[i].begin, end);
        tcase_add_test(c, each_has_a_result_of_its_own);
        tcase_add_test(c, a_length_is_kept);
        tcase_add_test(c, ids_are_given_or_chosen);
        tcase_add_test(c, where_there_is_no_stream_none_is_made);
        tcase_add_test(c, an_entry_may_have_the_most_fields);
        tcase_add_test(c, they_are_part_of_a_transaction);
        tcase_add_test(c, a_bad_entry_ends_a_transaction);
        tcase_add_test(c, what_is_not_kept_is_removed);
        tcase_add_test(c, trims_travel_in_batches);
        tcase_add_test(c, what_a_trim_could_not_do_is_told);
        suite_add_tcase(s, c);
    }
    return rig_main(s);
}
