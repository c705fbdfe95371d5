/* What the fault tests of transactions do, and how often it was done. */
#include "feat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AMOUNT 7

struct rig feat_rig(ts_server_kind kind, ts_transport transport, ts_persistence persistence)
{
    ts_server_options so = {.kind = kind, .transport = transport, .persistence = persistence};
    struct rig rig = {.server = ts_server_start(&so)};
    ck_assert_msg(rig.server != NULL, "the server does not start");
    ts_proxy_options po = {
        .transport = transport, .upstream = ts_server_address(rig.server), .record = true};
    rig.proxy = ts_proxy_start(&po);
    return rig;
}

/* ---- the bodies ----------------------------------------------------------------------------- */

static int64_t number(const vouch_reply *reply)
{
    int64_t n = 0;
    (void)vouch_reply_int64(reply, &n);
    return n;
}

/* Queues what the feat is; false while it waits for what it reads. */
static bool act(struct feat *d, vouch_tx *tx)
{
    const vouch_reply *a, *b;
    switch (d->kind) {
    case FEAT_COUNTER:
        a = vouch_tx_read(tx, "GET", "c");
        if (a)
            vouch_tx_queue(tx, "SET", "c", number(a) + 1);
        return a != NULL;
    case FEAT_TRANSFER:
        a = vouch_tx_read(tx, "GET", "from");
        b = vouch_tx_read(tx, "GET", "to");
        vouch_tx_queue(tx, "DECRBY", "from", AMOUNT);
        vouch_tx_queue(tx, "INCRBY", "to", AMOUNT);
        return a && b;
    case FEAT_BLIND:
        a = vouch_tx_peek(tx, "GET", "n");
        vouch_tx_queue(tx, "INCR", "n");
        vouch_tx_queue(tx, "INCR", "m");
        return a != NULL;
    case FEAT_BATCH:
        break;
    }
    return false;
}

static vouch_tx_step change_mind(struct feat *d, vouch_tx *tx)
{
    static const char *const words[] = {"INCR", "rival"};
    switch (d->turn) {
    case TURN_CANCEL:
        return VOUCH_TX_CANCEL;
    case TURN_RIVAL:
        ts_reply_free(rig_ask(d->rig, 2, words));
        break;
    case TURN_REFUSED:
        vouch_tx_queue(tx, "SET", "c");
        break;
    case TURN_NONE:
        break;
    }
    return VOUCH_TX_COMMIT;
}

static vouch_tx_step body(vouch_tx *tx, void *user)
{
    struct feat *d = user;
    d->attempt = vouch_tx_attempt(tx);
    if (d->turn == TURN_RIVAL && d->attempt >= d->turns_at)
        vouch_tx_watch(tx, vouch_text("rival"));
    if (!act(d, tx))
        return VOUCH_TX_READ;
    if (d->deciding)
        d->deciding(d, d->attempt);
    return d->attempt >= d->turns_at ? change_mind(d, tx) : VOUCH_TX_COMMIT;
}

/* ---- running -------------------------------------------------------------------------------- */

static unsigned long tokens = 100000;

void feat_init(struct feat *d, struct rig *rig, enum feat_kind kind, enum feat_guard guard)
{
    static const vouch_tx_options options = VOUCH_TX_OPTIONS_INIT;
    static const vouch_retry retry = VOUCH_RETRY_INIT;
    memset(d, 0, sizeof *d);
    d->kind = kind;
    d->rig = rig;
    d->turns_at = 2;
    d->options = options;
    d->retry = retry;
    d->options.strict = guard == GUARD_STRICT || guard == GUARD_STRICT_RESOLVE;
    d->options.resolve = guard == GUARD_RESOLVE || guard == GUARD_STRICT_RESOLVE;
    if (guard == GUARD_TOKEN)
        (void)snprintf(d->token, sizeof d->token, "t%lu", tokens++);
}

bool feat_is_marked(const struct feat *d)
{
    return d->options.resolve || d->token[0];
}

static vouch_op *start_batch(const struct feat *d, vouch_client *client)
{
    vouch_op *op = NULL;
    vouch_error e;
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "INCR", "n");
    vouch_batch_add(b, "INCR", "m");
    vouch_status status = vouch_transaction_exec_start(client, b, &d->options, &op, &e);
    ck_assert_msg(status == VOUCH_OK, "%s", e.message);
    vouch_batch_free(b);
    return op;
}

vouch_op *feat_start(struct feat *d, vouch_client *client)
{
    vouch_op *op = NULL;
    vouch_error e;
    d->attempt = 0;
    d->options.token = d->token[0] ? d->token : NULL;
    if (d->turn == TURN_RIVAL)
        d->retry.conflicts = VOUCH_RETRY_NONE;
    d->options.retry = &d->retry;
    if (d->kind == FEAT_BATCH)
        return start_batch(d, client);
    vouch_status status = vouch_transaction_start(client, body, d, &d->options, &op, &e);
    ck_assert_msg(status == VOUCH_OK, "%s", e.message);
    return op;
}

void feat_finish(struct feat *d, vouch_op *op)
{
    vouch_tx_result *result = NULL;
    d->status = vouch_transaction_finish(op, &result, &d->error);
    d->outcome = vouch_tx_result_outcome(result);
    d->attempts = vouch_tx_result_attempts(result);
    d->copies = vouch_tx_result_copies(result);
    vouch_tx_result_free(result);
}

void feat_run(struct feat *d, vouch_client *client)
{
    feat_finish(d, feat_start(d, client));
}

/* ---- the truth ------------------------------------------------------------------------------ */

int64_t feat_done(struct rig *rig)
{
    static const char *const words[] = {"MGET", "c", "from", "to", "n", "m"};
    int64_t held[5] = {0};
    ts_reply *reply = rig_ask(rig, 6, words);
    ck_assert_msg(reply->type == TS_REPLY_ARRAY, "the truth cannot be asked");
    for (size_t i = 0; i < 5; i++)
        if (reply->elements[i]->type == TS_REPLY_TEXT)
            held[i] = strtoll(reply->elements[i]->text, NULL, 10);
    ts_reply_free(reply);
    ck_assert_msg(held[1] == -held[2] && held[3] == held[4], "done by halves: %lld %lld, %lld %lld",
                  (long long)held[1], (long long)held[2], (long long)held[3], (long long)held[4]);
    return held[0] + held[2] / AMOUNT + held[3];
}

void feat_expect(const struct feat *d, vouch_status status, const char *what, long long n)
{
    ck_assert_msg(d->status == status, "%s, %lld: %s after %u attempts: %s", what, n,
                  vouch_status_name(d->status), d->attempts, d->error.message);
}

/* ---- sizes ---------------------------------------------------------------------------------- */

void feat_turn_until(struct rig *rig, vouch_client *client, int connection, int64_t from_client)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (ts_proxy_count(rig->proxy, connection).from_client < from_client) {
        ck_assert_msg(!ts_passed(limit), "connection %d: not so many bytes", connection);
        rig_turn(client, 2);
    }
}

/* Of a run in one write: where its MULTI begins. */
static int64_t before_multi(struct rig *rig, int connection, int64_t from)
{
    static const char multi[] = "*1\r\n$5\r\nMULTI\r\n";
    size_t n = 0;
    char *all = ts_proxy_recorded(rig->proxy, connection, TS_TO_SERVER, &n);
    char *found = memmem(all + from, n - (size_t)from, multi, sizeof multi - 1);
    ck_assert_ptr_nonnull(found);
    int64_t at = found - all;
    free(all);
    return at;
}

struct feat_size feat_measure(struct rig *rig, enum feat_kind kind, enum feat_guard guard,
                              uint32_t protocol)
{
    struct feat d;
    vouch_client_options o = rig_options(protocol, 0);
    o.connect_ms = 0; /* the first connection must be the one */
    int connection = rig_next_connection(rig);
    vouch_client *client = rig_open(rig, &o);
    (void)rig_connection_id(client);
    int64_t id = (int64_t)strlen("*2\r\n$6\r\nCLIENT\r\n$2\r\nID\r\n");
    int64_t warm = ts_proxy_count(rig->proxy, connection).from_client;
    feat_init(&d, rig, kind, guard);
    feat_run(&d, client);
    feat_expect(&d, VOUCH_OK, "measured", 0);
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_gone(rig->proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
    int64_t all = ts_proxy_count(rig->proxy, connection).from_client;
    int64_t multi = before_multi(rig, connection, warm);
    rig_flush(rig);
    return (struct feat_size){warm - id, multi - warm, all - warm};
}
