/* Transactions that are large, and uses of their handles that are none. */
#include "base.h"
#include "deed.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct deed d;

static void begin(int i)
{
    deed_begin(&d, i % 2 ? TS_VALKEY : TS_REDIS, i / 2 ? 2 : 3);
}

/* Loop tests: both kinds of server, in both protocols. */
#define SERVERS 4

/* ---- many ----------------------------------------------------------------------------------- */

#define MANY 5000

struct many {
    bool bare;  /* a watch for each, else one MGET */
    bool touch; /* the last one, before MULTI */
    bool asked;
    size_t replies;
};

static vouch_tx_step watch_many(vouch_tx *tx, void *user)
{
    struct many *m = user;
    static char keys[MANY][RIG_KEY_MAX];
    static const char *words[MANY + 1];
    words[0] = "MGET";
    for (size_t i = 0; i < MANY; i++) {
        words[i + 1] = rig_key(i, keys[i]);
        if (m->bare)
            vouch_tx_watch(tx, vouch_text(keys[i]));
    }
    const vouch_reply *r = m->bare ? NULL : vouch_tx_read_argv(tx, MANY + 1, words, NULL);
    m->replies = vouch_reply_count(r);
    if (m->bare ? !m->asked : !r) {
        m->asked = true;
        return VOUCH_TX_READ;
    }
    if (m->touch)
        deed_tell(&d, "SET c4999 touched");
    vouch_tx_queue(tx, "INCR", "done");
    return VOUCH_TX_COMMIT;
}

START_TEST(thousands_of_keys_are_watched_all)
{
    begin(_i);
    (void)deed_exec(&d, "PING");
    d.retry.conflicts = VOUCH_RETRY_NONE;
    for (int kind = 0; kind < 4; kind++) {
        struct many m = {.bare = kind & 1, .touch = kind & 2};
        uint64_t before = deed_stats(&d).round_trips;
        (void)deed_run(&d, watch_many, &m);
        ck_assert_uint_eq(m.replies, m.bare ? 0 : MANY);
        if (m.touch)
            deed_expect(&d, "last", VOUCH_ECONFLICT, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_CONFLICT);
        else
            deed_expect(&d, "none", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
        ck_assert_uint_eq(deed_stats(&d).round_trips - before, 2);
    }
    ck_assert_int_eq(deed_int(&d, "GET done"), 2);
    deed_is_clean(&d, "many");
    deed_end(&d);
}
END_TEST

#define COMMANDS 3000

static vouch_tx_step queue_many(vouch_tx *tx, void *user)
{
    char key[RIG_KEY_MAX];
    if (!vouch_tx_read(tx, "GET", "x"))
        return VOUCH_TX_READ;
    for (size_t i = 0; i < COMMANDS; i++)
        ck_assert_uint_eq(vouch_tx_queue(tx, "INCR", rig_key(i, key)), i);
    if (user)
        vouch_tx_queue(tx, "LPUSH", "c0000", 1);
    return VOUCH_TX_COMMIT;
}

/* In a window of ten, in every mode; then with one error at its end. */
START_TEST(a_body_may_be_larger_than_the_window)
{
    vouch_client_options o = rig_options(_i / 2 ? 2 : 3, 10);
    deed_begin_with(&d, _i % 2 ? TS_VALKEY : TS_REDIS, &o);
    for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++) {
        deed_mode(&d, mode);
        (void)deed_run(&d, queue_many, NULL);
        deed_expect(&d, "large", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
        for (size_t i = 0; i < COMMANDS; i++) {
            int64_t n = 0;
            ck_assert(vouch_reply_int64(vouch_tx_result_reply(d.result, i), &n));
            ck_assert_int_eq(n, (int64_t)mode + 1);
        }
    }
    const vouch_exec_error *e;
    deed_mode(&d, DEED_PLAIN);
    (void)deed_run(&d, queue_many, "and an error");
    deed_expect(&d, "error", VOUCH_EPARTIAL, VOUCH_PARTLY_APPLIED, VOUCH_OUTCOME_ERRORS);
    ck_assert_uint_eq(vouch_tx_exec_errors(d.result, &e), 1);
    ck_assert_uint_eq(e[0].index, COMMANDS);
    ck_assert_uint_eq(deed_stats(&d).connects, 1);
    deed_end(&d);
}
END_TEST

#define LARGE ((size_t)20 << 20)

static vouch_tx_step swap_large(vouch_tx *tx, void *user)
{
    const vouch_reply *r = vouch_tx_read(tx, "GET", "large");
    vouch_string *value = user;
    if (!r)
        return VOUCH_TX_READ;
    vouch_string was = vouch_reply_string(r);
    if (was.data)
        ck_assert(was.size == value->size && memcmp(was.data, value->data, was.size) == 0);
    vouch_tx_queue(tx, "SET", "large", vouch_bytes(value->data, value->size));
    vouch_tx_queue(tx, "GET", "large");
    return VOUCH_TX_COMMIT;
}

START_TEST(values_may_be_large)
{
    begin(_i);
    char *bytes = ts_alloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * 2654435761U >> 24);
    vouch_string value = {bytes, LARGE};
    d.options.deadline_ms = 60000;
    for (int i = 0; i < 2; i++) {
        (void)deed_run(&d, swap_large, &value);
        deed_expect(&d, "large", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
        vouch_string got = vouch_reply_string(vouch_tx_result_reply(d.result, 1));
        ck_assert(got.size == LARGE && memcmp(got.data, bytes, LARGE) == 0);
    }
    free(bytes);
    deed_end(&d);
}
END_TEST

/* ---- replies over a limit ------------------------------------------------------------------- */

START_TEST(a_reply_over_a_limit_is_told_for_what_it_is)
{
    vouch_client_options o = rig_options(_i / 2 ? 2 : 3, 0);
    o.reply_max_bytes = 1000;
    deed_begin_with(&d, _i % 2 ? TS_VALKEY : TS_REDIS, &o);
    deed_tell(&d, "SETRANGE long 2000 x;SETRANGE half 600 x");
    struct plan p = {.read = "GET half;GET long", .queue = "INCR done"};
    (void)deed_plan(&d, &p);
    deed_expect(&d, "read", VOUCH_ETOOLARGE, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
    ck_assert_msg(strstr(d.error.message, "read 1"), "%s", d.error.message);
    ck_assert_int_eq(deed_int(&d, "GET done"), TS_NIL);
    deed_is_clean(&d, "read");
    /* Each is small enough, EXEC's reply is not. */
    (void)deed_exec(&d, "INCR done;GET half;GET half");
    deed_expect(&d, "exec", VOUCH_ETOOLARGE, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    ck_assert_int_eq(deed_int(&d, "GET done"), 1);
    ck_assert_uint_eq(vouch_tx_result_count(d.result), 3);
    ck_assert_int_eq(vouch_tx_result_at(d.result, 0)->effect, VOUCH_MAYBE_APPLIED);
    ck_assert_uint_eq(d.error.retriable, 0);
    deed_is_clean(&d, "exec");
    deed_end(&d);
}
END_TEST

/* ---- slots ---------------------------------------------------------------------------------- */

/* Reads another key in each attempt; others are always faster in the first. */
static vouch_tx_step wander(vouch_tx *tx, void *user)
{
    const char *const *keys = user;
    const char *key = keys[vouch_tx_attempt(tx) > 1];
    if (!vouch_tx_read(tx, "GET", key))
        return VOUCH_TX_READ;
    if (vouch_tx_attempt(tx) == 1)
        deed_tell(&d, "INCR a{one}");
    vouch_tx_queue(tx, "INCR", "done");
    return VOUCH_TX_COMMIT;
}

START_TEST(a_body_with_a_marker_stays_in_its_slot)
{
    static const char *same[] = {"a{one}", "b{one}"}, *other[] = {"a{one}", "a{two}"};
    begin(_i);
    for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++) {
        deed_mode(&d, mode);
        (void)deed_run(&d, wander, same);
        deed_expect(&d, "the same slot", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
        deed_mode(&d, mode);
        deed_tell(&d, "DEL done");
        (void)deed_run(&d, wander, other);
        if (mode < DEED_RESOLVE) {
            deed_expect(&d, "another", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
            continue;
        }
        deed_expect(&d, "another", VOUCH_EINVAL, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
        ck_assert_msg(strstr(d.error.message, "another hash slot"), "%s", d.error.message);
        ck_assert_int_eq(deed_int(&d, "GET done"), TS_NIL);
        deed_is_clean(&d, "another slot");
    }
    deed_end(&d);
}
END_TEST

/* ---- handles where they do not belong ------------------------------------------------------- */

static void expect_busy(vouch_status status)
{
    ck_assert_int_eq(status, VOUCH_EBUSY);
}

static vouch_tx_step call_the_client(vouch_tx *tx, void *user)
{
    vouch_batch *b = user;
    vouch_op *op = NULL;
    vouch_tx_result *result = (vouch_tx_result *)user;
    vouch_results *results = NULL;
    vouch_error e;
    struct pollfd fds[4];
    int64_t timeout;
    expect_busy(vouch_pipeline_run(d.client, b, NULL, &results, &e));
    expect_busy(vouch_transaction_exec(d.client, b, NULL, &result, &e));
    ck_assert_ptr_null(result);
    expect_busy(vouch_transaction_run(d.client, call_the_client, user, NULL, NULL, &e));
    expect_busy(vouch_transaction_start(d.client, call_the_client, user, NULL, &op, &e));
    ck_assert_ptr_null(op);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    (void)vouch_client_watch(d.client, fds, 4, &timeout);
    vouch_client_ready(d.client, fds, 0);
    (void)deed_stats(&d); /* may be called */
    vouch_tx_queue(tx, "INCR", "done");
    return VOUCH_TX_COMMIT;
}

START_TEST(a_body_cannot_use_its_client)
{
    begin(_i);
    vouch_batch *b = deed_batch("INCR done");
    (void)deed_run(&d, call_the_client, b);
    deed_expect(&d, "busy", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    ck_assert_int_eq(deed_int(&d, "GET done"), 1);
    vouch_batch_free(b);
    deed_end(&d);
}
END_TEST

static vouch_tx *kept;

static vouch_tx_step keep(vouch_tx *tx, void *user)
{
    struct plan *p = user;
    kept = tx;
    return deed_planned(tx, p);
}

/* Between two attempts: it is still there, but is nobody's. */
static bool use_kept(const vouch_retry_wait *wait, void *user)
{
    vouch_batch *b = user;
    (void)wait;
    ck_assert_ptr_null(vouch_tx_read(kept, "GET", "y"));
    ck_assert_ptr_null(vouch_tx_peek(kept, "GET", "y"));
    vouch_tx_watch(kept, vouch_text("y"));
    ck_assert_uint_eq(vouch_tx_queue(kept, "INCR", "wrong"), VOUCH_NO_COMMAND);
    ck_assert_uint_eq(vouch_tx_queue_batch(kept, b), VOUCH_NO_COMMAND);
    return true;
}

START_TEST(a_transaction_does_nothing_outside_of_its_body)
{
    begin(_i);
    vouch_batch *b = deed_batch("INCR wrong");
    struct plan p = {
        .deed = &d, .read = "GET x", .between = "INCR x", .times = 2, .queue = "INCR done"};
    d.retry.on_wait = use_kept;
    d.retry.user = b;
    (void)deed_run(&d, keep, &p);
    deed_expect(&d, "kept", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    ck_assert_uint_eq(vouch_tx_result_count(d.result), 1);
    ck_assert_int_eq(deed_int(&d, "GET wrong"), TS_NIL);
    vouch_batch_free(b);
    deed_end(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx_limits");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, thousands_of_keys_are_watched_all, 0, SERVERS);
    tcase_add_loop_test(c, a_body_may_be_larger_than_the_window, 0, SERVERS);
    tcase_add_loop_test(c, values_may_be_large, 0, SERVERS);
    tcase_add_loop_test(c, a_reply_over_a_limit_is_told_for_what_it_is, 0, SERVERS);
    tcase_add_loop_test(c, a_body_with_a_marker_stays_in_its_slot, 0, SERVERS);
    tcase_add_loop_test(c, a_body_cannot_use_its_client, 0, SERVERS);
    tcase_add_loop_test(c, a_transaction_does_nothing_outside_of_its_body, 0, SERVERS);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
