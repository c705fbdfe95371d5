/* Exactly once: groups opened with their state, and commits. Pure; starts and finishes calls of
 * scripts/lua/stream/open.lua and commit.lua, which say why it is sound.
 *
 * What the consumer has to keep of it
 *   1. One commit at a time, numbered; it is sent again until it is answered, and until then nothing is read or
 *      claimed.
 *   2. `held` is told only if nothing is being read: entries that the server delivers meanwhile could stand in for
 *      as many that were taken from us.
 *   3. An incarnation of which a read or a claim was not answered never counts again: it is retired, and commits
 *      what it still has as COMMIT_UNTRUSTED.
 *   4. What was delivered in an earlier generation is not committed.
 *   5. An incarnation that has given back anything is retired, too (owner_drop): a replica that took over may not
 *      know. So is one whose last commit the server did not know (commit.lua looks), for the same reason. */
#include "base/alloc.h"
#include "base/error.h"
#include "stream/consumer.h"

#include <stdio.h>
#include <string.h>

bool exact_make_scripts(struct vouch_consumer *c, vouch_error *error)
{
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    size_t size;
    const char *source = open_source(&size);
    o.name = "stream/open";
    if (vouch_script_new(source, size, &o, &c->scripts[SCRIPT_OPEN], error))
        return false;
    source = commit_source(&size);
    o.name = "stream/commit";
    return vouch_script_new(source, size, &o, &c->scripts[SCRIPT_COMMIT], error) == VOUCH_OK;
}

static vouch_string string_of(const struct text *t)
{
    return (vouch_string){t->data, t->size};
}

/* ---- opening -------------------------------------------------------------------------------- */

struct stream *exact_to_open(struct vouch_consumer *c)
{
    for (size_t i = 0; c->o.ack == VOUCH_ACK_EXACTLY_ONCE && !c->read && i < c->stream_count; i++)
        if (!c->streams[i].grouped)
            return &c->streams[i];
    return NULL;
}

vouch_status exact_open_start(struct vouch_consumer *c, struct stream *s, vouch_error *error)
{
    char fresh[STREAM_GENERATION];
    vouch_arg keys[OPEN_KEYS], args[OPEN_ARGS];
    int n = snprintf(fresh, sizeof fresh, "%s.%llu", c->incarnation,
                     (unsigned long long)++c->generations);
    struct open_call call_ = {.stream = string_of(&s->name),
                              .state = string_of(&s->state),
                              .group = string_of(&c->group),
                              .start = string_of(&c->from),
                              .generation = {fresh, (size_t)n},
                              .mend = !s->mended,
                              .from = {s->resume, strlen(s->resume)}};
    open_words_make(&call_, keys, args);
    c->opening = s;
    return consumer_call(c, SCRIPT_OPEN, vouch_args_of(keys, OPEN_KEYS),
                         vouch_args_of(args, OPEN_ARGS), true, error);
}

static vouch_status nonsense(const char *what, vouch_error *error)
{
    (void)error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_PROTOCOL, "%s: not an answer of ours", what);
    if (error)
        error->effect = VOUCH_MAYBE_APPLIED;
    return VOUCH_ESERVER;
}

static void opened(struct vouch_consumer *c, struct stream *s, const struct open_answer *a,
                   int64_t now)
{
    bool same = strlen(s->generation) == a->generation.size &&
                memcmp(s->generation, a->generation.data, a->generation.size) == 0;
    if (!same) {
        c->counts.groups_lost += s->known;
        /* What was read in between is pending with an owner that does not count it: reset as it is committed. */
        c->retire = c->retire || s->known;
        memcpy(s->generation, a->generation.data, a->generation.size);
        s->generation[a->generation.size] = 0;
        s->since = ++c->epoch;
    }
    s->known = true;
    memcpy(s->resume, a->next.data, a->next.size);
    s->resume[a->next.size] = 0;
    s->grouped = s->mended = !a->next.size;
    if (a->handed_out)
        s->claim_at = now;
}

vouch_status exact_open_finish(struct vouch_consumer *c, int64_t now, vouch_error *error)
{
    vouch_call *call = NULL;
    struct open_answer a;
    struct stream *s = c->opening;
    vouch_status status = vouch_call_finish(c->side, &call, error);
    if (status == VOUCH_OK &&
        (!open_answer_read(vouch_call_reply(call), &a) ||
         a.generation.size >= sizeof s->generation || a.next.size >= sizeof s->resume))
        status = nonsense("stream/open", error);
    if (status == VOUCH_OK)
        opened(c, s, &a, now);
    vouch_call_free(call);
    c->lost_groups = false;
    return status;
}

/* ---- committing ----------------------------------------------------------------------------- */

static vouch_string reason_of(const struct delivered *e)
{
    return (vouch_string){e->reason, e->reason ? strlen(e->reason) : 0};
}

static vouch_status gather(vouch_delivery *d, vouch_error *error)
{
    d->asked = d->asked ? d->asked : alloc_zeroed(d->n, sizeof *d->asked);
    d->asked_of = d->asked_of ? d->asked_of : alloc_zeroed(d->n, sizeof *d->asked_of);
    d->asked_count = 0;
    if (!d->asked || !d->asked_of)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a commit");
    for (size_t i = 0; i < d->n; i++) {
        if (!delivery_holds(d, i))
            continue;
        size_t k = d->asked_count++;
        d->asked[k] = (struct commit_entry){.id = d->entries[i].entry.id,
                                            .follows = d->entries[i].follows && k &&
                                                       d->asked_of[k - 1] == i - 1,
                                            .effects = d->entries[i].effects,
                                            .reason = reason_of(&d->entries[i])};
        d->asked_of[k] = i;
    }
    return VOUCH_OK;
}

static vouch_status make_words(struct vouch_consumer *c, vouch_delivery *d, vouch_error *error)
{
    const struct stream *s = d->stream;
    const struct holding *of = &d->owner->of[s - c->streams];
    const struct owner *o = d->owner;
    bool trusted = !c->read && !o->retired && !(c->retire && o == c->owner);
    struct commit_call words = {.stream = string_of(&s->name),
                                .state = string_of(&s->state),
                                .dead = string_of(&s->dead_letter),
                                .group = string_of(&c->group),
                                .consumer = {d->owner->name, d->owner->size},
                                .generation = {d->generation, strlen(d->generation)},
                                .sequence = d->sequence ? d->sequence : of->sequence + 1,
                                .held = trusted ? (int64_t)of->held : COMMIT_UNTRUSTED,
                                .all = c->o.all_or_none,
                                .remove = c->o.delete_acked,
                                .types = c->o.check_types,
                                .entries = d->asked,
                                .n = d->asked_count};
    vouch_status status = c->worded == d ? commit_words_renew(&c->words, &words, error)
                                         : commit_words_make(&c->words, &words, error);
    c->worded = status ? NULL : d;
    return status;
}

static void settle(vouch_delivery *d, size_t i, vouch_verdict verdict)
{
    struct vouch_consumer *c = d->consumer;
    size_t *held = &d->owner->of[d->stream - c->streams].held;
    d->entries[i].verdict = verdict;
    c->counts.done += verdict == VOUCH_VERDICT_DONE;
    c->counts.fenced += verdict == VOUCH_VERDICT_FENCED;
    c->counts.gone += verdict == VOUCH_VERDICT_GONE;
    c->counts.already += verdict == VOUCH_VERDICT_ALREADY;
    c->counts.reset += verdict == VOUCH_VERDICT_RESET;
    c->counts.dead += verdict == VOUCH_VERDICT_REJECTED || verdict == VOUCH_VERDICT_FAILED;
    c->working--;
    *held -= *held > 0;
}

static void reset(vouch_delivery *d)
{
    for (size_t k = 0; k < d->asked_count; k++)
        settle(d, d->asked_of[k], VOUCH_VERDICT_RESET);
}

vouch_status exact_submit(vouch_delivery *d, vouch_error *error)
{
    struct vouch_consumer *c = d->consumer;
    bool starved = d->starved;
    if (d->committing)
        return VOUCH_OK;
    d->starved = false;
    if (starved)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                         "out of memory for an entry's effects");
    vouch_status status = gather(d, error);
    if (status || !d->asked_count)
        return status;
    if (!d->generation[0] || strcmp(d->generation, d->stream->generation) != 0) {
        reset(d);
        return VOUCH_OK;
    }
    c->worded = NULL;
    status = make_words(c, d, error); /* now, when the caller can still put right what is wrong */
    if (status)
        return status;
    d->committing = true;
    d->submitted_at = c->now;
    d->next_commit = NULL;
    *c->commits_end = d;
    c->commits_end = &d->next_commit;
    return VOUCH_OK;
}

/* For who waits for it. */
static void tell(vouch_delivery *d, vouch_status status, const vouch_error *error)
{
    d->outcome = *error;
    d->outcome.status = status;
    d->told = true;
}

vouch_status exact_commit_start(struct vouch_consumer *c, vouch_error *error)
{
    vouch_delivery *d = c->commits;
    vouch_status status = make_words(c, d, error);
    if (!status && !d->sequence)
        d->sequence = ++d->owner->of[d->stream - c->streams].sequence;
    if (!status)
        status = consumer_call(c, SCRIPT_COMMIT, vouch_args_of(c->words.keys, c->words.key_count),
                               vouch_args_of(c->words.args, c->words.arg_count), true, error);
    error->retriable = 1; /* it stays in the queue */
    if (status)
        tell(d, status, error);
    return status;
}

static vouch_verdict verdict_of(char letter)
{
    switch ((enum commit_letter)letter) {
    case COMMIT_ENTRY_DONE:
        return VOUCH_VERDICT_DONE;
    case COMMIT_ENTRY_FENCED:
        return VOUCH_VERDICT_FENCED;
    case COMMIT_ENTRY_SETTLED:
        return VOUCH_VERDICT_ALREADY;
    case COMMIT_ENTRY_GONE:
        return VOUCH_VERDICT_GONE;
    case COMMIT_ENTRY_FAILED:
        return VOUCH_VERDICT_FAILED;
    case COMMIT_ENTRY_UNBURIED:
        return VOUCH_VERDICT_UNBURIED;
    case COMMIT_ENTRY_BURIED:
        return VOUCH_VERDICT_REJECTED;
    case COMMIT_ENTRY_UNTOUCHED:
        break;
    }
    return VOUCH_VERDICT_HELD;
}

/* Somebody took a consumer out of the group that still had entries: there may be more of these, with nobody. */
static void mend(struct stream *s)
{
    s->grouped = s->mended = false;
}

static void take_letters(vouch_delivery *d, vouch_string letters)
{
    for (size_t k = 0; k < d->asked_count; k++) {
        vouch_verdict v = verdict_of(letters.data[k]);
        if (v == VOUCH_VERDICT_HELD)
            d->entries[d->asked_of[k]].verdict = v;
        else
            settle(d, d->asked_of[k], v);
        if (v == VOUCH_VERDICT_GONE)
            mend(d->stream);
    }
}

static void count_latency(struct vouch_consumer *c, const vouch_delivery *d)
{
    int64_t us = c->now > d->submitted_at ? c->now - d->submitted_at : 0;
    c->counts.commits++;
    c->counts.commit_us += (uint64_t)us;
    if ((uint64_t)us > c->counts.commit_us_max)
        c->counts.commit_us_max = (uint64_t)us;
}

static void leave_queue(struct vouch_consumer *c)
{
    vouch_delivery *d = c->commits;
    count_latency(c, d);
    c->commits = d->next_commit;
    if (!c->commits)
        c->commits_end = &c->commits;
    d->committing = false;
    d->sequence = 0;
}

static vouch_status take(struct vouch_consumer *c, vouch_delivery *d, const struct commit_answer *a,
                         vouch_error *error)
{
    switch (a->verdict) {
    case COMMIT_DONE:
    case COMMIT_AGAIN:
        c->retire = c->retire || (a->doubted && d->owner == c->owner);
        take_letters(d, a->letters);
        return VOUCH_OK;
    case COMMIT_RESET:
        /* What else was delivered in that generation is with an owner that nobody hears of any
         * more. */
        reset(d);
        d->stream->grouped = false;
        c->retire = c->retire || d->owner == c->owner;
        return VOUCH_OK;
    case COMMIT_TYPE:
        d->owner->of[d->stream - c->streams].sequence--; /* it was not used */
        return error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_REFUSED,
                         a->entry < 0 ? "the dead letters %s: the key holds a %.*s"
                                      : "effects on %s: a key holds a %.*s",
                         a->entry < 0 ? d->stream->dead_letter.data : d->name, (int)a->type.size,
                         a->type.data);
    case COMMIT_STALE:
        break;
    }
    return error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_PROTOCOL,
                     "commit %lld of %s is stale: %lld was made by somebody of the same name",
                     (long long)d->sequence, d->owner->name, (long long)a->sequence);
}

/* Refused by the server: it was answered, and did nothing; or, if those were words of another's,
 * committing again under the next number finds it settled. */
vouch_status exact_commit_finish(struct vouch_consumer *c, vouch_error *error)
{
    vouch_call *call = NULL;
    struct commit_answer a;
    vouch_delivery *d = c->commits;
    vouch_status status = vouch_call_finish(c->side, &call, error);
    bool answered = status == VOUCH_OK || status == VOUCH_ESERVER;
    error->retriable = 1;
    if (status == VOUCH_OK && !commit_answer_read(vouch_call_reply(call), d->asked_count, &a))
        status = nonsense("stream/commit", error);
    if (status == VOUCH_OK)
        status = take(c, d, &a, error);
    vouch_call_free(call);
    tell(d, status, error);
    if (answered)
        leave_queue(c);
    if (answered && d->freed)
        delivery_destroy(d);
    return answered ? VOUCH_OK : status;
}
