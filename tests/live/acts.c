/* Acts, and the comparison of what was said of them with what was done.
 *
 *     APPLIED         exactly once in the list; where its reply says
 *     NOT_APPLIED     not there
 *     MAYBE_APPLIED   at most once; only what could forge an error
 *     a pipeline      in order; with reorder_ok, what came too late is flagged `moved`
 *     a transaction   all of it, one behind the other; what failed is listed, and was missing; never
 *                     if the source went along */
#include "acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- callees -------------------------------------------------------------------------------- */

static const char *body_of(char which)
{
    return which == 'h'   ? "return redis.call('RPUSH', KEYS[1], ARGV[1])"
           : which == 'f' ? "if ARGV[2] then return redis.error_reply(ARGV[2]) end "
                            "return redis.call('RPUSH', KEYS[1], ARGV[1])"
                          : "return redis.call('LLEN', KEYS[1])";
}

static char *library_of(const char *text, char which)
{
    size_t size = 2 * strlen(text) + 300;
    char *source = malloc(size);
    ck_assert_ptr_nonnull(source);
    (void)snprintf(source, size,
                   "#!lua name=acts_%c_%s\n"
                   "redis.register_function{function_name = 'act_%c',\n"
                   "callback = function(KEYS, ARGV) %s end%s}\n",
                   which, text, which, body_of(which),
                   which == 'r' ? ", flags = {'no-writes'}" : "");
    return source;
}

static struct callee function(const char *text, char which)
{
    vouch_library_options o = VOUCH_LIBRARY_OPTIONS_INIT;
    char name[] = "act_?";
    name[sizeof name - 2] = which;
    o.honest = which == 'h';
    char *source = library_of(text, which);
    struct callee c = callee_function(source, name, &o);
    free(source);
    return c;
}

static char *source_of(const char *text, char which, bool as_sent)
{
    size_t size = strlen(text) + 200;
    char *source = malloc(size);
    ck_assert_ptr_nonnull(source);
    (void)snprintf(source, size, "-- %s\n%s%s", text, body_of(which), as_sent ? "\n--vouch" : "");
    return source;
}

char *acts_source(const char *text, char which, bool functions)
{
    return functions ? library_of(text, which) : source_of(text, which, true);
}

static struct callee callee(const char *text, char which, bool functions)
{
    if (functions)
        return function(text, which);
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    o.honest = which == 'h';
    o.readonly = which == 'r';
    char *source = source_of(text, which, false);
    struct callee c = callee_of(source, &o);
    free(source);
    return c;
}

void acts_begin(struct acts *a, const ts_server *server, vouch_client *client, const char *text,
                bool functions)
{
    *a = (struct acts){.server = server,
                       .client = client,
                       .truth = ts_truth_open(server),
                       .honest = callee(text, 'h', functions),
                       .forger = callee(text, 'f', functions),
                       .reader = callee(text, 'r', functions)};
    ck_assert_ptr_nonnull(a->truth);
}

void acts_end(struct acts *a)
{
    ts_conn_close(a->truth);
    callee_free(&a->honest);
    callee_free(&a->forger);
    callee_free(&a->reader);
}

static const struct callee *callee_at(const struct acts *a, char which)
{
    return which == 'h' ? &a->honest : which == 'f' ? &a->forger : &a->reader;
}

/* ---- starting ------------------------------------------------------------------------------- */

static vouch_batch *batch_of(const struct acts *a, const struct act *act)
{
    vouch_batch *b = vouch_batch_new();
    for (size_t i = 0; i < act->n; i++)
        if (act->words[i] == 'p')
            vouch_batch_add(b, "RPUSH", act->list, i);
        else
            callee_add(b, callee_at(a, act->words[i]), VOUCH_ARGS(act->list), VOUCH_ARGS(i));
    return b;
}

static vouch_tx_step read_and_queue(vouch_tx *tx, void *user)
{
    const struct act *act = user;
    if (!vouch_tx_read(tx, "GET", "nothing"))
        return VOUCH_TX_READ;
    (void)vouch_tx_queue_batch(tx, act->batch);
    return VOUCH_TX_COMMIT;
}

static vouch_status start_single(struct acts *a, struct act *act, const char *token, vouch_error *e)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    o.strict = act->inside;
    o.resolve = act->resolve;
    o.token = token;
    return callee_start(a->client, callee_at(a, act->words[0]), VOUCH_ARGS(act->list),
                        VOUCH_ARGS(0), &o, &act->op, e);
}

static vouch_status start_transaction(struct acts *a, struct act *act, const char *token,
                                      vouch_error *e)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    o.load_inside = act->inside;
    o.resolve = act->resolve;
    o.token = token;
    return act->kind == ACT_READS
               ? vouch_transaction_start(a->client, read_and_queue, act, &o, &act->op, e)
               : vouch_transaction_exec_start(a->client, act->batch, &o, &act->op, e);
}

void act_start(struct acts *a, struct act *act)
{
    static const char *const kinds[] = {"a call", "a pipeline", "a transaction",
                                        "a transaction that reads"};
    vouch_status status = VOUCH_EINVAL;
    vouch_error e = {.message = ""};
    char text[32];
    const char *token = act->token ? text : NULL;
    (void)snprintf(text, sizeof text, "act %lu", a->tokens++);
    (void)snprintf(act->name, sizeof act->name, "%s of %zu%s%s%s%s", kinds[act->kind], act->n,
                   act->reorder_ok ? ", reorder_ok" : "", act->inside ? ", loading inside" : "",
                   act->resolve ? ", resolve" : "", act->token ? ", token" : "");
    act->batch = batch_of(a, act);
    if (act->kind == ACT_SINGLE) {
        status = start_single(a, act, token, &e);
    } else if (act->kind == ACT_PIPELINE) {
        vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
        o.reorder_ok = act->reorder_ok;
        status = vouch_pipeline_start(a->client, act->batch, &o, &act->op, &e);
    } else {
        status = start_transaction(a, act, token, &e);
    }
    ck_assert_msg(status == VOUCH_OK, "%s: %s", act->name, e.message);
}

/* ---- the truth ------------------------------------------------------------------------------ */

/* What the list says. */
struct list {
    size_t count;
    size_t at[2 * ACT_MAX];  /* the numbers in it */
    unsigned times[ACT_MAX]; /* of each number */
    size_t place[ACT_MAX];   /* of its last */
};

static void read_list(struct acts *a, const struct act *act, struct list *l)
{
    ts_reply *r = ts_conn_command(a->truth, "LRANGE", act->list, "0", "-1", NULL);
    ck_assert_msg(r->type == TS_REPLY_ARRAY, "the truth cannot be asked: %s", r->text);
    ck_assert_msg(r->count <= act->n, "%s: %zu ran", act->name, r->count);
    memset(l, 0, sizeof *l);
    for (size_t i = 0; i < r->count; i++) {
        size_t number = strtoul(r->elements[i]->text, NULL, 10);
        ck_assert_uint_lt(number, act->n);
        l->at[l->count++] = number;
        l->times[number]++;
        l->place[number] = i;
    }
    ts_reply_free(r);
    ts_reply_free(ts_conn_command(a->truth, "DEL", act->list, NULL));
}

static void check_result(struct acts *a, const struct act *act, const struct list *l, size_t i,
                         const vouch_result *r)
{
    unsigned times = l->times[i];
    int64_t length = 0;
    char which = act->words[i];
    bool fits = r->effect == VOUCH_APPLIED       ? times == (which != 'r')
                : r->effect == VOUCH_NOT_APPLIED ? times == 0
                                                 : times <= 1 && which == 'f';
    ck_assert_msg(fits, "%s: command %zu (%c) is said to be %s (%s), and ran %u times", act->name,
                  i, which, vouch_effect_name(r->effect), vouch_status_name(r->status), times);
    if (r->effect == VOUCH_APPLIED && which != 'r')
        ck_assert(vouch_reply_int64(r->reply, &length) && length == (int64_t)l->place[i] + 1);
    if (r->status == VOUCH_ESERVER)
        ck_assert_msg(callee_words_say_missing(vouch_reply_string(r->reply)), "%s: %s", act->name,
                      vouch_reply_string(r->reply).data);
    a->counts.commands++;
    a->counts.applied += r->effect == VOUCH_APPLIED;
    a->counts.refused += r->effect == VOUCH_NOT_APPLIED;
    a->counts.maybe += r->effect == VOUCH_MAYBE_APPLIED;
    a->counts.resent += r->attempts > 1;
    a->counts.moved += r->moved;
}

/* In order, or what came behind a later one says so. */
static void check_order(const struct act *act, const struct list *l, const vouch_results *results)
{
    for (size_t p = 1, highest = l->count ? l->at[0] : 0; p < l->count; p++) {
        bool late = l->at[p] < highest;
        if (late) {
            const vouch_result *r = vouch_results_at(results, l->at[p]);
            ck_assert_msg(act->reorder_ok, "%s: %zu ran after %zu", act->name, l->at[p], highest);
            ck_assert_msg(r->moved || r->effect == VOUCH_MAYBE_APPLIED,
                          "%s: %zu ran after %zu, and does not say so", act->name, l->at[p],
                          highest);
        } else {
            highest = l->at[p];
        }
    }
}

/* ---- finishing ------------------------------------------------------------------------------ */

static void finish_pipeline(struct acts *a, struct act *act)
{
    vouch_results *results = NULL;
    vouch_error e;
    struct list l;
    vouch_status status = vouch_pipeline_finish(act->op, &results, &e);
    read_list(a, act, &l);
    ck_assert_msg(results, "%s: %s", act->name, e.message);
    for (size_t i = 0; i < act->n; i++)
        check_result(a, act, &l, i, vouch_results_at(results, i));
    check_order(act, &l, results);
    bool all = vouch_results_totals(results).applied == act->n;
    ck_assert_msg((status == VOUCH_OK) == all, "%s: %s", act->name, vouch_status_name(status));
    a->counts.short_of += !all;
    vouch_results_free(results);
}

static void finish_single(struct acts *a, struct act *act)
{
    vouch_call *call = NULL;
    vouch_error e;
    struct list l;
    vouch_status status = vouch_call_finish(act->op, &call, &e);
    read_list(a, act, &l);
    ck_assert_msg(call, "%s: %s", act->name, e.message);
    check_result(a, act, &l, 0, vouch_call_result(call));
    ck_assert_msg(status == VOUCH_OK || !act->inside, "%s: %s", act->name, e.message);
    if (status != VOUCH_OK) {
        /* Missing is never the caller's problem; that it may have run can be. */
        ck_assert_msg(e.effect == VOUCH_MAYBE_APPLIED && act->words[0] == 'f', "%s: %s", act->name,
                      e.message);
        ck_assert_int_eq(vouch_call_result(call)->effect, e.effect);
        a->counts.short_of++;
        a->counts.spent += act->token && vouch_call_outcome(call) == VOUCH_OUTCOME_ERRORS;
    }
    vouch_call_free(call);
}

static void finish_transaction(struct acts *a, struct act *act)
{
    vouch_tx_result *result = NULL;
    const vouch_exec_error *errors;
    vouch_error e;
    struct list l;
    size_t ran = 0, wanted = 0;
    vouch_status status = vouch_transaction_finish(act->op, &result, &e);
    vouch_tx_outcome outcome = vouch_tx_result_outcome(result);
    read_list(a, act, &l);
    bool flagged = outcome == VOUCH_OUTCOME_ERRORS;
    ck_assert_msg(outcome == VOUCH_OUTCOME_COMMITTED || (flagged && !act->inside), "%s: %s, %s",
                  act->name, vouch_tx_outcome_name(outcome), e.message);
    ck_assert_int_eq(status, flagged ? VOUCH_EPARTIAL : VOUCH_OK);
    ck_assert_uint_eq(vouch_tx_result_count(result), act->n);
    for (size_t i = 0; i < act->n; i++) {
        const vouch_result *r = vouch_tx_result_at(result, i);
        check_result(a, act, &l, i, r);
        wanted += r->effect == VOUCH_APPLIED && act->words[i] != 'r';
    }
    for (size_t p = 0; p < l.count; p++)
        ran += p == 0 || l.at[p] > l.at[p - 1];
    ck_assert_msg(ran == l.count && ran == wanted, "%s: not in one piece", act->name);
    size_t n = vouch_tx_exec_errors(result, &errors);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(callee_words_say_missing(errors[i].words), "%s", errors[i].words.data);
    ck_assert((n > 0) == flagged);
    a->counts.flagged += flagged;
    a->counts.short_of += flagged;
    vouch_tx_result_free(result);
}

void act_finish(struct acts *a, struct act *act)
{
    a->counts.acts++;
    if (act->kind == ACT_PIPELINE)
        finish_pipeline(a, act);
    else if (act->kind == ACT_SINGLE)
        finish_single(a, act);
    else
        finish_transaction(a, act);
    vouch_batch_free(act->batch);
    act->batch = NULL;
    act->op = NULL;
}
