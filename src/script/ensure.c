/* Loading scripts and libraries ahead of their first use: all in one round trip. Pure.
 *
 * Loading what is there changes nothing, so what was not answered is sent again. */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/error.h"
#include "command/effect.h"
#include "script/install.h"
#include "script/script.h"

#include <string.h>

struct refusal {
    size_t index; /* of the first command; or VOUCH_NO_COMMAND */
    char code[VOUCH_CODE_MAX];
    char words[VOUCH_MESSAGE_MAX];
};

struct ensure {
    struct vouch_op op; /* first */
    struct vouch_batch *batch;
    const struct need *const *needs; /* one for each command; borrowed until it is done */
    size_t next, answered;
    size_t in_doubt;        /* those below, and not answered, may have been executed */
    struct refusal refused; /* for good */
    struct refusal passing; /* for now … */
    bool wait;              /* … and all from it on go again */
    size_t waited;          /* so many have; the hook has still to be told */
    vouch_cause cause;      /* why it ended early */
    bool over;
    struct arena arena; /* of the replies */
    struct lane lane;
};

static struct ensure *of_lane(struct lane *l)
{
    return (struct ensure *)((char *)l - offsetof(struct ensure, lane));
}

static bool pull(struct lane *l, size_t commands, struct run *out, const struct need **need)
{
    struct ensure *e = of_lane(l);
    size_t n = e->batch->count - e->next;
    (void)need;
    if (!n || e->over || e->wait)
        return false;
    n = n < commands ? n : commands;
    *out = (struct run){e->batch->bytes + batch_begin_of(e->batch, e->next),
                        e->batch->ends + e->next, batch_begin_of(e->batch, e->next), n, false};
    e->next += n;
    out->last = e->next == e->batch->count;
    return true;
}

static void again(struct ensure *e)
{
    e->next = e->answered;
    lane_offer(&e->lane);
}

static bool is_there(const struct need *need, const struct vouch_reply *reply)
{
    size_t n = need->there_already ? strlen(need->there_already) : 0;
    return n && reply->n == n && memcmp(reply->as.text, need->there_already, n) == 0;
}

static void note(struct refusal *r, size_t i, const char *text, size_t n)
{
    if (r->index != VOUCH_NO_COMMAND)
        return;
    r->index = i;
    error_code(r->code, text, n);
    error_escape(r->words, sizeof r->words, text, n);
}

static void take(struct ensure *e, size_t i, const struct vouch_reply *reply, enum reader_fate fate)
{
    bool error = fate == READER_NO_MEMORY_FOR_ERROR || vouch_reply_is_error(reply);
    const char *text = error && reply ? reply->as.text : "(its words were lost)";
    size_t n = error && reply ? reply->n : strlen(text);
    if (e->passing.index == i)
        e->passing.index = VOUCH_NO_COMMAND;
    if (!error || (reply && is_there(e->needs[i], reply))) {
        link_learn(e->lane.link, e->needs[i]);
    } else if (effect_remedy(text, n) == REMEDY_WAIT) {
        note(&e->passing, i, text, n);
        e->wait = true;
    } else {
        note(&e->refused, i, text, n);
    }
}

/* From the one that was refused for now; what is there already only says so again. */
static void rewind_to_refused(struct ensure *e)
{
    e->answered = e->passing.index;
    e->wait = false;
}

static void on_reply(struct lane *l, const struct vouch_reply *reply, enum reader_fate fate)
{
    struct ensure *e = of_lane(l);
    take(e, e->answered, reply, fate);
    if (!e->wait)
        lane_progress(l);
    if (++e->answered >= e->in_doubt)
        e->in_doubt = 0;
    if (e->answered != e->next)
        return;
    if (e->wait && lane_wait(l)) {
        e->waited = e->answered - e->passing.index;
        rewind_to_refused(e);
        again(e);
    } else if (e->answered == e->batch->count || e->wait) {
        e->over = true;
        e->op.wake = l->core->now;
    }
}

static void doubt(struct ensure *e, size_t maybe)
{
    if (maybe && e->in_doubt < e->answered + maybe)
        e->in_doubt = e->answered + maybe;
}

static void on_lost(struct lane *l, size_t maybe, size_t unsent, vouch_cause cause)
{
    struct ensure *e = of_lane(l);
    (void)unsent;
    (void)cause;
    doubt(e, maybe);
    if (e->wait)
        rewind_to_refused(e);
    again(e);
}

static void on_unsent(struct lane *l, size_t unsent)
{
    of_lane(l)->next -= unsent;
}

static void on_failed(struct lane *l)
{
    struct ensure *e = of_lane(l);
    e->cause = l->failure.cause;
    e->over = true;
    e->op.wake = l->core->now;
}

static const struct lane_ops lane_ops = {pull, on_reply, on_lost, on_unsent, on_failed, NULL};

/* ---- as an operation ------------------------------------------------------------------------ */

static void end(struct ensure *e)
{
    size_t maybe, unsent;
    lane_close(&e->lane, &maybe, &unsent);
    doubt(e, maybe);
    e->op.done = true;
}

static void tell(struct ensure *e)
{
    const struct lane *l = &e->lane;
    vouch_event event = {.kind = VOUCH_EVENT_WAITED,
                         .cause = VOUCH_CAUSE_REFUSED,
                         .commands = e->waited,
                         .wait_ms = observe_ms(l->resume - l->core->now),
                         .server = l->link ? l->link->server : NULL,
                         .code = e->passing.code,
                         .message = e->passing.words};
    e->waited = 0;
    observe_tell(l->core, event);
}

static void advance(struct vouch_op *op, int64_t now)
{
    struct ensure *e = (struct ensure *)op;
    if (e->waited)
        tell(e);
    lane_advance(&e->lane, now);
    op->wake = e->lane.resume ? e->lane.resume : OP_NEVER;
    if (e->over)
        end(e);
}

static void expire(struct vouch_op *op, vouch_cause cause)
{
    struct ensure *e = (struct ensure *)op;
    if (cause == VOUCH_CAUSE_DEADLINE)
        lane_out_of_time(&e->lane);
    if (!e->over)
        e->cause = cause;
    end(e);
}

static const struct op_ops op_ops = {advance, expire};

struct vouch_op *ensure_new(struct core *core, struct vouch_batch *loads,
                            const struct need *const *needs, int64_t deadline_ms,
                            vouch_error *error)
{
    struct ensure *e = alloc_zeroed(1, sizeof *e);
    if (!e) {
        (void)error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for loads");
        return NULL;
    }
    int64_t ms = deadline_ms ? deadline_ms : core->settings.deadline_ms;
    e->op.ops = &op_ops;
    e->op.core = core;
    e->op.wake = core->now;
    e->op.deadline = ms == VOUCH_NO_DEADLINE ? OP_NEVER : core->now + ms * 1000;
    e->batch = loads;
    e->needs = needs;
    e->refused.index = e->passing.index = VOUCH_NO_COMMAND;
    lane_init(&e->lane, core, &lane_ops, 0, false, core->settings.outages);
    e->lane.x.arena = &e->arena;
    lane_offer(&e->lane);
    return &e->op;
}

void ensure_free(struct vouch_op *op)
{
    struct ensure *e = (struct ensure *)op;
    size_t maybe, unsent;
    if (!op->done)
        lane_close(&e->lane, &maybe, &unsent);
    arena_free(&e->arena);
    alloc_free(e);
}

static vouch_status report_refusal(const struct ensure *e, const struct refusal *r,
                                   vouch_error *error)
{
    (void)error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_REFUSED, "%s: %s", e->needs[r->index]->name,
                    r->words);
    if (error) {
        error->command = r->index;
        error->retriable = r == &e->passing;
        memcpy(error->code, r->code, sizeof error->code);
    }
    return VOUCH_ESERVER;
}

static vouch_status report_unanswered(const struct ensure *e, vouch_error *error)
{
    const struct lane_failure *f = &e->lane.failure;
    bool maybe = e->answered < e->in_doubt;
    vouch_status status = maybe                                 ? VOUCH_EUNKNOWN
                          : e->cause == VOUCH_CAUSE_INTERRUPTED ? VOUCH_EINTERRUPTED
                          : e->cause == VOUCH_CAUSE_CANCELLED   ? VOUCH_ECANCELLED
                                                                : VOUCH_ENOTSENT;
    (void)error_set(error, status, e->cause, "%s: %s", e->needs[e->answered]->name,
                    f->message[0] ? f->message : vouch_cause_sentence(e->cause));
    if (error) {
        error->command = e->answered;
        error->effect = maybe ? VOUCH_MAYBE_APPLIED : VOUCH_NOT_APPLIED;
        error->retriable = 1; /* loading twice does no more than once */
    }
    return status;
}

static vouch_status report(const struct ensure *e, vouch_error *error)
{
    bool refused = e->refused.index != VOUCH_NO_COMMAND,
         passing = e->passing.index != VOUCH_NO_COMMAND,
         stopped =
             e->cause == VOUCH_CAUSE_INTERRUPTED || e->cause == VOUCH_CAUSE_CANCELLED || !passing;
    if (e->cause != VOUCH_CAUSE_NONE && (stopped || e->answered < e->in_doubt))
        return report_unanswered(e, error);
    if (refused && !(passing && e->passing.index < e->refused.index))
        return report_refusal(e, &e->refused, error);
    if (passing)
        return report_refusal(e, &e->passing, error);
    error_clear(error);
    return VOUCH_OK;
}

vouch_status ensure_finish(struct vouch_op *op, vouch_error *error)
{
    vouch_status status = report((struct ensure *)op, error);
    ensure_free(op);
    return status;
}
