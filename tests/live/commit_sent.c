/* Commits of the world: sent, sent again, and come too late; each answer is compared with what was so before. */
#include "commit_world_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the server says of a commit's entries just before it: who has them, and whether they were applied. */
struct truth {
    ts_reply *pending, *ledger;
};

static struct truth look(struct world *w)
{
    return (struct truth){world_try(w, "XPENDING", STREAM, GROUP, "-", "+", "10000", NULL),
                          world_try(w, "HGETALL", LEDGER, NULL)};
}

static const char *owner_of(const struct truth *t, const char *id)
{
    for (size_t i = 0; i < t->pending->count; i++)
        if (strcmp(t->pending->elements[i]->elements[0]->text, id) == 0)
            return t->pending->elements[i]->elements[1]->text;
    return NULL;
}

static bool applied(const struct truth *t, const char *mark)
{
    for (size_t i = 0; i + 1 < t->ledger->count; i += 2)
        if (strcmp(t->ledger->elements[i]->text, mark) == 0)
            return true;
    return false;
}

/* The letters that would be right for an entry. */
static const char *right_letters(const struct truth *t, const struct actor *a, const struct held *e)
{
    const char *owner = owner_of(t, e->id);
    if (owner && strcmp(owner, a->name) != 0)
        return "f";
    if (!owner)
        return "sg";
    return applied(t, e->mark) ? "s" : e->poison ? "x" : "d";
}

static void compare(struct world *w, const struct actor *a, const struct truth *t,
                    const size_t *chosen, const struct sent *s, bool all)
{
    bool others = false;
    for (size_t i = 0; i < s->n; i++)
        others = others || !strchr("dx", *right_letters(t, a, &a->held[chosen[i]]));
    for (size_t i = 0; i < s->n; i++) {
        const char *right = right_letters(t, a, &a->held[chosen[i]]);
        if (all && others && strchr("dx", *right))
            right = "n";
        if (!strchr(right, s->letters[i]))
            world_fault(w, "%s: entry %s became '%c', not '%s'", a->name, a->held[chosen[i]].id,
                        s->letters[i], right);
    }
}

/* ---- the call ------------------------------------------------------------------------------- */

static vouch_batch *effects_of(const struct held *e)
{
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "HINCRBY", LEDGER, e->mark, 1);
    if (e->poison)
        vouch_batch_add(b, "HINCRBY", LEDGER, e->mark, "none");
    else
        vouch_batch_add(b, "INCR", SUM);
    return b;
}

static size_t choose(struct world *w, const struct actor *a, bool everything,
                     size_t chosen[static HELD_MAX])
{
    size_t n = 0;
    int likely = everything || world_chance(w, 40) ? 100 : world_between(w, 20, 90);
    for (size_t i = 0; i < a->n; i++)
        if (world_chance(w, likely))
            chosen[n++] = i;
    return n;
}

static struct sent *remember(struct world *w, const struct actor *a, size_t n)
{
    struct sent *s = &w->sent[w->sent_count % SENT_MAX];
    w->sent_count++;
    free(s->bytes);
    memset(s, 0, sizeof *s);
    (void)snprintf(s->consumer, sizeof s->consumer, "%s", a->name);
    s->sequence = a->sequence;
    s->n = n;
    s->epoch = w->epoch;
    return s;
}

static char *encode(struct world *w, const struct actor *a, const size_t *chosen, size_t n,
                    bool all, size_t *size)
{
    struct commit_entry entries[HELD_MAX];
    vouch_batch *effects[HELD_MAX];
    for (size_t i = 0; i < n; i++) {
        const struct held *e = &a->held[chosen[i]];
        effects[i] = effects_of(e);
        entries[i] =
            (struct commit_entry){.id = stage_text(e->id),
                                  .follows = i && strcmp(e->before, a->held[chosen[i - 1]].id) == 0,
                                  .effects = effects[i]};
    }
    struct commit_call call = {.stream = stage_text(STREAM),
                               .state = stage_text(STATE),
                               .dead = stage_text(DEAD),
                               .group = stage_text(GROUP),
                               .consumer = stage_text(a->name),
                               .generation = stage_text(a->generation),
                               .sequence = a->sequence,
                               .held =
                                   a->trusted || w->rules.naive ? (int64_t)a->n : COMMIT_UNTRUSTED,
                               .all = all,
                               .remove = world_chance(w, 10),
                               .types = world_chance(w, 30),
                               .entries = entries,
                               .n = n};
    char *bytes = commit_bytes(w->stage, &call, size);
    for (size_t i = 0; i < n; i++)
        vouch_batch_free(effects[i]);
    return bytes;
}

/* ---- the answer ----------------------------------------------------------------------------- */

/* It lets go of all but what is still its own. */
static void let_go(struct actor *a, const size_t *chosen, const struct sent *s)
{
    bool gone[HELD_MAX] = {false};
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++)
        gone[chosen[i]] = s->letters[i] != 'n';
    for (size_t i = 0; i < a->n; i++)
        if (!gone[i])
            a->held[kept++] = a->held[i];
    a->n = kept;
}

void actor_commit(struct world *w, struct actor *a, bool everything)
{
    size_t chosen[HELD_MAX] = {0};
    struct commit_said said;
    size_t n = choose(w, a, everything, chosen);
    bool all = !everything && world_chance(w, 15);
    if (!n)
        return;
    a->sequence++;
    struct sent *s = remember(w, a, n);
    s->bytes = encode(w, a, chosen, n, all, &s->size);
    struct truth t = {NULL, NULL};
    if (!w->rules.ledger_only)
        t = look(w);
    commit_send(w->stage, s->bytes, s->size, n, &said);
    s->verdict = said.answer.verdict;
    (void)snprintf(s->letters, sizeof s->letters, "%.64s", said.letters);
    if (!said.ok || (s->verdict != COMMIT_DONE && s->verdict != COMMIT_RESET)) {
        world_fault(w, "%s: a commit was answered %d %s", a->name, (int)s->verdict, said.error);
    } else if (s->verdict == COMMIT_RESET) {
        actor_renew(w, a);
    } else {
        if (t.pending)
            compare(w, a, &t, chosen, s, all);
        let_go(a, chosen, s);
        if (world_chance(w, 15)) /* it did not hear it, and does nothing until it has */
            a->unanswered = (int)((w->sent_count - 1) % SENT_MAX) + 1;
    }
    ts_reply_free(t.pending);
    ts_reply_free(t.ledger);
}

/* ---- again ---------------------------------------------------------------------------------- */

static struct commit_said again(struct world *w, const struct sent *s)
{
    struct commit_said said;
    commit_send(w->stage, s->bytes, s->size, s->n, &said);
    if (!said.ok)
        world_fault(w, "a commit of %s, sent again: %s", s->consumer, said.error);
    else if (said.answer.verdict == COMMIT_DONE || said.answer.verdict == COMMIT_TYPE)
        world_fault(w, "a commit of %s was done when it came again: %s, first %s", s->consumer,
                    said.letters, s->letters);
    else if (said.answer.verdict == COMMIT_AGAIN && strcmp(said.letters, s->letters) != 0)
        world_fault(w, "a commit of %s that came again was told %s, first %s", s->consumer,
                    said.letters, s->letters);
    else if (said.answer.verdict == COMMIT_RESET && s->verdict == COMMIT_DONE &&
             s->epoch == w->epoch)
        world_fault(w, "what %s committed is forgotten", s->consumer);
    return said;
}

void actor_insist(struct world *w, struct actor *a)
{
    const struct sent *s = &w->sent[a->unanswered - 1];
    if (strcmp(s->consumer, a->name) == 0 && s->sequence == a->sequence) { /* not overwritten */
        struct commit_said said = again(w, s);
        if (said.ok && said.answer.verdict == COMMIT_STALE)
            world_fault(w, "the last commit of %s is called stale", a->name);
        if (said.ok && said.answer.verdict == COMMIT_RESET)
            actor_renew(w, a);
    }
    a->unanswered = 0;
}

void world_late(struct world *w, size_t i)
{
    if (w->sent[i].bytes)
        (void)again(w, &w->sent[i]);
}
