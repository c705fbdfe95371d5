/* One connection's commands of a pipeline: sending, judging, and sending again. Pure.
 *
 * The commands of a share, in order:
 *
 *     final … | refused, undecided … | in flight … | not sent …
 *              ^ refused (if waiting) ^ oldest      ^ next
 *
 * Sending again is always the same move: with nothing in flight, `next` and `oldest` go back to the
 * first command that is not final. Because all later ones go again behind it, order is kept; and
 * where they may not go again, this one may not either. That is the order rule:
 *   1. A refusal that passes stops pulling. Once all in flight was answered: if a later command was
 *      executed, the refused ones stay refused (they would come too late), and from then on nothing
 *      is sent a second time; else all go again after a backoff.
 *      A refusal that may be a script's own words (REMEDY_CHECK) is one of those only once the server
 *      was asked whether what it needs is there; until then, and if it is there, it is MAYBE.
 *   2. After a lost connection, commands handed over and unanswered are MAYBE, and nothing behind
 *      them is sent: the lost connection's commands may still be executed, later than it would be.
 *      (Seen: sending the rest left the older value last.) If all of them only read, or the caller
 *      said idempotent, they go again and the rest behind them.
 * reorder_ok lifts both; what then runs out of order is flagged `moved`. */
#include "pipeline/pipeline.h"

#include <assert.h>
#include <string.h>

/* ---- cursors -------------------------------------------------------------------------------- */

static inline struct part *part_of(const struct share *s, uint64_t segment)
{
    return &segment_at(s->p, segment)->parts[s->number];
}

static inline size_t index_in(const struct part *part, size_t at)
{
    return part->order ? part->order[at] : at;
}

static inline bool before(struct cursor a, struct cursor b)
{
    return a.segment < b.segment || (a.segment == b.segment && a.at < b.at);
}

static vouch_result *result_at(const struct share *s, struct cursor c)
{
    const struct segment *g = segment_at(s->p, c.segment);
    return &g->results[index_in(&g->parts[s->number], c.at)];
}

static const struct need *need_at(const struct share *s, struct cursor c)
{
    const struct segment *g = segment_at(s->p, c.segment);
    return batch_need(g->batch, index_in(&g->parts[s->number], c.at));
}

static bool is_final(const struct share *s, struct cursor c)
{
    return result_at(s, c)->reserved & RESULT_FINAL;
}

/* Moves to the next command that exists; where results may be final already, over those too. False
 * at the end of what is loaded. */
static inline bool settle_cursor(const struct share *s, struct cursor *c)
{
    while (c->segment < s->p->tail) {
        if (c->at == part_of(s, c->segment)->count) {
            c->segment++;
            c->at = 0;
        } else if (s->patchy && is_final(s, *c)) {
            c->at++;
        } else {
            return true;
        }
    }
    return false;
}

static void step_back(const struct share *s, struct cursor *c)
{
    do {
        while (c->at == 0) {
            c->segment--;
            c->at = part_of(s, c->segment)->count;
        }
        c->at--;
    } while (s->patchy && is_final(s, *c));
}

static inline void aim_replies(struct share *s)
{
    if (settle_cursor(s, &s->oldest))
        s->lane.x.arena = &part_of(s, s->oldest.segment)->arena;
}

/* ---- results -------------------------------------------------------------------------------- */

static inline void make_final(struct share *s, struct segment *g, vouch_result *r)
{
    if (r->reserved & RESULT_DOUBT && r->effect == VOUCH_NOT_APPLIED) {
        r->effect = VOUCH_MAYBE_APPLIED;
        r->status = r->status == VOUCH_ENOTSENT ? VOUCH_EUNKNOWN : r->status;
    }
    r->reserved = RESULT_FINAL;
    g->settled++;
    if (r->status == VOUCH_OK)
        s->lane.core->counts.applied++;
    else
        notice_final(s, r);
}

static void put(struct share *s, struct cursor c, vouch_status status, vouch_effect effect,
                vouch_cause cause)
{
    struct segment *g = segment_at(s->p, c.segment);
    size_t i = index_in(&g->parts[s->number], c.at);
    vouch_result *r = &g->results[i];
    if (r->reserved & RESULT_FINAL)
        return;
    r->status = status;
    r->effect = effect;
    r->cause = cause;
    if (status != VOUCH_ESERVER)
        r->reply = NULL; /* of a refusal that was tried again */
    make_final(s, g, r);
}

/* What is refused and undecided becomes final as it is: refused; or MAYBE, if that is not sure. */
static void accept_refusals(struct share *s)
{
    if (!s->waiting)
        return;
    for (struct cursor c = s->refused; before(c, s->oldest);) {
        if (c.at == part_of(s, c.segment)->count) {
            c = (struct cursor){c.segment + 1, 0};
            continue;
        }
        if (!is_final(s, c))
            put(s, c, VOUCH_ESERVER, result_at(s, c)->effect, VOUCH_CAUSE_REFUSED);
        c.at++;
    }
    s->waiting = false;
    s->gave_up = true;
}

/* Nothing more of this share is sent: all that is left is NOT_APPLIED. */
static void halt(struct share *s, vouch_cause cause)
{
    s->halted = true;
    notice_halt(s);
    while (settle_cursor(s, &s->oldest)) {
        put(s, s->oldest, VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, cause);
        s->oldest.at++;
    }
    s->next = s->oldest;
}

/* ---- pulling -------------------------------------------------------------------------------- */

/* How many commands from `at` on lie one behind the other in the batch and need nothing that is not
 * there. */
static size_t contiguous(const struct share *s, const struct segment *g, const struct part *part,
                         size_t at, size_t most)
{
    size_t first = index_in(part, at), n = 1;
    const struct need *had = batch_need(g->batch, first);
    if (most > part->count - at)
        most = part->count - at;
    if (!part->order && !g->batch->needs && !s->patchy)
        return most;
    for (; n < most; n++) {
        size_t i = index_in(part, at + n);
        const struct need *need = batch_need(g->batch, i);
        if (i != first + n || g->results[i].reserved & RESULT_FINAL)
            break;
        if (need && need != had && !lane_has(&s->lane, need))
            break;
        had = need ? need : had;
    }
    return n;
}

static bool pull(struct lane *lane, size_t commands, struct run *out, const struct need **need)
{
    struct share *s = (struct share *)lane;
    if (s->waiting || s->halted || !settle_cursor(s, &s->next))
        return false;
    if (s->flying == 0) {
        s->oldest = s->next;
        aim_replies(s);
    }
    struct segment *g = segment_at(s->p, s->next.segment);
    const struct part *part = &g->parts[s->number];
    size_t i = index_in(part, s->next.at);
    *need = batch_need(g->batch, i);
    if (*need && lane_has(&s->lane, *need))
        *need = NULL;
    size_t n = *need ? 1 : contiguous(s, g, part, s->next.at, commands);
    size_t base = batch_begin_of(g->batch, i);
    s->next.at += n;
    s->flying += n;
    *out = (struct run){g->batch->bytes + base, g->batch->ends + i, base, n, false};
    out->last = !settle_cursor(s, &s->next);
    return true;
}

static void on_unsent(struct lane *lane, size_t unsent)
{
    struct share *s = (struct share *)lane;
    s->flying -= unsent;
    for (; unsent; unsent--)
        step_back(s, &s->next);
}

/* ---- sending again -------------------------------------------------------------------------- */

/* The next from c on that is refused and not decided; false: none. */
static bool next_refused(const struct share *s, struct cursor *c)
{
    for (; before(*c, s->oldest) && settle_cursor(s, c) && before(*c, s->oldest); c->at++)
        if (!is_final(s, *c))
            return true;
    return false;
}

/* How many there are. */
static size_t count_refused(const struct share *s, struct cursor c)
{
    size_t n = 0;
    for (; next_refused(s, &c); c.at++)
        n++;
    return n;
}

/* `in_doubt`: so many go again beside those that were refused. */
static void rewind_to(struct share *s, struct cursor c, size_t in_doubt, vouch_cause cause)
{
    assert(s->flying == 0);
    s->waiting = false;
    s->overtaken = false;
    s->again = true;
    notice_again(s, in_doubt + count_refused(s, c), cause);
    /* Never left behind what exists: a segment that is through is used again. */
    (void)settle_cursor(s, &c);
    s->next = s->oldest = c;
    lane_offer(&s->lane);
}

static void flag_moved(struct share *s)
{
    for (struct cursor c = s->refused; before(c, s->overtaker);) {
        struct segment *g = segment_at(s->p, c.segment);
        if (c.at == g->parts[s->number].count) {
            c = (struct cursor){c.segment + 1, 0};
            continue;
        }
        vouch_result *r = &g->results[index_in(&g->parts[s->number], c.at)];
        if (!(r->reserved & RESULT_FINAL))
            r->moved = 1;
        c.at++;
    }
}

/* The first of which it is not sure that it was refused; false: none. */
static bool first_doubtful(const struct share *s, struct cursor *c)
{
    if (!s->waiting || !s->doubtful_on)
        return false;
    for (*c = s->refused; next_refused(s, c); c->at++)
        if (result_at(s, *c)->effect == VOUCH_MAYBE_APPLIED)
            return true;
    return false;
}

/* They will never be told: rule 2 holds for them. */
static void accept_doubts(struct share *s)
{
    struct cursor c;
    while (first_doubtful(s, &c))
        put(s, c, VOUCH_ESERVER, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_REFUSED);
    s->doubtful_on = 0;
    /* What is sent from here on runs behind it, and is flagged. */
    s->past_maybe = s->again = s->patchy = true;
    if (s->p->reorder_ok)
        return;
    accept_refusals(s);
    halt(s, VOUCH_CAUSE_ORDER);
}

/* True if the server is being asked about one of them, or all is halted for what it cannot be asked. */
static bool ask(struct share *s)
{
    struct cursor c;
    if (!first_doubtful(s, &c))
        return false;
    if (lane_connection(&s->lane) == s->doubtful_on) {
        lane_check(&s->lane, need_at(s, c));
        return true;
    }
    accept_doubts(s);
    return s->halted;
}

/* Nothing is left to be sent again: all that was refused is final. */
static bool is_moot(const struct share *s)
{
    struct cursor c = s->refused;
    return !next_refused(s, &c);
}

/* All in flight was answered, and something was refused: rule 1. */
static void decide(struct share *s)
{
    if (ask(s))
        return;
    if (is_moot(s)) {
        s->waiting = false;
        lane_offer(&s->lane);
        return;
    }
    if (s->overtaken && !s->p->reorder_ok) {
        accept_refusals(s);
        lane_offer(&s->lane);
        return;
    }
    bool again = !s->gave_up || s->p->reorder_ok;
    if (again && s->only_loads && s->lane.outages)
        s->lane.outages--;
    else
        again = again && lane_wait(&s->lane);
    if (!again) {
        accept_refusals(s);
        halt(s, VOUCH_CAUSE_ORDER);
        return;
    }
    if (s->overtaken) {
        flag_moved(s);
        s->patchy = true;
    }
    rewind_to(s, s->refused, 0, VOUCH_CAUSE_REFUSED);
}

/* What could be asked was answered. Those that ran are final; and rule 2 holds for them. */
static void on_checked(struct lane *lane, const struct need *need, enum lane_answer answer)
{
    struct share *s = (struct share *)lane;
    bool refused = lane_load(lane, need) == LANE_LOAD_REFUSED;
    if (answer != LANE_MISSING) {
        accept_doubts(s);
    } else {
        for (struct cursor c = s->refused; next_refused(s, &c); c.at++) {
            if (!need_at(s, c) || need_at(s, c)->digest != need->digest)
                continue;
            result_at(s, c)->effect = VOUCH_NOT_APPLIED;
            if (refused)
                put(s, c, VOUCH_ESERVER, VOUCH_NOT_APPLIED, VOUCH_CAUSE_REFUSED);
        }
        s->patchy = s->patchy || refused;
    }
    if (!s->halted)
        decide(s);
}

/* ---- replies -------------------------------------------------------------------------------- */

static struct verdict judge(const struct segment *g, size_t i, const struct vouch_reply *reply)
{
    struct batch_words w = batch_words(g->batch, i);
    const struct need *need = batch_need(g->batch, i);
    struct happening h = {.command = batch_command(g->batch, i),
                          .name = w.name,
                          .name_size = w.name_size,
                          .answer = reply ? ANSWER_ERROR : ANSWER_NONE,
                          .error = reply ? reply->as.text : NULL,
                          .error_size = reply ? reply->n : 0,
                          .missing = need ? need->missing : NULL,
                          .handed = true,
                          .honest = need && need->honest};
    return effect_judge(&h);
}

/* An error. True if it is final. */
static bool take_error(struct share *s, struct segment *g, size_t i,
                       const struct vouch_reply *reply)
{
    struct verdict v = judge(g, i, reply);
    vouch_result *r = &g->results[i];
    const struct need *need = batch_need(g->batch, i);
    enum lane_load_state load = LANE_LOAD_FINE;
    bool missing = v.remedy == REMEDY_LOAD || v.remedy == REMEDY_CHECK;
    r->status = v.status;
    r->effect = v.effect;
    r->cause = v.cause;
    r->reply = reply;
    if (missing) {
        lane_missing(&s->lane, need);
        load = lane_load(&s->lane, need);
    }
    /* Where else to go is known only with a cluster's topology. */
    bool again = v.remedy == REMEDY_WAIT || v.remedy == REMEDY_CHECK ||
                 (v.remedy == REMEDY_LOAD && load != LANE_LOAD_REFUSED) ||
                 (v.remedy == REMEDY_AUTH && lane_reauthenticate(&s->lane));
    if (!again)
        return true;
    if (!s->waiting) {
        s->waiting = true;
        s->overtaken = false;
        s->only_loads = true;
        s->doubtful_on = 0;
        s->refused = s->oldest;
    }
    if (v.remedy == REMEDY_CHECK)
        s->doubtful_on = lane_connection(&s->lane);
    s->only_loads = s->only_loads && missing && load == LANE_LOAD_FINE;
    return false;
}

static void on_reply(struct lane *lane, const struct vouch_reply *reply, enum reader_fate fate)
{
    struct share *s = (struct share *)lane;
    struct segment *g = segment_at(s->p, s->oldest.segment);
    size_t i = index_in(&g->parts[s->number], s->oldest.at);
    vouch_result *r = &g->results[i];
    bool final = true;
    if (s->again) {
        notice_attempt(s, r);
        r->moved |= s->past_maybe;
    } else {
        r->attempts++;
    }
    if (fate != READER_KEPT) {
        r->status = fate == READER_TOO_LARGE ? VOUCH_ETOOLARGE : VOUCH_ENOMEM;
        r->effect = fate == READER_NO_MEMORY_FOR_ERROR ? VOUCH_MAYBE_APPLIED : VOUCH_APPLIED;
        r->cause = fate == READER_TOO_LARGE ? VOUCH_CAUSE_LIMIT : VOUCH_CAUSE_MEMORY;
    } else if (reply->type == VOUCH_TYPE_ERROR) {
        final = take_error(s, g, i, reply);
    } else {
        r->status = VOUCH_OK;
        r->effect = VOUCH_APPLIED;
        r->cause = VOUCH_CAUSE_NONE;
        r->reply = reply;
    }
    if (final) {
        lane_progress(lane);
        make_final(s, g, r);
        if (s->waiting) {
            s->overtaken = true;
            s->overtaker = s->oldest;
        }
    }
    s->oldest.at++;
    s->flying--;
    aim_replies(s);
    if (s->flying == 0 && s->waiting)
        decide(s);
}

/* ---- losses --------------------------------------------------------------------------------- */

/* Whether all of the first n commands in flight may simply be sent again. */
static bool harmless(const struct share *s, size_t n)
{
    if (s->p->idempotent)
        return true;
    struct cursor c = s->oldest;
    for (; n && settle_cursor(s, &c); n--, c.at++) {
        const struct segment *g = segment_at(s->p, c.segment);
        if (judge(g, index_in(&g->parts[s->number], c.at), NULL).remedy != REMEDY_SEND)
            return false;
    }
    return true;
}

/* The first n in flight were handed over and will not be answered. */
static void put_maybe(struct share *s, size_t n, vouch_cause cause)
{
    for (; n && settle_cursor(s, &s->oldest); n--, s->oldest.at++) {
        struct segment *g = segment_at(s->p, s->oldest.segment);
        vouch_result *r = &g->results[index_in(&g->parts[s->number], s->oldest.at)];
        notice_attempt(s, r);
        r->moved |= s->past_maybe;
        put(s, s->oldest, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, cause);
    }
}

static void on_lost(struct lane *lane, size_t maybe, size_t unsent, vouch_cause cause)
{
    struct share *s = (struct share *)lane;
    size_t again = 0;
    (void)unsent;
    s->flying = 0;
    struct cursor unsure;
    bool doubtful = first_doubtful(s, &unsure);
    if (s->halted)
        return; /* a question was lost */
    if (doubtful && s->p->reorder_ok)
        accept_doubts(s);
    if (!(doubtful && !s->p->reorder_ok) && (maybe == 0 || harmless(s, maybe))) {
        again = maybe;
        for (struct cursor c = s->oldest; maybe && settle_cursor(s, &c); maybe--, c.at++) {
            struct segment *g = segment_at(s->p, c.segment);
            size_t i = index_in(&g->parts[s->number], c.at);
            notice_attempt(s, &g->results[i]);
            if (judge(g, i, NULL).remedy != REMEDY_SEND) /* it writes: idempotent, but in doubt */
                g->results[i].reserved |= RESULT_DOUBT;
        }
    } else {
        struct cursor refused = s->refused;
        if (!s->p->reorder_ok)
            accept_refusals(s);
        put_maybe(s, maybe, cause);
        if (!s->p->reorder_ok) {
            halt(s, VOUCH_CAUSE_ORDER);
            return;
        }
        s->past_maybe = true;
        if (s->waiting) {
            s->patchy = true;
            s->refused = refused;
        }
    }
    /* Rule 1 once more: what was overtaken stays refused, and what went once does not go twice. */
    if (s->waiting && s->overtaken && !s->p->reorder_ok)
        accept_refusals(s);
    if (s->gave_up && !s->p->reorder_ok) {
        halt(s, VOUCH_CAUSE_ORDER);
        return;
    }
    if (s->waiting && s->overtaken) {
        flag_moved(s);
        s->patchy = true;
    }
    rewind_to(s, s->waiting ? s->refused : s->oldest, again, cause);
}

static void on_failed(struct lane *lane)
{
    struct share *s = (struct share *)lane;
    accept_refusals(s);
    halt(s, lane->failure.cause);
}

/* ---- for the pipeline ----------------------------------------------------------------------- */

static const struct lane_ops ops = {pull, on_reply, on_lost, on_unsent, on_failed, on_checked};

void share_init(struct share *s, struct pipeline *p, size_t number, bool leased, unsigned outages)
{
    memset(&s->lane + 1, 0,
           sizeof *s - sizeof s->lane); /* the lane comes first, and clears itself */
    lane_init(&s->lane, p->op.core, &ops, number, leased, outages);
    s->p = p;
    s->number = number;
}

void share_offer(struct share *s)
{
    if (s->halted)
        halt(s, VOUCH_CAUSE_ORDER);
    else if (settle_cursor(s, &s->next))
        lane_offer(&s->lane);
}

void share_end(struct share *s, vouch_cause cause)
{
    size_t maybe, unsent;
    s->news.link = s->lane.link ? s->lane.link : s->news.link;
    if (cause == VOUCH_CAUSE_DEADLINE || cause == VOUCH_CAUSE_STALLED)
        lane_out_of_time(&s->lane);
    lane_close(&s->lane, &maybe, &unsent);
    s->flying = 0;
    accept_refusals(s);
    put_maybe(s, maybe, cause);
    halt(s, cause);
}
