/* Transactions that nothing goes wrong with, and those that end in the ways they may: against both
 * servers, in both protocols. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;
static vouch_tx_result *result;

static void begin(ts_server_kind kind)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 3, 1000);
}

static void begin_redis(void)
{
    begin(TS_REDIS);
}

static void begin_valkey(void)
{
    begin(TS_VALKEY);
}

static void end(void)
{
    vouch_tx_result_free(result);
    result = NULL;
    vouch_client_close(client);
    rig_stop(&rig);
}

static uint64_t trips(void)
{
    vouch_stats stats = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(client, &stats), VOUCH_OK);
    return stats.round_trips;
}

static void set(const char *key, const char *value)
{
    const char *words[] = {"SET", key, value};
    ts_reply_free(rig_ask(&rig, 3, words));
}

static int64_t get(const char *key)
{
    const char *words[] = {"GET", key};
    ts_reply *r = rig_ask(&rig, 2, words);
    int64_t v = r->text ? strtoll(r->text, NULL, 10) : -1;
    ts_reply_free(r);
    return v;
}

/* Adds one to a counter. */
static vouch_tx_step increment(vouch_tx *tx, void *user)
{
    const vouch_reply *value = vouch_tx_read(tx, "GET", (const char *)user);
    int64_t n = 0;
    if (!value)
        return VOUCH_TX_READ;
    (void)vouch_reply_int64(value, &n);
    vouch_tx_queue(tx, "SET", (const char *)user, n + 1);
    return VOUCH_TX_COMMIT;
}

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

START_TEST(reads_decides_and_writes_in_two_round_trips)
{
    set("c", "41");
    uint64_t before = trips();
    expect(vouch_transaction_run(client, increment, "c", NULL, &result, &error), VOUCH_OK);
    ck_assert_uint_eq(trips() - before, 2);
    ck_assert_int_eq(get("c"), 42);
    ck_assert_int_eq(vouch_tx_result_outcome(result), VOUCH_OUTCOME_COMMITTED);
    ck_assert_uint_eq(vouch_tx_result_count(result), 1);
    ck_assert_uint_eq(vouch_tx_result_attempts(result), 1);
    ck_assert_ptr_null(vouch_tx_result_marker(result).data);
}
END_TEST

START_TEST(with_a_marker_two_round_trips_still)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    o.resolve = 1;
    uint64_t before = trips();
    expect(vouch_transaction_run(client, increment, "c", &o, &result, &error), VOUCH_OK);
    ck_assert_uint_eq(trips() - before, 2);
    ck_assert_ptr_nonnull(vouch_tx_result_marker(result).data);
    ck_assert_int_eq(get("c"), 1);
}
END_TEST

START_TEST(nothing_to_read_is_one_round_trip)
{
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "SET", "a", 1);
    vouch_batch_add(b, "INCR", "a");
    uint64_t before = trips();
    expect(vouch_transaction_exec(client, b, NULL, &result, &error), VOUCH_OK);
    ck_assert_uint_eq(trips() - before, 1);
    int64_t v = 0;
    ck_assert(vouch_reply_int64(vouch_tx_result_reply(result, 1), &v));
    ck_assert_int_eq(v, 2);
    vouch_tx_result_free(result);
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    o.resolve = 1;
    before = trips();
    expect(vouch_transaction_exec(client, b, &o, &result, &error), VOUCH_OK);
    ck_assert_uint_eq(trips() - before, 2);
    vouch_batch_free(b);
}
END_TEST

START_TEST(strict_is_one_round_trip_more)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    o.strict = 1;
    uint64_t before = trips();
    expect(vouch_transaction_run(client, increment, "c", &o, &result, &error), VOUCH_OK);
    ck_assert_uint_eq(trips() - before, 3);
}
END_TEST

START_TEST(a_token_is_used_once)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    o.token = "request-17";
    for (int i = 0; i < 3; i++) {
        expect(vouch_transaction_run(client, increment, "c", &o, &result, &error), VOUCH_OK);
        ck_assert_int_eq(vouch_tx_result_outcome(result),
                         i ? VOUCH_OUTCOME_ALREADY : VOUCH_OUTCOME_COMMITTED);
        vouch_tx_result_free(result);
    }
    result = NULL;
    ck_assert_int_eq(get("c"), 1);
}
END_TEST

START_TEST(errors_while_queueing_and_while_executing_are_different)
{
    const vouch_queue_error *q;
    const vouch_exec_error *e;
    vouch_batch *b = vouch_batch_new();
    set("text", "abc");
    vouch_batch_add(b, "SET", "a", 1);
    vouch_batch_add(b, "INCR", "text");
    vouch_batch_add(b, "LPUSH", "text", 1);
    expect(vouch_transaction_exec(client, b, NULL, &result, &error), VOUCH_EPARTIAL);
    ck_assert_int_eq(error.effect, VOUCH_PARTLY_APPLIED);
    ck_assert_uint_eq(error.command, 1);
    ck_assert_uint_eq(vouch_tx_exec_errors(result, &e), 2);
    ck_assert_uint_eq(vouch_tx_queue_errors(result, &q), 0);
    ck_assert_uint_eq(e[1].index, 2);
    ck_assert_str_eq(e[1].command, "LPUSH");
    ck_assert_int_eq(get("a"), 1);
    vouch_tx_result_free(result);

    vouch_batch_clear(b);
    vouch_batch_add(b, "SET", "a", 2);
    vouch_batch_add(b, "SET", "a");
    vouch_batch_add(b, "NOSUCH", "a");
    expect(vouch_transaction_exec(client, b, NULL, &result, &error), VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_int_eq(vouch_tx_result_outcome(result), VOUCH_OUTCOME_REFUSED_QUEUEING);
    ck_assert_uint_eq(vouch_tx_queue_errors(result, &q), 2);
    ck_assert_uint_eq(q[0].index, 1);
    ck_assert_uint_eq(q[1].index, 2);
    ck_assert_int_eq(get("a"), 1);
    vouch_batch_free(b);
}
END_TEST

/* Somebody else writes before EXEC, `user` times. */
struct rival {
    int left;
    int calls;
};

static vouch_tx_step raced(vouch_tx *tx, void *user)
{
    struct rival *r = user;
    const vouch_reply *value = vouch_tx_read(tx, "GET", "c");
    if (!value)
        return VOUCH_TX_READ;
    r->calls++;
    if (r->left-- > 0)
        set("c", "100");
    int64_t n = 0;
    (void)vouch_reply_int64(value, &n);
    vouch_tx_queue(tx, "SET", "c", n + 1);
    return VOUCH_TX_COMMIT;
}

START_TEST(a_conflict_is_read_and_decided_again)
{
    struct rival r = {2, 0};
    expect(vouch_transaction_run(client, raced, &r, NULL, &result, &error), VOUCH_OK);
    ck_assert_int_eq(r.calls, 3);
    ck_assert_uint_eq(vouch_tx_result_conflicts(result), 2);
    ck_assert_int_eq(get("c"), 101);
    vouch_tx_result_free(result);

    vouch_retry retry = VOUCH_RETRY_INIT;
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    retry.conflicts = 3;
    o.retry = &retry;
    r = (struct rival){1000, 0};
    expect(vouch_transaction_run(client, raced, &r, &o, &result, &error), VOUCH_ECONFLICT);
    ck_assert_int_eq(r.calls, 4);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_int_eq(get("c"), 100);
}
END_TEST

static vouch_tx_step cancel(vouch_tx *tx, void *user)
{
    const vouch_reply *value = vouch_tx_read(tx, "GET", (const char *)user);
    vouch_tx_queue(tx, "SET", "a", 1);
    return value ? VOUCH_TX_CANCEL : VOUCH_TX_READ;
}

START_TEST(a_cancelled_transaction_leaves_no_watch_behind)
{
    expect(vouch_transaction_run(client, cancel, "a", NULL, &result, &error), VOUCH_ECANCELLED);
    ck_assert_int_eq(vouch_tx_result_outcome(result), VOUCH_OUTCOME_CANCELLED);
    vouch_tx_result_free(result);
    set("a", "7");
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "INCR", "a");
    expect(vouch_transaction_exec(client, b, NULL, &result, &error), VOUCH_OK);
    vouch_batch_free(b);
    vouch_stats stats = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(client, &stats), VOUCH_OK);
    ck_assert_uint_eq(stats.connects, 1);
    ck_assert_int_eq(get("a"), 8);
}
END_TEST

static vouch_tx_step add_one(const vouch_reply *value, vouch_arg *next, void *user)
{
    int64_t n = 0;
    (void)user;
    (void)vouch_reply_int64(value, &n);
    *next = vouch_int(n + 1);
    return VOUCH_TX_COMMIT;
}

START_TEST(one_value_is_updated)
{
    expect(vouch_update(client, vouch_text("c"), add_one, NULL, NULL, &result, &error), VOUCH_OK);
    vouch_tx_result_free(result);
    expect(vouch_update(client, vouch_text("c"), add_one, NULL, NULL, &result, &error), VOUCH_OK);
    ck_assert_int_eq(get("c"), 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("transactions");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_add_test(c, reads_decides_and_writes_in_two_round_trips);
        tcase_add_test(c, with_a_marker_two_round_trips_still);
        tcase_add_test(c, nothing_to_read_is_one_round_trip);
        tcase_add_test(c, strict_is_one_round_trip_more);
        tcase_add_test(c, a_token_is_used_once);
        tcase_add_test(c, errors_while_queueing_and_while_executing_are_different);
        tcase_add_test(c, a_conflict_is_read_and_decided_again);
        tcase_add_test(c, a_cancelled_transaction_leaves_no_watch_behind);
        tcase_add_test(c, one_value_is_updated);
        suite_add_tcase(s, c);
    }
    return s;
}

int main(void)
{
    return rig_main(suite());
}
