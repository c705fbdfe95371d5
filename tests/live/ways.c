/* Ways to call, and the comparison of all of them before and after something happened. */
#include "ways.h"

#include <stdio.h>
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

_Static_assert(sizeof ways / sizeof *ways == WAYS, "the number of ways");

static const char *key_of(size_t i)
{
    static char key[24];
    (void)snprintf(key, sizeof key, "way:%zu", i);
    return key;
}

static void expect_ok(struct ways *g, const struct way *w, vouch_status status)
{
    ck_assert_msg(status == VOUCH_OK, "%s: %s: %s", w->name, vouch_status_name(status),
                  g->error.message);
}

static void call_alone(struct ways *g, const struct way *w, size_t i)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    char token[64];
    (void)snprintf(token, sizeof token, "%zu on day %u", i, g->days);
    o.token = w->form == WITH_TOKEN ? token : NULL;
    o.resolve = w->form == WITH_RESOLVE;
    o.strict = w->form == STRICT;
    expect_ok(g, w,
              callee_call(g->client, &g->callees[i], VOUCH_ARGS(key_of(i)), VOUCH_ARGS("x"), &o,
                          &call, &g->error));
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_COMMITTED);
    ck_assert_ptr_nonnull(vouch_call_reply(call));
    vouch_call_free(call);
}

static vouch_batch *batch_of(const struct ways *g, const struct way *w, size_t i, size_t n)
{
    vouch_batch *b = vouch_batch_new();
    for (size_t k = 0; k < n; k++)
        if (w->form != PIPELINE && k % 2)
            vouch_batch_add(b, "INCR", key_of(i));
        else
            callee_add(b, &g->callees[i], VOUCH_ARGS(key_of(i)), VOUCH_ARGS("x"));
    return b;
}

static void call_in_pipeline(struct ways *g, const struct way *w, size_t i)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *r = NULL;
    vouch_batch *b = batch_of(g, w, i, BATCH);
    o.reorder_ok =
        w->form == MIXED; /* else it is refused what others overtook: test_script_flush */
    expect_ok(g, w, vouch_pipeline_run(g->client, b, &o, &r, &g->error));
    ck_assert_uint_eq(vouch_results_totals(r).applied, BATCH);
    for (size_t k = 0; w->runs && w->form == PIPELINE && k < BATCH; k++) {
        int64_t n = 0;
        ck_assert(vouch_reply_int64(vouch_results_at(r, k)->reply, &n));
        ck_assert_int_eq(n, g->counted[i] + 1 + (int64_t)k);
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

static void call_in_transaction(struct ways *g, const struct way *w, size_t i)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_tx_result *r = NULL;
    vouch_batch *b = batch_of(g, w, i, 2);
    struct body body = {b, key_of(i)};
    o.resolve = w->form == EXEC_RESOLVE;
    expect_ok(g, w,
              w->form == READS
                  ? vouch_transaction_run(g->client, read_and_queue, &body, &o, &r, &g->error)
                  : vouch_transaction_exec(g->client, b, &o, &r, &g->error));
    ck_assert_int_eq(vouch_tx_result_outcome(r), VOUCH_OUTCOME_COMMITTED);
    ck_assert_uint_eq(vouch_tx_exec_errors(r, NULL), 0);
    vouch_tx_result_free(r);
    vouch_batch_free(b);
}

static int64_t held(const struct ways *g, size_t i)
{
    int64_t n = ts_int(g->serving, "GET", key_of(i), NULL);
    return n == TS_NIL ? 0 : n;
}

/* What the proxy has seen is what the client says, where a connection and its greeting do not count. */
static void check_trips(const struct ways *g, const struct way *w, ts_proxy_counts before,
                        uint64_t took)
{
    ts_proxy_counts now = ts_proxy_count(g->rig.proxy, TS_EVERY);
    if (now.connections == before.connections && w->form != PIPELINE && w->form != MIXED)
        ck_assert_msg(now.round_trips - before.round_trips == (int64_t)took, "%s", w->name);
}

/* One way, as often as it should, and with no more round trips than these. */
static void go(struct ways *g, size_t i, uint64_t most, bool exactly)
{
    const struct way *w = &ways[i];
    uint64_t before = callee_trips(g->client);
    ts_proxy_counts proxied = ts_proxy_count(g->rig.proxy, TS_EVERY);
    switch (w->form) {
    case SINGLE:
    case WITH_TOKEN:
    case WITH_RESOLVE:
    case STRICT:
        call_alone(g, w, i);
        break;
    case PIPELINE:
    case MIXED:
        call_in_pipeline(g, w, i);
        break;
    case EXEC:
    case EXEC_RESOLVE:
    case READS:
        call_in_transaction(g, w, i);
        break;
    }
    uint64_t took = callee_trips(g->client) - before;
    ck_assert_msg(exactly ? took == most : took <= most, "%s took %llu round trips, not %llu",
                  w->name, (unsigned long long)took, (unsigned long long)most);
    check_trips(g, w, proxied, took);
    g->counted[i] += w->runs;
    ck_assert_msg(held(g, i) == g->counted[i], "%s ran %lld times, not %lld", w->name,
                  (long long)held(g, i), (long long)g->counted[i]);
}

/* The token of this day was used. */
static void use_token_again(struct ways *g, size_t i)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    char token[64];
    if (ways[i].form != WITH_TOKEN)
        return;
    (void)snprintf(token, sizeof token, "%zu on day %u", i, g->days);
    o.token = token;
    expect_ok(g, &ways[i],
              callee_call(g->client, &g->callees[i], VOUCH_ARGS(key_of(i)), VOUCH_ARGS("x"), &o,
                          &call, &g->error));
    ck_assert_int_eq(vouch_call_outcome(call), VOUCH_OUTCOME_ALREADY);
    ck_assert_int_eq(held(g, i), g->counted[i]);
    vouch_call_free(call);
}

/* ---- before and after ----------------------------------------------------------------------- */

static uint64_t extra(const struct way *w, enum ways_gone gone)
{
    return gone == WAYS_BEHIND_ITS_BACK       ? w->flushed
           : gone == WAYS_ON_A_NEW_CONNECTION ? w->anew
                                              : 0;
}

/* All ways once, as it was before; then `happens`, and all ways again. */
void ways_live_through(struct ways *g, void (*happens)(void), enum ways_gone gone, bool data_stays)
{
    bool stays = gone == WAYS_STILL_THERE || gone == WAYS_THERE_ON_A_NEW_CONNECTION;
    g->days++;
    for (size_t i = 0; i < WAYS; i++)
        go(g, i, ways[i].trips + ways[i].flushed + ways[i].anew, false);
    happens();
    for (size_t i = 0; i < WAYS; i++) {
        bool there = callee_is_there(g->serving, &g->callees[i]);
        ck_assert_msg(there == stays, "%s", ways[i].name);
        if (!data_stays)
            g->counted[i] = held(g, i);
        else
            use_token_again(g, i);
        ck_assert_int_eq(held(g, i), g->counted[i]);
    }
    g->days++;
    for (size_t i = 0; i < WAYS; i++)
        go(g, i, ways[i].trips + extra(&ways[i], gone), true);
    g->days++;
    for (size_t i = 0; i < WAYS; i++)
        go(g, i, ways[i].trips, true);
}

/* ---- making and ending ---------------------------------------------------------------------- */

void ways_begin(struct ways *g, const ts_server_options *so, bool functions, uint32_t protocol)
{
    *g = (struct ways){.rig = rig_start_with(so)};
    g->serving = g->rig.server;
    g->client = rig_client(&g->rig, protocol, 1000);
    for (size_t i = 0; i < WAYS; i++)
        g->callees[i] = functions ? callee_function_counter(ways[i].kind, (int)i)
                                  : callee_counter(ways[i].kind, (int)i);
}

void ways_end(struct ways *g)
{
    vouch_client_close(g->client);
    for (size_t i = 0; i < WAYS; i++)
        callee_free(&g->callees[i]);
    rig_stop(&g->rig);
}

void ways_serve_by(struct ways *g, ts_server *server)
{
    ts_address address = ts_server_address(server);
    ts_proxy_upstream(g->rig.proxy, &address);
    g->serving = server;
}

void ways_connections_end(struct ways *g)
{
    ck_assert(ts_proxy_wait_closed(g->rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
}

void ways_copied(const ts_server *from, const ts_server *to)
{
    static unsigned number;
    char value[24];
    int64_t by = ts_deadline(RIG_PATIENCE_MS);
    (void)snprintf(value, sizeof value, "%u", ++number);
    ts_do(from, "SET", "copied", value, NULL);
    while (ts_int(to, "GET", "copied", NULL) != (int64_t)number)
        ck_assert(ts_look_again(by));
}
