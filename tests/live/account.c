/* What passed on a connection, and what must be reported therefore. */
#include "account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the batch ------------------------------------------------------------------------------ */

/* A bulk string with its header. */
static int64_t bulk(size_t size)
{
    return snprintf(NULL, 0, "$%zu\r\n\r\n", size) + (int64_t)size;
}

static struct work work_of(const char *command, size_t count, size_t value, int64_t in)
{
    struct work w = {.command = command, .count = count, .value = value, .in = in};
    w.out = (int64_t)strlen("*2\r\n") + bulk(strlen(command)) + bulk(strlen("c0000"));
    if (value)
        w.out += bulk(value);
    return w;
}

struct work account_incr(size_t count)
{
    return work_of("INCR", count, 0, (int64_t)strlen(":1\r\n"));
}

struct work account_get(size_t count, uint32_t protocol)
{
    return work_of("GET", count, 0, (int64_t)strlen(protocol == 2 ? "$-1\r\n" : "_\r\n"));
}

struct work account_append(size_t count, size_t value)
{
    return work_of("APPEND", count, value, snprintf(NULL, 0, ":%zu\r\n", value));
}

vouch_batch *account_batch(const struct work *w)
{
    vouch_batch *b = vouch_batch_new();
    char *value = calloc(1, w->value + 1), key[RIG_KEY_MAX];
    ck_assert_ptr_nonnull(value);
    for (size_t i = 0; i < w->count; i++) {
        vouch_batch_begin(b, w->command);
        vouch_batch_arg(b, rig_key(i, key));
        if (w->value)
            vouch_batch_arg(b, vouch_bytes(value, w->value));
        ck_assert_uint_eq(vouch_batch_end(b), i);
    }
    free(value);
    return b;
}

int64_t account_all_out(const struct work *w)
{
    return w->hello_out + (int64_t)w->count * w->out;
}

int64_t account_all_in(const struct work *w)
{
    return w->hello_in + (int64_t)w->count * w->in;
}

/* The answer to HELLO has the connection's number in it: while that has four digits, all answers
 * have one size. */
static void use_up_short_numbers(struct rig *rig)
{
    while (ts_int(rig->server, "CLIENT", "ID", NULL) < 1000)
        ;
}

void account_measure(struct rig *rig, struct work *w, const vouch_client_options *options)
{
    vouch_results *results = NULL;
    vouch_error e;
    /* On a busy machine too the first connection must be the one. */
    vouch_client_options patient = *options;
    patient.connect_ms = 0;
    use_up_short_numbers(rig);
    int connection = rig_next_connection(rig);
    vouch_client *client = rig_open(rig, &patient);
    vouch_batch *b = account_batch(w);
    ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &results, &e), "%s", e.message);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_gone(rig->proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
    ts_proxy_counts c = ts_proxy_count(rig->proxy, connection);
    w->hello_out = c.to_server - (int64_t)w->count * w->out;
    w->hello_in = c.to_client - (int64_t)w->count * w->in;
    ck_assert_int_gt(w->hello_out, 0);
    ck_assert_int_gt(w->hello_in, 0);
    rig_flush(rig);
}

/* ---- the account ---------------------------------------------------------------------------- */

size_t account_whole(int64_t bytes, int64_t hello, int64_t one)
{
    return bytes <= hello ? 0 : (size_t)((bytes - hello) / one);
}

struct seen account_seen(const struct rig *rig, int connection, const struct work *w)
{
    ts_proxy_counts c = ts_proxy_count(rig->proxy, connection);
    return (struct seen){.answered = account_whole(c.to_client, w->hello_in, w->in),
                         .handed = account_whole(c.from_client, w->hello_out, w->out)};
}

struct due {
    vouch_status status;
    vouch_effect effect;
    unsigned attempts, moved;
};

static struct due due_of(size_t i, const struct seen *s, enum rule rule)
{
    static const struct due applied = {VOUCH_OK, VOUCH_APPLIED, 1, 0};
    static const struct due twice = {VOUCH_OK, VOUCH_APPLIED, 2, 0};
    static const struct due moved = {VOUCH_OK, VOUCH_APPLIED, 1, 1};
    static const struct due maybe = {VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, 1, 0};
    static const struct due unsent = {VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, 0, 0};
    if (i < s->answered)
        return applied;
    if (i < s->handed)
        return rule == REPEATABLE ? twice : maybe;
    if (rule == ENDED || (rule == IN_ORDER && s->handed > s->answered))
        return unsent;
    return rule == REORDERED && s->handed > s->answered ? moved : applied;
}

void account_check(const vouch_results *results, const struct seen *seen, enum rule rule,
                   const char *what, long long n)
{
    ck_assert_uint_le(seen->answered, seen->handed);
    for (size_t i = 0; i < vouch_results_count(results); i++) {
        const vouch_result *r = vouch_results_at(results, i);
        struct due d = due_of(i, seen, rule);
        ck_assert_msg(r->status == d.status && r->effect == d.effect && r->attempts == d.attempts &&
                          r->moved == d.moved,
                      "%s, %lld: %zu handed over, %zu answered; command %zu must be %s, sent %u "
                      "times, moved %u, and is said to be %s, %u, %u",
                      what, n, seen->handed, seen->answered, i, vouch_effect_name(d.effect),
                      d.attempts, d.moved, vouch_effect_name(r->effect), (unsigned)r->attempts,
                      (unsigned)r->moved);
    }
}

/* ---- against the data ----------------------------------------------------------------------- */

void account_compare_repeated(struct rig *rig, const vouch_results *results,
                              struct rig_tally *tally, long long n)
{
    size_t count = vouch_results_count(results);
    int64_t *held = rig_held(rig, count);
    for (size_t i = 0; i < count; i++) {
        const vouch_result *r = vouch_results_at(results, i);
        ck_assert_msg(held[i] >= 1 && held[i] <= r->attempts,
                      "%lld: command %zu was sent %u times, and is %lld", n, i,
                      (unsigned)r->attempts, (long long)held[i]);
    }
    free(held);
    rig_count(tally, results);
}

void account_compare_appended(struct rig *rig, const vouch_results *results, size_t value,
                              struct rig_tally *tally, long long n)
{
    char key[RIG_KEY_MAX];
    for (size_t i = 0; i < vouch_results_count(results); i++) {
        const char *words[] = {"STRLEN", rig_key(i, key)};
        vouch_effect effect = vouch_results_at(results, i)->effect;
        ts_reply *reply = rig_ask(rig, 2, words);
        ck_assert_int_eq(reply->type, TS_REPLY_INTEGER);
        int64_t times = reply->integer / (int64_t)value;
        bool fits = effect == VOUCH_APPLIED       ? times == 1
                    : effect == VOUCH_NOT_APPLIED ? times == 0
                                                  : times <= 1;
        ck_assert_msg(fits, "%lld: command %zu is said to be %s, and ran %lld times", n, i,
                      vouch_effect_name(effect), (long long)times);
        ts_reply_free(reply);
    }
    rig_count(tally, results);
}

/* ---- a batch through a fault ---------------------------------------------------------------- */

vouch_results *account_run(const struct rig *rig, const struct work *w, uint32_t protocol,
                           uint32_t window, enum rule rule)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *results = NULL;
    vouch_error e;
    o.reorder_ok = rule == REORDERED;
    o.idempotent = rule == REPEATABLE && w->command[0] == 'I'; /* reads need no such word */
    vouch_client *client = rig_client(rig, protocol, window);
    vouch_batch *b = account_batch(w);
    vouch_status status = vouch_pipeline_run(client, b, &o, &results, &e);
    ck_assert_ptr_nonnull(results);
    vouch_totals t = vouch_results_totals(results);
    ck_assert_msg(status == (t.maybe ? VOUCH_EUNKNOWN : VOUCH_OK), "%s: %s",
                  vouch_status_name(status), e.message);
    vouch_batch_free(b);
    vouch_client_close(client);
    return results;
}

void account_settle(struct rig *rig, vouch_results *results, const struct seen *seen,
                    enum rule rule, struct rig_tally *tally, const char *what, long long n)
{
    account_check(results, seen, rule, what, n);
    if (rule == REPEATABLE)
        account_compare_repeated(rig, results, tally, n);
    else
        rig_compare(rig, results, tally, what, n);
    vouch_results_free(results);
    rig_flush(rig);
}
