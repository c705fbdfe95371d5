/* What MULTI, the queued commands and EXEC were answered, and what that makes of the attempt. Pure.
 *
 *   EXEC answered        array               committed; each element is its command's reply
 *                        nil                 a watched key changed
 *                        an error            nothing ran; the refusals are the commands', or EXEC's own
 *   MULTI refused                            the commands ran one by one: each judged like any other
 *   lost, EXEC handed over                   in doubt
 *   lost before, MULTI's +OK read            nothing ran
 *   lost before, MULTI's reply not read      nothing ran if MULTI was accepted. If not, what was handed
 *                                            over ran one by one: in doubt, `loose` */
#include "base/error.h"
#include "command/effect.h"
#include "commit/commit.h"

#include <string.h>

void commit_execute(struct commit *c)
{
    if (c->marker.on && c->lane.core->now >= c->settle_at) {
        commit_end(c, VOUCH_OUTCOME_NOT_SENT, VOUCH_ENOTSENT, VOUCH_CAUSE_DEADLINE,
                   "what is left of the deadline would not do for settling a doubt");
        return;
    }
    commit_clear_round(c);
    commit_add_plain(c, OWN_MULTI);
    if (c->marker.on) {
        marker_add_set(&c->marker, &c->own, c->attempt);
        commit_note_own(c, OWN_SET);
    }
    c->loads_queued = 0;
    c->load_refused = NULL;
    commit_load_needs(c);
    if (c->own.first.status || c->needing.first.status || !result_begin(c->result, c->body.count)) {
        commit_end(c, VOUCH_OUTCOME_NOT_SENT, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                   "out of memory for %zu commands", c->body.count);
        return;
    }
    c->heard = arena_mark(&c->result->arena);
    c->multi_ok = c->multi_refused = c->set_queued = c->exec_answered = false;
    c->exec = NULL;
    c->queued = 0;
    commit_send(c, COMMIT_EXECUTING);
}

/* ---- results -------------------------------------------------------------------------------- */

static void put(vouch_result *r, vouch_status status, vouch_effect effect, vouch_cause cause)
{
    r->status = status;
    r->effect = effect;
    r->cause = cause;
    if (status != VOUCH_ESERVER && status != VOUCH_OK)
        r->reply = NULL;
    r->reserved = 0;
}

void commit_put_results(struct commit *c, vouch_status status, vouch_effect effect,
                        vouch_cause cause)
{
    for (size_t i = 0; i < c->result->count; i++)
        put(&c->result->results[i], status, effect, cause);
}

/* As if it had been sent alone. */
static void judge_alone(struct commit *c, size_t i, const struct vouch_reply *reply)
{
    vouch_result *r = &c->result->results[i];
    r->reply = reply;
    if (!vouch_reply_is_error(reply)) {
        put(r, VOUCH_OK, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
        return;
    }
    struct batch_words w = batch_words(&c->body, i);
    const struct need *need = batch_need(&c->body, i), *missing = commit_need_missing(c, i);
    struct happening h = {.command = batch_command(&c->body, i),
                          .name = w.name,
                          .name_size = w.name_size,
                          .answer = ANSWER_ERROR,
                          .error = reply->as.text,
                          .error_size = reply->n,
                          .missing = missing ? missing->missing : NULL,
                          .handed = true,
                          .honest = need && need->honest};
    struct verdict v = effect_judge(&h);
    put(r, v.status, v.effect, v.cause);
    if (v.remedy == REMEDY_LOAD || v.remedy == REMEDY_CHECK)
        lane_missing(&c->lane, need);
}

static void name_command(const struct commit *c, size_t i, char *out, size_t room)
{
    struct batch_words w = batch_words(&c->body, i);
    error_escape(out, room, w.name, w.name_size);
}

static vouch_string words_of(const struct vouch_reply *reply)
{
    return vouch_reply_string(reply);
}

/* ---- errors --------------------------------------------------------------------------------- */

static void add_queue_error(struct commit *c, size_t index, const char *name,
                            const struct vouch_reply *reply)
{
    vouch_queue_error *e = &c->result->queue_errors[c->result->queue_error_count++];
    memset(e, 0, sizeof *e);
    e->index = index;
    if (name)
        error_escape(e->command, sizeof e->command, name, strlen(name));
    else
        name_command(c, index, e->command, sizeof e->command);
    e->words = words_of(reply);
}

static void add_exec_error(struct commit *c, size_t i)
{
    const vouch_result *r = &c->result->results[i];
    vouch_exec_error *e = &c->result->exec_errors[c->result->exec_error_count++];
    memset(e, 0, sizeof *e);
    e->index = i;
    name_command(c, i, e->command, sizeof e->command);
    e->words = words_of(r->reply);
    e->effect = r->effect;
}

/* ---- EXEC → array --------------------------------------------------------------------------- */

/* It ran, and what became of each command is in a reply that was dropped. */
static void judge_dropped(struct commit *c)
{
    bool large = c->exec_fate == READER_TOO_LARGE;
    vouch_status status = large ? VOUCH_ETOOLARGE : VOUCH_ENOMEM;
    vouch_cause cause = large ? VOUCH_CAUSE_LIMIT : VOUCH_CAUSE_MEMORY;
    commit_put_results(c, status, VOUCH_MAYBE_APPLIED, cause);
    commit_end(c, VOUCH_OUTCOME_COMMITTED, status, cause,
               large ? "committed, but EXEC's reply was dropped: over reply_max_bytes, "
                       "reply_max_elements or reply_max_depth"
                     : "committed, but EXEC's reply was dropped: out of memory");
}

static void judge_array(struct commit *c)
{
    size_t before = c->set_queued + c->loads_queued, next = before;
    size_t count = vouch_reply_count(c->exec);
    vouch_tx_result *result = c->result;
    if (count != c->queued + before) {
        /* It ran; but whose reply is whose cannot be told. */
        commit_put_results(c, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_PROTOCOL);
        c->watching = true; /* whatever this is, nobody else is to use it */
        commit_end(c, VOUCH_OUTCOME_COMMITTED, VOUCH_EPARTIAL, VOUCH_CAUSE_PROTOCOL,
                   "committed, but EXEC answered %zu replies to %zu queued commands", count,
                   c->queued + before);
        return;
    }
    commit_judge_loads(c, c->set_queued);
    for (size_t i = 0; i < result->count; i++) {
        vouch_result *r = &result->results[i];
        /* Refused while queueing, and yet EXEC ran: some servers forget some refusals. */
        judge_alone(c, i, r->reserved ? vouch_reply_at(c->exec, next++) : r->reply);
        if (r->status != VOUCH_OK)
            add_exec_error(c, i);
    }
    if (!result->exec_error_count) {
        commit_end_yes(c, VOUCH_OUTCOME_COMMITTED);
        return;
    }
    const vouch_exec_error *first = &result->exec_errors[0];
    commit_end_refused(c, VOUCH_OUTCOME_ERRORS, first->index, first->command,
                       result->results[first->index].reply);
}

/* ---- refused -------------------------------------------------------------------------------- */

/* What was refused, without the words that EXEC puts before it. */
static enum remedy remedy_of(vouch_string words)
{
    static const char before[] = "EXECABORT Transaction discarded because of: ";
    size_t n = sizeof before - 1;
    if (words.size > n && memcmp(words.data, before, n) == 0)
        return effect_remedy(words.data + n, words.size - n);
    return effect_remedy(words.data, words.size);
}

/* The marker's SET went out behind a MULTI that was refused, and was not heard to be refused itself: it
 * says "committed" of what did not run. */
static bool is_marker_loose(const struct commit *c)
{
    size_t handed = c->lost ? c->lost_handed : c->sent;
    bool refused = c->answered > 1 && vouch_reply_is_error(c->said[OWN_SET]);
    return c->marker.on && c->multi_refused && handed > 1 && !refused;
}

/* Whether waiting may help against all of them. */
static bool is_passing(struct commit *c)
{
    bool login = false;
    if (is_marker_loose(c))
        return false; /* another attempt would take it for a commit */
    for (size_t i = 0; i < c->result->queue_error_count; i++) {
        vouch_string words = c->result->queue_errors[i].words;
        enum remedy remedy = words.data ? remedy_of(words) : REMEDY_NONE;
        if (remedy != REMEDY_WAIT && remedy != REMEDY_AUTH)
            return false;
        login = login || remedy == REMEDY_AUTH;
    }
    return !login || lane_reauthenticate(&c->lane);
}

static void refuse(struct commit *c, vouch_tx_outcome outcome)
{
    for (size_t i = 0; i < c->result->count; i++) {
        vouch_result *r = &c->result->results[i];
        if (vouch_reply_is_error(r->reply))
            put(r, VOUCH_ESERVER, VOUCH_NOT_APPLIED, VOUCH_CAUSE_REFUSED);
        else
            put(r, VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, VOUCH_CAUSE_ORDER);
    }
    const vouch_queue_error *first = &c->result->queue_errors[0];
    const vouch_reply *words =
        first->index == VOUCH_NO_COMMAND ? NULL : c->result->results[first->index].reply;
    for (size_t i = 0; !words && i < OWN_KINDS; i++)
        if (vouch_reply_is_error(c->said[i]))
            words = c->said[i];
    words = words ? words : c->load_refused ? c->load_refused : c->exec;
    if (is_passing(c))
        commit_again_refused(c, outcome, first->index, first->command, words);
    else
        commit_end_refused(c, outcome, first->index, first->command, words);
}

/* EXEC answered an error, or was never sent: nothing ran. */
static void judge_refused(struct commit *c)
{
    if (vouch_reply_is_error(c->said[OWN_MULTI]))
        add_queue_error(c, VOUCH_NO_COMMAND, "MULTI", c->said[OWN_MULTI]);
    if (vouch_reply_is_error(c->said[OWN_SET]))
        add_queue_error(c, VOUCH_NO_COMMAND, "SET (marker)", c->said[OWN_SET]);
    if (c->load_refused) {
        if (commit_try_without_loads(c))
            return;
        add_queue_error(c, VOUCH_NO_COMMAND, c->needs[c->load_refused_at].need->name,
                        c->load_refused);
    }
    for (size_t i = 0; i < c->result->count; i++)
        if (vouch_reply_is_error(c->result->results[i].reply))
            add_queue_error(c, i, NULL, c->result->results[i].reply);
    bool own = c->result->queue_error_count == 0;
    if (own)
        add_queue_error(c, VOUCH_NO_COMMAND, "EXEC", c->exec);
    refuse(c, own ? VOUCH_OUTCOME_REFUSED_EXEC : VOUCH_OUTCOME_REFUSED_QUEUEING);
}

/* ---- MULTI was refused ---------------------------------------------------------------------- */

/* What was handed over ran, one by one, as far as it was not refused as well. */
static void judge_loose(struct commit *c, size_t handed)
{
    size_t applied = 0, maybe = 0;
    for (size_t i = 0; i < c->result->count; i++) {
        vouch_result *r = &c->result->results[i];
        size_t at = c->prelude + i;
        if (at < c->answered && r->reply)
            judge_alone(c, i, r->reply);
        else if (at < handed)
            put(r, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED,
                c->lost ? c->lost_cause : VOUCH_CAUSE_MEMORY);
        else
            put(r, VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, VOUCH_CAUSE_MULTI);
        applied += r->effect == VOUCH_APPLIED;
        maybe += r->effect == VOUCH_MAYBE_APPLIED;
    }
    c->watching = true;                                /* and EXEC did not end it */
    bool used = c->marker.named && is_marker_loose(c); /* the token, by nothing but the marker */
    if (applied + maybe == 0 && !used) {
        judge_refused(c);
        return;
    }
    if (vouch_reply_is_error(c->said[OWN_MULTI]))
        add_queue_error(c, VOUCH_NO_COMMAND, "MULTI", c->said[OWN_MULTI]);
    commit_end_refused(c, VOUCH_OUTCOME_NOT_ATOMIC, VOUCH_NO_COMMAND, "MULTI", c->said[OWN_MULTI]);
}

/* ---- lost ----------------------------------------------------------------------------------- */

/* Of the commands behind MULTI so many may have run, if it was refused; or all, by EXEC. */
static void put_maybe(struct commit *c, size_t handed)
{
    for (size_t i = 0; i < c->result->count; i++) {
        vouch_result *r = &c->result->results[i];
        bool maybe = c->prelude + i < handed;
        r->attempts = maybe;
        put(r, maybe ? VOUCH_EUNKNOWN : VOUCH_ENOTSENT,
            maybe ? VOUCH_MAYBE_APPLIED : VOUCH_NOT_APPLIED, c->lost_cause);
    }
}

static void judge_lost(struct commit *c)
{
    size_t handed = c->lost_handed;
    c->watching = false;
    if (c->multi_refused) {
        judge_loose(c, handed);
        return;
    }
    bool exec = handed == c->total, loose = !exec && !c->multi_ok && handed > 1;
    put_maybe(c, exec || loose ? handed : 0);
    c->doubt = c->doubt || exec;
    c->unheard = c->unheard || (exec && !c->multi_ok);
    if (loose)
        c->loose = c->attempt;
    if (c->marker.on || (!exec && !loose))
        commit_again(c, VOUCH_RETRY_OUTAGE, c->lost_cause, true);
    else if (exec)
        commit_end(c, VOUCH_OUTCOME_UNKNOWN, VOUCH_EUNKNOWN, c->lost_cause,
                   "EXEC was handed over and not answered: it may have committed (%s)",
                   vouch_cause_sentence(c->lost_cause));
    else
        commit_end(
            c, VOUCH_OUTCOME_UNKNOWN, VOUCH_EUNKNOWN, VOUCH_CAUSE_MULTI,
            "commands went out before MULTI was answered: had it been refused, they ran one by "
            "one; options->strict waits for it (%s)",
            vouch_cause_sentence(c->lost_cause));
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* No server answers like this: it may have run. */
static void judge_nonsense(struct commit *c)
{
    c->watching = true; /* or whatever it is in: nobody else is to meet it */
    commit_hang_up(c, VOUCH_CAUSE_PROTOCOL);
    c->lost_handed = c->total;
    c->lost_cause = VOUCH_CAUSE_PROTOCOL;
    judge_lost(c);
}

static void judge_answered(struct commit *c)
{
    bool refused = c->exec_fate == READER_NO_MEMORY_FOR_ERROR || vouch_reply_is_error(c->exec);
    if (refused) {
        judge_refused(c);
    } else if (c->exec_fate == READER_TOO_LARGE || c->exec_fate == READER_NO_MEMORY) {
        judge_dropped(c);
    } else if (vouch_reply_is_nil(c->exec)) {
        commit_put_results(c, VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, VOUCH_CAUSE_CONFLICT);
        commit_again(c, VOUCH_RETRY_CONFLICT, VOUCH_CAUSE_CONFLICT, false);
    } else if (c->exec->type == VOUCH_TYPE_ARRAY) {
        judge_array(c);
    } else {
        judge_nonsense(c);
    }
}

void commit_end_denied(struct commit *c)
{
    commit_put_results(c, VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, VOUCH_CAUSE_MULTI);
    commit_end(c, VOUCH_OUTCOME_REFUSED_QUEUEING, VOUCH_ESERVER, VOUCH_CAUSE_MULTI,
               "this user may not call MULTI: nothing was sent");
}

void commit_judge_exec(struct commit *c)
{
    if (c->denied) {
        commit_end_denied(c);
    } else if (c->lost) {
        judge_lost(c);
    } else if (c->multi_refused && c->gate) {
        judge_refused(c); /* strict: nothing else went out */
    } else if (c->multi_refused) {
        judge_loose(c, c->total);
    } else if (!c->multi_ok) {
        judge_nonsense(c);
    } else {
        judge_answered(c);
    }
}
