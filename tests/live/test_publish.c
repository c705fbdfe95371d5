/* Messages published as a batch: PUBLISH, XADD and RPUSH in one pipeline, and who listens. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES ((size_t)200)
#define TEXT_MAX 32

static struct rig rig;
static vouch_error e;

/* One who listens to "news", on a connection of its own. */
static ts_conn *subscribe(void)
{
    ts_conn *conn = ts_truth_open(rig.server);
    ck_assert_ptr_nonnull(conn);
    ts_reply *reply = ts_conn_command(conn, "SUBSCRIBE", "news", NULL);
    ck_assert_uint_eq(reply->count, 3);
    ts_reply_free(reply);
    return conn;
}

/* The next message's text, freed with free(). */
static char *hear(ts_conn *conn)
{
    ts_reply *reply = ts_conn_read(conn, ts_deadline(RIG_PATIENCE_MS));
    ck_assert_int_eq(reply->type, TS_REPLY_ARRAY);
    ck_assert_str_eq(reply->elements[0]->text, "message");
    char *text = strdup(reply->elements[2]->text);
    ts_reply_free(reply);
    return text;
}

static bool hears(ts_conn *conn, const char *expected)
{
    char *text = hear(conn);
    bool same = strcmp(text, expected) == 0;
    free(text);
    return same;
}

static const char *message(size_t i, char text[static TEXT_MAX])
{
    (void)snprintf(text, TEXT_MAX, "m%06zu", i);
    return text;
}

/* Message i is commands 2i and 2i + 1; the last command queues them all at once. */
static vouch_batch *make_batch(size_t n)
{
    vouch_batch *b = vouch_batch_new();
    char text[TEXT_MAX];
    for (size_t i = 0; i < n; i++) {
        vouch_batch_add(b, "PUBLISH", "news", message(i, text));
        vouch_batch_add(b, "XADD", "stream", "*", "text", text);
    }
    vouch_batch_begin(b, "RPUSH");
    vouch_batch_arg(b, "queue");
    for (size_t i = 0; i < n; i++)
        vouch_batch_arg(b, message(i, text));
    ck_assert_uint_eq(vouch_batch_end(b), 2 * n);
    return b;
}

static void check_number(const vouch_results *results, size_t i, int64_t expected)
{
    int64_t number = -1;
    ck_assert(vouch_reply_int64(vouch_results_at(results, i)->reply, &number));
    ck_assert_int_eq(number, expected);
}

/* The entry that this id names has this text. */
static void check_entry(const vouch_result *result, const char *text)
{
    vouch_string id = vouch_reply_string(result->reply);
    ck_assert(id.data != NULL);
    const char *words[] = {"XRANGE", "stream", id.data, id.data};
    ts_reply *reply = rig_ask(&rig, 4, words);
    ck_assert_uint_eq(reply->count, 1);
    ck_assert_str_eq(reply->elements[0]->elements[1]->elements[1]->text, text);
    ts_reply_free(reply);
}

static void check_queue(size_t n)
{
    static const char *const words[] = {"LRANGE", "queue", "0", "-1"};
    ts_reply *reply = rig_ask(&rig, 4, words);
    char text[TEXT_MAX];
    ck_assert_uint_eq(reply->count, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_str_eq(reply->elements[i]->text, message(i, text));
    ts_reply_free(reply);
}

START_TEST(a_batch_of_messages_is_one_round_trip)
{
    rig = rig_start(_i & 1 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, _i & 2 ? 2 : 3, 0);
    ts_conn *listeners[2] = {subscribe(), subscribe()};
    vouch_batch *b = make_batch(MESSAGES);
    vouch_results *results = NULL;
    char text[TEXT_MAX];
    (void)rig_connection_id(client);
    int64_t trips = ts_proxy_count(rig.proxy, TS_EVERY).round_trips;
    ck_assert_msg(vouch_pipeline_run(client, b, NULL, &results, &e) == VOUCH_OK, "%s", e.message);
    ck_assert_int_eq(ts_proxy_count(rig.proxy, TS_EVERY).round_trips - trips, 1);
    ck_assert_uint_eq(vouch_results_totals(results).applied, 2 * MESSAGES + 1);
    for (size_t i = 0; i < MESSAGES; i++) {
        check_number(results, 2 * i, 2); /* listeners */
        check_entry(vouch_results_at(results, 2 * i + 1), message(i, text));
        ck_assert(hears(listeners[0], text) && hears(listeners[1], text));
    }
    check_number(results, 2 * MESSAGES, MESSAGES); /* the list's length */
    check_queue(MESSAGES);
    vouch_results_free(results);
    vouch_batch_free(b);
    ts_conn_close(listeners[0]);
    ts_conn_close(listeners[1]);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- cut ------------------------------------------------------------------------------------ */

static bool may_be(vouch_effect effect, bool is)
{
    return effect == VOUCH_MAYBE_APPLIED || is == (effect == VOUCH_APPLIED);
}

/* How many of the messages were heard, in order and without a gap; then the one that says the end. */
static size_t count_heard(ts_conn *listener)
{
    char expected[TEXT_MAX];
    for (size_t n = 0;; n++) {
        char *text = hear(listener);
        bool end = strcmp(text, "end") == 0;
        ck_assert_msg(end || strcmp(text, message(n, expected)) == 0, "%s is out of order", text);
        free(text);
        if (end)
            return n;
    }
}

/* What was said of each command is what was heard, streamed and queued. */
static void compare(const vouch_results *results, ts_conn *listener)
{
    ts_do(rig.server, "PUBLISH", "news", "end", NULL);
    size_t heard = count_heard(listener);
    size_t entries = (size_t)ts_int(rig.server, "XLEN", "stream", NULL);
    size_t queued = (size_t)ts_int(rig.server, "LLEN", "queue", NULL);
    ck_assert(heard <= MESSAGES && heard - entries <= 1);
    for (size_t i = 0; i < MESSAGES; i++) {
        ck_assert(may_be(vouch_results_at(results, 2 * i)->effect, i < heard));
        ck_assert(may_be(vouch_results_at(results, 2 * i + 1)->effect, i < entries));
    }
    ck_assert(queued == 0 || queued == MESSAGES); /* one command: all or nothing */
    ck_assert(may_be(vouch_results_at(results, 2 * MESSAGES)->effect, queued == MESSAGES));
}

START_TEST(a_cut_batch_says_which_messages_went_out)
{
    rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    vouch_batch *b = make_batch(MESSAGES);
    struct rig_tally tally = {0};
    for (int64_t bytes = 100; bytes < 26000; bytes += 1171) {
        ts_conn *listener = subscribe();
        vouch_client *client = rig_client(&rig, 2, bytes % 2 ? 50 : 0);
        vouch_results *results = NULL;
        int connection = rig_next_connection(&rig);
        ts_plan plan =
            ts_plan_cut(bytes % 3 ? TS_TO_SERVER : TS_TO_CLIENT, bytes % 3 ? bytes : bytes / 3);
        ts_proxy_plan(rig.proxy, connection, &plan);
        (void)!vouch_pipeline_run(client, b, NULL, &results, &e);
        ck_assert_ptr_nonnull(results);
        vouch_client_close(client);
        ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
        compare(results, listener);
        rig_count(&tally, results);
        vouch_results_free(results);
        ts_conn_close(listener);
        rig_flush(&rig);
    }
    ck_assert(tally.applied && tally.not_applied && tally.maybe);
    rig_print(&tally, "cuts");
    vouch_batch_free(b);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("publish");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_batch_of_messages_is_one_round_trip, 0, 4);
    tcase_add_loop_test(c, a_cut_batch_says_which_messages_went_out, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
