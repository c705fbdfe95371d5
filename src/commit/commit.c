/* A commit as an operation: what happens at rest, when time passes, and when it must end now. Pure. */
#include "commit/commit.h"

#include <assert.h>

static void judge(struct commit *c)
{
    switch (c->phase) {
    case COMMIT_ASKING:
        commit_judge_asking(c);
        return;
    case COMMIT_TAKING:
        commit_judge_taking(c);
        return;
    case COMMIT_EXECUTING:
        commit_judge_exec(c);
        return;
    case COMMIT_COPYING:
        commit_judge_copies(c);
        return;
    case COMMIT_SETTLING:
        commit_judge_settle(c);
        return;
    case COMMIT_LEAVING:
        c->watching = c->watching && !c->lost;
        commit_close(c);
        return;
    case COMMIT_PREPARING:
        commit_again(c, VOUCH_RETRY_OUTAGE, c->stop, true);
        return;
    case COMMIT_PAUSING:
    case COMMIT_OVER:
        return;
    }
}

/* No attempt after this one, whose round ends here. */
static void stop(struct commit *c, vouch_cause cause)
{
    c->stop = cause;
    /* While it waits, what it waits for has been said. */
    if (cause == VOUCH_CAUSE_DEADLINE && !c->resume)
        lane_out_of_time(&c->lane);
    if (c->phase != COMMIT_PREPARING && c->answered != c->total)
        commit_hang_up(c, cause);
    judge(c);
    /* All was answered, and it would go on with another round. */
    if (c->phase <= COMMIT_EXECUTING)
        commit_again(c, VOUCH_RETRY_OUTAGE, cause, true);
}

/* True if it had to be stopped: there is no connection to be had, or what is left of the time is for
 * settling. */
static bool must_stop(struct commit *c, int64_t now)
{
    bool trying = c->phase <= COMMIT_EXECUTING && !c->stop;
    bool uncertain = c->doubt || c->loose || c->phase == COMMIT_EXECUTING;
    if (trying && c->failed)
        stop(c, c->lane.failure.cause);
    else if (trying && c->marker.on && now >= c->settle_at && uncertain)
        stop(c, VOUCH_CAUSE_DEADLINE);
    else if (c->phase == COMMIT_SETTLING && !c->stop && now >= c->settle_at)
        stop(c, VOUCH_CAUSE_DEADLINE); /* another connection may answer in the time that was kept */
    else
        return false;
    return true;
}

/* One thing at rest. False if there is nothing to do now. */
static bool step(struct commit *c, int64_t now)
{
    bool waits = c->phase == COMMIT_PREPARING || c->phase == COMMIT_PAUSING;
    if (c->phase == COMMIT_OVER)
        return false;
    if (must_stop(c, now))
        return true;
    if (waits && c->resume > now) {
        c->op.wake = c->resume;
        return false;
    }
    c->resume = 0;
    if (c->phase == COMMIT_PREPARING) {
        commit_prepare(c);
        return true;
    }
    if (c->phase == COMMIT_PAUSING) {
        commit_settle(c);
        return true;
    }
    if (c->failed && c->phase != COMMIT_SETTLING)
        c->lost = true;
    if (!c->failed && !commit_is_through(c))
        return false;
    judge(c);
    return true;
}

static void advance(struct vouch_op *op, int64_t now)
{
    struct commit *c = (struct commit *)op;
    op->wake = OP_NEVER;
    do
        commit_tell(c);
    while (step(c, now));
    if (!op->done && c->marker.on && !c->stop && c->settle_at > now && c->settle_at < op->wake)
        op->wake = c->settle_at;
}

static void expire(struct vouch_op *op, vouch_cause cause)
{
    struct commit *c = (struct commit *)op;
    c->final = cause;
    if (c->phase == COMMIT_SETTLING || c->phase == COMMIT_PAUSING) {
        commit_put_results(c, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, cause);
        commit_end(c, VOUCH_OUTCOME_UNKNOWN, VOUCH_EUNKNOWN, cause,
                   "it may have committed, and the marker was not asked in time: %s",
                   c->lane.failure.message[0] ? c->lane.failure.message
                                              : vouch_cause_sentence(cause));
    } else if (c->phase == COMMIT_COPYING) {
        commit_leave(c);
    } else if (c->phase == COMMIT_LEAVING) {
        commit_close(c);
    } else {
        stop(c, cause);
    }
    assert(op->done);
}

const struct op_ops commit_op_ops = {advance, expire};
