/* The honest player: vouch, and what it says taken at its word. */
#include "dice.h"
#include "history.h"

#include <stdio.h>
#include <string.h>

#define RUNS_MAX 10 /* of one token */

static void open_client(struct player *p)
{
    char url[TS_URL_MAX];
    vouch_client_options o = rig_options(2 + (uint32_t)p->number % 2, 0);
    vouch_error e;
    /* A doubt that can be settled is to be, however often it is cut on the way. */
    o.outages = p->history->marker == HISTORY_PLAIN ? 0 : 1000;
    vouch_status status = vouch_client_open(ts_proxy_url(p->history->stage->front, url, sizeof url),
                                            &o, &p->client, &e);
    ck_assert_msg(status == VOUCH_OK, "%s", e.message);
}

static void close_client(struct player *p)
{
    vouch_stats stats = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(p->client, &stats), VOUCH_OK);
    p->settled = stats.settled;
    vouch_client_close(p->client);
    p->client = NULL;
}

/* ---- what a run may have done --------------------------------------------------------------- */

/* The body has made up its mind: if this attempt is committed, it is this. */
static void decide(struct player *p, struct linear_way way)
{
    if (p->decided)
        p->op->count--;
    p->decided = true;
    history_may_have(p, way);
}

/* The end of an attempt that another one follows. After a conflict its decision has come to nothing;
 * after an outage it may have been committed. */
static bool on_wait(const vouch_retry_wait *wait, void *user)
{
    struct player *p = user;
    if (p->decided && wait->kind == VOUCH_RETRY_CONFLICT)
        p->op->count--;
    p->decided = false;
    return true;
}

static int64_t value_of(struct player *p, const vouch_reply *reply)
{
    int64_t value = LINEAR_ABSENT;
    if (!vouch_reply_is_nil(reply) && !vouch_reply_int64(reply, &value))
        history_complain(p, "a value that is no number");
    return value;
}

static struct linear_touch touch_of(struct player *p, uint8_t key, int64_t seen)
{
    bool writes = p->wish.kind != WISH_READ;
    return (struct linear_touch){key, true, writes, seen, writes ? history_value(p, key, seen) : 0};
}

/* Set-if, and it is something else; or a change of mind, in another attempt. The run is to be cancelled,
 * and has only read; each key at another moment, since no EXEC says that they belong together. */
static bool is_unfit(struct player *p, struct linear_way *way, uint32_t attempt)
{
    const struct linear_touch *t = way->touch;
    bool other = p->wish.kind == WISH_SET_IF && t->seen != p->last[t->key];
    bool fickle = p->wish.kind == WISH_CHANGE && attempt > 1 && dice_below(&p->dice, 4);
    p->unfit = other || fickle;
    if (p->unfit)
        *way = linear_read(t->key, t->seen);
    return p->unfit;
}

/* ---- the transactions ----------------------------------------------------------------------- */

/* False until all are answered. */
static bool read_keys(vouch_tx *tx, struct player *p, struct linear_way *way)
{
    const vouch_reply *values[2] = {NULL};
    char key[HISTORY_KEY_MAX];
    for (size_t i = 0; i < p->wish.keys; i++)
        values[i] = vouch_tx_read(tx, "GET", history_key(p->history, p->wish.key[i], key));
    for (size_t i = 0; i < p->wish.keys; i++) {
        if (!values[i])
            return false;
        way->touch[i] = touch_of(p, p->wish.key[i], value_of(p, values[i]));
    }
    way->count = p->wish.keys;
    return true;
}

static vouch_tx_step body(vouch_tx *tx, void *user)
{
    struct player *p = user;
    char key[HISTORY_KEY_MAX];
    struct linear_way way = {0};
    if (!read_keys(tx, p, &way))
        return VOUCH_TX_READ;
    bool unfit = is_unfit(p, &way, vouch_tx_attempt(tx));
    decide(p, way);
    if (unfit)
        return VOUCH_TX_CANCEL;
    for (size_t i = 0; i < way.count; i++)
        if (way.touch[i].wrote)
            vouch_tx_queue(tx, "SET", history_key(p->history, way.touch[i].key, key),
                           way.touch[i].written);
    return VOUCH_TX_COMMIT;
}

static vouch_tx_step change(const vouch_reply *value, vouch_arg *next, void *user)
{
    struct player *p = user;
    struct linear_way way = {1, {touch_of(p, p->wish.key[0], value_of(p, value))}};
    decide(p, way);
    *next = vouch_int(way.touch[0].written);
    return VOUCH_TX_COMMIT;
}

static vouch_status write_blindly(struct player *p, const vouch_tx_options *o,
                                  vouch_tx_result **result, vouch_error *e)
{
    char key[HISTORY_KEY_MAX];
    struct linear_way way = linear_write(p->wish.key[0], history_value(p, p->wish.key[0], 0));
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "SET", history_key(p->history, p->wish.key[0], key), way.touch[0].written);
    history_may_have(p, way);
    vouch_status status = vouch_transaction_exec(p->client, b, o, result, e);
    vouch_batch_free(b);
    return status;
}

static vouch_status run(struct player *p, const vouch_tx_options *o, vouch_tx_result **result,
                        vouch_error *e)
{
    char key[HISTORY_KEY_MAX];
    p->decided = p->unfit = false;
    switch (p->wish.kind) {
    case WISH_READ:
    case WISH_CHANGE:
    case WISH_SET_IF:
        return vouch_transaction_run(p->client, body, p, o, result, e);
    case WISH_UPDATE:
        return vouch_update(p->client, vouch_text(history_key(p->history, p->wish.key[0], key)),
                            change, p, o, result, e);
    case WISH_WRITE:
        break;
    }
    return write_blindly(p, o, result, e);
}

/* ---- what it was told ----------------------------------------------------------------------- */

static void keep_last_way(struct linear_op *op)
{
    if (op->count > 1)
        op->ways[0] = op->ways[op->count - 1];
    op->count = op->count > 0;
}

/* Committed by some attempt: not by one that wrote nothing. */
static void keep_writing_ways(struct linear_op *op)
{
    size_t kept = 0;
    for (size_t i = 0; i < op->count; i++)
        if (op->ways[i].touch[0].wrote)
            op->ways[kept++] = op->ways[i];
    op->count = kept;
}

/* `doubt`: an earlier run of the token is in doubt, and this one's "no" says nothing of it. */
static void take_at_word(struct player *p, vouch_status status, vouch_tx_outcome outcome,
                         const vouch_error *e, bool doubt)
{
    struct linear_op *op = p->op;
    vouch_effect effect = status == VOUCH_OK ? VOUCH_APPLIED : e->effect;
    bool cancelled = status == VOUCH_ECANCELLED && p->unfit && !doubt;
    if (effect == VOUCH_APPLIED)
        op->fate = LINEAR_DONE;
    else if (effect == VOUCH_MAYBE_APPLIED || doubt)
        op->fate = p->wish.kind == WISH_READ ? LINEAR_NOT : LINEAR_MAYBE;
    else
        op->fate = cancelled ? LINEAR_DONE : LINEAR_NOT;
    if (cancelled || outcome == VOUCH_OUTCOME_COMMITTED)
        keep_last_way(op);
    else if (effect == VOUCH_APPLIED && p->wish.kind != WISH_READ)
        keep_writing_ways(op);
    /* The server is there all the time. */
    bool settles = p->history->marker != HISTORY_PLAIN;
    if (settles && status == VOUCH_EUNKNOWN && e->cause != VOUCH_CAUSE_INTERRUPTED)
        history_complain(p, "not settled: %s", e->message);
    bool strange = status == VOUCH_EPARTIAL || status == VOUCH_ENOTATOMIC ||
                   status == VOUCH_EINVAL || status == VOUCH_ESERVER || status == VOUCH_ENOMEM;
    if (strange || (op->fate != LINEAR_NOT && !op->count))
        history_complain(p, "%s %s: %s", vouch_status_name(status), vouch_tx_outcome_name(outcome),
                         status ? e->message : "");
}

static void play(struct player *p)
{
    const struct history *h = p->history;
    vouch_retry retry = VOUCH_RETRY_INIT;
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_tx_result *result = NULL;
    vouch_error e;
    char token[64];
    retry.on_wait = on_wait;
    retry.user = p;
    o.retry = &retry;
    o.resolve = h->marker == HISTORY_RESOLVE;
    o.strict = p->number % 3 == 0;
    (void)snprintf(token, sizeof token, "h%u-%d-%zu", h->number, p->number,
                   (size_t)(p->op - h->ops));
    o.token = h->marker == HISTORY_TOKEN ? token : NULL;
    vouch_status status = run(p, &o, &result, &e);
    bool doubt = false;
    for (int i = 1; o.token && status == VOUCH_EUNKNOWN && i < RUNS_MAX; i++) {
        doubt = true;
        vouch_tx_result_free(result);
        status = run(p, &o, &result, &e);
    }
    take_at_word(p, status, vouch_tx_result_outcome(result), &e, doubt);
    vouch_tx_result_free(result);
}

const struct player_kind player_vouch = {"vouch", open_client, play, close_client};
