/* Attempts: what the module wants asked and written, what the asking heard, and whether there is another
 * attempt. Pure, but for the module's prepare, which is called at rest only. */
#include "base/error.h"
#include "commit/commit.h"

#include <string.h>

/* ---- one more attempt, or none -------------------------------------------------------------- */

void commit_begin(struct commit *c)
{
    c->attempt++;
    c->round = 0;
    vouch_batch_clear(&c->reads);
    c->answered_reads = 0;
    c->slot_known = false;
    c->need_count = 0;
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

/* A refusal that would pass: the words of the server are what to look at. */
static void give_up_refused(struct commit *c, const char *who)
{
    const struct lane_failure *f = &c->lane.failure;
    vouch_tx_outcome outcome = c->refusal.outcome;
    commit_end(c, outcome, VOUCH_ESERVER, VOUCH_CAUSE_REFUSED, "%s: %s", who, f->message);
    if (c->end.outcome != outcome)
        return;
    memcpy(c->end.code, f->code, sizeof c->end.code);
    c->end.command = c->refusal.command;
}

static void give_up(struct commit *c, vouch_retry_kind kind, vouch_cause cause, bool asked)
{
    const char *who = asked ? "the on_wait hook gave up" : "the budget is used up";
    if (cause == VOUCH_CAUSE_REFUSED) {
        give_up_refused(c, who);
        return;
    }
    if (kind == VOUCH_RETRY_CONFLICT)
        commit_end(c, VOUCH_OUTCOME_CONFLICT, VOUCH_ECONFLICT, VOUCH_CAUSE_CONFLICT,
                   "a watched key changed, %u times: %s", c->retry.conflicts, who);
    else
        commit_end(c, VOUCH_OUTCOME_NOT_SENT, VOUCH_ENOTSENT, cause, "%s; %s",
                   c->lane.failure.message[0] ? c->lane.failure.message
                                              : vouch_cause_sentence(cause),
                   who);
}

/* What the link waits for before it opens another connection. */
static int64_t link_delay(const struct commit *c)
{
    const struct link *l = c->lane.link;
    return l && l->state == LINK_WAITING && l->until > c->lane.core->now
               ? l->until - c->lane.core->now
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
        c->lane.core->counts.waits += allowed;
    }
    allowed = vouch_retry_next(&c->policy.retry, &c->retry, kind, &delay) && allowed;
    c->lane.core->counts.conflicts += kind == VOUCH_RETRY_CONFLICT;
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
        commit_begin(c);
    else
        c->phase = COMMIT_PAUSING;
}

void commit_again_refused(struct commit *c, vouch_tx_outcome outcome, size_t index,
                          const char *name, const struct vouch_reply *words)
{
    struct lane_failure *f = &c->lane.failure;
    f->cause = VOUCH_CAUSE_REFUSED;
    commit_word_refusal(f->message, f->code, index, name, words);
    commit_list_refusal(c, outcome, name, words);
    c->refusal.outcome = outcome;
    c->refusal.command = index;
    commit_again(c, VOUCH_RETRY_OUTAGE, VOUCH_CAUSE_REFUSED, false);
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
    if (c->needing.first.status)
        return &c->needing.first;
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

/* Nothing was read, nothing is to be written, and no token to be used. */
static bool is_nothing(const struct commit *c)
{
    return c->round == 0 && c->body.count == 0 && !c->marker.named && !c->doubt && !c->loose;
}

void commit_prepare(struct commit *c)
{
    commit_clear_round(c);
    if (c->round == 0 && !c->doubt && !c->loose)
        (void)result_begin(c->result, 0); /* nothing of the last attempt's is this one's */
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
        fail_with(c, VOUCH_EINVAL,
                  "the first key is in another hash slot than in an earlier attempt: "
                  "the marker would not be found");
        return;
    }
    if (!asks && is_nothing(c)) {
        c->policy.copies = 0;
        c->policy.fsync = false;
        commit_end_yes(c, VOUCH_OUTCOME_COMMITTED);
        return;
    }
    if (ready_for_marker(c, !asks)) {
        commit_add_marker(c);
        asks = true;
    }
    if (!commit_collect_needs(c)) {
        fail_with(c, VOUCH_ELIMIT,
                  "more than VOUCH_TX_MAX_SCRIPTS different scripts and libraries");
        return;
    }
    if (asks || c->without_loads)
        commit_ask_needs(c);
    asks = asks || c->needing.count;
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

/* WATCH was not answered +OK, nor with an error: without it nothing may be written. */
static void end_unwatched(struct commit *c)
{
    if (c->fate == READER_KEPT) {
        commit_hang_up(c, VOUCH_CAUSE_PROTOCOL); /* what else it means there nobody can know */
        commit_again(c, VOUCH_RETRY_OUTAGE, VOUCH_CAUSE_PROTOCOL, false);
    } else {
        commit_end(c, VOUCH_OUTCOME_NOT_SENT, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                   "the reply to WATCH was dropped: out of memory, or over a limit");
    }
}

static bool is_watched(const struct commit *c)
{
    for (size_t i = 0; i < c->own_count; i++)
        if (c->kinds[i] == OWN_WATCH)
            return commit_is_status(c->said[OWN_WATCH], "OK");
    return true;
}

void commit_judge_asking(struct commit *c)
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
            commit_again_refused(c, VOUCH_OUTCOME_REFUSED_QUEUEING, VOUCH_NO_COMMAND, "WATCH",
                                 watch);
        else
            commit_end_refused(c, VOUCH_OUTCOME_REFUSED_QUEUEING, VOUCH_NO_COMMAND, "WATCH", watch);
        return;
    }
    if (!is_watched(c)) {
        end_unwatched(c);
        return;
    }
    if (!commit_judge_marker(c))
        return;
    const struct vouch_reply *passing = passing_refusal(c);
    if (passing) {
        commit_again_refused(c, VOUCH_OUTCOME_REFUSED_QUEUEING, VOUCH_NO_COMMAND, "a read",
                             passing);
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

void commit_judge_taking(struct commit *c)
{
    if (c->denied) {
        commit_end_denied(c);
    } else if (c->lost) {
        c->watching = false;
        commit_again(c, VOUCH_RETRY_OUTAGE, c->lost_cause, true);
    } else if (vouch_reply_is_error(c->said[OWN_MULTI]) ||
               vouch_reply_is_error(c->said[OWN_EXEC])) {
        const struct vouch_reply *words =
            vouch_reply_is_error(c->said[OWN_DELETE]) ? c->said[OWN_DELETE] : c->said[OWN_EXEC];
        c->watching = true;
        if (words && vouch_reply_is_error(words) &&
            effect_remedy(words->as.text, words->n) == REMEDY_WAIT)
            commit_again_refused(c, VOUCH_OUTCOME_REFUSED_QUEUEING, VOUCH_NO_COMMAND,
                                 "DEL (marker)", words);
        else
            commit_end_refused(c, VOUCH_OUTCOME_REFUSED_QUEUEING, VOUCH_NO_COMMAND, "DEL (marker)",
                               words);
    } else if (vouch_reply_is_nil(c->said[OWN_EXEC])) {
        commit_again(c, VOUCH_RETRY_CONFLICT, VOUCH_CAUSE_CONFLICT, false);
    } else {
        commit_begin(c);
    }
}
