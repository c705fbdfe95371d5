/* Transactions written as text. */
#include "deed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lines ---------------------------------------------------------------------------------- */

#define WORDS_MAX 16
#define LINE_MAX_ 256

struct line {
    char room[LINE_MAX_];
    const char *words[WORDS_MAX];
    size_t count;
};

/* Takes the next line; false after the last. */
static bool next_line(const char **lines, struct line *out)
{
    if (!*lines || !**lines)
        return false;
    size_t n = strcspn(*lines, ";");
    ck_assert_uint_lt(n, sizeof out->room);
    memcpy(out->room, *lines, n);
    out->room[n] = 0;
    out->count = 0;
    char *rest = NULL;
    for (char *w = strtok_r(out->room, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
        ck_assert_uint_lt(out->count, WORDS_MAX);
        out->words[out->count++] = w;
    }
    *lines += n + ((*lines)[n] == ';');
    return true;
}

vouch_batch *deed_batch(const char *lines)
{
    vouch_batch *b = vouch_batch_new();
    struct line l;
    while (next_line(&lines, &l))
        (void)vouch_batch_argv(b, l.count, l.words, NULL);
    return b;
}

/* ---- its server and client ------------------------------------------------------------------ */

void deed_begin_with(struct deed *d, ts_server_kind kind, const vouch_client_options *options)
{
    static const char *const config[] = {"enable-debug-command yes", "save 3600 1000000",
                                         "loading-process-events-interval-bytes 1024",
                                         "rdbcompression no", NULL};
    ts_server_options so = {.kind = kind, .config = config};
    memset(d, 0, sizeof *d);
    d->rig = rig_start_with(&so);
    d->client = rig_open(&d->rig, options);
    deed_mode(d, DEED_PLAIN);
}

void deed_begin(struct deed *d, ts_server_kind kind, uint32_t protocol)
{
    vouch_client_options o = rig_options(protocol, 0);
    deed_begin_with(d, kind, &o);
}

void deed_end(struct deed *d)
{
    vouch_tx_result_free(d->result);
    vouch_client_close(d->client);
    rig_stop(&d->rig);
    d->result = NULL;
}

void deed_mode(struct deed *d, enum deed_mode mode)
{
    d->options = (vouch_tx_options)VOUCH_TX_OPTIONS_INIT;
    d->retry = (vouch_retry)VOUCH_RETRY_INIT;
    d->options.retry = &d->retry;
    d->options.strict = mode == DEED_STRICT;
    d->options.resolve = mode == DEED_RESOLVE;
    if (mode != DEED_TOKEN)
        return;
    (void)snprintf(d->token, sizeof d->token, "job-%u", ++d->tokens);
    d->options.token = d->token;
}

vouch_stats deed_stats(const struct deed *d)
{
    vouch_stats stats = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(d->client, &stats), VOUCH_OK);
    return stats;
}

/* ---- the truth's connection ----------------------------------------------------------------- */

static ts_reply *ask(struct deed *d, const struct line *l)
{
    return rig_ask(&d->rig, l->count, l->words);
}

int64_t deed_int(struct deed *d, const char *line)
{
    struct line l;
    ck_assert(next_line(&line, &l));
    ts_reply *r = ask(d, &l);
    ck_assert_msg(r->type != TS_REPLY_ERROR, "%s: %s", l.words[0], r->text);
    int64_t n = r->type == TS_REPLY_INTEGER ? r->integer
                : r->text                   ? strtoll(r->text, NULL, 10)
                                            : TS_NIL;
    ts_reply_free(r);
    return n;
}

ts_conn *deed_send(struct deed *d, const char *line)
{
    struct line l;
    size_t size;
    ck_assert(next_line(&line, &l));
    ts_conn *conn = ts_truth_open(d->rig.server);
    char *bytes = ts_encode_words(l.count, l.words, NULL, &size);
    ck_assert(ts_conn_send(conn, bytes, size, ts_deadline(RIG_PATIENCE_MS)));
    free(bytes);
    return conn;
}

/* Milliseconds of the server's clock. */
static int64_t server_ms(struct deed *d)
{
    static const char *const words[] = {"TIME"};
    ts_reply *r = rig_ask(&d->rig, 1, words);
    int64_t ms = strtoll(r->elements[0]->text, NULL, 10) * 1000 +
                 strtoll(r->elements[1]->text, NULL, 10) / 1000;
    ts_reply_free(r);
    return ms;
}

static void pass(struct deed *d, int64_t ms)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS), until = server_ms(d) + ms + 1;
    while (server_ms(d) < until)
        ck_assert(ts_look_again(limit));
}

static void wait_gone(struct deed *d, const char *key)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    char line[LINE_MAX_];
    (void)snprintf(line, sizeof line, "EXISTS %s", key);
    while (deed_int(d, line))
        ck_assert(ts_look_again(limit));
}

static void evict(struct deed *d, const char *key)
{
    deed_tell(d, "CONFIG SET maxmemory-policy allkeys-random;CONFIG SET maxmemory 1");
    wait_gone(d, key);
    deed_tell(d, "CONFIG SET maxmemory 0;CONFIG SET maxmemory-policy noeviction");
}

void deed_tell(struct deed *d, const char *lines)
{
    struct line l;
    while (next_line(&lines, &l)) {
        bool may_fail = l.words[0][0] == '!';
        if (strcmp(l.words[0], "@pass") == 0) {
            pass(d, strtoll(l.words[1], NULL, 10));
        } else if (strcmp(l.words[0], "@gone") == 0) {
            wait_gone(d, l.words[1]);
        } else if (strcmp(l.words[0], "@evict") == 0) {
            evict(d, l.words[1]);
        } else {
            l.words[0] += may_fail;
            ts_reply *r = ask(d, &l);
            ck_assert_msg(may_fail || r->type != TS_REPLY_ERROR, "%s: %s", l.words[0], r->text);
            ts_reply_free(r);
        }
    }
}

/* ---- bodies --------------------------------------------------------------------------------- */

static void hear(struct plan *p, const vouch_reply *r)
{
    size_t n = strlen(p->heard);
    int64_t number = 0;
    vouch_string text = vouch_reply_string(r);
    if (vouch_reply_int64(r, &number) && !text.data)
        (void)snprintf(p->heard + n, sizeof p->heard - n, "%lld ", (long long)number);
    else
        (void)snprintf(p->heard + n, sizeof p->heard - n, "%.*s ", (int)text.size,
                       text.data ? text.data : "");
}

/* True if all these lines are answered. */
static bool ask_all(vouch_tx *tx, struct plan *p, const char *lines, bool watch)
{
    struct line l;
    bool there = true;
    while (next_line(&lines, &l)) {
        const vouch_reply *r = watch ? vouch_tx_read_argv(tx, l.count, l.words, NULL)
                                     : vouch_tx_peek_argv(tx, l.count, l.words, NULL);
        there = there && r;
        hear(p, r);
    }
    return there;
}

vouch_tx_step deed_planned(vouch_tx *tx, void *user)
{
    struct plan *p = user;
    struct line l;
    const char *keys = p->watch, *queue = p->queue;
    bool first = p->attempt != vouch_tx_attempt(tx);
    p->calls++;
    p->attempt = vouch_tx_attempt(tx);
    p->heard[0] = 0;
    while (next_line(&keys, &l))
        vouch_tx_watch(tx, vouch_text(l.words[0]));
    bool reads = ask_all(tx, p, p->read, true), peeks = ask_all(tx, p, p->peek, false);
    /* A bare watch has no reply that could be missing: an attempt's first call goes round for it. */
    if (!reads || !peeks || (first && p->watch))
        return VOUCH_TX_READ;
    p->decided++;
    if (p->times-- > 0)
        deed_tell(p->deed, p->between);
    if (p->then)
        p->then(p->deed);
    while (next_line(&queue, &l))
        (void)vouch_tx_queue_argv(tx, l.count, l.words, NULL);
    return p->cancel ? VOUCH_TX_CANCEL : VOUCH_TX_COMMIT;
}

vouch_status deed_run(struct deed *d, vouch_tx_body body, void *user)
{
    vouch_tx_result_free(d->result);
    d->status = vouch_transaction_run(d->client, body, user, &d->options, &d->result, &d->error);
    return d->status;
}

vouch_status deed_plan(struct deed *d, struct plan *plan)
{
    plan->deed = d;
    plan->calls = plan->decided = 0;
    plan->attempt = 0;
    return deed_run(d, deed_planned, plan);
}

vouch_status deed_exec(struct deed *d, const char *lines)
{
    vouch_batch *b = deed_batch(lines);
    vouch_tx_result_free(d->result);
    d->status = vouch_transaction_exec(d->client, b, &d->options, &d->result, &d->error);
    vouch_batch_free(b);
    return d->status;
}

/* ---- how it ended --------------------------------------------------------------------------- */

void deed_expect(const struct deed *d, const char *what, vouch_status status, vouch_effect effect,
                 vouch_tx_outcome outcome)
{
    vouch_tx_outcome got = vouch_tx_result_outcome(d->result);
    ck_assert_msg(d->status == status && d->error.status == status, "%s: %s: %s", what,
                  vouch_status_name(d->status), d->error.message);
    ck_assert_msg(status == VOUCH_OK || d->error.effect == effect, "%s: effect %s: %s", what,
                  vouch_effect_name(d->error.effect), d->error.message);
    ck_assert_msg(got == outcome, "%s: outcome %s: %s", what, vouch_tx_outcome_name(got),
                  d->error.message);
}

void deed_is_clean(struct deed *d, const char *what)
{
    uint64_t connects = deed_stats(d).connects;
    deed_mode(d, DEED_PLAIN);
    deed_tell(d, "DEL deed:clean");
    (void)deed_exec(d, "INCR deed:clean;INCR deed:clean");
    deed_expect(d, what, VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    ck_assert_msg(deed_int(d, "GET deed:clean") == 2, "%s: not run once", what);
    ck_assert_msg(deed_stats(d).connects == connects, "%s: the connection was not kept", what);
}
