/* A commit as an operation: attempt after attempt, and one end. Pure.
 *
 * Invariants
 *   1. The module's prepare is called at rest only: by advance, never inside the connection.
 *   2. No end that says "not applied" is reached while `doubt` or `loose` is set, but through SETTLING:
 *      all ends pass commit_end.
 *   3. What leaves a connection with WATCH or MULTI on it closes it. */
#include "commit/commit.h"

#include "base/alloc.h"
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the end -------------------------------------------------------------------------------- */

static void finish(struct commit *c)
{
    vouch_tx_result *r = c->result;
    commit_hang_up(c, VOUCH_CAUSE_NONE);
    c->phase = COMMIT_OVER;
    r->outcome = c->end.outcome;
    r->attempts = c->attempt;
    r->conflicts = c->retry.conflicts;
    r->has_marker = c->marker.pinned;
    r->marker_size = c->marker.size;
    if (c->marker.on)
        c->lane.core->uptime_users--;
    c->op.done = true;
    commit_tell_over(c);
}

/* UNWATCH first, if that is all that is wrong with the connection. */
static void leave(struct commit *c)
{
    if (!c->watching || c->final || c->sent != c->answered || lane_connection(&c->lane) == 0) {
        finish(c);
        return;
    }
    commit_clear_round(c);
    commit_add_plain(c, OWN_UNWATCH);
    if (c->own.first.status)
        finish(c);
    else
        commit_send(c, COMMIT_LEAVING);
}

static bool is_yes(vouch_tx_outcome outcome)
{
    return outcome == VOUCH_OUTCOME_COMMITTED || outcome == VOUCH_OUTCOME_ERRORS ||
           outcome == VOUCH_OUTCOME_SETTLED || outcome == VOUCH_OUTCOME_ALREADY;
}

/* Waits for replicas, on the connection that wrote last; after a commit that is only known from its
 * marker, the marker is written again, or there is nothing to wait for. */
static void copy(struct commit *c)
{
    int64_t left = c->op.deadline == OP_NEVER ? OP_NEVER : c->op.deadline - c->lane.core->now;
    /* Some of it is kept for the answer. */
    int64_t wait = left == OP_NEVER ? c->policy.copies_us : left - left / 10;
    if (c->policy.copies_us && c->policy.copies_us < wait)
        wait = c->policy.copies_us;
    if (c->final || (left != OP_NEVER && wait < 1000)) {
        leave(c);
        return;
    }
    commit_clear_round(c);
    if (c->witness_size) {
        marker_add_again(&c->marker, &c->own, (vouch_string){c->witness, c->witness_size});
        commit_note_own(c, OWN_SET);
    }
    vouch_arg words[] = {vouch_text("WAITAOF"), vouch_int(1), vouch_uint(c->policy.copies),
                         vouch_int(wait / 1000)};
    if (!c->policy.fsync) {
        words[1] = words[2];
        words[2] = words[3];
        words[0] = vouch_text("WAIT");
    }
    (void)vouch_batch_addv(&c->own, vouch_args_of(words, c->policy.fsync ? 4 : 3));
    commit_note_own(c, OWN_WAIT);
    arena_reset(&c->arena);
    if (c->own.first.status)
        leave(c);
    else
        commit_send(c, COMMIT_COPYING);
}

static void judge_copies(struct commit *c)
{
    const struct vouch_reply *said = c->lost || c->failed ? NULL : c->said[OWN_WAIT];
    const struct vouch_reply *again = c->said[OWN_SET];
    int64_t local = 1;
    if (c->policy.fsync && vouch_reply_count(said) == 2) {
        (void)vouch_reply_int64(vouch_reply_at(said, 0), &local);
        said = vouch_reply_at(said, 1);
    }
    bool written = !c->witness_size || (again && again->type == VOUCH_TYPE_STATUS);
    if (!written || !vouch_reply_int64(said, &c->result->copies))
        c->result->copies = -1;
    c->copied = c->result->copies >= (int64_t)c->policy.copies && local >= 1;
    if (vouch_reply_is_error(said))
        error_escape(c->end.message, sizeof c->end.message, said->as.text, said->n);
    leave(c);
}

/* What is reached when nothing is left in doubt. */
static void conclude(struct commit *c)
{
    if (is_yes(c->end.outcome) && (c->policy.copies || c->policy.fsync))
        copy(c);
    else
        leave(c);
}

/* A doubt stands, and this end would deny it. */
static bool denies_a_doubt(const struct commit *c)
{
    return (c->doubt || c->loose) && !is_yes(c->end.outcome) &&
           c->end.outcome != VOUCH_OUTCOME_UNKNOWN;
}

static void make_unknown(struct commit *c)
{
    struct commit_end *e = &c->end;
    commit_put_results(c, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, e->cause);
    e->outcome = VOUCH_OUTCOME_UNKNOWN;
    e->status = VOUCH_EUNKNOWN;
    e->command = VOUCH_NO_COMMAND;
    c->result->queue_error_count = c->result->exec_error_count = 0;
}

static void reach(struct commit *c)
{
    if (denies_a_doubt(c)) {
        bool may_settle = c->marker.on && !c->final && c->end.outcome != VOUCH_OUTCOME_NOT_ATOMIC;
        if (may_settle) {
            commit_settle(c);
            return;
        }
        make_unknown(c);
    }
    c->doubt = false;
    c->loose = 0;
    conclude(c);
}

static void set_end(struct commit *c, vouch_tx_outcome outcome, vouch_status status,
                    vouch_cause cause)
{
    memset(&c->end, 0, sizeof c->end);
    c->end.outcome = outcome;
    c->end.status = status;
    c->end.cause = cause;
    c->end.command = VOUCH_NO_COMMAND;
}

void commit_end(struct commit *c, vouch_tx_outcome outcome, vouch_status status, vouch_cause cause,
                const char *format, ...)
{
    char text[2 * VOUCH_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    set_end(c, outcome, status, cause);
    if (n > 0)
        error_escape(c->end.message, sizeof c->end.message, text, strlen(text));
    reach(c);
}

void commit_end_refused(struct commit *c, vouch_tx_outcome outcome, size_t index, const char *name,
                        const struct vouch_reply *words)
{
    char text[VOUCH_MESSAGE_MAX], said[VOUCH_MESSAGE_MAX] = "(its words were lost)";
    vouch_status status = outcome == VOUCH_OUTCOME_ERRORS       ? VOUCH_EPARTIAL
                          : outcome == VOUCH_OUTCOME_NOT_ATOMIC ? VOUCH_ENOTATOMIC
                                                                : VOUCH_ESERVER;
    set_end(c, outcome, status, VOUCH_CAUSE_REFUSED);
    if (vouch_reply_is_error(words)) {
        error_code(c->end.code, words->as.text, words->n);
        error_escape(said, sizeof said, words->as.text, words->n);
    }
    if (index == VOUCH_NO_COMMAND)
        (void)snprintf(text, sizeof text, "%s: %s", name, said);
    else
        (void)snprintf(text, sizeof text, "command %zu (%s): %s", index, name, said);
    error_escape(c->end.message, sizeof c->end.message, text, strlen(text));
    c->end.command = index;
    reach(c);
}

void commit_end_settled(struct commit *c)
{
    c->was_settled = true;
    c->doubt = false;
    c->loose = 0;
    commit_put_results(c, VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, c->end.cause);
    conclude(c);
}

/* ---- attempts ------------------------------------------------------------------------------- */

static void begin_attempt(struct commit *c)
{
    c->attempt++;
    c->round = 0;
    vouch_batch_clear(&c->reads);
    c->answered_reads = 0;
    c->slot_known = false;
    c->marker_asked = c->marker_heard = c->info_asked = false;
    c->denied = c->lost = false;
    c->connection = 0;
    c->phase = COMMIT_PREPARING;
}

/* Asks the hook. False: it wants to give up. */
static bool may_wait(struct commit *c, vouch_retry_kind kind, vouch_cause cause, int64_t delay_us)
{
    const vouch_retry *r = &c->policy.retry;
    vouch_retry_wait wait = {.size = sizeof wait,
                             .kind = kind,
                             .failures = kind == VOUCH_RETRY_CONFLICT ? c->retry.conflicts
                                                                      : c->retry.outages,
                             .cause = cause,
                             .delay_us = delay_us};
    if (!r->on_wait)
        return true;
    bool before = c->lane.core->busy;
    c->lane.core->busy = true;
    bool go_on = r->on_wait(&wait, r->user);
    c->lane.core->busy = before;
    return go_on;
}

static void give_up(struct commit *c, vouch_retry_kind kind, vouch_cause cause, bool asked)
{
    const char *who = asked ? "the on_wait hook gave up" : "the budget is used up";
    if (kind == VOUCH_RETRY_CONFLICT)
        commit_end(c, VOUCH_OUTCOME_CONFLICT, VOUCH_ECONFLICT, VOUCH_CAUSE_CONFLICT,
                   "a watched key changed, %u times: %s", c->retry.conflicts, who);
    else
        commit_end(c, VOUCH_OUTCOME_NOT_SENT, VOUCH_ENOTSENT, cause, "%s; %s",
                   c->lane.failure.message[0] ? c->lane.failure.message : vouch_cause_sentence(cause),
                   who);
}

/* What the link waits for before it opens another connection. */
static int64_t link_delay(const struct commit *c)
{
    const struct link *l = c->lane.link;
    return l && l->state == LINK_WAITING && l->until > c->lane.core->now ? l->until - c->lane.core->now
                                                                          : 0;
}

static void end_stopped(struct commit *c)
{
    const struct lane_failure *f = &c->lane.failure;
    vouch_status status = c->stop == VOUCH_CAUSE_MEMORY        ? VOUCH_ENOMEM
                          : c->stop == VOUCH_CAUSE_INTERRUPTED ? VOUCH_EINTERRUPTED
                          : c->stop == VOUCH_CAUSE_CANCELLED   ? VOUCH_ECANCELLED
                                                               : VOUCH_ENOTSENT;
    bool told = f->message[0] && status != VOUCH_EINTERRUPTED && status != VOUCH_ECANCELLED;
    bool late = c->stop == VOUCH_CAUSE_DEADLINE;
    commit_put_results(c, VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, c->stop);
    if (told && late)
        commit_end(c, VOUCH_OUTCOME_NOT_SENT, status, c->stop, "%s (last trouble: %s)",
                   vouch_cause_sentence(c->stop), f->message);
    else
        commit_end(c, VOUCH_OUTCOME_NOT_SENT, status, c->stop, "%s",
                   told ? f->message : vouch_cause_sentence(c->stop));
    if (told && !late && c->end.outcome == VOUCH_OUTCOME_NOT_SENT)
        memcpy(c->end.code, f->code, sizeof c->end.code);
}

void commit_again(struct commit *c, vouch_retry_kind kind, vouch_cause cause, bool paid)
{
    int64_t delay = 0;
    bool allowed = true, settling = c->phase == COMMIT_SETTLING;
    if (c->stop && !settling) {
        end_stopped(c);
        return;
    }
    if (kind == VOUCH_RETRY_OUTAGE && !paid) {
        allowed = c->lane.outages > 0;
        c->lane.outages -= allowed;
    }
    allowed = vouch_retry_next(&c->policy.retry, &c->retry, kind, &delay) && allowed;
    delay = paid ? link_delay(c) : delay;
    bool asked = allowed && !may_wait(c, kind, cause, delay);
    if (settling && (!allowed || asked)) {
        c->failed = true;
        commit_judge_settle(c);
        return;
    }
    if (!allowed || asked) {
        give_up(c, kind, cause, asked);
        return;
    }
    c->news.kind = kind == VOUCH_RETRY_CONFLICT ? VOUCH_EVENT_CONFLICT
                   : paid                       ? VOUCH_EVENT_RETRIED
                                                : VOUCH_EVENT_WAITED;
    c->news.cause = cause;
    c->news.wait_us = delay;
    c->resume = paid ? 0 : c->lane.core->now + delay;
    if (!settling)
        begin_attempt(c);
    else
        c->phase = COMMIT_PAUSING;
}

/* ---- preparing ------------------------------------------------------------------------------ */

enum commit_step commit_fault(struct commit *c, const vouch_error *why)
{
    c->fault = *why;
    return COMMIT_FAULT;
}

static enum commit_step ask_module(struct commit *c)
{
    bool before = c->lane.core->busy;
    c->lane.core->busy = true;
    enum commit_step step = c->ops->prepare(c);
    c->lane.core->busy = before;
    return step;
}

static void fail(struct commit *c, const vouch_error *why)
{
    commit_end(c, VOUCH_OUTCOME_NOT_SENT, why->status, why->cause, "%s", why->message);
    if (c->end.outcome == VOUCH_OUTCOME_NOT_SENT)
        c->end.command = why->command;
}

/* The slot of this attempt's first key: that of the marker. */
static bool find_slot(struct commit *c, bool all_known)
{
    const char *key;
    size_t size;
    for (size_t i = 0; !c->slot_known && i < c->reads.count; i++)
        if ((c->slot_known = batch_first_key(&c->reads, i, &key, &size)))
            c->slot = slot_of(key, size);
    for (size_t i = 0; !c->slot_known && all_known && i < c->body.count; i++)
        if ((c->slot_known = batch_first_key(&c->body, i, &key, &size)))
            c->slot = slot_of(key, size);
    if (!c->slot_known && all_known) {
        /* No key at all: the marker is where its own name would be. */
        c->slot = slot_of(c->marker.who, c->marker.named ? 0 : c->marker.who_size);
        c->slot_known = true;
    }
    return c->slot_known;
}

/* Whether the marker can be asked in this round; false also if that ended the run. */
static bool ready_for_marker(struct commit *c, bool all_known)
{
    if (!c->marker.on || c->marker_asked || !find_slot(c, all_known))
        return false;
    if (!c->marker.pinned)
        marker_pin(&c->marker, c->slot);
    return true;
}

static const vouch_error *batch_fault(const struct commit *c)
{
    if (c->reads.first.status)
        return &c->reads.first;
    if (c->body.first.status)
        return &c->body.first;
    return c->own.first.status ? &c->own.first : NULL;
}

static void end_cancelled(struct commit *c)
{
    /* A body that cancels because a read was refused: the server's words are what to look at. */
    for (size_t i = 0; i < c->answered_reads; i++) {
        const struct vouch_reply *r = c->answers[i].reply;
        if (!vouch_reply_is_error(r))
            continue;
        commit_end(c, VOUCH_OUTCOME_CANCELLED, VOUCH_ECANCELLED, VOUCH_CAUSE_CANCELLED,
                   "cancelled by its body; read %zu was answered: %s", i, r->as.text);
        if (c->end.outcome == VOUCH_OUTCOME_CANCELLED)
            error_code(c->end.code, r->as.text, r->n);
        return;
    }
    commit_end(c, VOUCH_OUTCOME_CANCELLED, VOUCH_ECANCELLED, VOUCH_CAUSE_CANCELLED,
               "cancelled by its body");
}

static void fail_with(struct commit *c, vouch_status status, const char *words)
{
    vouch_error e;
    (void)error_set(&e, status, status == VOUCH_ELIMIT ? VOUCH_CAUSE_LIMIT : VOUCH_CAUSE_NONE, "%s",
                    words);
    e.command = VOUCH_NO_COMMAND;
    fail(c, &e);
}

static void prepare(struct commit *c)
{
    commit_clear_round(c);
    if (c->watching && c->round == 0)
        commit_add_plain(c, OWN_UNWATCH);
    enum commit_step step = ask_module(c);
    const vouch_error *fault = step == COMMIT_FAULT ? &c->fault : batch_fault(c);
    if (fault) {
        vouch_error copy = *fault;
        fail(c, &copy);
        return;
    }
    if (step == COMMIT_CANCEL) {
        end_cancelled(c);
        return;
    }
    bool asks = c->watch_open || c->reads.count > c->answered_reads;
    if (step == COMMIT_ASK && !asks) {
        fail_with(c, VOUCH_EINVAL, "the body asks to read, but all its reads are answered");
        return;
    }
    if (c->marker.on && c->marker.pinned && find_slot(c, !asks) && c->slot != c->marker.slot) {
        fail_with(c, VOUCH_EINVAL, "the first key is in another hash slot than in an earlier attempt: "
                                   "the marker would not be found");
        return;
    }
    if (ready_for_marker(c, !asks)) {
        commit_add_marker(c);
        asks = true;
    }
    if (!asks) {
        commit_execute(c);
        return;
    }
    if (++c->round > VOUCH_TX_MAX_ROUNDS) {
        fail_with(c, VOUCH_ELIMIT, "more than VOUCH_TX_MAX_ROUNDS rounds of reads");
        return;
    }
    commit_close_watch(c);
    fault = batch_fault(c);
    if (fault) {
        vouch_error copy = *fault;
        fail(c, &copy);
        return;
    }
    commit_send(c, COMMIT_ASKING);
}

/* ---- asking --------------------------------------------------------------------------------- */

/* A read that was refused for the time being; the body is not to see it. */
static const struct vouch_reply *passing_refusal(struct commit *c)
{
    for (size_t i = c->answered_reads; i < c->reads.count; i++) {
        const struct vouch_reply *r = c->answers[i].reply;
        if (!vouch_reply_is_error(r))
            continue;
        enum remedy remedy = effect_remedy(r->as.text, r->n);
        if (remedy == REMEDY_WAIT || (remedy == REMEDY_AUTH && lane_reauthenticate(&c->lane)))
            return r;
    }
    return NULL;
}

static void judge_asking(struct commit *c)
{
    const struct vouch_reply *watch = c->said[OWN_WATCH];
    if (c->lost) {
        c->watching = false;
        commit_again(c, VOUCH_RETRY_OUTAGE, c->lost_cause, true);
        return;
    }
    if (vouch_reply_is_error(watch)) {
        enum remedy remedy = effect_remedy(watch->as.text, watch->n);
        if (remedy == REMEDY_WAIT || (remedy == REMEDY_AUTH && lane_reauthenticate(&c->lane)))
            commit_again(c, VOUCH_RETRY_OUTAGE, VOUCH_CAUSE_REFUSED, false);
        else
            commit_end_refused(c, VOUCH_OUTCOME_REFUSED_QUEUEING, VOUCH_NO_COMMAND, "WATCH", watch);
        return;
    }
    if (!commit_judge_marker(c))
        return;
    if (passing_refusal(c)) {
        commit_again(c, VOUCH_RETRY_OUTAGE, VOUCH_CAUSE_REFUSED, false);
        return;
    }
    for (size_t i = c->answered_reads; i < c->reads.count; i++) {
        bool large = c->fate == READER_TOO_LARGE;
        if (c->answers[i].reply)
            continue;
        commit_end(c, VOUCH_OUTCOME_NOT_SENT, large ? VOUCH_ETOOLARGE : VOUCH_ENOMEM,
                   large ? VOUCH_CAUSE_LIMIT : VOUCH_CAUSE_MEMORY,
                   large ? "the reply to read %zu is over reply_max_bytes, reply_max_elements or "
                           "reply_max_depth"
                         : "no memory for the reply to read %zu",
                   i);
        return;
    }
    c->answered_reads = c->reads.count;
    c->phase = COMMIT_PREPARING;
}

static void judge_taking(struct commit *c)
{
    if (c->lost) {
        c->watching = false;
        commit_again(c, VOUCH_RETRY_OUTAGE, c->lost_cause, true);
    } else if (vouch_reply_is_error(c->said[OWN_MULTI]) || vouch_reply_is_error(c->said[OWN_EXEC])) {
        c->watching = true;
        commit_end_refused(c, VOUCH_OUTCOME_REFUSED_QUEUEING, VOUCH_NO_COMMAND, "DEL (marker)",
                           vouch_reply_is_error(c->said[OWN_DELETE]) ? c->said[OWN_DELETE]
                                                                     : c->said[OWN_EXEC]);
    } else if (vouch_reply_is_nil(c->said[OWN_EXEC])) {
        commit_again(c, VOUCH_RETRY_CONFLICT, VOUCH_CAUSE_CONFLICT, false);
    } else {
        begin_attempt(c);
    }
}

/* ---- time ----------------------------------------------------------------------------------- */

static void judge(struct commit *c)
{
    switch (c->phase) {
    case COMMIT_ASKING:
        judge_asking(c);
        return;
    case COMMIT_TAKING:
        judge_taking(c);
        return;
    case COMMIT_EXECUTING:
        commit_judge_exec(c);
        return;
    case COMMIT_COPYING:
        judge_copies(c);
        return;
    case COMMIT_SETTLING:
        commit_judge_settle(c);
        return;
    case COMMIT_LEAVING:
        c->watching = c->watching && !c->lost;
        finish(c);
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
    if (cause == VOUCH_CAUSE_DEADLINE)
        lane_out_of_time(&c->lane);
    if (c->phase != COMMIT_PREPARING && c->answered != c->total)
        commit_hang_up(c, cause);
    judge(c);
}

/* True if it had to be stopped: there is no connection to be had, or what is left of the time is for
 * settling. */
static bool must_stop(struct commit *c, int64_t now)
{
    bool trying = c->phase <= COMMIT_EXECUTING && !c->stop;
    bool uncertain = c->doubt || c->loose || (c->phase == COMMIT_EXECUTING && c->sent);
    if (trying && c->failed)
        stop(c, c->lane.failure.cause);
    else if (trying && c->marker.on && now >= c->settle_at && uncertain)
        stop(c, VOUCH_CAUSE_DEADLINE);
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
        prepare(c);
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
                   c->lane.failure.message[0] ? c->lane.failure.message : vouch_cause_sentence(cause));
    } else if (c->phase == COMMIT_COPYING) {
        leave(c);
    } else if (c->phase == COMMIT_LEAVING) {
        finish(c);
    } else {
        stop(c, cause);
    }
    assert(op->done);
}

static const struct op_ops op_ops = {advance, expire};

/* ---- making and releasing ------------------------------------------------------------------- */

static vouch_status wrong(vouch_error *e, const char *field, const char *what)
{
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "options->%s: %s", field, what);
}

/* The longest duration an option takes; longer ones would not fit in 64 bits of microseconds. */
#define DURATION_MAX_MS ((int64_t)1 << 50)

static vouch_status check_marker(const vouch_tx_options *o, vouch_error *e)
{
    const char *prefix = o->marker_prefix ? o->marker_prefix : "";
    size_t token = o->token ? (o->token_size ? o->token_size : strlen(o->token)) : 0;
    if (!o->token && o->token_size)
        return wrong(e, "token_size", "without a token");
    if (o->token && !token)
        return wrong(e, "token", "empty");
    if (token > VOUCH_TOKEN_MAX)
        return wrong(e, "token", "longer than VOUCH_TOKEN_MAX");
    if (strlen(prefix) > VOUCH_TOKEN_MAX)
        return wrong(e, "marker_prefix", "longer than VOUCH_TOKEN_MAX");
    if (strpbrk(prefix, "{}"))
        return wrong(e, "marker_prefix", "has a brace in it, which would move the marker to another slot");
    if (o->marker_ms != 0 && o->marker_ms != VOUCH_MARKER_KEEP &&
        (o->marker_ms < VOUCH_MARKER_MIN_MS || o->marker_ms > VOUCH_MARKER_MAX_MS))
        return wrong(e, "marker_ms", "out of range");
    return VOUCH_OK;
}

static vouch_status check(const vouch_tx_options *o, vouch_error *e)
{
    if (o->size != sizeof *o)
        return wrong(e, "size", "not set by VOUCH_TX_OPTIONS_INIT");
    if (o->deadline_ms < VOUCH_NO_DEADLINE || o->deadline_ms > DURATION_MAX_MS)
        return wrong(e, "deadline_ms", "out of range");
    if (o->copies_ms < 0 || o->copies_ms > DURATION_MAX_MS)
        return wrong(e, "copies_ms", "out of range");
    if (o->copies > VOUCH_TX_MAX_COPIES)
        return wrong(e, "copies", "more than VOUCH_TX_MAX_COPIES");
    vouch_status status = check_marker(o, e);
    return status ? status : vouch_retry_check(o->retry, e);
}

static void take_policy(struct commit *c, const struct settings *set, const vouch_tx_options *o)
{
    static const vouch_retry retry = VOUCH_RETRY_INIT;
    struct commit_policy *p = &c->policy;
    p->strict = o->strict != 0;
    p->fsync = o->fsync != 0;
    p->copies = o->copies;
    p->copies_us = o->copies_ms * 1000;
    p->retry = o->retry ? *o->retry : retry;
    if (p->retry.outages == 0)
        p->retry.outages = set->outages;
    p->outages = p->retry.outages == VOUCH_RETRY_NONE ? 0 : p->retry.outages;
}

/* How much of the time is kept for settling: a quarter, at most this. */
#define SETTLE_MAX_US INT64_C(2000000)

static void take_time(struct commit *c, struct core *core, const vouch_tx_options *o)
{
    int64_t ms = o->deadline_ms ? o->deadline_ms : core->settings.deadline_ms;
    c->op.wake = core->now;
    c->op.deadline = c->settle_at = OP_NEVER;
    if (ms == VOUCH_NO_DEADLINE)
        return;
    int64_t keep = ms * 1000 / 4;
    c->op.deadline = core->now + ms * 1000;
    c->settle_at = c->op.deadline - (keep < SETTLE_MAX_US ? keep : SETTLE_MAX_US);
}

struct commit *commit_new(struct core *core, size_t size, const struct commit_ops *ops,
                          const vouch_tx_options *options, vouch_error *error)
{
    static const vouch_tx_options none = VOUCH_TX_OPTIONS_INIT;
    const vouch_tx_options *o = options ? options : &none;
    if (check(o, error) != VOUCH_OK)
        return NULL;
    bool marked = o->resolve || o->token;
    const char *prefix = o->marker_prefix ? o->marker_prefix : "vouch:";
    size_t token = o->token ? (o->token_size ? o->token_size : strlen(o->token)) : 0;
    struct commit *c = core_block(core, size);
    vouch_tx_result *r = c ? result_new(marked ? marker_name_size(strlen(prefix), token) : 0) : NULL;
    if (!r) {
        core_release(core, c, size);
        (void)error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a transaction");
        return NULL;
    }
    memset(c, 0, size);
    c->op.ops = &op_ops;
    c->op.core = core;
    c->ops = ops;
    c->home = core;
    c->block = size;
    c->result = r;
    take_policy(c, &core->settings, o);
    take_time(c, core, o);
    c->retry.random = retry_random_next(&core->random);
    lane_init(&c->lane, core, &commit_lane_ops, 0, true, c->policy.outages);
    if (marked) {
        marker_init(&c->marker, core, r->marker, prefix, o->token, token,
                    o->marker_ms ? o->marker_ms : VOUCH_MARKER_DEFAULT_MS);
        core->uptime_users++;
    }
    begin_attempt(c);
    return c;
}

void commit_free(struct commit *c)
{
    size_t maybe, unsent;
    if (!c->op.done) {
        lane_close(&c->lane, &maybe, &unsent);
        if (c->marker.on)
            c->lane.core->uptime_users--;
    }
    if (c->ops->release)
        c->ops->release(c);
    batch_release(&c->own);
    batch_release(&c->reads);
    batch_release(&c->body);
    alloc_free(c->answers);
    arena_free(&c->arena);
    vouch_tx_result_free(c->result);
    core_release(c->home, c, c->block);
}

vouch_status commit_finish(struct commit *c, vouch_tx_result **out, vouch_error *error)
{
    vouch_status status = commit_report(c, error);
    if (out) {
        *out = c->result;
        c->result = NULL;
    }
    commit_free(c);
    return status;
}
