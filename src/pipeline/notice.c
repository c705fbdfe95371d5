/* What a pipeline adds to the client's counters, and tells its hook. Pure, but for the hook. */
#include "base/error.h"
#include "pipeline/pipeline.h"

#include <string.h>

void notice_final(struct share *s, const vouch_result *r)
{
    vouch_stats *counts = &s->lane.core->counts;
    counts->applied += r->effect == VOUCH_APPLIED;
    counts->not_applied += r->effect == VOUCH_NOT_APPLIED;
    counts->maybe += r->effect == VOUCH_MAYBE_APPLIED;
    counts->errors += r->status == VOUCH_ESERVER;
    if (r->effect != VOUCH_MAYBE_APPLIED)
        return;
    if (s->lane.link)
        s->news.link = s->lane.link;
    if (r->status == VOUCH_EUNKNOWN) {
        s->news.lost++;
        s->news.lost_cause = r->cause;
    } else {
        s->news.failed++;
    }
}

void notice_attempt(struct share *s, vouch_result *r)
{
    if (r->attempts++)
        s->lane.core->counts.retries++;
}

void notice_again(struct share *s, size_t commands, vouch_cause cause)
{
    const struct lane *l = &s->lane;
    s->news.again = commands;
    s->news.again_cause = cause;
    s->news.wait_us = l->resume ? l->resume - l->core->now : -1;
    s->news.link = l->link;
}

void notice_halt(struct share *s)
{
    s->news.again = 0;
}

/* ---- telling -------------------------------------------------------------------------------- */

static void tell(const struct share *s, vouch_event e)
{
    const struct lane_failure *f = &s->lane.failure;
    /* A deadline that ended the call, or one for connecting: the lane's words are of the latter. */
    bool same = f->cause == e.cause && e.cause != VOUCH_CAUSE_DEADLINE;
    if (s->news.link)
        e.server = s->news.link->server;
    if (!e.message)
        e.message = same && f->message[0] ? f->message : vouch_cause_sentence(e.cause);
    observe_tell(s->lane.core, e);
}

/* The first of those that go again is the oldest now, and still has the words that refused it. */
static void tell_again(const struct share *s)
{
    char code[VOUCH_CODE_MAX], words[VOUCH_MESSAGE_MAX];
    const struct news *n = &s->news;
    const struct segment *g = segment_at(s->p, s->oldest.segment);
    const struct part *part = &g->parts[s->number];
    size_t i = part->order ? part->order[s->oldest.at] : s->oldest.at;
    const vouch_reply *reply = g->results[i].reply;
    vouch_event e = {.kind = n->wait_us < 0 ? VOUCH_EVENT_RETRIED : VOUCH_EVENT_WAITED,
                     .cause = n->again_cause,
                     .commands = n->again,
                     .wait_ms = observe_ms(n->wait_us)};
    if (n->again_cause == VOUCH_CAUSE_REFUSED && vouch_reply_is_error(reply)) {
        error_code(code, reply->as.text, reply->n);
        error_escape(words, sizeof words, reply->as.text, reply->n);
        e.code = code;
        e.message = words;
    }
    tell(s, e);
}

void notice_tell(struct share *s, bool over)
{
    struct news *n = &s->news;
    size_t again = n->again, lost = n->lost, failed = over ? n->failed : 0;
    if (again)
        tell_again(s);
    if (lost)
        tell(s, (vouch_event){.kind = VOUCH_EVENT_MAYBE, .cause = n->lost_cause, .commands = lost});
    if (failed)
        tell(s,
             (vouch_event){.kind = VOUCH_EVENT_MAYBE,
                           .cause = VOUCH_CAUSE_REFUSED,
                           .commands = failed,
                           .message = "the server answered with an error, perhaps after a write"});
    n->again = n->lost = 0;
    n->failed -= failed;
}
