/* Scripts that are gone: flushed, lost by a restart, left behind by a primary, evicted. In every way in
 * which one can be called the next call goes on as if nothing had been, and the round trips that this
 * costs are counted; how often each ran is read off the server. */
#include "callee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 100

/* ---- ways to call --------------------------------------------------------------------------- */

enum form { SINGLE, WITH_TOKEN, WITH_RESOLVE, STRICT, PIPELINE, MIXED, EXEC, EXEC_RESOLVE, READS };

struct way {
    const char *name;
    enum form form;
    enum callee_kind kind;
    uint64_t trips;   /* that it takes while the script is there */
    uint64_t flushed; /* more, if the script vanished behind the connection's back */
    uint64_t anew;    /* more, on a new connection to a server that does not have it */
    int64_t runs;
};

static const struct way ways[] = {
    {"one call, honest", SINGLE, CALLEE_HONEST, 1, 1, 1, 1},
    {"one call", SINGLE, CALLEE_FORGER, 1, 2, 0, 1},
    {"one call, read-only", SINGLE, CALLEE_READONLY, 1, 1, 1, 0},
    {"with a token, honest", WITH_TOKEN, CALLEE_HONEST, 2, 0, 0, 1},
    {"with a token", WITH_TOKEN, CALLEE_FORGER, 2, 0, 0, 1},
    {"with resolve", WITH_RESOLVE, CALLEE_FORGER, 2, 0, 0, 1},
    {"strict, honest", STRICT, CALLEE_HONEST, 1, 0, 0, 1},
    {"strict", STRICT, CALLEE_FORGER, 1, 0, 0, 1},
    {"a pipeline, honest", PIPELINE, CALLEE_HONEST, 1, 1, 0, BATCH},
    {"a pipeline", PIPELINE, CALLEE_FORGER, 1, 2, 0, BATCH},
    {"a pipeline, read-only", PIPELINE, CALLEE_READONLY, 1, 1, 0, 0},
    {"a pipeline with others", MIXED, CALLEE_HONEST, 1, 1, 0, BATCH},
    {"a transaction, honest", EXEC, CALLEE_HONEST, 1, 0, 0, 2},
    {"a transaction", EXEC, CALLEE_FORGER, 1, 0, 0, 2},
    {"a transaction with a marker", EXEC_RESOLVE, CALLEE_FORGER, 2, 0, 0, 2},
    {"a transaction that reads", READS, CALLEE_HONEST, 2, 0, 0, 2},
    {"a transaction that reads, of forgers", READS, CALLEE_FORGER, 2, 0, 0, 2},
};

#define WAYS (sizeof ways / sizeof *ways)

static struct rig rig;
static ts_server *replica, *serving; /* the one that the client is served by */
static vouch_client *client;
static vouch_error error;
static struct callee callees[WAYS];
static int64_t counted[WAYS]; /* what each way's counter must be */
static unsigned days;
static ts_server_kind kind;

static const char *key_of(size_t i)
{
    static char key[24];
    (void)snprintf(key, sizeof key, "way:%zu", i);
    return key;
}

static void expect_ok(const struct way *w, vouch_status status)
{
    ck_assert_msg(status == VOUCH_OK, "%s: %s: %s", w->name, vouch_status_name(status),
                  error.message);
}

static void call_alone(const struct way *w, size_t i)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    char token[64];
    (void)snprintf(token, sizeof token, "%zu on day %u", i, days);
    o.token = w->form == WITH_TOKEN ? token : NULL;
    o.resolve = w->form == WITH_RESOLVE;
    o.strict = w->form == STRICT;
    expect_ok(w, callee_call(client, &callees[i], VOUCH_ARGS(key_of(i)), VOUCH_ARGS("x"), &o, &call,
                             &error));
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_COMMITTED);
    ck_assert_ptr_nonnull(vouch_call_reply(call));
    vouch_call_free(call);
}

static vouch_batch *batch_of(const struct way *w, size_t i, size_t n)
{
    vouch_batch *b = vouch_batch_new();
    for (size_t k = 0; k < n; k++)
        if (w->form != PIPELINE && k % 2)
            vouch_batch_add(b, "INCR", key_of(i));
        else
            callee_add(b, &callees[i], VOUCH_ARGS(key_of(i)), VOUCH_ARGS("x"));
    return b;
}

static void call_in_pipeline(const struct way *w, size_t i)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *r = NULL;
    vouch_batch *b = batch_of(w, i, BATCH);
    o.reorder_ok =
        w->form == MIXED; /* else it is refused what others overtook: test_script_flush */
    expect_ok(w, vouch_pipeline_run(client, b, &o, &r, &error));
    ck_assert_uint_eq(vouch_results_totals(r).applied, BATCH);
    for (size_t k = 0; w->runs && w->form == PIPELINE && k < BATCH; k++) {
        int64_t n = 0;
        ck_assert(vouch_reply_int64(vouch_results_at(r, k)->reply, &n));
        ck_assert_int_eq(n, counted[i] + 1 + (int64_t)k);
    }
    vouch_results_free(r);
    vouch_batch_free(b);
}

struct body {
    const vouch_batch *queue;
    const char *key;
};

static vouch_tx_step read_and_queue(vouch_tx *tx, void *user)
{
    const struct body *body = user;
    if (!vouch_tx_read(tx, "GET", body->key))
        return VOUCH_TX_READ;
    (void)vouch_tx_queue_batch(tx, body->queue);
    return VOUCH_TX_COMMIT;
}

static void call_in_transaction(const struct way *w, size_t i)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_tx_result *r = NULL;
    vouch_batch *b = batch_of(w, i, 2);
    struct body body = {b, key_of(i)};
    o.resolve = w->form == EXEC_RESOLVE;
    expect_ok(w, w->form == READS
                     ? vouch_transaction_run(client, read_and_queue, &body, &o, &r, &error)
                     : vouch_transaction_exec(client, b, &o, &r, &error));
    ck_assert_int_eq(vouch_tx_result_outcome(r), VOUCH_OUTCOME_COMMITTED);
    ck_assert_uint_eq(vouch_tx_exec_errors(r, NULL), 0);
    vouch_tx_result_free(r);
    vouch_batch_free(b);
}

static int64_t held(size_t i)
{
    int64_t n = ts_int(serving, "GET", key_of(i), NULL);
    return n == TS_NIL ? 0 : n;
}

/* What the proxy has seen is what the client says, where a connection and its greeting do not count. */
static void check_trips(const struct way *w, ts_proxy_counts before, uint64_t took)
{
    ts_proxy_counts now = ts_proxy_count(rig.proxy, TS_EVERY);
    if (now.connections == before.connections && w->form != PIPELINE && w->form != MIXED)
        ck_assert_msg(now.round_trips - before.round_trips == (int64_t)took, "%s", w->name);
}

/* One way, as often as it should, and with no more round trips than these. */
static void go(size_t i, uint64_t most, bool exactly)
{
    const struct way *w = &ways[i];
    uint64_t before = callee_trips(client);
    ts_proxy_counts proxied = ts_proxy_count(rig.proxy, TS_EVERY);
    switch (w->form) {
    case SINGLE:
    case WITH_TOKEN:
    case WITH_RESOLVE:
    case STRICT:
        call_alone(w, i);
        break;
    case PIPELINE:
    case MIXED:
        call_in_pipeline(w, i);
        break;
    case EXEC:
    case EXEC_RESOLVE:
    case READS:
        call_in_transaction(w, i);
        break;
    }
    uint64_t took = callee_trips(client) - before;
    ck_assert_msg(exactly ? took == most : took <= most, "%s took %llu round trips, not %llu",
                  w->name, (unsigned long long)took, (unsigned long long)most);
    check_trips(w, proxied, took);
    counted[i] += w->runs;
    ck_assert_msg(held(i) == counted[i], "%s ran %lld times, not %lld", w->name, (long long)held(i),
                  (long long)counted[i]);
}

/* The token of this day was used. */
static void use_token_again(size_t i)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    char token[64];
    if (ways[i].form != WITH_TOKEN)
        return;
    (void)snprintf(token, sizeof token, "%zu on day %u", i, days);
    o.token = token;
    expect_ok(&ways[i], callee_call(client, &callees[i], VOUCH_ARGS(key_of(i)), VOUCH_ARGS("x"), &o,
                                    &call, &error));
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_ALREADY);
    ck_assert_int_eq(held(i), counted[i]);
    vouch_call_free(call);
}

/* ---- what happens --------------------------------------------------------------------------- */

enum gone { STILL_THERE, BEHIND_ITS_BACK, ON_A_NEW_CONNECTION };

static uint64_t extra(const struct way *w, enum gone gone)
{
    return gone == BEHIND_ITS_BACK ? w->flushed : gone == ON_A_NEW_CONNECTION ? w->anew : 0;
}

/* All ways once, as it was before; then `happens`, and all ways again. */
static void live_through(void (*happens)(void), enum gone gone, bool data_stays)
{
    days++;
    for (size_t i = 0; i < WAYS; i++)
        go(i, ways[i].trips + ways[i].flushed + ways[i].anew, false);
    happens();
    for (size_t i = 0; i < WAYS; i++) {
        bool there = callee_is_there(serving, &callees[i]);
        ck_assert_msg(there == (gone == STILL_THERE), "%s", ways[i].name);
        if (!data_stays)
            counted[i] = held(i);
        else
            use_token_again(i);
        ck_assert_int_eq(held(i), counted[i]);
    }
    days++;
    for (size_t i = 0; i < WAYS; i++)
        go(i, ways[i].trips + extra(&ways[i], gone), true);
    days++;
    for (size_t i = 0; i < WAYS; i++)
        go(i, ways[i].trips, true);
}

static void connections_end(void)
{
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
}

static void flush(void)
{
    callee_lose_all(serving);
}

static void restart(void)
{
    ck_assert(ts_server_restart(serving));
    connections_end();
}

static void kill_and_restart(void)
{
    ts_server_kill(serving);
    restart();
}

/* On a connection of their own, and all different. */
static void eval_others(void)
{
    static unsigned number;
    for (int i = 0; i < 600; i++) {
        char source[48];
        (void)snprintf(source, sizeof source, "return %u", number++);
        const char *words[] = {"EVAL", source, "0"};
        ts_reply_free(rig_ask(&rig, 3, words));
    }
}

/* All that was written on the one is on the other. */
static void wait_for_copy(const ts_server *from, const ts_server *to)
{
    static unsigned number;
    char value[24];
    int64_t by = ts_deadline(RIG_PATIENCE_MS);
    (void)snprintf(value, sizeof value, "%u", ++number);
    ts_do(from, "SET", "copied", value, NULL);
    while (ts_int(to, "GET", "copied", NULL) != (int64_t)number)
        ck_assert(ts_look_again(by));
}

/* A replica of what the rig has. */
static void start_replica(void)
{
    static const char *const config[] = {"replica-read-only no", NULL};
    ts_server_options so = {
        .kind = kind, .transport = TS_TCP, .replica_of = rig.server, .config = config};
    replica = ts_server_start(&so);
    ck_assert_ptr_nonnull(replica);
}

static void serve_by(ts_server *server)
{
    ts_address address = ts_server_address(server);
    ts_proxy_upstream(rig.proxy, &address);
    serving = server;
}

static void promote(void)
{
    wait_for_copy(rig.server, replica);
    ts_server_kill(rig.server);
    ts_do(replica, "REPLICAOF", "NO", "ONE", NULL);
    serve_by(replica);
    connections_end();
}

static int64_t full_resyncs(void)
{
    char *text = ts_info(rig.server, "stats", "sync_full");
    int64_t n = strtoll(text, NULL, 10);
    free(text);
    return n;
}

static void resync(void)
{
    char port[16];
    int64_t before = full_resyncs();
    (void)snprintf(port, sizeof port, "%d", ts_server_address(rig.server).port);
    ts_do(replica, "REPLICAOF", "NO", "ONE", NULL);
    ts_do(rig.server, "DEBUG", "CHANGE-REPL-ID", NULL);
    ts_do(replica, "REPLICAOF", "127.0.0.1", port, NULL);
    ck_assert(ts_server_wait_linked(replica, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert_int_eq(full_resyncs(), before + 1);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void begin(ts_persistence persistence, ts_transport transport, uint32_t protocol)
{
    ts_server_options so = {.kind = kind, .persistence = persistence, .transport = transport};
    rig = rig_start_with(&so);
    serving = rig.server;
    client = rig_client(&rig, protocol, 1000);
    days = 0;
    memset(counted, 0, sizeof counted);
    for (size_t i = 0; i < WAYS; i++)
        callees[i] = callee_counter(ways[i].kind, (int)i);
}

static void end(void)
{
    vouch_client_close(client);
    for (size_t i = 0; i < WAYS; i++)
        callee_free(&callees[i]);
    ts_server_free(replica);
    replica = NULL;
    rig_stop(&rig);
}

static void begin_redis(void)
{
    kind = TS_REDIS;
}

static void begin_valkey(void)
{
    kind = TS_VALKEY;
}

START_TEST(flushed)
{
    for (uint32_t protocol = 2; protocol <= 3; protocol++) {
        begin(TS_NO_PERSISTENCE, TS_UNIX, protocol);
        live_through(flush, BEHIND_ITS_BACK, true);
        live_through(flush, BEHIND_ITS_BACK, true);
        end();
    }
}
END_TEST

START_TEST(restarted_without_persistence)
{
    begin(TS_NO_PERSISTENCE, TS_TCP, 3);
    live_through(restart, ON_A_NEW_CONNECTION, false);
    live_through(kill_and_restart, ON_A_NEW_CONNECTION, false);
    end();
}
END_TEST

START_TEST(killed_and_restarted_with_its_data)
{
    begin(TS_AOF_ALWAYS, TS_UNIX, 3);
    live_through(kill_and_restart, ON_A_NEW_CONNECTION, true);
    live_through(restart, ON_A_NEW_CONNECTION, true);
    end();
}
END_TEST

START_TEST(left_behind_by_a_primary)
{
    begin(TS_NO_PERSISTENCE, TS_TCP, 3);
    start_replica();
    live_through(promote, ON_A_NEW_CONNECTION, true);
    end();
}
END_TEST

/* The client writes to a replica that allows it; what it wrote is gone with the resync. */
START_TEST(resynchronised)
{
    begin(TS_NO_PERSISTENCE, TS_TCP, 3);
    start_replica();
    serve_by(replica);
    live_through(resync, STILL_THERE, false);
    live_through(resync, STILL_THERE, false);
    end();
}
END_TEST

START_TEST(not_evicted_by_600_others)
{
    begin(TS_NO_PERSISTENCE, TS_UNIX, 3);
    live_through(eval_others, STILL_THERE, true);
    live_through(eval_others, STILL_THERE, true);
    end();
}
END_TEST

/* As it is, others may EVAL it, and then it is theirs to lose. */
START_TEST(evicted_with_the_same_text_of_others)
{
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    static const char source[] = "return redis.call('INCR', KEYS[1])";
    vouch_call *call = NULL;
    begin(TS_NO_PERSISTENCE, TS_UNIX, 3);
    o.honest = o.as_is = 1;
    struct callee c = callee_of(source, &o);
    ts_do(serving, "EVAL", source, "1", "k", NULL);
    for (int turn = 0; turn < 3; turn++) {
        uint64_t before = callee_trips(client);
        vouch_status status =
            callee_call(client, &c, VOUCH_ARGS("k"), VOUCH_NO_ARGS, NULL, &call, &error);
        ck_assert_msg(status == VOUCH_OK, "%s", error.message);
        ck_assert_uint_le(callee_trips(client) - before, 2);
        ck_assert_int_eq(ts_int(serving, "GET", "k", NULL), 2 + turn);
        eval_others();
    }
    vouch_call_free(call);
    callee_free(&c);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script gone");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, NULL);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, flushed);
        tcase_add_test(c, restarted_without_persistence);
        tcase_add_test(c, killed_and_restarted_with_its_data);
        tcase_add_test(c, left_behind_by_a_primary);
        tcase_add_test(c, resynchronised);
        tcase_add_test(c, not_evicted_by_600_others);
        tcase_add_test(c, evicted_with_the_same_text_of_others);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
