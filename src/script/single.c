/* A call by itself: EVALSHA, loaded when it is missing, tried again when that is safe. Pure.
 *
 *     SENDING ──reply──> judged: final ──────────────────────────> OVER
 *        ^                 │ missing, honest or read-only:  LOAD ahead in the same write, and again
 *        │                 │ missing, may be its own words: ask (lane_check), then LOAD or final
 *        │                 │ refused for now:               wait (and KILLING, if asked to), and again
 *        └─────────────────┘
 *
 * Invariants
 *   1. `flying`: the call was pulled, and neither answered nor given back. Only then may it have run.
 *   2. It is sent again only after a verdict that says it did not run, or may run twice.
 *   3. `doubt`: an earlier try may have run, whatever is said of a later one. Then no end says that it did not. */
#include "base/alloc.h"
#include "base/error.h"
#include "command/effect.h"
#include "script/call.h"

#include <stdio.h>
#include <string.h>

struct single {
    struct vouch_op op; /* first */
    struct vouch_client *client;
    struct core *home;
    struct callee callee;
    vouch_call *result;
    bool idempotent, kill_busy;
    bool flying;
    bool ahead;   /* what it needs goes ahead, unless the connection is known to have it */
    bool final;   /* the result stands */
    bool refused; /* the result is a refusal that passes; it goes again */
    bool doubt;   /* sent again because it may run twice; an earlier try was not answered */
    bool moot;    /* done, and told */
    enum { KILL_NONE, KILL_SCRIPT, KILL_FUNCTION } kill;
    bool killing; /* the kill is out */
    bool unkillable;
    struct { /* what the hook has still to be told */
        vouch_event_kind kind;
        vouch_cause cause;
        int64_t wait_us;
    } news;
    /* ---- until here cleared for each call ---- */
    struct vouch_batch batch;
    struct lane lane; /* clears itself */
};

static struct single *of_lane(struct lane *l)
{
    return (struct single *)((char *)l - offsetof(struct single, lane));
}

/* ---- what becomes of it --------------------------------------------------------------------- */

static void put(struct single *c, vouch_status status, vouch_effect effect, vouch_cause cause)
{
    vouch_result *r = &c->result->result;
    r->status = status;
    r->effect = effect;
    r->cause = cause;
    if (status != VOUCH_OK && status != VOUCH_ESERVER)
        r->reply = NULL;
}

static void finalize(struct single *c, vouch_status status, vouch_effect effect, vouch_cause cause)
{
    bool doubt = c->doubt && effect == VOUCH_NOT_APPLIED;
    if (doubt && status == VOUCH_ENOTSENT)
        status = VOUCH_EUNKNOWN;
    put(c, status, doubt ? VOUCH_MAYBE_APPLIED : effect, cause);
    c->final = true;
    c->op.wake = c->lane.core->now;
}

/* As it was refused last, if it was; else never sent. */
static void finalize_unsent(struct single *c, vouch_cause cause)
{
    if (c->refused)
        finalize(c, VOUCH_ESERVER, c->result->result.effect, VOUCH_CAUSE_REFUSED);
    else
        finalize(c, VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, cause);
}

static void again(struct single *c, vouch_cause cause)
{
    const struct lane *l = &c->lane;
    c->news.kind = l->resume ? VOUCH_EVENT_WAITED : VOUCH_EVENT_RETRIED;
    c->news.cause = cause;
    c->news.wait_us = l->resume ? l->resume - l->core->now : 0;
    lane_offer(&c->lane);
}

/* Missing for sure. */
static void load(struct single *c)
{
    switch (lane_load(&c->lane, c->callee.need)) {
    case LANE_LOAD_FINE:
        if (c->lane.outages == 0)
            break;
        c->lane.outages--;
        c->ahead = true;
        again(c, VOUCH_CAUSE_REFUSED);
        return;
    case LANE_LOAD_WAITS:
        c->ahead = true;
        if (!lane_wait(&c->lane))
            break;
        again(c, VOUCH_CAUSE_REFUSED);
        return;
    case LANE_LOAD_REFUSED:
        break;
    }
    finalize(c, VOUCH_ESERVER, VOUCH_NOT_APPLIED, VOUCH_CAUSE_REFUSED);
}

static void wait_and_again(struct single *c)
{
    if (lane_wait(&c->lane))
        again(c, VOUCH_CAUSE_REFUSED);
    else
        finalize(c, VOUCH_ESERVER, VOUCH_NOT_APPLIED, VOUCH_CAUSE_REFUSED);
}

/* ---- sending -------------------------------------------------------------------------------- */

static const char kill_script[] = "*2\r\n$6\r\nSCRIPT\r\n$4\r\nKILL\r\n",
                  kill_function[] = "*2\r\n$8\r\nFUNCTION\r\n$4\r\nKILL\r\n";
static const size_t kill_script_end[] = {sizeof kill_script - 1},
                    kill_function_end[] = {sizeof kill_function - 1};

static bool pull(struct lane *l, size_t commands, struct run *out, const struct need **need)
{
    struct single *c = of_lane(l);
    (void)commands;
    if (c->flying || c->final || c->killing)
        return false;
    if (c->kill) {
        bool script = c->kill == KILL_SCRIPT;
        c->killing = true;
        *out = (struct run){script ? kill_script : kill_function,
                            script ? kill_script_end : kill_function_end, 0, 1, true};
        return true;
    }
    c->flying = true;
    if (c->ahead) {
        *need = c->callee.need;
        c->result->loads += !link_has(l->link, *need);
    }
    *out = (struct run){c->batch.bytes, c->batch.ends, 0, 1, true};
    return true;
}

static void on_unsent(struct lane *l, size_t unsent)
{
    (void)unsent;
    of_lane(l)->flying = of_lane(l)->killing = false;
}

static void on_lost(struct lane *l, size_t maybe, size_t unsent, vouch_cause cause)
{
    struct single *c = of_lane(l);
    bool was_killing = c->killing;
    (void)unsent;
    c->flying = c->killing = false;
    c->kill = KILL_NONE;
    if (c->final)
        return;
    if (maybe && !was_killing) {
        if (c->result->result.attempts++)
            l->core->counts.retries++;
        if (!c->callee.readonly && !c->idempotent) {
            finalize(c, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, cause);
            return;
        }
        c->doubt = !c->callee.readonly;
        again(c, cause);
        return;
    }
    lane_offer(l);
}

static void on_failed(struct lane *l)
{
    struct single *c = of_lane(l);
    if (!c->final)
        finalize_unsent(c, l->failure.cause);
}

/* ---- replies -------------------------------------------------------------------------------- */

static void on_killed(struct single *c, const struct vouch_reply *reply)
{
    c->killing = false;
    c->kill = KILL_NONE;
    c->unkillable =
        vouch_reply_is_error(reply) && effect_code_is(reply->as.text, reply->n, "UNKILLABLE");
    wait_and_again(c);
}

/* BUSY says which kind holds the server. */
static bool kill(struct single *c, const struct vouch_reply *reply)
{
    static const char function[] = "FUNCTION KILL";
    size_t n = sizeof function - 1;
    if (!c->kill_busy || c->unkillable || !effect_code_is(reply->as.text, reply->n, "BUSY"))
        return false;
    c->kill = KILL_SCRIPT;
    for (size_t i = 0; i + n <= reply->n; i++)
        if (memcmp(reply->as.text + i, function, n) == 0)
            c->kill = KILL_FUNCTION;
    lane_offer(&c->lane);
    return true;
}

static struct verdict judge(const struct single *c, const struct vouch_reply *reply)
{
    const struct need *need = c->callee.need;
    struct batch_words w = batch_words(&c->batch, 0);
    struct happening h = {.command = batch_command(&c->batch, 0),
                          .name = w.name,
                          .name_size = w.name_size,
                          .answer = ANSWER_ERROR,
                          .error = reply->as.text,
                          .error_size = reply->n,
                          .missing = need ? need->missing : NULL,
                          .handed = true,
                          .honest = need && need->honest};
    return effect_judge(&h);
}

static void take_error(struct single *c, const struct vouch_reply *reply)
{
    struct verdict v = judge(c, reply);
    c->result->result.reply = reply;
    put(c, v.status, v.effect, v.cause);
    c->refused = true;
    switch (v.remedy) {
    case REMEDY_LOAD:
        lane_missing(&c->lane, c->callee.need);
        load(c);
        return;
    case REMEDY_CHECK:
        lane_missing(&c->lane, c->callee.need);
        lane_check(&c->lane, c->callee.need);
        return;
    case REMEDY_WAIT:
        if (!kill(c, reply))
            wait_and_again(c);
        return;
    case REMEDY_AUTH:
        if (!lane_reauthenticate(&c->lane))
            break;
        wait_and_again(c);
        return;
    case REMEDY_NONE:
    case REMEDY_SEND:
    case REMEDY_REDIRECT: /* where to is known only with a cluster's topology */
        break;
    }
    finalize(c, v.status, v.effect, v.cause);
}

static void on_reply(struct lane *l, const struct vouch_reply *reply, enum reader_fate fate)
{
    struct single *c = of_lane(l);
    if (c->killing) {
        on_killed(c, reply);
        return;
    }
    c->flying = false;
    if (c->result->result.attempts++)
        l->core->counts.retries++;
    if (fate != READER_KEPT) {
        bool large = fate == READER_TOO_LARGE;
        finalize(c, large ? VOUCH_ETOOLARGE : VOUCH_ENOMEM,
                 fate == READER_NO_MEMORY_FOR_ERROR ? VOUCH_MAYBE_APPLIED : VOUCH_APPLIED,
                 large ? VOUCH_CAUSE_LIMIT : VOUCH_CAUSE_MEMORY);
    } else if (reply->type == VOUCH_TYPE_ERROR) {
        take_error(c, reply);
    } else {
        c->result->result.reply = reply;
        finalize(c, VOUCH_OK, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    }
    if (c->final)
        lane_progress(l);
}

static void on_checked(struct lane *l, const struct need *need, enum lane_answer answer)
{
    struct single *c = of_lane(l);
    (void)need;
    if (c->final)
        return;
    if (answer != LANE_MISSING) {
        finalize(c, VOUCH_ESERVER, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_REFUSED);
        return;
    }
    c->result->result.effect = VOUCH_NOT_APPLIED;
    load(c);
}

static const struct lane_ops lane_ops = {pull, on_reply, on_lost, on_unsent, on_failed, on_checked};

/* ---- as an operation ------------------------------------------------------------------------ */

static void tell_news(struct single *c)
{
    char code[VOUCH_CODE_MAX], words[VOUCH_MESSAGE_MAX];
    const vouch_reply *reply = c->result->result.reply;
    vouch_event e = {.kind = c->news.kind,
                     .cause = c->news.cause,
                     .commands = 1,
                     .wait_ms = observe_ms(c->news.wait_us),
                     .server = c->lane.link ? c->lane.link->server : NULL,
                     .message = vouch_cause_sentence(c->news.cause)};
    c->news.kind = 0;
    if (e.cause == VOUCH_CAUSE_REFUSED && vouch_reply_is_error(reply)) {
        error_code(code, reply->as.text, reply->n);
        error_escape(words, sizeof words, reply->as.text, reply->n);
        e.code = code;
        e.message = words;
    }
    observe_tell(c->lane.core, e);
}

static inline void tell(struct single *c)
{
    if (c->news.kind)
        tell_news(c);
}

static void end(struct single *c)
{
    size_t maybe, unsent;
    vouch_stats *counts = &c->lane.core->counts;
    const vouch_result *r = &c->result->result;
    lane_close(&c->lane, &maybe, &unsent);
    counts->applied += r->effect == VOUCH_APPLIED;
    counts->not_applied += r->effect == VOUCH_NOT_APPLIED;
    counts->maybe += r->effect == VOUCH_MAYBE_APPLIED;
    counts->errors += r->status == VOUCH_ESERVER;
    c->op.done = true;
    if (r->effect == VOUCH_MAYBE_APPLIED) {
        c->news.kind = VOUCH_EVENT_MAYBE;
        c->news.cause = r->cause;
        c->news.wait_us = -1;
        tell(c);
    }
}

static void advance(struct vouch_op *op, int64_t now)
{
    struct single *c = (struct single *)op;
    tell(c);
    lane_advance(&c->lane, now);
    op->wake = c->lane.resume ? c->lane.resume : OP_NEVER;
    if (c->final)
        end(c);
}

static void expire(struct vouch_op *op, vouch_cause cause)
{
    struct single *c = (struct single *)op;
    size_t maybe, unsent;
    if (cause == VOUCH_CAUSE_DEADLINE && !c->final)
        lane_out_of_time(&c->lane);
    bool was_killing = c->killing;
    lane_close(&c->lane, &maybe, &unsent); /* a question that is out ends as "there" */
    if (!c->final && maybe && !was_killing) {
        c->result->result.attempts++;
        finalize(c, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, cause);
    } else if (!c->final) {
        finalize_unsent(c, cause);
    }
    end(c);
}

const struct op_ops single_op_ops = {advance, expire};

/* ---- making and finishing ------------------------------------------------------------------- */

static void discard(void *block)
{
    batch_release(&((struct single *)block)->batch);
}

static const struct block_kind kind = {sizeof(struct single), discard};

/* What a block keeps at most for the next call. */
#define KEEP_BYTES ((size_t)65536)

struct vouch_op *single_new(struct core *core, struct vouch_client *client,
                            const struct callee *callee, vouch_args keys, vouch_args args,
                            const vouch_call_options *o, vouch_error *error)
{
    const struct settings *set = &core->settings;
    bool used = false;
    struct single *c = core_block(core, &kind, &used);
    vouch_call *r = c ? call_result_new() : NULL;
    if (!r) {
        if (c)
            core_release(core, &kind, c);
        (void)error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a call");
        return NULL;
    }
    memset(c, 0, offsetof(struct single, batch));
    c->op.ops = &single_op_ops;
    c->op.core = core;
    c->op.wake = core->now;
    c->client = client;
    c->home = core;
    c->callee = *callee;
    c->result = r;
    c->idempotent = o->idempotent != 0;
    c->kill_busy = o->kill_busy != 0;
    c->ahead = callee->need && !callee->need->honest && !callee->readonly;
    int64_t ms = o->deadline_ms ? o->deadline_ms : set->deadline_ms;
    c->op.deadline = ms == VOUCH_NO_DEADLINE ? OP_NEVER : core->now + ms * 1000;
    lane_init(&c->lane, core, &lane_ops, 0, false, o->outages ? o->outages : set->outages);
    c->lane.x.arena = &r->arena;
    vouch_batch_clear(&c->batch);
    callee_add(callee, &c->batch, keys, args);
    if (vouch_batch_error(&c->batch, error) != VOUCH_OK) {
        single_free(&c->op);
        return NULL;
    }
    lane_offer(&c->lane);
    return &c->op;
}

void single_free(struct vouch_op *op)
{
    struct single *c = (struct single *)op;
    size_t maybe, unsent;
    if (!op->done)
        lane_close(&c->lane, &maybe, &unsent);
    vouch_call_free(c->result);
    if (c->batch.capacity > KEEP_BYTES) {
        batch_release(&c->batch);
        c->batch = (struct vouch_batch){0};
    }
    core_release(c->home, &kind, c);
}

struct vouch_client *single_client(const struct vouch_op *op)
{
    return ((const struct single *)op)->client;
}

/* What went wrong, in the most telling words there are. */
static void reason(const struct single *c, char *out, size_t room)
{
    const vouch_result *r = &c->result->result;
    const struct lane_failure *f = &c->lane.failure;
    const struct need *need = c->callee.need;
    const char *detail = "",
               *explained = need ? lane_explain(&c->lane, need, r->reply, &detail) : NULL;
    if (r->status == VOUCH_ESERVER && r->reply)
        (void)snprintf(out, room, "%s%s%s%s", r->reply->as.text, explained ? explained : "", detail,
                       c->unkillable ? "; the script that holds the server cannot be killed" : "");
    else if (r->status == VOUCH_ETOOLARGE)
        (void)snprintf(out, room,
                       "executed, but its reply was dropped: over reply_max_bytes, "
                       "reply_max_elements or reply_max_depth");
    else if (f->message[0] && r->cause == VOUCH_CAUSE_DEADLINE)
        (void)snprintf(out, room, "%s (last trouble: %s)", vouch_cause_sentence(r->cause),
                       f->message);
    else
        (void)snprintf(out, room, "%s",
                       f->message[0] && r->cause == f->cause ? f->message
                                                             : vouch_cause_sentence(r->cause));
}

static vouch_status report(const struct single *c, vouch_error *error)
{
    const vouch_result *r = &c->result->result;
    char why[3 * VOUCH_MESSAGE_MAX];
    vouch_status status = r->status;
    if (status == VOUCH_OK) {
        error_clear(error);
        return VOUCH_OK;
    }
    if (status == VOUCH_ENOTSENT && r->cause == VOUCH_CAUSE_INTERRUPTED)
        status = VOUCH_EINTERRUPTED;
    if (status == VOUCH_ENOTSENT && r->cause == VOUCH_CAUSE_CANCELLED)
        status = VOUCH_ECANCELLED;
    reason(c, why, sizeof why);
    (void)error_set(error, status, r->cause, "%s: %s", c->callee.name, why);
    if (!error)
        return status;
    error->effect = r->effect;
    error->retriable = r->effect == VOUCH_NOT_APPLIED;
    if (r->status == VOUCH_ESERVER && r->reply)
        error_code(error->code, r->reply->as.text, r->reply->n);
    return status;
}

vouch_status single_finish(struct vouch_op *op, bool orphan, vouch_call **out, vouch_error *error)
{
    struct single *c = (struct single *)op;
    vouch_call *r = c->result;
    vouch_status status = report(c, error);
    if (orphan)
        c->home = NULL;
    r->outcome = r->result.status == VOUCH_OK || r->result.status == VOUCH_ETOOLARGE ||
                         r->result.status == VOUCH_ENOMEM
                     ? VOUCH_OUTCOME_COMMITTED
                 : r->result.effect == VOUCH_NOT_APPLIED ? VOUCH_OUTCOME_NOT_SENT
                 : r->result.status == VOUCH_ESERVER     ? VOUCH_OUTCOME_ERRORS
                                                         : VOUCH_OUTCOME_UNKNOWN;
    if (out) {
        *out = r;
        c->result = NULL;
    }
    single_free(op);
    return status;
}
